"""Where the command writes: results to stdout, everything else to stderr."""

from rich.console import Console


def to_people(text: str) -> None:
    """Write a line to stderr, as it is."""
    errors().print(text, markup=False, soft_wrap=True)


def result(text: str) -> None:
    """Write a line to stdout, as it is."""
    Console(highlight=False).print(text, markup=False, soft_wrap=True)


def errors() -> Console:
    """Return the console of stderr."""
    return Console(stderr=True, highlight=False)


def output() -> Console:
    """Return the console of stdout, as wide as its content where it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)

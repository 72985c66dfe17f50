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

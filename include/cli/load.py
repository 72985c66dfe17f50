"""`corvana load`: one load of a connection."""

import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from include import loading
from include.cli.bars import Bars
from include.cli.console import errors, result, to_people
from include.cli.interrupts import interruptible
from include.cli.meant import WrongConnection, meant
from include.connections.registry import open_registry
from include.days import WrongDays, days
from include.files import NotDeleted, remove
from include.progress import Lines, Progress, Requests
from include.settings import settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

DESCRIPTION = """
Loads what changed in a Sentry organization since the last load, and all history that waits, into
the warehouse of its connection. It may be interrupted at any time. The marts are built by the
connection's DAG.
"""

INTERRUPTED = "Nothing that was committed is lost: the next load goes on where this one stopped."


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to a parser of commands."""
    parser = commands.add_parser(
        "load",
        help="load a connection",
        description=DESCRIPTION,
        usage="corvana load [options] CONNECTION",
    )
    parser.set_defaults(
        run=run, usage_error=parser.error, interrupted=INTERRUPTED, failures=loading.FAILURES
    )
    # Not required as such: whoever leaves it out is told which ones there are.
    parser.add_argument(
        "connection",
        metavar="CONNECTION",
        nargs="?",
        help="its id, or how the id begins if no other does",
    )
    parser.add_argument("--from", dest="first", metavar="DAY", help="first day to load again")
    parser.add_argument(
        "--to", dest="last", metavar="DAY", help="last day to load again, e.g. 2026-10-07"
    )
    parser.add_argument(
        "--requests-per-second",
        metavar="N",
        type=_rate,
        default=SUPPRESS,
        help="ceiling for requests to Sentry, or none "
        "(default: CORVANA_SENTRY_MAX_REQUESTS_PER_SECOND)",
    )


def run(options: Namespace) -> None:
    """Load a connection, and write the summary."""
    current = settings()
    registry = open_registry(current)
    try:
        again = days(options.first, options.last)
        connection = meant(options.connection, registry.live(), current.data_dir)
    except (WrongDays, WrongConnection) as wrong:
        options.usage_error(str(wrong))
    with _display() as display, _emptied(current.work_dir(connection.id)) as begun:

        def watch(client: Requests) -> Progress:
            begun.set()
            return display.watch(client)

        summary = interruptible(
            lambda: loading.load(
                current,
                registry,
                connection,
                again=again,
                requests_per_second=vars(options).get(
                    "requests_per_second", current.sentry_max_requests_per_second
                ),
                until_done=True,
                watch=watch,
            )
        )
    for line in summary.lines():
        result(line)


@contextmanager
def _emptied(work_dir: Path) -> Iterator[Event]:
    """Empty the working folder after an interrupt, as the load itself does after all else.

    Yields an event to be set when the load has begun: only then the folder is our own.
    """
    begun = Event()
    try:
        yield begun
    except KeyboardInterrupt:
        if begun.is_set():
            # The load's thread may be writing there still. It ends with this process, in a moment,
            # and until then it does not find the folder any more.
            gone = work_dir.with_name(f"{work_dir.name}-interrupted")
            with suppress(OSError):
                work_dir.rename(gone)
            with suppress(NotDeleted):
                remove([gone, work_dir])
        raise


def _display() -> "Bars | nullcontext[Lines]":
    """Return what shows how far the load is: bars on a terminal, else a line now and then."""
    return Bars(errors()) if sys.stderr.isatty() else nullcontext(Lines(to_people))


def _rate(text: str) -> float | None:
    """Return requests per second, None for no ceiling."""
    if text == "none":
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not rate > 0:
        raise ArgumentTypeError(f"{text!r} is neither a number above 0 nor none")
    return rate

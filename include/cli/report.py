"""`corvana report`: the report of a connection as one file."""

import sys
import webbrowser
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from include.cli.console import result, to_people
from include.cli.meant import WrongConnection, meant
from include.connections.database import InvalidRegistryUrl
from include.connections.registry import Connection, open_registry
from include.published import Generation, current
from include.report.failures import MartsMissing, NothingToReport
from include.report.store import report
from include.settings import DataDirUnusable, InvalidSettings, Settings, settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

STDOUT = "-"


class NothingPublished(Exception):
    """There is nothing to report of yet."""


class NotWritten(Exception):
    """The file cannot be written."""


FAILURES = (
    DataDirUnusable,
    InvalidRegistryUrl,
    InvalidSettings,
    MartsMissing,
    NothingPublished,
    NothingToReport,
    NotWritten,
    WrongConnection,
)


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to a parser of commands."""
    parser = commands.add_parser(
        "report", help="write a connection's report as one HTML file, and open it"
    )
    parser.add_argument(
        "connection",
        nargs="?",
        help="id of a connection, or how it begins; may be left out if there is only one",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="where to write it; - for stdout (default: sentry-report-<organization>-<day>.html)",
    )
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.set_defaults(run=_run, interrupted="Nothing was written.", failures=FAILURES)


def _run(options: Namespace) -> None:
    current_settings = settings()
    connection = _connection(options.connection, current_settings)
    generation = _generation(connection, current_settings)
    page = report(generation, connection.name)
    if options.output == STDOUT:
        sys.stdout.write(page)
        return
    file = Path(options.output or _name(connection, generation))
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise NotWritten(
            f"{file} cannot be written ({error.strerror}). Name another file with --output."
        ) from None
    result(str(file))
    to_people("The file is yours: disconnecting deletes what is here, not your copies.")
    if options.open and not webbrowser.open(file.resolve().as_uri()):
        to_people("No browser could be opened; open the file yourself.")


def _connection(given: str | None, current_settings: Settings) -> Connection:
    live = open_registry(current_settings).live()
    if given is None and len(live) == 1:
        return live[0]
    return meant(given, live, current_settings.data_dir)


def _generation(connection: Connection, current_settings: Settings) -> Generation:
    found = current(current_settings.published_dir, connection.id)
    if found is None:
        raise NothingPublished(
            f"Nothing of {connection.name} is published yet. Let its DAG "
            f"sentry_load__{connection.id} run to its end, and try again."
        )
    return found


def _name(connection: Connection, generation: Generation) -> str:
    slug = "".join(one if one.isalnum() or one == "-" else "-" for one in connection.name)
    return f"sentry-report-{slug}-{generation.published_at:%Y-%m-%d}.html"

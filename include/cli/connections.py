"""`corvana connections`: which organizations are connected, for the terminal."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.table import Table

from include.cli.connecting import ACTOR, connect, reconnect
from include.cli.console import output, result, to_people
from include.cli.failures import FAILURES, Declined
from include.cli.meant import WrongConnection, meant
from include.connections.registry import Connection, Registry, open_registry
from include.connections.reports import LoadReport
from include.connections.schedule import SCHEDULES, next_load
from include.connections.states import SENTENCES, State
from include.purge.starting import start_purge
from include.settings import settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

INTERRUPTED = "Nothing was changed."

DISCONNECT = """
Ends a connection: its tokens are forgotten at once, and everything that was collected is deleted.
This cannot be undone. The authorization itself is removed in Sentry, under User settings,
Authorized Applications.
"""


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to a parser of commands."""
    parser = commands.add_parser("connections", help="connect organizations, list and end that")
    actions = parser.add_subparsers(title="commands", metavar="command", required=True)

    listing = _action(actions, "list", "list the connections", _list)
    listing.add_argument("--all", action="store_true", help="also those that were deleted")

    _named(_action(actions, "show", "show a connection", _show))

    connecting = _action(actions, "connect", "connect an organization", connect)
    reconnecting = _named(_action(actions, "reconnect", "give a connection new tokens", reconnect))
    for one in (connecting, reconnecting):
        one.add_argument(
            "--port",
            type=int,
            default=8765,
            help="where Sentry sends the browser on this machine (default: %(default)s): "
            "http://127.0.0.1:PORT/callback has to be a redirect URI of the OAuth application",
        )
    connecting.add_argument("--organization", metavar="SLUG", help="which one, if there are more")

    schedule = _named(
        _action(actions, "schedule", "set how often a connection is loaded", _schedule)
    )
    schedule.add_argument("schedule", choices=SCHEDULES, metavar="|".join(SCHEDULES))

    ending = _named(_action(actions, "disconnect", "delete a connection and its data", _disconnect))
    ending.description = DISCONNECT
    ending.add_argument("--yes", action="store_true", help="do not ask")


def _action(
    actions: "_SubParsersAction[ArgumentParser]", name: str, text: str, run: object
) -> ArgumentParser:
    parser = actions.add_parser(name, help=text)
    parser.set_defaults(
        run=run, usage_error=parser.error, interrupted=INTERRUPTED, failures=FAILURES
    )
    return parser


def _named(parser: ArgumentParser) -> ArgumentParser:
    """Let a command be about one connection."""
    parser.add_argument(
        "connection",
        metavar="CONNECTION",
        nargs="?",
        help="its id, or how the id begins if no other does",
    )
    return parser


def asked(options: Namespace, registry: Registry) -> Connection:
    """Return the connection that a command is about; end with how it is used if there is none."""
    there = [one for one in registry.all() if one.state is not State.PURGED]
    try:
        return meant(options.connection, there, settings().data_dir)
    except WrongConnection as wrong:
        options.usage_error(str(wrong))
        raise


def _list(options: Namespace) -> None:
    registry = open_registry(settings())
    table = Table(
        "connection", "organization", "state", "loaded", "published", "next load", box=None
    )
    now = datetime.now(UTC)
    for one in registry.all():
        if one.state is State.PURGED and not options.all:
            continue
        report = registry.reports.of(one.id)
        table.add_row(
            one.id,
            one.organization_slug or "",
            one.state,
            _time(report.loaded_at),
            _time(report.published_at),
            _time(next_load(one.id, one.schedule, now)) if one.is_loaded else "",
        )
    if table.row_count:
        output().print(table)
    else:
        to_people("There is no connection yet: `corvana connections connect` makes one.")


def _show(options: Namespace) -> None:
    registry = open_registry(settings())
    connection = asked(options, registry)
    for name, value in _facts(connection, registry.reports.of(connection.id)):
        result(f"{name:<15}{value}")
    if connection.reason:
        result(f"\n{SENTENCES[connection.reason]}")
    result("\nhistory")
    for one in registry.transitions(connection.id):
        why = f" ({one.reason})" if one.reason else ""
        result(f"  {_time(one.at)}  {one.to_state}{why}, by {one.actor}")


def _facts(connection: Connection, report: LoadReport) -> list[tuple[str, str]]:
    """Return what there is to say of a connection: names, and values for people."""
    facts = {
        "connection": connection.id,
        "organization": connection.organization_slug,
        "server": connection.base_url,
        "state": connection.state,
        "schedule": SCHEDULES[connection.schedule],
        "connected": f"{_time(connection.created_at)} by {connection.created_by}",
        "loaded": _time(report.loaded_at),
        "published": _time(report.published_at),
        "rows published": f"{sum(report.published.values()):,}" if report.published else "",
        "warnings": f"{sum(report.warnings.values()):,}" if report.warnings else "",
        "last failure": report.failed,
        "data deleted": _time(connection.purge_after),
    }
    if (coverage := report.coverage) is not None:
        facts["projects"] = f"{coverage.projects} read, {coverage.hidden} hidden"
        facts["history"] = (
            "all read"
            if coverage.is_complete
            else f"read back to {coverage.since or 'nowhere yet'}"
        )
    return [(name, value) for name, value in facts.items() if value]


def _schedule(options: Namespace) -> None:
    registry = open_registry(settings())
    connection = asked(options, registry)
    registry.set_schedule(connection.id, options.schedule)
    to_people(f"{connection.id} is loaded {SCHEDULES[options.schedule]} from now on.")


def _disconnect(options: Namespace) -> None:
    registry = open_registry(settings())
    connection = asked(options, registry)
    name = connection.organization_slug or connection.id
    if not options.yes:
        to_people(DISCONNECT.strip())
        try:
            given = input(f"Type {name} to go on: ")
        except EOFError:
            given = ""
        if given.strip() != name:
            raise Declined(INTERRUPTED)
    registry.disconnect(connection.id, ACTOR)
    soon = "now" if start_purge(settings(), connection.id) else "within ten minutes"
    to_people(
        f"{connection.id} is disconnected and its tokens are forgotten. The DAG sentry_purge "
        f"deletes its data {soon}, and writes a receipt (corvana receipts list). Remove the "
        "authorization in Sentry, too: User settings, Authorized Applications."
    )


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"

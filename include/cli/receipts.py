"""`corvana receipts`: what was deleted, and the proof."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from rich.table import Table

from include.cli.console import output, result, to_people
from include.connections.database import InvalidRegistryUrl
from include.connections.registry import open_registry
from include.purge.receipts import ChainBroken, Receipts, UnknownReceipt, open_receipts
from include.settings import DataDirUnusable, InvalidSettings, settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

FAILURES = (ChainBroken, DataDirUnusable, InvalidRegistryUrl, InvalidSettings, UnknownReceipt)


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to a parser of commands."""
    parser = commands.add_parser("receipts", help="show what was deleted, and check the receipts")
    actions = parser.add_subparsers(title="commands", metavar="command", required=True)
    showing = actions.add_parser("show", help="print a receipt, as JSON or as a page")
    showing.add_argument("number", type=int)
    showing.add_argument("--html", action="store_true", help="as a page, complete in itself")
    for action, run in (
        (actions.add_parser("list", help="list the receipts"), _list),
        (showing, _show),
        (
            actions.add_parser("verify", help="check that no receipt was changed or removed"),
            _verify,
        ),
    ):
        action.set_defaults(run=run, interrupted="", failures=FAILURES)


def _list(_options: Namespace) -> None:
    table = Table("receipt", "about", "connection", "completed", box=None)
    for one in _receipts().all():
        completed = f"{one.completed_at:%Y-%m-%d %H:%M:%S} UTC"
        table.add_row(str(one.number), one.kind, one.connection, completed)
    if table.row_count:
        output().print(table)
    else:
        to_people("Nothing has been deleted yet.")


def _show(options: Namespace) -> None:
    receipt = _receipts().get(options.number)
    result(receipt.to_html() if options.html else receipt.to_json())


def _verify(_options: Namespace) -> None:
    to_people(f"{_receipts().verify_chain():,} receipts, each as it was written.")


def _receipts() -> Receipts:
    return open_receipts(open_registry(settings()))

"""`corvana health`: what `/corvana/health` answers, for the terminal and for scripts."""

import json
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from rich.table import Table

from include.cli.console import output, result

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from include.health.model import Health

DESCRIPTION = """
Checks the registry, the warehouses' place, whether Sentry can be reached, and whether any load or
purge is late, as this machine sees it. Ends with 0 if all is healthy, 1 if something is degraded,
and 2 if something is unhealthy.
"""


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to a parser of commands."""
    parser = commands.add_parser("health", help="check whether all works", description=DESCRIPTION)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_check, interrupted="", failures=())


def _check(options: Namespace) -> int:
    from include.health.examining import examination  # noqa: PLC0415 - other commands need none
    from include.health.model import Status  # noqa: PLC0415

    health = examination().health()
    if options.json:
        result(json.dumps(health.in_full(), indent=2))
    else:
        _show(health)
    return tuple(Status).index(health.status)


def _show(health: "Health") -> None:
    table = Table("check", "status", "what is seen", box=None)
    for name, finding in health.findings.items():
        figures = ", ".join(f"{what} {number:,}" for what, number in finding.figures.items())
        table.add_row(name, finding.status, f"{finding.sentence} ({figures})".removesuffix(" ()"))
    output().print(table)

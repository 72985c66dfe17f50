"""`corvana settings`: what is set, as this process sees it."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from rich.table import Table

from include.cli.console import output
from include.settings import InvalidSettings, Settings, settings
from include.variables.words import is_secret, variable

if TYPE_CHECKING:
    from argparse import _SubParsersAction

DESCRIPTION = """
Shows all settings as this process sees them: another process may have other variables. Of a secret
it shows only whether it is set. docs/settings.md says what each may be.
"""


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to a parser of commands."""
    parser = commands.add_parser("settings", help="show what is set", description=DESCRIPTION)
    parser.set_defaults(run=_show, interrupted="", failures=(InvalidSettings,))


def _show(_options: Namespace) -> None:
    current = settings()
    table = Table("variable", "value", "", box=None)
    for name in Settings.model_fields:
        is_set = name in current.model_fields_set
        table.add_row(variable(name), _value(current, name), "" if is_set else "default")
    output().print(table)


def _value(current: Settings, name: str) -> str:
    value = getattr(current, name)
    if is_secret(Settings.model_fields[name]):
        return "not set" if value is None else "set"
    if value is None or value == ():
        return "none"
    return ",".join(value) if isinstance(value, tuple) else str(value)

"""`corvana keys`: the keys that tokens and salts are encrypted with."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from include.cli.console import result, to_people
from include.connections.database import InvalidRegistryUrl
from include.connections.registry import open_registry
from include.connections.vault import (
    InvalidKey,
    VaultLocked,
    is_key_file_used,
    make_key_file,
    new_key,
)
from include.settings import DataDirUnusable, InvalidSettings, settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

NEW = "Prints a new key, for CORVANA_ENCRYPTION_KEYS."

ROTATE = """
Encrypts all tokens and salts with the newest key. With CORVANA_ENCRYPTION_KEYS (or an Airflow
Variable), put a key of `corvana keys new` in front of the others first, and restart Airflow; when
this command is done, the others may go. With a key file, this command makes the new key by itself
and keeps the one before it, for processes that still use it, until the next rotation.
"""

FAILURES = (DataDirUnusable, InvalidKey, InvalidRegistryUrl, InvalidSettings, VaultLocked)


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Add the command to a parser of commands."""
    parser = commands.add_parser("keys", help="make and change encryption keys")
    actions = parser.add_subparsers(title="commands", metavar="command", required=True)
    for name, run, text in (("new", _new, NEW), ("rotate", _rotate, ROTATE)):
        action = actions.add_parser(name, help=text.strip().split(".")[0].lower(), description=text)
        action.set_defaults(
            run=run, interrupted="Nothing is lost: run it again.", failures=FAILURES
        )


def _new(_options: Namespace) -> None:
    result(new_key().decode())


def _rotate(_options: Namespace) -> None:
    current = settings()
    open_registry(current).tokens.encrypt_anew()  # fails before anything changes, if it has to
    if is_key_file_used(current):
        newest_before = current.key_path.read_text().split(",")[0]
        make_key_file(current.key_path, f"{new_key().decode()},{newest_before}", replace=True)
    count = open_registry(current).tokens.encrypt_anew()
    to_people(f"The secrets of {count:,} connections are encrypted with the newest key.")

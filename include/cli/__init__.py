"""The command `corvana`: what people do with connections, without Airflow."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from sqlalchemy.exc import OperationalError

from include.cli import connections, health, keys, load, receipts, report, settings
from include.cli.console import to_people
from include.cli.interrupts import interrupt_on_termination

UNREACHABLE = (
    "The registry's database cannot be used now: it does not answer, or something else writes to "
    "it for long. Check CORVANA_REGISTRY_URL (without it: CORVANA_DATA_DIR), and try again."
)

DONE, FAILED, INTERRUPTED = 0, 1, 130
"""Exit codes; argparse's own for a wrong command line is 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; end the process if it is interrupted."""
    options = _parser().parse_args(arguments)
    interrupt_on_termination()
    try:
        code = options.run(options)
    except KeyboardInterrupt:
        to_people(f"\nInterrupted. {options.interrupted}")
        sys.stdout.flush()
        # Not by an exception: Python would wait for threads that wait for an answer of Sentry.
        os._exit(INTERRUPTED)
    except options.failures as failure:
        to_people(str(failure))
        return FAILED
    except OperationalError:
        to_people(UNREACHABLE)
        return FAILED
    return code or DONE


def _parser() -> ArgumentParser:
    """Return the parser; each command adds its own, what runs it and what may go wrong."""
    parser = ArgumentParser(prog="corvana", description=__doc__)
    commands = parser.add_subparsers(title="commands", metavar="command", required=True)
    load.add_to(commands)
    connections.add_to(commands)
    report.add_to(commands)
    receipts.add_to(commands)
    keys.add_to(commands)
    settings.add_to(commands)
    health.add_to(commands)
    return parser

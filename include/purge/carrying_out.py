"""Carries out steps, and keeps how far they are."""

import logging
from collections.abc import Callable, Iterable
from typing import ParamSpec

from sqlalchemy.exc import SQLAlchemyError

from include.connections.vault import InvalidKey, VaultLocked
from include.files import NotDeleted
from include.purge.airflow_api import AirflowApiFailed, AirflowApiMissing
from include.purge.amounts import at_least
from include.purge.step import Purging, Step
from include.purge.steps.data import WarehouseElsewhere
from include.warehouse.errors import ExtensionMissing, LakeUnreachable

log = logging.getLogger(__name__)

P = ParamSpec("P")

IN_SENTENCES = (
    AirflowApiFailed,
    AirflowApiMissing,
    ExtensionMissing,
    InvalidKey,
    LakeUnreachable,
    NotDeleted,
    VaultLocked,
    WarehouseElsewhere,
)
"""Failures that say what to do; of others only the kind is told, as they may hold anything."""


def carry_out(at: Purging, steps: Iterable[Step]) -> dict[str, str]:
    """Carry out steps; return what is wrong, in a sentence, with those that did not succeed."""
    problems = {}
    for step in steps:
        if (problem := _one(at, step)) is not None:
            problems[step.name] = problem
    return problems


def _one(at: Purging, step: Step) -> str | None:
    note = problem = None
    is_recorded = False
    try:
        at.seen[step.name] = at_least(at.seen.get(step.name, {}), step.measure(at))
        is_recorded = _recorded(at.progress.found, at.connection_id, step.name, at.seen[step.name])
        note = step.carry_out(at)
    except Exception as failure:  # noqa: BLE001 - one step must not keep the others from running
        problem = sentence(failure)
        how_bad = logging.ERROR if step.is_needed else logging.WARNING
        log.log(how_bad, "%s: %s", step.title, problem)
    _recorded(at.progress.ended, at.connection_id, step.name, problem, note)
    if is_recorded:
        at.seen.pop(step.name)
    return problem


def sentence(failure: Exception) -> str:
    """Return what went wrong, without anything collected."""
    if isinstance(failure, IN_SENTENCES):
        return str(failure)
    if isinstance(failure, OSError) and failure.strerror:
        return f"It failed ({failure.strerror}), and is tried again."
    return f"It failed ({type(failure).__name__}), and is tried again."


def _recorded(record: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> bool:
    """Record progress, or go on where that cannot be: deleting comes first, and makes room."""
    try:
        record(*args, **kwargs)
    except SQLAlchemyError as failure:
        log.warning("the progress of the purge was not recorded (%s)", type(failure).__name__)
        return False
    return True

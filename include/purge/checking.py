"""Looking again: an hour and a day after a purge, and whenever something reappears.

A process that was held up for long, a file from a backup, a folder that some tool made anew: what
is found then is deleted, and noted in another receipt.
"""

import logging
from datetime import UTC, datetime

from include.connections.leases import Busy, Kind
from include.connections.registry import Registry
from include.connections.states import State
from include.connections.vault import InvalidKey, VaultLocked
from include.purge.carrying_out import carry_out, sentence
from include.purge.places import places_of
from include.purge.progress import Due, Needles, PurgeProgress, Why
from include.purge.purging import PurgeUnfinished
from include.purge.receipts import Draft, Receipt, StepDone, Verified, open_receipts
from include.purge.receipts import Kind as ReceiptKind
from include.purge.remains import search_and_delete
from include.purge.step import Purging
from include.purge.steps import RECORDS
from include.settings import Settings

log = logging.getLogger(__name__)


def check_due(settings: Settings, registry: Registry, now: datetime | None = None) -> list[Receipt]:
    """Look again at all purges for which it is time, and at what has reappeared.

    Returns:
        The receipts that were written.

    Raises:
        PurgeUnfinished: Something is left that cannot be deleted from here, or a connection could
            not be looked at; all others were.
    """
    now = now or datetime.now(UTC)
    progress = PurgeProgress(registry.database, registry.vault)
    progress.forget_words(now)
    due = progress.due(now)
    due += _reappeared(settings, registry, {one.connection_id for one in due})
    receipts: list[Receipt] = []
    left = failed = 0
    for one in due:
        try:
            receipt, is_clean = _look(settings, registry, one, now)
        except Busy:
            continue
        except Exception as failure:  # noqa: BLE001 - one must not keep the others from being looked at
            log.error("%s: %s", one.connection_id, sentence(failure))  # noqa: TRY400 - may hold anything
            failed += 1
            continue
        if receipt is not None:
            receipts.append(receipt)
        left += 0 if is_clean else 1
    if left or failed:
        raise PurgeUnfinished(_in_the_way(left, failed))
    return receipts


def _in_the_way(left: int, failed: int) -> str:
    sentences = []
    if left:
        sentences.append(
            f"Something of {left} connections was found that cannot be deleted from here; the "
            "lines above say where. It has to be removed by whoever put it there."
        )
    if failed:
        sentences.append(
            f"{failed} connections could not be looked at again; the lines above say why. It is "
            "tried again."
        )
    return " ".join(sentences)


def _reappeared(settings: Settings, registry: Registry, without: set[str]) -> list[Due]:
    """Return the purged connections that a file or folder is named after (again)."""
    named = places_of(settings).connections() - without
    if not named:
        return []
    receipts = open_receipts(registry)
    found = []
    for connection in registry.in_state(State.PURGED):
        if connection.id in named:
            purges = [one for one in receipts.of(connection.id) if one.kind is ReceiptKind.PURGE]
            receipt = purges[0].hash if purges else ""
            found.append(Due(connection.id, receipt, Why.REAPPEARED))
    return found


def _look(
    settings: Settings, registry: Registry, due: Due, now: datetime
) -> tuple[Receipt | None, bool]:
    """Look at one purge.

    Returns:
        The receipt of that, unless there is nothing new to say, and whether nothing is left.
    """
    with registry.leases.held(due.connection_id, Kind.CHECK):
        at = Purging.of(settings, registry, registry.get(due.connection_id))
        steps: list[StepDone] = []
        verified = None
        if due.why in {Why.OPEN, Why.TIME}:
            steps = _records(at)
        if due.why in {Why.TIME, Why.REAPPEARED}:
            verified = search_and_delete(at, _needles(at), with_registry=True).verified()
        receipt = None
        is_news = verified is not None and (
            due.why is Why.TIME or bool(verified.found) or _is_left_anew(registry, due, verified)
        )
        if is_news or any(step.is_done for step in steps):
            draft = Draft(
                kind=ReceiptKind.CHECK,
                connection=due.connection_id,
                purge=due.receipt or None,
                steps=steps,
                verification=verified,
            )
            receipt = open_receipts(registry).append(draft)
        if due.why is Why.TIME:
            at.progress.is_checked(due.connection_id, now)
        at.progress.forget_if_over(due.connection_id)
    return receipt, verified is None or verified.is_clean


def _is_left_anew(registry: Registry, due: Due, verified: Verified) -> bool:
    """Tell whether other things are left than the last receipt says: it is looked all day."""
    said = [one.verification for one in open_receipts(registry).of(due.connection_id)]
    last = next((one for one in said if one is not None), None)
    return verified.left != (last.left if last else {})


def _records(at: Purging) -> list[StepDone]:
    """Delete what Airflow has of the connection's DAG by now; return what that was."""
    try:
        found = RECORDS.measure(at)
    except Exception:  # noqa: BLE001 - carrying it out fails, too, and says why
        found = {}
    problem = carry_out(at, [RECORDS]).get(RECORDS.name)
    return [
        StepDone(
            step=RECORDS.name,
            title=RECORDS.title,
            is_done=problem is None,
            deleted=found if problem is None else {},
            note=problem,
        )
    ]


def _needles(at: Purging) -> Needles:
    """Return what to search for, as far as it is still known."""
    try:
        return at.progress.needles(at.connection_id)
    except (InvalidKey, VaultLocked):
        return Needles()

"""The purge of one connection: from `disconnecting` to a receipt.

It may be killed at any time, run twice at once, and fail in any step: the next one goes on. What
was collected is deleted and searched for before there is a receipt; Airflow's records, which hold
ids and times only, may follow later.
"""

import logging

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from include.connections.leases import Fenced, Kind
from include.connections.registry import Registry
from include.connections.states import IllegalTransition, State
from include.purge.carrying_out import carry_out
from include.purge.progress import Needles, StepState
from include.purge.receipts import Draft, Receipt, StepDone, append, open_receipts, organization
from include.purge.receipts import Kind as ReceiptKind
from include.purge.remains import Remains, search_and_delete
from include.purge.step import Purging, Step
from include.purge.steps import FENCE, STEPS
from include.settings import Settings

log = logging.getLogger(__name__)

ACTOR = "purge"
"""What a purge is called in the changes of a connection's state."""


class PurgeUnfinished(Exception):
    """Something is still there; says what is in the way. The purge is tried again."""


def purge(settings: Settings, registry: Registry, connection_id: str) -> Receipt:
    """Delete everything collected of a connection that was disconnected, and return the receipt.

    Raises:
        Busy: Another purge of it is under way.
        Fenced: It is in use: nobody disconnected it.
        PurgeUnfinished: Something is left; the next purge goes on.
        UnknownConnection: There is no such connection.
    """
    connection = registry.get(connection_id)
    if connection.state is State.PURGED:
        return _receipt_of(registry, connection_id)
    if connection.state is not State.DISCONNECTING:
        raise Fenced(
            f"The connection {connection_id} is {connection.state}: its data is in use, and is "
            "deleted only after somebody disconnects it."
        )
    at = Purging.of(settings, registry, connection)
    try:
        return _fenced(at)
    except IllegalTransition:
        # Another purge was quicker: this one had shown no sign of life for too long.
        return _receipt_of(registry, connection_id)
    except SQLAlchemyError as failure:
        raise PurgeUnfinished(
            f"The registry cannot be read or written ({type(failure).__name__}): check that its "
            "database can be reached, and that there is room on its disk."
        ) from None


def _fenced(at: Purging) -> Receipt:
    note = FENCE.carry_out(at)
    try:
        return _leased(at, note)
    except OperationalError as failure:
        # The disk may be full. Deleting needs no room, and makes some; nobody works on the
        # connection, and what two purges delete at once is deleted.
        log.warning("deleting without the registry (%s)", type(failure).__name__)
        carry_out(at, STEPS)
        return _leased(at, note)


def _leased(at: Purging, note: str | None) -> Receipt:
    with at.registry.leases.held(at.connection_id, Kind.PURGE):
        if at.registry.get(at.connection_id).state is State.PURGED:
            return _receipt_of(at.registry, at.connection_id)
        at.progress.begin(at.connection_id)
        at.progress.ended(at.connection_id, FENCE.name, None, note)
        problems = carry_out(at, STEPS)
        remains = search_and_delete(at, at.needles or Needles(), with_registry=False)
        needed = {step.name for step in STEPS if step.is_needed}
        if problems.keys() & needed or not remains.is_clean:
            raise PurgeUnfinished(_in_the_way(problems, needed, remains))
        receipt = _finish(at, remains)
    log.info("the connection %s is purged: receipt %d", at.connection_id, receipt.number)
    return receipt


def _finish(at: Purging, remains: Remains) -> Receipt:
    """Write the receipt and forget the connection, both or neither."""
    connection = at.registry.get(at.connection_id)
    steps = at.progress.steps(at.connection_id)
    draft = Draft(
        kind=ReceiptKind.PURGE,
        connection=connection.id,
        organization=organization(connection.organization_id)
        if connection.organization_id
        else None,
        requested_at=connection.changed_at,
        steps=[done(step, steps.get(step.name)) for step in (FENCE, *STEPS)],
        verification=remains.verified(),
    )
    written: list[Receipt] = []

    def write(session: Session) -> None:
        written.append(append(session, draft))
        at.progress.is_receipted(session, written[-1].hash, connection.id)

    at.registry.purged(connection.id, ACTOR, write)
    return written[-1]


def done(step: Step, state: StepState | None) -> StepDone:
    """Return a step as a receipt says it."""
    state = state or StepState(is_done=False, amounts={}, problem="It was not begun.")
    return StepDone(
        step=step.name,
        title=step.title,
        is_done=state.is_done,
        deleted=state.amounts if state.is_done else {},
        note=state.problem or state.note,
    )


def _in_the_way(problems: dict[str, str], needed: set[str], remains: Remains) -> str:
    """Say why there is no receipt yet."""
    sentences = sorted({problem for name, problem in problems.items() if name in needed})
    if not remains.is_clean:
        where = ", ".join(sorted(remains.in_the_way))
        sentences.append(
            f"Something is left in {where}; the lines above say where. "
            "What is not in the data folder has to be removed by whoever put it there."
        )
    return " ".join(sentences)


def _receipt_of(registry: Registry, connection_id: str) -> Receipt:
    found = [
        receipt
        for receipt in open_receipts(registry).of(connection_id)
        if receipt.kind is ReceiptKind.PURGE
    ]
    if not found:
        raise Fenced(
            f"The connection {connection_id} never was more than asked for: nothing was collected, "
            "so there is no receipt."
        )
    return found[0]

"""Leases and receipts under contention, in SQLite and in Postgres."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from include.connections.leases import Busy, Fenced, Kind
from include.purge.progress import Needles, PurgeProgress, Why
from include.purge.receipts import Draft, open_receipts
from include.purge.receipts import Kind as ReceiptKind
from tests.unit.connections.conftest import GRANT, SENTRY

MANY = 6


@pytest.fixture
def connection(registry):
    begun = registry.begin(SENTRY, GRANT, "admin")
    return registry.connect(begun.id, "4507", "acme", "admin")


def test_of_many_at_once_one_gets_the_lease(registry, connection):
    def take(_number):
        try:
            with registry.leases.held(connection.id, Kind.LOAD) as lease:
                lease.check()
                registry.leases.wait(connection.id, 1)
        except Busy:
            return 0
        return 1

    with ThreadPoolExecutor(MANY) as pool:
        assert sum(pool.map(take, range(MANY))) == 1
    assert registry.leases.of(connection.id) is None


def test_a_lease_is_taken_before_the_disconnect_or_not_at_all(registry, connection):
    def take():
        try:
            with registry.leases.held(connection.id, Kind.LOAD) as lease:
                registry.leases.wait(connection.id, 0.5)
                return lease.failure()
        except (Busy, Fenced) as refused:
            return refused

    with ThreadPoolExecutor(MANY) as pool:
        taken = [pool.submit(take) for _ in range(MANY // 2)]
        registry.disconnect(connection.id, "admin")
        taken += [pool.submit(take) for _ in range(MANY // 2)]
    assert all(isinstance(one.result(), Busy | Fenced) for one in taken)


def test_receipts_written_at_once_form_one_chain(registry):
    receipts = open_receipts(registry)
    draft = Draft(kind=ReceiptKind.CHECK, connection="c0123456789abcdef")
    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(lambda _: receipts.append(draft), range(MANY * 3)))
    assert receipts.verify_chain() == MANY * 3
    newest_first = receipts.all()
    assert all(later.previous == one.hash for later, one in pairwise(newest_first))


def test_progress_of_a_purge_is_kept(registry, connection):
    progress = PurgeProgress(registry.database, registry.vault)
    registry.disconnect(connection.id, "admin")
    requested_at = progress.begin(connection.id)
    assert progress.begin(connection.id) == requested_at
    progress.found(connection.id, "warehouse", {"files": 2, "bytes": 10})
    progress.found(connection.id, "warehouse", {"files": 1, "bytes": 4})
    assert progress.steps(connection.id)["warehouse"].amounts == {"files": 2, "bytes": 10}
    progress.ended(connection.id, "warehouse", None, "a note")
    progress.found(connection.id, "warehouse", {"files": 1, "bytes": 4})
    state = progress.steps(connection.id)["warehouse"]
    assert (state.is_done, state.amounts) == (False, {"files": 3, "bytes": 14})
    progress.ended(connection.id, "warehouse", "in the way", None)
    assert progress.steps(connection.id)["warehouse"].problem == "in the way"
    needles = Needles(words=("a-word",), marks=("a-mark",))
    progress.keep_needles(connection.id, needles)
    assert progress.needles(connection.id) == needles
    registry.purged(
        connection.id, "purge", lambda session: progress.is_receipted(session, "h", connection.id)
    )
    (due,) = progress.due(requested_at)
    assert (due.receipt, due.why) == ("h", Why.OPEN)


def test_the_same_organization_may_be_connected_while_it_is_deleted(registry, connection):
    registry.disconnect(connection.id, "admin")
    again = registry.connect(registry.begin(SENTRY, GRANT, "admin").id, "4507", "acme", "admin")
    assert again.id != connection.id
    assert registry.get(connection.id).organization_id == "4507"
    assert registry.purged(connection.id, "purge").organization_id is None

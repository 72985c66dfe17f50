"""A purge that is killed, at any step, is gone on with by the next one."""

import os
import signal

import pytest

from include import files
from include.connections.registry import open_registry
from include.connections.states import State
from include.purge import purging
from include.purge.receipts import open_receipts
from include.purge.steps import FENCE, STEPS
from tests.backends import DATA

pytestmark = pytest.mark.purge

ALL = (FENCE, *STEPS)
EXPECTED = {"published": 3, "work": 1, "task_logs": 1}


def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)


def before(step):
    step.carry_out = die


def after(step):
    carry_out = step.carry_out
    step.carry_out = lambda at: (carry_out(at), die())


def in_the_midst_of_deleting(_step):
    unlink = files._attempt
    files._attempt = lambda path, is_folder: (unlink(path, is_folder=is_folder), die())


def before_the_search(_step):
    purging.search_and_delete = die


def before_the_receipt(_step):
    purging._finish = die


def before_the_commit(_step):
    append = purging.append
    purging.append = lambda session, draft: (append(session, draft), die())


CASES = [
    *(
        pytest.param(how, step, id=f"{how.__name__} {step.name}")
        for step in ALL
        for how in (before, after)
    ),
    *(
        pytest.param(how, None, id=how.__name__)
        for how in (
            in_the_midst_of_deleting,
            before_the_search,
            before_the_receipt,
            before_the_commit,
        )
    ),
]


@pytest.mark.parametrize(("how", "step"), CASES)
def test_a_killed_purge_is_gone_on_with(installation, api, connect, how, step):
    one, other = connect("acme-c4n4ry"), connect("umbrella-c4n4ry")
    installation.load(one, "acme")
    installation.load(other, "umbrella")
    untouched = installation.everything(other)
    data = installation.settings.data_dir / DATA
    expected = EXPECTED | {
        "warehouse": sum(path.is_relative_to(data) for path in installation.everything(one))
    }
    assert expected["warehouse"] >= 2
    installation.registry.disconnect(one.id, "admin")

    child = os.fork()
    if child == 0:  # it never returns from here
        try:
            how(step)
            purging.purge(installation.settings, open_registry(installation.settings), one.id)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert installation.registry.get(one.id).state is State.DISCONNECTING

    receipt = purging.purge(installation.settings, installation.registry, one.id)
    assert installation.everything(one) == {}
    assert installation.holding("acme-c4n4ry") == []
    assert installation.everything(other) == untouched
    assert installation.registry.get(one.id).state is State.PURGED
    assert receipt.verification.is_clean
    assert receipt.verification.words > 50
    deleted = {step.step: step.deleted.get("files") for step in receipt.steps}
    assert {name: deleted[name] for name in expected} == expected
    assert open_receipts(installation.registry).verify_chain() == 1

"""A task of a connection's DAG in a process of its own, which stops at a point and waits.

`python -m tests.purge.worker TASK POINT CONNECTION` writes `here` when it is there, goes on when it
is sent a line, and writes in the end how the task ended.
"""

import sys

import dlt.load.load

from include import tasks
from include.transform import build
from include.warehouse import publishing


def tell(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def wait_here():
    tell("here")
    sys.stdin.readline()


def once(before):
    """Return a function that waits the first time it is called, and then does what it did."""
    waited = []

    def wrapped(*args, **kwargs):
        if not waited:
            waited.append(True)
            wait_here()
        return before(*args, **kwargs)

    return wrapped


def at_extract():
    tasks.log.info = once(tasks.log.info)  # the first line of progress
    tasks.Lines.__init__.__defaults__ = (0.0,)


def at_load():
    dlt.load.load.Load.complete_package = once(dlt.load.load.Load.complete_package)


def at_dbt():
    lines = build._lines

    def announced(process, check):
        for number, line in enumerate(lines(process, check)):
            if number == 12:
                tell("here")
            yield line

    build._lines = announced


def at_publish():
    publishing.put = once(publishing.put)  # makes it current, which the check did not stop


POINTS = {"extract": at_extract, "load": at_load, "dbt": at_dbt, "publish": at_publish}

if __name__ == "__main__":
    task, point, connection_id = sys.argv[1:]
    if point in POINTS:
        POINTS[point]()
    try:
        getattr(tasks, task)(connection_id)
    except Exception as failure:  # noqa: BLE001 - told to the test
        tell(f"{type(failure).__name__}: {failure}")
    else:
        tell("done")

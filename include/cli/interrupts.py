"""Work that Ctrl-C ends at once."""

import signal
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


def interrupt_on_termination() -> None:
    """Let SIGTERM and SIGHUP do what Ctrl-C does."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)


def interruptible(work: Callable[[], T]) -> T:
    """Return what work in a thread of its own returns, or raise what it raises.

    An interrupt reaches the main thread, which only waits here. In the midst of a load it would be
    held back or wrapped by dlt, or vanish in a destructor. The thread is left as it is: whoever
    catches the interrupt has to end the process.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as failure:  # noqa: BLE001 - raised where the result is awaited
            done.set_exception(failure)

    Thread(target=run, daemon=True).start()
    return done.result()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

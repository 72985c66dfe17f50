"""Requests under way at once, and their answers in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


class Workers:
    """The threads of a load; each keeps its connection to Sentry.

    Args:
        concurrency: How many there are.
    """

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="sentry")

    def close(self) -> None:
        """Drop what has not begun, and wait for the rest."""
        self._pool.shutdown(cancel_futures=True)

    def in_order(self, read: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
        """Yield `read(item)` for every item, in order, as many under way as there are threads.

        Items are taken only as fast as answers are, so that what waits in memory is bounded, which
        `Executor.map` does not do. Must not be called from within `read`.

        Raises:
            Exception: What `read` raised for the earliest item; what is under way ends unseen.
        """
        under_way: deque[Future[B]] = deque()
        try:
            for item in items:
                under_way.append(self._pool.submit(read, item))
                if len(under_way) > self._concurrency:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            wait([future for future in under_way if not future.cancel()])


def chunks(items: "list[A]", size: int) -> Iterator[list[A]]:
    """Yield a list in pieces of so many items, the last one shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

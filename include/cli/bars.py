"""How far a load is, on a terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Rows
from rich.text import Text

from include.progress import Progress, Requests, amount

REQUESTS = "requests to Sentry"
"""The first row: what each of the others needs."""


class Bars:
    """Shows a row for each kind of thing that is read, below one for the requests.

    Args:
        console: A terminal.
    """

    def __init__(self, console: Console) -> None:
        self._amounts = _Amount()
        self._rows = Rows(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            self._amounts,
            TimeElapsedColumn(),
            console=console,
        )
        self._row_of: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._rows.start()
        self._rows.add_task(REQUESTS, total=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._rows.stop()

    def watch(self, client: Requests) -> Progress:
        """Return what a load is to tell how far it is."""
        self._amounts.client = client
        return self._tell

    def _tell(self, what: str, done: int, total: int | None) -> None:
        if what not in self._row_of:
            self._row_of[what] = self._rows.add_task(what, total=total)
        self._rows.update(self._row_of[what], completed=done, total=total)


class _Amount(ProgressColumn):
    """How much is done; of requests as many as there are by now, as long as nothing else moves."""

    client: Requests | None = None

    def render(self, task: Task) -> Text:
        """Return the text for a row."""
        if task.description == REQUESTS:
            return Text(f"{self.client.requests if self.client else 0:,}")
        total = None if task.total is None else int(task.total)
        return Text(amount(int(task.completed), total))

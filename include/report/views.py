"""What a reader can choose: a project or all of them, and how far back to look."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from include.report.marts import Marts

SELECTABLE = 40
"""Projects that can be looked at alone: those with most issues. All count in `ALL`."""

ALL = -1
"""Stands for all projects where the number of a project is expected."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project that can be looked at alone.

    Attributes:
        number: Its place among them, from 0.
        id: Sentry's id.
        name: Its short name, or its id where Sentry never listed it.
    """

    number: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Period:
    """How far back to look.

    Attributes:
        key: Names it in addresses and data.
        label: What a person reads.
        days: Whole days before the day of the load; None for all there is.
    """

    key: str
    label: str
    days: int | None

    def window(self, as_of: datetime) -> "Window":
        """Return the period that ends with a moment, which belongs to it."""
        until = as_of + timedelta(microseconds=1)
        if self.days is None:
            return Window(None, until)
        midnight = datetime.combine(as_of.date(), time())
        return Window(midnight - timedelta(days=self.days), until)

    def before(self, as_of: datetime) -> "Window | None":
        """Return the period of the same length before it; None where there is none."""
        since = self.window(as_of).since
        if self.days is None or since is None:
            return None
        return Window(since - timedelta(days=self.days), since)


@dataclass(frozen=True, slots=True)
class Window:
    """From a moment on (None: from the beginning), to another, exclusive; UTC without a zone."""

    since: datetime | None
    until: datetime

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The moments to compare with in SQL."""
        return self.since or datetime(1, 1, 1), self.until  # noqa: DTZ001 - as in the marts


PERIODS = (
    Period("4w", "4 weeks", 28),
    Period("13w", "13 weeks", 91),
    Period("26w", "26 weeks", 182),
    Period("all", "Everything", None),
)
FIRST = "13w"
"""The period that is shown first."""


def projects(marts: Marts) -> list[Project]:
    """Return the projects that can be looked at alone, by name."""
    found = marts.rows(
        """
        select project_id, coalesce(project_slug, project_id) as name
        from (from dim_project order by issue_count desc, project_id limit $most)
        order by name, project_id
        """,
        most=SELECTABLE,
    )
    return [Project(number, *row) for number, row in enumerate(found)]


def number_projects(marts: Marts, selectable: list[Project]) -> None:
    """Make the table `selectable`, which gives projects their numbers in the report's data."""
    marts.database.execute("create temp table selectable (p integer, project_id varchar)")
    if selectable:
        marts.database.executemany(
            "insert into selectable values (?, ?)", [(one.number, one.id) for one in selectable]
        )


def views(selectable: list[Project]) -> Iterator[tuple[int, Period]]:
    """Yield everything that can be chosen: the number of a project, or `ALL`, and a period."""
    for period in PERIODS:
        yield ALL, period
        for project in selectable:
            yield project.number, period


def milliseconds(moment: datetime) -> int:
    """Return a moment of the marts as JavaScript counts it."""
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)

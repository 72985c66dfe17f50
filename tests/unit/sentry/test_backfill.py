"""How history is cut into windows, and windows into searches."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from msgspec import UNSET

from dlt_sources.sentry.allowlist import Issue, Lifetime, Named
from dlt_sources.sentry.backfill import _reaches, _window_of, _windows
from dlt_sources.sentry.context import RETENTION
from dlt_sources.sentry.search import BEGINNING
from dlt_sources.sentry.watermarks import Backfill

END = datetime(2026, 11, 2, 9, tzinfo=UTC)
BACKFILL = Backfill(END - RETENTION, END)


def load(hits: int = 0, concurrency: int = 4, age_days: float = 700) -> SimpleNamespace:
    return SimpleNamespace(
        hits=hits,
        client=SimpleNamespace(concurrency=concurrency),
        organization=SimpleNamespace(date_created=END - timedelta(days=age_days)),
        readable_project_ids=["1"],
    )


@pytest.mark.parametrize(
    ("hits", "concurrency", "searches"),
    [(0, 4, 17), (800, 2, 3), (800, 4, 5), (19_200, 4, 8), (200_000, 4, 17)],
)
def test_weeks_with_few_issues_are_searched_together(hits, concurrency, searches):
    one = load(hits, concurrency)
    reaches = list(_reaches(one, BACKFILL))
    assert len(reaches) == searches
    assert [window for reach in reaches for window in reach.windows] == list(
        _windows(one, BACKFILL)
    )
    found = [search for reach in reaches for search in reach.searches]
    assert found[0].born_until == END
    assert found[-1].born_from is None
    assert all(newer.born_from == older.born_until for newer, older in pairwise(found))


@pytest.mark.parametrize("age_days", [0.01, 1, 60, 89, 90, 91])
@pytest.mark.parametrize("hits", [0, 1, 50, 2_000, 200_000])
def test_a_young_organization_has_no_older_windows_and_is_searched_whole(hits, age_days):
    one = load(hits, age_days=age_days)
    found = [search for reach in _reaches(one, BACKFILL) for search in reach.searches]
    assert found[0].born_until == END
    assert found[-1].born_from is None
    assert all(newer.born_from == older.born_until for newer, older in pairwise(found))


def test_days_that_a_person_asked_for_are_searched_one_by_one():
    again = Backfill(END - timedelta(days=3), END, again=True)
    reaches = list(_reaches(load(hits=100), again))
    assert len(reaches) == 4
    assert {len(reach.windows) for reach in reaches} == {1}


def test_a_backfill_goes_on_where_it_stopped():
    windows = list(_windows(load(), BACKFILL))
    stopped = Backfill(END - RETENTION, END, issues_from=windows[4].lower)
    assert list(_windows(load(), stopped)) == windows[5:]


def test_an_issue_is_done_with_the_window_in_which_it_was_first_seen():
    windows = list(_windows(load(), BACKFILL))

    def window_of(lifetime):
        issue = Issue(id="1", status="unresolved", project=Named(id="1"), lifetime=lifetime)
        return windows.index(_window_of(issue, windows))

    assert window_of(Lifetime(first_seen=END)) == 0
    assert window_of(Lifetime(first_seen=windows[3].lower)) == 3
    assert window_of(Lifetime(first_seen=windows[3].upper)) == 2
    assert window_of(Lifetime(first_seen=BEGINNING)) == len(windows) - 1
    # Rather too early than not at all.
    assert [window_of(one) for one in (Lifetime(), Lifetime(first_seen=UNSET), None, UNSET)] == [
        0
    ] * 4

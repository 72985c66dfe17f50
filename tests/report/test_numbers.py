"""The report's numbers equal the marts'."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from statistics import median

import pytest

from include.report import episodes as of_episodes
from include.report.marts import opened
from include.report.views import ALL, PERIODS, Window, number_projects, projects

DAYS = {"4w": 28, "13w": 91, "26w": 182, "all": None}


def since(as_of: datetime, days: int | None) -> datetime:
    """When a period begins: at midnight, so many days before the day of the load."""
    if days is None:
        return datetime(1, 1, 1)  # noqa: DTZ001 - as in the marts
    return datetime.combine(as_of.date(), time()) - timedelta(days=days)


def day_of(milliseconds: int) -> date:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).date()


def choices(shown):
    """Every choice, as (number, project id or None for all, key of the period, its begin)."""
    for key, days in DAYS.items():
        yield ALL, None, key, since(shown.as_of, days)
        for project in shown.projects:
            yield project.number, project.id, key, since(shown.as_of, days)


def of(rows, project_id):
    return [row for row in rows if project_id is None or row["project_id"] == project_id]


def test_all_choices_are_there(shown, tables):
    assert {project.id for project in shown.projects} == {
        row["project_id"] for row in tables["dim_project"]
    }
    assert len(shown.headlines) == len(PERIODS) * (1 + len(shown.projects))


def test_change_failure_rates(shown, tables):
    for number, project_id, key, begin in choices(shown):
        judged = [
            row["has_failed"]
            for row in of(tables["release_stability"], project_id)
            if row["has_failed"] is not None and row["released_at"] >= begin
        ]
        figure = shown.headlines[number, key]["failures"]
        expected = sum(judged) / len(judged) if judged else None
        assert figure.raw == (None if expected is None else pytest.approx(expected))
        assert figure.note.startswith(f"{sum(judged):,} of {len(judged):,} release")


def test_change_failure_rates_of_all_time_are_those_of_the_summary(shown, tables):
    numbers = {project.id: project.number for project in shown.projects}
    for row in tables["release_stability_summary"]:
        figure = shown.headlines[numbers[row["project_id"]], "all"]["failures"]
        assert figure.raw == row["change_failure_rate"]


def test_errors_per_day(shown, tables):
    for number, project_id, key, begin in choices(shown):
        days = defaultdict(int)
        for row in of(tables["error_frequency"], project_id):
            if row["is_complete_day"] and datetime.combine(row["error_date"], time()) >= begin:
                days[row["error_date"]] += row["accepted_count"]
        figure = shown.headlines[number, key]["errors"]
        expected = sum(days.values()) / len(days) if days else None
        assert figure.raw == (None if expected is None else pytest.approx(expected))


def test_open_issues_are_the_open_episodes(shown, tables):
    for number, project_id, key, _ in choices(shown):
        expected = sum(
            row["is_open"] and row["opened_at"] < shown.as_of
            for row in of(tables["resolution_time"], project_id)
        )
        assert (shown.headlines[number, key]["open"].raw or 0) == expected


def test_curves_of_months_have_the_medians_of_the_mart(files, tables):
    """The report's own Kaplan–Meier against dbt's, of every project and month."""
    with opened(files) as marts:
        selectable = projects(marts)
        number_projects(marts, selectable)
        episodes = of_episodes.read(marts)
    numbers = {one.id: one.number for one in selectable} | {None: ALL}
    compared = 0
    for row in tables["resolution_time_distribution"]:
        if row["scope"] not in {"project", "organization"}:
            continue
        month = row["cohort_month"]
        following = (month.replace(day=1) + timedelta(days=32)).replace(day=1)
        window = Window(datetime.combine(month, time()), datetime.combine(following, time()))
        told = of_episodes.told(episodes, numbers[row["project_id"]], window).resolution
        assert (told.count, told.events) == (row["episode_count"], row["resolved_count"])
        for ours, theirs in (
            (told.median, row["km_median_hours"]),
            (told.median_low, row["km_median_low_hours"]),
            (told.median_high, row["km_median_high_hours"]),
        ):
            assert ours == (None if theirs is None else pytest.approx(theirs))
        compared += 1
    assert compared > 20


def test_weeks_have_the_medians_to_first_assignment_of_the_mart(shown, tables):
    chart = next(one for one in shown.charts["assignment"] if one.name == "first_assignment")
    numbers = {project.id: project.number for project in shown.projects}
    drawn = {(row[0], day_of(row[1])): row[2:] for row in chart.rows}
    compared = 0
    for row in tables["assignment_pattern"]:
        found = drawn.get((numbers[row["project_id"]], row["week_start_date"]))
        assert (found is not None) == (row["opened_count"] > 0)
        if found is None:
            continue
        hours, opened_count, assigned = found
        assert (opened_count, assigned) == (row["opened_count"], row["opened_and_assigned_count"])
        theirs = row["km_median_hours_to_assignment"]
        assert hours == (None if theirs is None else pytest.approx(theirs, rel=1e-3))
        compared += hours is not None
    assert compared > 20


def test_histograms_count_every_episode_once(shown, tables):
    chart = next(one for one in shown.charts["resolution"] if one.name == "histogram")
    for number, project_id, key, begin in choices(shown):
        episodes = [
            row for row in of(tables["resolution_time"], project_id) if row["opened_at"] >= begin
        ]
        period = next(one for one in PERIODS if one.key == key)
        drawn = {row[2]: row[4] for row in chart.shown(number, period, shown.as_of)}
        assert sum(drawn.values()) == len(episodes)
        if not episodes:
            continue
        assert drawn["still open"] == sum(row["is_open"] for row in episodes)
        assert drawn["1–7 d"] == sum(
            row["is_resolved"] and 24 <= row["resolution_hours"] < 168 for row in episodes
        )
        assert drawn["< 1 h"] == sum(
            row["is_resolved"] and row["resolution_hours"] < 1 for row in episodes
        )


def test_histograms_of_everything_are_the_marts_buckets(shown, tables):
    chart = next(one for one in shown.charts["resolution"] if one.name == "histogram")
    drawn = {row[2]: row[4] for row in chart.shown(ALL, PERIODS[-1], shown.as_of)}
    months = [
        row for row in tables["resolution_time_distribution"] if row["scope"] == "organization"
    ]
    for bucket, column in (
        ("< 1 h", "resolved_in_1h_count"),
        ("1–4 h", "resolved_in_4h_count"),
        ("4–12 h", "resolved_in_12h_count"),
        ("12–24 h", "resolved_in_1d_count"),
        ("1–7 d", "resolved_in_7d_count"),
        ("1–4 weeks", "resolved_in_28d_count"),
        ("4–24 weeks", "resolved_in_168d_count"),
        ("longer", "resolved_later_count"),
        ("still open", "open_count"),
    ):
        assert drawn[bucket] == sum(row[column] for row in months), bucket


def test_open_issues_by_assignee_add_up(shown, tables):
    chart = next(one for one in shown.charts["assignment"] if one.name == "load")
    latest = max(row["week_start_date"] for row in tables["assignment_pattern"])
    held = Counter()
    for row in tables["assignment_load"]:
        if row["week_start_date"] == latest:
            held[row["assignee_key"]] += row["open_count"]
    drawn = chart.shown(ALL, PERIODS[0], shown.as_of)
    busiest, most = held.most_common(1)[0]
    assert (f"user {busiest[:8]}", most) in [(row[1], row[3]) for row in drawn] or (
        f"team {busiest[:8]}",
        most,
    ) in [(row[1], row[3]) for row in drawn]
    assert sum(row[3] for row in drawn if row[2] != "nobody") == sum(held.values())
    assert sum(row[3] for row in drawn) == sum(
        row["open_count"]
        for row in tables["assignment_pattern"]
        if row["week_start_date"] == latest
    )


def test_days_of_errors_add_up(shown, tables):
    chart = next(one for one in shown.charts["errors"] if one.name == "errors")
    days = Counter()
    for row in tables["error_frequency"]:
        days[row["error_date"]] += row["accepted_count"]
    drawn = {day_of(row[1]): row for row in chart.rows if row[0] == ALL}
    assert {day: row[2] for day, row in drawn.items()} == dict(days)
    complete = max(days) - timedelta(days=1)
    week = [days[complete - timedelta(days=back)] for back in range(7)]
    assert drawn[complete][3] == pytest.approx(sum(week) / 7, abs=0.01)


def test_weeks_of_releases_add_up(shown, tables):
    hotfixes, new_issues = (
        next(one for one in shown.charts["releases"] if one.name == name)
        for name in ("hotfixes", "new_issues")
    )
    past = [
        row
        for row in tables["release_stability"]
        if row["released_at"] is not None and row["released_at"] <= shown.as_of
    ]
    assert sum(row[3] for row in hotfixes.rows if row[0] == ALL) == len(past)
    assert sum(
        row[3] for row in hotfixes.rows if row[0] == ALL and row[2] == "followed by a hotfix"
    ) == sum(row["was_hotfixed"] is True for row in past)
    known = [row["new_issue_count"] for row in past if row["new_issue_count"] is not None]
    assert sum(row[3] for row in new_issues.rows if row[0] == ALL) == sum(known)


def test_tables_of_projects(shown, tables):
    compared = {(line.project, line.period): line.cells for line in shown.tables["releases"].lines}
    for project in shown.projects:
        rows = of(tables["release_stability"], project.id)
        rows = [one for one in rows if one["released_at"] and one["released_at"] <= shown.as_of]
        if not rows:
            assert (project.number, "all") not in compared
            continue
        cells = compared[project.number, "all"]
        scores = [one["stability_score"] for one in rows if one["stability_score"] is not None]
        failed = [one["has_failed"] for one in rows if one["has_failed"] is not None]
        assert cells[1] == f"{len(rows):,}"
        assert cells[2] == f"{sum(failed):,} of {len(failed):,}"
        if scores:
            assert float(cells[5].replace(",", "")) == pytest.approx(median(scores), abs=0.06)


def test_findings_are_the_marts(shown, tables):
    assert {one.id for one in shown.findings} == {
        row["finding_id"] for row in tables["process_findings"]
    }
    sentences = {row["finding_id"]: row["finding"] for row in tables["process_findings"]}
    assert all(one.sentence == sentences[one.id] for one in shown.findings)
    activity = [one.is_active for one in shown.findings]
    assert activity == sorted(activity, reverse=True)
    short_ids = {row["issue_short_id"] for row in tables["dim_issue"]}
    for one in shown.findings:
        if one.evidence_of == "Issues":
            assert set(one.evidence) <= short_ids

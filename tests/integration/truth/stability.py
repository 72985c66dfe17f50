"""`release_stability` and `release_stability_summary`: how releases fared."""

from datetime import timedelta
from statistics import median

from tests.integration.truth.facts import Facts
from tests.integration.truth.formulas import ratio, wilson
from tests.integration.truth.history import History, history
from tests.integration.truth.ledger import Row
from tests.integration.truth.moments import hours, midnight
from tests.integration.truth.releases import EARLY, HOTFIX, Dated

SEVERE = {"error", "fatal"}
PARTS = ("new_issue_points", "regression_points", "comparison_points", "hotfix_points")


def release_stability(facts: Facts) -> list[Row]:
    """Return the rows of the mart; no release of the sandbox is undated."""
    past = history(facts)
    return [_row(past, release) for timeline in past.timelines.values() for release in timeline]


def _row(past: History, release: Dated) -> Row:
    counts = _counts(past, release)
    baseline = _baseline(past, release)
    row = _identity(past.facts, release) | _times(past.facts, release) | counts | baseline
    row["new_issue_ratio"] = ratio(row["new_issue_count"], row["baseline_new_issue_count"])
    is_judged = row["is_mature"] and row["attribution_method"] == "volume"
    least = past.thresholds["failure_min_issue_count"]
    row["has_failed"] = row["failing_issue_count"] >= least if is_judged else None
    return row | _score(past, row)


def _identity(facts: Facts, release: Dated) -> Row:
    row, key = release.row, (release.row["id"], release.project_id)
    return {
        "release_project_id": f"{key[0]}-{key[1]}",
        "release_id": key[0],
        "project_id": key[1],
        "project_slug": facts.slugs[key[1]],
        "release_version": row["version"],
        "release_status": row["status"],
        "commit_count": row["commit_count"],
        "deploy_count": row["deploy_count"],
        "sentry_new_issue_count": facts.release_projects[key],
        "as_of": facts.as_of,
    }


def _times(facts: Facts, release: Dated) -> Row:
    age = facts.as_of - release.released_at
    young = "upcoming" if age < timedelta(0) else "immature"
    state = "mature" if age >= EARLY else young
    at, before, after = release.released_at, release.previous_at, release.next_at
    return {
        "release_state": state,
        "is_mature": state == "mature",
        "released_at_source": release.source,
        "attribution_method": _method(facts, release),
        "next_release_id": release.next_id,
        "release_number": release.number,
        "observed_hours": release.observed(facts.as_of) / timedelta(hours=1),
        "hours_since_previous_release": hours(before, at) if before else None,
        "hours_to_next_release": hours(at, after) if after else None,
        "was_hotfixed": _was_hotfixed(release, age),
        "is_hotfix": before is not None and at - before < HOTFIX,
        "released_at": at,
        "next_released_at": after,
        "window_end_at": release.window_end,
        "failure_window_end_at": release.early_end,
    }


def _was_hotfixed(release: Dated, age: timedelta) -> bool | None:
    if release.next_at is not None:
        return release.next_at - release.released_at < HOTFIX
    return None if age < HOTFIX else False


def _method(facts: Facts, release: Dated) -> str:
    first = facts.first_volume_day
    if release.released_at.date() >= first:
        return "volume"
    return "window" if release.window_end <= midnight(first) else "mixed"


def _counts(past: History, release: Dated) -> Row:
    new, regressed = past.new(release), past.regressed(release)
    early = {
        issue["id"]
        for issue in new
        if issue["level"] in SEVERE and release.is_early(issue["first_seen"])
    }
    early_regressed = {issue_id for issue_id, at in regressed if release.is_early(at)}
    suspects = early | {one for one in early_regressed if past.facts.issues[one]["level"] in SEVERE}
    least = past.thresholds["failure_min_event_count"]
    early_events = past.events_by_issue(release, release.early_end)
    method = _method(past.facts, release)
    is_known = release.released_at.date() >= past.facts.first_volume_day
    return {
        "new_issue_count": sum(release.in_window(issue["first_seen"]) for issue in new),
        "early_new_severe_issue_count": len(early),
        "regression_count": sum(release.in_window(at) for _, at in regressed),
        "early_regression_count": sum(release.is_early(at) for _, at in regressed),
        "failing_issue_count": sum(early_events[one] >= least for one in suspects)
        if method == "volume"
        else None,
        "event_count": past.events_by_issue(release, release.window_end).total()
        if is_known
        else None,
    }


def _baseline(past: History, release: Dated) -> Row:
    observed = release.observed(past.facts.as_of)
    end = release.number - 1
    previous = past.timelines[release.project_id][max(0, end - 5) : end]
    counts = [
        sum(
            one.in_window(issue["first_seen"]) and issue["first_seen"] - one.released_at < observed
            for issue in past.new(one)
        )
        for one in previous
    ]
    is_out = release.released_at <= past.facts.as_of
    return {
        "baseline_release_count": len(previous),
        "baseline_new_issue_count": float(median(counts))
        if len(counts) >= past.thresholds["comparison_min_releases"] and is_out
        else None,
    }


def _score(past: History, row: Row) -> Row:
    if not row["is_mature"]:
        return dict.fromkeys((*PARTS, "attainable_points", "stability_score", "stability_grade"))
    most = {part: past.thresholds[part] for part in PARTS}
    points = _points(past, row, most)
    attainable = sum(most[part] for part in PARTS if points[part] is not None)
    score = 100 * sum(one for one in points.values() if one is not None) / attainable
    reached = [least for least in past.grades.values() if score >= least]
    return points | {
        "attainable_points": attainable,
        "stability_score": score,
        "stability_grade": next(
            grade for grade, least in past.grades.items() if least == max(reached)
        ),
    }


def _points(past: History, row: Row, most: dict[str, float]) -> Row:
    """Return the points of each part; None for one that cannot be reached."""
    issues, regressions, comparison, hotfix = (most[part] for part in PARTS)
    issue_half = past.thresholds["new_issue_half_count"]
    regression_half = past.thresholds["regression_half_count"]
    expected = row["baseline_new_issue_count"]
    points = (
        issues * issue_half / (issue_half + row["early_new_severe_issue_count"]),
        regressions * regression_half / (regression_half + row["regression_count"]),
        None
        if expected is None
        else comparison * min(1, (expected + 1) / (row["new_issue_count"] + 1)),
        0.0 if row["was_hotfixed"] else hotfix,
    )
    return dict(zip(PARTS, points, strict=True))


def release_stability_summary(facts: Facts) -> list[Row]:
    """Return the rows of the mart: every project, with or without releases."""
    releases: dict[str, list[Row]] = {project_id: [] for project_id in facts.slugs}
    for row in release_stability(facts):
        releases[row["project_id"]].append(row)
    return [_summary(facts, project_id, rows) for project_id, rows in releases.items()]


def _summary(facts: Facts, project_id: str, rows: list[Row]) -> Row:
    judged = [row["has_failed"] for row in rows if row["has_failed"] is not None]
    hotfixes = [row["was_hotfixed"] for row in rows if row["was_hotfixed"] is not None]
    scores = [row["stability_score"] for row in rows if row["is_mature"]]
    gaps = [row["hours_to_next_release"] for row in rows if row["hours_to_next_release"]]
    low, high = wilson(sum(judged), len(judged)) or (None, None)
    out = [row["released_at"] for row in rows if row["released_at"] <= facts.as_of]
    return {
        "project_id": project_id,
        "project_slug": facts.slugs[project_id],
        "release_count": len(rows),
        "mature_release_count": len(scores),
        "immature_release_count": sum(row["release_state"] == "immature" for row in rows),
        "judged_release_count": len(judged),
        "failed_release_count": sum(judged),
        "change_failure_rate": ratio(sum(judged), len(judged)),
        "change_failure_rate_low": low,
        "change_failure_rate_high": high,
        "hotfixed_release_count": sum(hotfixes),
        "hotfix_rate": ratio(sum(hotfixes), len(hotfixes)),
        "median_stability_score": median(scores) if scores else None,
        "median_hours_between_releases": median(gaps) if gaps else None,
        "latest_released_at": max(out, default=None),
        "as_of": facts.as_of,
    }

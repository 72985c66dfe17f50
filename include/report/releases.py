"""How stable releases are, over time."""

import altair as alt

from include.report.chart import BAD, MAIN, QUIET, SECOND, SOFT, Chart, Spec, counted, total
from include.report.drawing import bars, moment, spec, tip
from include.report.marts import Marts

MOST = 2_000
"""Releases that are drawn one by one: the latest."""

HELD, FAILED, UNJUDGED = "held", "failed", "not judged"

PER_RELEASE = """
select
    selectable.p,
    epoch_ms(released_at) as t,
    release_version as version,
    project_slug as project,
    round(stability_score, 1) as score,
    stability_grade as grade,
    case
        when has_failed then 'failed'
        when not has_failed then 'held'
        else 'not judged'
    end as outcome,
    new_issue_count as new_issues,
    regression_count as regressions
from release_stability
left join selectable using (project_id)
where stability_score is not null
order by released_at desc, release_project_id
limit $most
"""

PER_WEEK = """
with weekly as (
    select
        selectable.p,
        date_trunc('week', released_at) as week,
        case
            when was_hotfixed then 'followed by a hotfix'
            when not was_hotfixed then 'not followed by one'
            else 'too young to tell'
        end as fate,
        new_issue_count
    from release_stability
    left join selectable using (project_id)
    where released_at <= as_of
)
"""

FATES = f"""
{PER_WEEK}
select p, epoch_ms(week) as t, fate, count(*) as n
from weekly where p is not null group by all
union all
select -1, epoch_ms(week), fate, count(*) from weekly group by all
order by 1, 2, 3
"""  # noqa: S608 - our own text

NEW_ISSUES = f"""
{PER_WEEK}, known as (from weekly where new_issue_count is not null)
select p, epoch_ms(week) as t, sum(new_issue_count) / count(*) as per_release,
    sum(new_issue_count)::bigint as new_issues, count(*) as n
from known where p is not null group by all
union all
select -1, epoch_ms(week), sum(new_issue_count) / count(*),
    sum(new_issue_count)::bigint, count(*)
from known group by week
order by 1, 2
"""  # noqa: S608 - our own text


def charts(marts: Marts) -> list[Chart]:
    """Return the charts about releases."""
    return [
        Chart(
            name="release_score",
            title="Stability score of each release",
            definition="0 to 100: 40 points for few new severe issues, 30 for few regressions, "
            "20 for not being worse than the project’s five releases before, 10 for no hotfix "
            "within 24 hours; only releases older than 72 hours have one. Failed: within 72 "
            "hours an issue of level error or fatal began or came back with enough events. The "
            f"line is the median of the latest ten. At most the latest {MOST:,} are drawn.",
            spec=_scores(),
            columns=(
                "p",
                "t",
                "version",
                "project",
                "score",
                "grade",
                "outcome",
                "new_issues",
                "regressions",
            ),
            rows=marts.rows(PER_RELEASE, most=MOST),
            count=lambda rows: counted(
                len(rows), "release old enough to be scored", "releases old enough to be scored"
            ),
            empty="No release of this choice has a score: none was made in this time, none is "
            "older than 72 hours, or history is still to be read.",
            has_total=False,
        ),
        Chart(
            name="hotfixes",
            title="Releases per week, and their hotfixes",
            definition="A release was followed by a hotfix if the project’s next one came within "
            "24 hours. A release of several projects counts once in each.",
            spec=_fates(),
            columns=("p", "t", "fate", "n"),
            rows=marts.rows(FATES),
            count=lambda rows: counted(total(rows, 3), "release"),
            empty="No release of this choice has a time in this period. Sentry learns of releases "
            "from the SDK, from deploys, or from its CLI.",
        ),
        Chart(
            name="new_issues",
            title="New issues per release",
            definition="Issues first seen in a release while it was the project’s latest (14 "
            "days at most), by the week of the release: the sum over the week’s releases, "
            "divided by their number.",
            spec=_new_issues(),
            columns=("p", "t", "per_release", "new_issues", "n"),
            rows=marts.rows(NEW_ISSUES),
            count=lambda rows: (
                f"{counted(total(rows, 4), 'release')}, {counted(total(rows, 3), 'new issue')}"
            ),
            empty="No release of this choice has new issues that are known: none was made in this "
            "time, or history is still to be read.",
        ),
    ]


def _scores() -> Spec:
    outcomes = [HELD, FAILED, UNJUDGED]
    points = (
        alt.Chart()
        .mark_point(opacity=0.85)
        .encode(
            x=moment(),
            y=alt.Y("score:Q", title="Score", scale=alt.Scale(domain=[0, 100])),
            color=alt.Color(
                "outcome:N", scale=alt.Scale(domain=outcomes, range=[MAIN, BAD, QUIET])
            ),
            shape=alt.Shape(
                "outcome:N",
                scale=alt.Scale(domain=outcomes, range=["circle", "triangle-up", "diamond"]),
            ),
            tooltip=[
                tip("project:N", "Project"),
                tip("version:N", "Release"),
                tip("t:T", "Released (UTC)", "%Y-%m-%d %H:%M"),
                tip("score:Q", "Score"),
                tip("grade:N", "Grade"),
                tip("outcome:N", "Outcome"),
                tip("new_issues:Q", "New issues"),
                tip("regressions:Q", "Regressions"),
            ],
        )
    )
    line = (
        alt.Chart()
        .transform_window(
            latest="median(score)",
            frame=[-9, 0],
            sort=[alt.SortField("t"), alt.SortField("version")],
        )
        .mark_line(color=SECOND, strokeWidth=2.5)
        .encode(x=moment(), y=alt.Y("latest:Q"))
    )
    return spec(alt.layer(line, points), 220)


def _fates() -> Spec:
    order = ["followed by a hotfix", "not followed by one", "too young to tell"]
    chart = bars(7, "n", "Releases", stacked_by="fate").encode(
        color=alt.Color("fate:N", scale=alt.Scale(domain=order, range=[BAD, MAIN, SOFT])),
        tooltip=[
            tip("t:T", "Week of", "%Y-%m-%d"),
            tip("fate:N", "Releases"),
            tip("n:Q", "Count"),
        ],
    )
    return spec(chart, 180)


def _new_issues() -> Spec:
    chart = bars(7, "per_release", "New issues per release").encode(
        tooltip=[
            tip("t:T", "Week of", "%Y-%m-%d"),
            tip("per_release:Q", "Per release", ".2f"),
            tip("new_issues:Q", "New issues"),
            tip("n:Q", "Releases"),
        ],
    )
    return spec(chart, 180)

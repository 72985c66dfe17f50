"""How issues are assigned, and to how few."""

import altair as alt
import numpy as np

from include.report.chart import BAD, MAIN, QUIET, SOFT, Chart, Row, Spec, counted, total
from include.report.drawing import bars, moment, spec, tip
from include.report.episodes import Episodes
from include.report.marts import Marts
from include.report.views import ALL, Project, Window

MOST = 12
"""Assignees that are shown one by one: those with most open issues."""

LOAD = """
with latest as (
    select max(week_start_date) as week from assignment_pattern where open_count is not null
),
held as (
    select selectable.p, assignee_key, assignee_type, open_count
    from assignment_load
    left join selectable using (project_id)
    where week_start_date = (select week from latest)
),
unassigned as (
    select selectable.p, null as assignee_key, 'nobody' as assignee_type,
        open_count - assigned_open_count as open_count
    from assignment_pattern
    left join selectable using (project_id)
    where week_start_date = (select week from latest)
),
parts as (from held union all from unassigned),
summed as (
    select p, assignee_key, assignee_type, sum(open_count)::bigint as n
    from parts where p is not null group by all
    union all
    select -1, assignee_key, assignee_type, sum(open_count)::bigint from parts group by all
),
ranked as (
    select
        *,
        row_number() over (
            partition by p, assignee_type = 'nobody' order by n desc, assignee_key
        ) as place
    from summed where n > 0
),
named as (
    select
        p,
        n,
        case
            when assignee_type = 'nobody' then 'nobody'
            when place <= $most then assignee_type || ' ' || left(assignee_key, 8)
            else 'all others'
        end as holder,
        case
            when assignee_type = 'nobody' then 'nobody' when place <= $most then 'one'
            else 'others'
        end as kind
    from ranked
)
select p, holder, kind, sum(n)::bigint as n, count(*) as holders
from named
group by p, holder, kind
order by p, kind = 'others', kind = 'one', sum(n) desc, holder
"""

MOVES = """
with weekly as (
    select selectable.p, week_start_date, handoff_count - ping_pong_count as onward,
        ping_pong_count, assignment_count
    from assignment_pattern left join selectable using (project_id)
),
summed as (
    select p, week_start_date, sum(onward)::bigint as onward,
        sum(ping_pong_count)::bigint as back, sum(assignment_count)::bigint as assignments
    from weekly where p is not null group by all
    union all
    select -1, week_start_date, sum(onward)::bigint, sum(ping_pong_count)::bigint,
        sum(assignment_count)::bigint
    from weekly group by week_start_date
)
select p, epoch_ms(week_start_date::timestamp) as t, onward, back, assignments
from summed
order by 1, 2
"""


def charts(marts: Marts, episodes: Episodes, selectable: list[Project]) -> list[Chart]:
    """Return the charts about assignment."""
    return [
        Chart(
            name="load",
            title="Open issues by assignee, now",
            definition="Open issues at the end of the latest week, by whom they are assigned to. "
            "Keys are pseudonyms that mean nothing outside this data; no names are collected. The "
            f"{MOST} with most are shown one by one.",
            spec=_load(),
            columns=("p", "holder", "kind", "n", "holders"),
            rows=marts.rows(LOAD, most=MOST),
            count=lambda rows: (
                f"{counted(total(rows, 3), 'open issue')}, "
                f"{counted(sum(row[4] for row in rows if row[2] != 'nobody'), 'assignee')}"
            ),
            empty="No issue of this choice is open, or history of the project is still to be read.",
            is_timeless=True,
        ),
        Chart(
            name="first_assignment",
            title="Median time to first assignment, by week of opening",
            definition="Kaplan–Meier median: issues that nobody has yet count for as long as they "
            "have waited. A week without a point has none: less than half of its issues were ever "
            "assigned, or none was opened.",
            spec=_first_assignment(),
            columns=("p", "t", "hours", "n", "assigned"),
            rows=_waits(episodes, selectable),
            count=lambda rows: f"{counted(total(rows, 3), 'episode')}, {total(rows, 4):,} assigned",
            empty="No issue of this choice was opened in this period, or history of the project is "
            "still to be read.",
        ),
        Chart(
            name="handoffs",
            title="Reassignments per week",
            definition="Assignments of an issue that another assignee had before. Back to an "
            "earlier one is ping-pong: the issue returned to somebody who had handed it on.",
            spec=_moves(),
            columns=("p", "t", "kind", "n", "assignments"),
            rows=marts.rows(MOVES),
            count=lambda rows: (
                f"{counted(total(rows, 3), 'reassignment')} among "
                f"{counted(total(rows, 4), 'assignment')}"
            ),
            empty="No week of this choice is in this period, or history of the project is still to "
            "be read.",
        ),
    ]


def _waits(episodes: Episodes, selectable: list[Project]) -> list[Row]:
    rows: list[Row] = []
    if not episodes.opened_at.size:
        return rows
    mondays = _mondays(episodes)
    for project in (ALL, *(one.number for one in selectable)):
        for monday in mondays:
            since = monday.astype("datetime64[us]").item()
            until = (monday + np.timedelta64(7, "D")).astype("datetime64[us]").item()
            told = episodes.assignment(episodes.of(project, Window(since, until)))
            if told.count:
                median = None if told.median is None else float(f"{told.median:.4g}")
                at = int(monday.astype("datetime64[ms]").astype(int))
                rows.append((project, at, median, told.count, told.events))
    return rows


def _mondays(episodes: Episodes) -> "np.ndarray[tuple[int], np.dtype[np.datetime64]]":
    days = np.unique(episodes.opened_at.astype("datetime64[D]"))
    # 1970-01-01 was a Thursday.
    return np.unique(days - ((days.astype(int) + 3) % 7).astype("timedelta64[D]"))


def _load() -> Spec:
    y = alt.Y("holder:N", title=None, sort=None)
    base = alt.Chart().encode(y=y)
    kinds = alt.Scale(domain=["one", "others", "nobody"], range=[MAIN, SOFT, QUIET])
    shown = base.mark_bar().encode(
        x=alt.X("n:Q", title="Open issues"),
        color=alt.Color("kind:N", scale=kinds, legend=None),
        tooltip=[
            tip("holder:N", "Assignee"),
            tip("n:Q", "Open issues", ","),
            tip("holders:Q", "Assignees"),
        ],
    )
    text = base.mark_text(align="left", dx=5).encode(
        x=alt.X("n:Q"), text=alt.Text("n:Q", format=",")
    )
    return spec(alt.layer(shown, text), 260)


def _first_assignment() -> Spec:
    base = alt.Chart().encode(
        x=moment(),
        y=alt.Y("hours:Q", title="Hours", scale=alt.Scale(zero=True)),
        tooltip=[
            tip("t:T", "Week of", "%Y-%m-%d"),
            tip("hours:Q", "Median hours", ",.1f"),
            tip("n:Q", "Opened", ","),
            tip("assigned:Q", "Assigned so far", ","),
        ],
    )
    return spec(alt.layer(base.mark_line(), base.mark_point()), 200)


def _moves() -> Spec:
    back, onward = "back to an earlier one", "to somebody new"
    folded = (
        alt.Chart()
        .transform_calculate(**{back: "datum.back", onward: "datum.onward"})
        .transform_fold([back, onward], as_=["kind", "n"])
    )
    chart = bars(7, "n", "Reassignments", stacked_by="kind", chart=folded).encode(
        color=alt.Color("kind:N", scale=alt.Scale(domain=[back, onward], range=[BAD, MAIN])),
        tooltip=[tip("t:T", "Week of", "%Y-%m-%d"), tip("kind:N", "Handed"), tip("n:Q", "Count")],
    )
    return spec(chart, 180)

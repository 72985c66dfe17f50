"""One DAG per connected Sentry organization: load ▸ build ▸ publish ▸ go_on."""

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, CronTriggerTimetable, Param, dag, get_parsing_context, task

from include import tasks
from include.connections.registry import Connection, open_registry
from include.connections.schedule import SCHEDULES, cron
from include.settings import settings
from include.watching import LoadFailed

DOCS = """
Loads one Sentry organization and publishes its marts.

| task | does | safe to repeat |
|---|---|---|
| `load` | asks Sentry what changed since the last load, reads history that waits, merges both into the warehouse | yes |
| `build` | builds and tests the marts with dbt | yes |
| `publish` | replaces the connection's published Parquet files | yes |
| `go_on` | starts the next run at once while older history waits; skipped otherwise | yes |

**History still loading.** The first run stops reading history after a few minutes
(`CORVANA_FIRST_BACKFILL_MINUTES`), so that the first marts appear. They are right for what was read,
newest first, and grow with every run: `go_on` starts the next one at once, which goes on for half an
hour (`CORVANA_BACKFILL_MINUTES`) beside what changed meanwhile. `raw.load_coverage` says from which
day on each table is complete. A run that was due by the schedule meanwhile comes afterwards. When
`go_on` is skipped, all history is read; or the load had no time to read any, or a hundred runs in a
row did not suffice: then the schedule goes on with it, once an hour.

**Load a range again.** Trigger the DAG with a configuration, e.g. `{"from": "2026-10-01", "to":
"2026-10-07"}`; both days are included, either may be left out. Issues with events on these days are
read again with their histories, and so are the days' volumes. Sentry keeps events of 90 days.

**Disconnected.** When Sentry does not accept the connection any more (revoked, expired, the
organization out of reach), the load that finds out fails with what to do, and the DAG has no schedule
until somebody reconnects on the page *Integrations*. Until then its runs are skipped.

**If it fails.** Readers see each mart as it was published last, and the next run starts where the
last committed slice of a load ended: nothing is lost, and at most one slice is repeated. The failed
task's log ends with a sentence that says what to do. What repeating cannot mend (a rejected token, a
missing scope, a wrong setting, days that Sentry no longer keeps) fails at once; everything else is
retried three times.

**Can it wait?** Yes. A missed hour is caught up by the next run.

**What it reads.** Structural metadata only: the fields listed in `docs/data-collected.md`.
"""  # noqa: E501 - rows of a Markdown table


def days_again() -> dict[str, Param]:
    """Return the parameters of a run: days to load again, or nothing."""
    return {
        name: Param(
            None,
            type=["null", "string"],
            format="date",
            title=title,
            description=f"{day} to load again (UTC), e.g. {example}. Empty for an ordinary load.",
            section="Load history again",
        )
        for name, title, day, example in (
            ("from", "From", "First day", "2026-10-01"),
            ("to", "To", "Last day", "2026-10-07"),
        )
    }


def timetable(connection: Connection) -> CronTriggerTimetable | None:
    """Return when a connection is loaded: at once when it is new, then on its schedule."""
    if not connection.is_loaded:
        return None
    expression = cron(connection.id, connection.schedule)
    return CronTriggerTimetable(expression, timezone="UTC", run_immediately=True)


def sentry_load(connection: Connection) -> DAG:
    """Return the DAG of one connection."""
    dag_id = f"sentry_load__{connection.id}"

    @dag(
        dag_id=dag_id,
        description=f"Loads a Sentry organization {SCHEDULES[connection.schedule]}.",
        schedule=timetable(connection),
        catchup=False,
        # Whoever connected wants the data: no operator has to unpause anything.
        is_paused_upon_creation=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=6),
        params=days_again(),
        doc_md=DOCS,
        tags=["domain:sentry", "impact:tier-2"],
        default_args={
            "owner": "data-platform",
            "on_failure_callback": LoadFailed(connection.id),
            "retries": 3,
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": 2,
            "max_retry_delay": timedelta(minutes=15),
            "execution_timeout": timedelta(hours=1),
            # Of many that wait, what is nearest to being published: a connection that was begun is
            # finished before another one begins.
            "weight_rule": "upstream",
            "do_xcom_push": False,
            "show_return_value_in_logs": False,
        },
    )
    def wiring() -> None:
        load = task(execution_timeout=timedelta(hours=4))(tasks.load)(connection.id)
        publish = task(tasks.publish)(connection.id)
        go_on = TriggerDagRunOperator(
            task_id="go_on",
            trigger_dag_id=dag_id,
            # The same for each try of the task, and no configuration: the days to load again are
            # in the warehouse by now.
            trigger_run_id="history__{{ dag_run.run_after | ts }}",
            skip_when_already_exists=True,
            logical_date=None,
            pre_execute=lambda _context: tasks.skip_unless_history_waits(connection.id),
        )
        go_on.operator_extra_links = []  # its link leads nowhere when the task was skipped
        load >> task(tasks.build)(connection.id) >> publish >> go_on

    return wiring()


# A task needs its own DAG alone; to make all of a thousand takes it three seconds.
wanted = get_parsing_context().dag_id
for live in open_registry(settings()).live():
    if wanted in {None, f"sentry_load__{live.id}"}:
        globals()[f"sentry_load__{live.id}"] = sentry_load(live)

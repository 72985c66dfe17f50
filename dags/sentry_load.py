"""One DAG per connected Sentry organization: load ▸ build ▸ publish."""

from datetime import timedelta

from airflow.sdk import DAG, dag, task

from include import tasks
from include.connections.registry import Connection, open_registry
from include.connections.schedule import hourly
from include.settings import settings

DOCS = """
Loads one Sentry organization and publishes its marts.

| task | does | safe to repeat |
|---|---|---|
| `load` | asks Sentry what changed since the last load and merges it into the warehouse | yes |
| `build` | builds and tests the marts with dbt | yes |
| `publish` | replaces the connection's published Parquet files | yes |

**If it fails.** Readers see each mart as it was published last, and the next run starts where the
last complete load ended. The failed task's log ends with a sentence that says what to do. What
repeating cannot mend (a rejected token, a missing scope, a wrong setting) fails at once; everything
else is retried three times.

**Can it wait?** Yes. A missed hour is caught up by the next run.

**What it reads.** Structural metadata only: the fields listed in `dlt_sources/sentry/allowlist.py`.
"""


def sentry_load(connection: Connection) -> DAG:
    """Return the DAG of one connection."""

    @dag(
        dag_id=f"sentry_load__{connection.id}",
        schedule=hourly(connection.id),
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=6),
        doc_md=DOCS,
        tags=["domain:sentry", "impact:tier-2"],
        default_args={
            "owner": "data-platform",
            "retries": 3,
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": 2,
            "max_retry_delay": timedelta(minutes=15),
            "execution_timeout": timedelta(hours=1),
            "do_xcom_push": False,
            "show_return_value_in_logs": False,
        },
    )
    def wiring() -> None:
        load = task(execution_timeout=timedelta(hours=4))(tasks.load)(connection.id)
        load >> task(tasks.build)(connection.id) >> task(tasks.publish)(connection.id)

    return wiring()


for live in open_registry(settings()).live():
    globals()[f"sentry_load__{live.id}"] = sentry_load(live)

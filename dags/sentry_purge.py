"""Deletes what was collected of connections that were disconnected, and proves it."""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param, dag, task
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from include.purge import tasks
from include.purge.alarms import LIMITS, purge_is_late

DOCS = """
Deletes everything that was collected of a connection that somebody disconnected, searches for what
is left, and writes a receipt. Started at the disconnect; the schedule reconciles what a lost trigger,
a restart or an outage left.

| task | does | safe to repeat |
|---|---|---|
| `find` | lists the connections that are being disconnected | yes |
| `purge` | deletes one of them: warehouse, published tables, working folders, logs, Airflow's records; then searches, then writes the receipt | yes |
| `check` | looks again an hour and a day after a purge, and deletes what reappeared | yes |
| `alarm` | fails if a connection waits for more than 12 hours | yes |

**Disconnect by a run.** Trigger with `{"connection_id": "c…", "disconnect": true}`. Without
`disconnect`, a connection that is in use is refused; one that is purged already succeeds.

**If it fails.** The log says which step, and why; the other steps went on. It is retried, and the
next run goes on where it stopped. Nothing can be loaded meanwhile: tokens and salt were destroyed in
the moment of the disconnect.

**Can it wait?** No: everything has to be deleted within 24 hours. After 12 and 24 hours there are
alarms: the task `alarm` fails, and a missed deadline is shown by Airflow and logged by the triggerer.

**Receipts** are on the page *Integrations*. What cannot be deleted from here: `docs/purge.md`.
"""  # noqa: E501 - rows of a Markdown table


@dag(
    dag_id="sentry_purge",
    description="Deletes what was collected of disconnected Sentry organizations.",
    schedule=CronTriggerTimetable("*/10 * * * *", timezone="UTC"),
    catchup=False,
    is_paused_upon_creation=False,
    # A run that waits for something must not hold up the purge of another connection.
    max_active_runs=8,
    dagrun_timeout=timedelta(hours=6),
    deadline=[
        DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=limit,
            callback=AsyncCallback(purge_is_late, kwargs={"hours": limit / timedelta(hours=1)}),
        )
        for limit in LIMITS
    ],
    params={
        "connection_id": Param(
            None,
            type=["null", "string"],
            pattern="^c[0-9a-f]{16}$",
            title="Connection",
            description="Id of the connection to purge. Empty: all that were disconnected.",
        ),
        "disconnect": Param(
            default=False,
            type="boolean",
            title="Disconnect first",
            description="End the connection and delete all its data. This cannot be undone.",
        ),
    },
    doc_md=DOCS,
    tags=["domain:sentry", "impact:tier-1"],
    default_args={
        "owner": "data-platform",
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=1),
        "do_xcom_push": False,
        "show_return_value_in_logs": False,
    },
)
def sentry_purge() -> None:
    """Wire the tasks."""
    found = task(do_xcom_push=True)(tasks.find)()
    task(map_index_template="{{ task.op_kwargs['connection_id'] }}")(tasks.purge).expand(
        connection_id=found
    )
    # Not after the purges: a last task that always runs would hide that one of them failed.
    task(tasks.check)()
    task(retries=0)(tasks.alarm)()


purge_dag: DAG = sentry_purge()

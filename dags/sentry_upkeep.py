"""What has to happen again and again for all connections."""

from datetime import timedelta

from airflow.sdk import dag, task

from include import upkeep, watching
from include.purge import tasks as purge

DOCS = """
Looks after all connections every half hour, each task for itself:

| task | does | safe to repeat |
|---|---|---|
| `keep_tokens_alive` | renews tokens that are a week old or half used up, also of connections whose DAG is paused | yes |
| `end_retention` | ends connections that Sentry has not accepted for `CORVANA_REVOKED_RETENTION_DAYS`: their data is purged | yes |
| `forget_abandoned` | forgets consents for which nobody chose an organization | yes |
| `alarm` | fails if data should be deleted by now and is not: the DAG `sentry_purge`, which does both, may be paused | yes |
| `measure` | sends how many connections there are in each state, and what is overdue, to Airflow's metrics | yes |
| `tell` | tells `CORVANA_NOTIFY` of loads that failed for good, of connections that were lost or are overdue, and of purges that are late: once each | yes |

**If it fails.** A task goes on with the other connections and fails at its end; its log says for each
what to do. A connection that Sentry does not accept any more is *Disconnected* on the page
*Integrations*, and is no failure here.

**Can it wait?** For days: tokens are renewed weekly and live for a month.
"""  # noqa: E501 - rows of a Markdown table


@dag(
    dag_id="sentry_upkeep",
    description="Keeps tokens alive, and ends what is over.",
    schedule="13,43 * * * *",
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    doc_md=DOCS,
    tags=["domain:sentry", "impact:tier-2"],
    default_args={
        "owner": "data-platform",
        "retries": 3,
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": 2,
        "execution_timeout": timedelta(hours=1),
        "do_xcom_push": False,
        "show_return_value_in_logs": False,
    },
)
def sentry_upkeep() -> None:
    """Wire the tasks; none waits for another."""
    for work in (
        upkeep.keep_tokens_alive,
        upkeep.end_retention,
        upkeep.forget_abandoned,
        purge.alarm,
        watching.measure,
        watching.tell,
    ):
        task(work)()


sentry_upkeep()

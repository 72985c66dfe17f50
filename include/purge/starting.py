"""Starts a purge in Airflow, for whoever is not in Airflow: the command line.

Nothing depends on it: the schedule of `sentry_purge` finds every connection that was disconnected.
"""

from include.purge.airflow_api import AirflowApi, AirflowApiFailed, AirflowApiMissing
from include.settings import Settings

DAG_ID = "sentry_purge"


def start_purge(settings: Settings, connection_id: str) -> bool:
    """Let Airflow purge a connection now; return False if it cannot be asked, and will later."""
    try:
        return AirflowApi.open(settings).trigger(DAG_ID, {"connection_id": connection_id})
    except (AirflowApiFailed, AirflowApiMissing):
        return False

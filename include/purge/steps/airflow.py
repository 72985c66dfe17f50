"""What Airflow keeps of the connection's DAG."""

from include.files import measure, remove
from include.purge.amounts import Amounts
from include.purge.step import Purging, Step


class TaskLogs(Step):
    """Deletes the logs of the connection's tasks, where Airflow keeps them on this machine."""

    name = "task_logs"
    title = "Logs of the connection's tasks in Airflow"
    is_needed = True

    def measure(self, at: Purging) -> Amounts:
        """Return how many files there are."""
        return measure(at.places.logs_of(at.connection_id))

    def carry_out(self, at: Purging) -> str | None:
        """Delete them."""
        if at.places.logs is None:
            return "There is no folder of Airflow's logs on this machine."
        remove(at.places.logs_of(at.connection_id))
        return None


class Records(Step):
    """Deletes what Airflow's database has of the connection's DAG, but for its audit log.

    These hold ids and times only, so the receipt does not wait for them: where Airflow cannot be
    asked, they are deleted later, and another receipt says so.
    """

    name = "airflow_records"
    title = "Airflow's records: DAG, runs, task instances, XComs, rendered fields"
    is_needed = False

    def measure(self, at: Purging) -> Amounts:
        """Return how many there are."""
        return at.airflow.count(at.dag_id)

    def carry_out(self, at: Purging) -> str | None:
        """Delete them."""
        at.airflow.delete_dag(at.dag_id)
        return None

"""The fence: nothing writes any more.

The connection's state is the fence itself: it was changed before the purge began, so no process can
take the lease any more, and the one that has it finds out when it is about to commit. It is told,
waited for, ended if it is on this machine, and the lease is broken if all that does not help.
"""

import logging
import signal

from include.connections.leases import Busy, Held, Kind
from include.purge.airflow_api import AirflowApiFailed, AirflowApiMissing
from include.purge.step import Purging, Step

log = logging.getLogger(__name__)

ENDS_ITSELF_S = 15.0
"""How long a process on this machine may take to end by itself: it checks every two seconds."""

ELSEWHERE_S = 60.0
"""The same for one on another machine, which cannot be ended from here."""

TERMINATED_S = 5.0
"""How long a process may take to end when it is asked to by the system."""


class Fence(Step):
    """Ends whatever still works on the connection."""

    name = "fence"
    title = "Loads under way stopped"
    is_needed = True

    def carry_out(self, at: Purging) -> str | None:
        """Wait for the lease, or break it.

        Raises:
            Busy: Another purge of the connection is under way.
        """
        self._end_runs(at)
        leases = at.registry.leases
        held = leases.wait(at.connection_id, 0)
        if held is None:
            return None
        if held.kind is Kind.PURGE:
            raise Busy("Another process is deleting this connection's data already.")
        log.info("waiting for a process (%s) to end that works on the connection", held.kind)
        patience = ENDS_ITSELF_S if held.holder.is_here else ELSEWHERE_S
        if leases.wait(at.connection_id, patience) is None:
            return f"A process ({held.kind}) was under way, was told to stop and did."
        return self._break(at, held)

    def _end_runs(self, at: Purging) -> None:
        """Let Airflow end the runs of the connection's DAG, and start none, if it can be asked."""
        try:
            at.airflow.pause(at.dag_id)
            at.airflow.end_runs(at.dag_id)
        except (AirflowApiFailed, AirflowApiMissing) as failure:
            # The fence holds without it, and the step for Airflow's records says so, too.
            log.info("runs of %s are not ended through Airflow's API: %s", at.dag_id, failure)
        except Exception as failure:  # noqa: BLE001 - nor must anything else keep it from holding
            kind = type(failure).__name__
            log.warning("runs of %s are not ended through Airflow's API (%s)", at.dag_id, kind)

    def _break(self, at: Purging, held: Held) -> str:
        leases = at.registry.leases
        for how in (signal.SIGTERM, signal.SIGKILL):
            if held.holder.end(how) and leases.wait(at.connection_id, TERMINATED_S) is None:
                return f"A process ({held.kind}) was under way, did not stop and was ended."
        leases.break_off(at.connection_id, held)
        return (
            f"A process ({held.kind}) was under way and did not stop: its lease was broken, so "
            "that it cannot commit anything."
        )

"""Airflow's REST API, as a service user: what it keeps of a connection's DAG, seen and deleted.

The Airflow Connection `airflow_api` (type http) names the server and the user, so that any secrets
backend works. Not by the provider's `run()`: that one writes bodies of answers into the log.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import requests
from sqlalchemy.exc import SQLAlchemyError

from include.connections.airflow_secrets import airflow_connection
from include.masking import hide
from include.purge.amounts import Amounts
from include.settings import Settings

if TYPE_CHECKING:
    from airflow.sdk import Connection

TIMEOUT_S = 30
ENDING_S = 20.0
"""How long tasks may take to end when their runs are marked as failed."""


_UNEXPECTED = (AttributeError, KeyError, TypeError, ValueError)
"""What an answer leads to that is no JSON, or another one than Airflow's: a proxy's page."""


class AirflowApiMissing(Exception):
    """There is no Airflow Connection to reach Airflow's API with."""


class AirflowApiFailed(Exception):
    """Airflow's API cannot be reached, or refuses. Says how, without the answer's body."""


class AirflowApi:
    """Airflow's REST API.

    Args:
        session: Sends requests; signed in.
        base_url: Where the API server is.
    """

    def __init__(self, session: requests.Session, base_url: str) -> None:
        self._session = session
        self._base_url = base_url

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Sign in.

        Raises:
            AirflowApiMissing: There is no Airflow Connection for it.
            AirflowApiFailed: Airflow cannot be reached, or does not accept the user.
        """
        name = settings.airflow_api_conn_id
        with _reachable():
            stored = airflow_connection(name)
        if stored is None or not (stored.host and stored.login and stored.password):
            raise AirflowApiMissing(
                f"The Airflow Connection {name} is missing or not complete: make it, with type "
                "http, Airflow's API server as host, and the name and password of a user who may "
                "delete DAGs as login and password (docs/purge.md)."
            )
        base_url = address(stored)
        session = requests.Session()
        # Airflow is not behind a proxy, whatever Sentry is.
        session.trust_env = False
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        with _reachable():
            answer = session.post(
                f"{base_url}/auth/token",
                json={"username": stored.login, "password": stored.password},
                timeout=TIMEOUT_S,
            )
            if not answer.ok:
                raise _refused(answer)
            token = str(answer.json()["access_token"])
        hide(token)
        session.headers["Authorization"] = f"Bearer {token}"
        return cls(session, base_url)

    def end_runs(self, dag_id: str) -> int:
        """Mark the runs of a DAG that are under way or wait as failed; return how many."""
        count = 0
        with _reachable():
            active = self._active_runs(dag_id)
        for run_id in active:
            path = f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"
            if self._ask("PATCH", path, json={"state": "failed"}) is not None:
                count += 1
        return count

    def pause(self, dag_id: str) -> None:
        """Keep a DAG from starting runs."""
        self._ask("PATCH", f"/dags/{quote(dag_id)}", json={"is_paused": True})

    def count(self, dag_id: str) -> Amounts:
        """Return how many runs and task instances Airflow has of a DAG; none if it has no DAG."""
        dag = f"/dags/{quote(dag_id)}"
        if self._ask("GET", dag) is None:
            return {}
        runs = self._ask("GET", f"{dag}/dagRuns", params={"limit": 1}) or {}
        tasks = self._ask("GET", f"{dag}/dagRuns/~/taskInstances", params={"limit": 1}) or {}
        with _reachable():
            return {
                "DAGs": 1,
                "runs": int(runs.get("total_entries", 0)),
                "task instances": int(tasks.get("total_entries", 0)),
            }

    def delete_dag(self, dag_id: str) -> None:
        """Delete a DAG with its runs, task instances, XComs, rendered fields and versions.

        Raises:
            AirflowApiFailed: Tasks of it still run.
        """
        deadline = time.monotonic() + ENDING_S
        while True:
            answer = self._send("DELETE", f"/dags/{quote(dag_id)}")
            if answer.status_code in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}:
                return
            if answer.status_code != HTTPStatus.CONFLICT:
                raise _refused(answer)
            if time.monotonic() > deadline:
                raise AirflowApiFailed("Tasks of the connection's DAG still run in Airflow.")
            time.sleep(1)
            self.end_runs(dag_id)

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> bool:
        """Start a run of a DAG; return False if there is no such DAG."""
        path = f"/dags/{quote(dag_id)}/dagRuns"
        return self._ask("POST", path, json={"logical_date": None, "conf": conf}) is not None

    def _active_runs(self, dag_id: str) -> list[str]:
        params = {"state": ["running", "queued"], "limit": 100}
        found = self._ask("GET", f"/dags/{quote(dag_id)}/dagRuns", params=params) or {}
        return [str(run["dag_run_id"]) for run in found.get("dag_runs", [])]

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any] | None:  # noqa: ANN401 - requests' own
        """Return an answer; None where there is no such thing."""
        answer = self._send(method, path, **options)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if not answer.ok:
            raise _refused(answer)
        with _reachable():
            return dict(answer.json())

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:  # noqa: ANN401
        with _reachable():
            url = f"{self._base_url}/api/v2{path}"
            return self._session.request(method, url, timeout=TIMEOUT_S, **options)


def address(stored: "Connection") -> str:
    """Return the address of an Airflow Connection; people put its scheme in either field."""
    host = (stored.host or "").rstrip("/")
    base_url = host if "://" in host else f"{stored.schema or 'http'}://{host}"
    return f"{base_url}:{stored.port}" if stored.port else base_url


@contextmanager
def _reachable() -> Iterator[None]:
    """Say what went wrong without addresses, headers and bodies."""
    try:
        yield
    except (requests.RequestException, SQLAlchemyError, *_UNEXPECTED) as failure:
        raise AirflowApiFailed(
            f"Airflow's API cannot be reached or does not answer as expected "
            f"({type(failure).__name__}): check that the API server runs, and the Airflow "
            "Connection for it (docs/purge.md)."
        ) from None


def _refused(answer: requests.Response) -> AirflowApiFailed:
    return AirflowApiFailed(
        f"Airflow's API answered with {answer.status_code}: check that the user of the Airflow "
        "Connection for it may sign in and delete DAGs (docs/purge.md)."
    )

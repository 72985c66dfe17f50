"""A real Airflow for the demo: loopback only, everything below the data folder."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from include.demo.processes import Servers
from include.demo.waiting import wait_for
from include.settings import PROJECT_ROOT

# Not `airflow standalone`: that one serves task logs on every interface of the machine.
COMPONENTS = {
    "api-server": ["api-server", "--host", "127.0.0.1"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}

FINISHED = {"success", "failed"}


class AirflowFailed(Exception):
    """Airflow did not do what the demo asked of it."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """Where a task of a run stands.

    Attributes:
        task_id: Its id.
        state: Airflow's word for it; None before it is scheduled.
        try_number: How often it was started.
        seconds: How long its last try took.
    """

    task_id: str
    state: str | None
    try_number: int
    seconds: float


class Airflow:
    """Airflow with its embedded defaults: SQLite, LocalExecutor, one generated password.

    Args:
        home: Folder of its database, configuration and logs.
        port: Of the API server and UI.
        variables: Environment of our own tasks.

    Attributes:
        password: The generated one of the user `admin`.
        token: Of the user `admin`, once everything is healthy; browsers keep it as a cookie.
    """

    def __init__(self, home: Path, port: int, variables: Mapping[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.token = ""
        self._home = home
        self.password = _password(home)
        ours = {"AIRFLOW_CONN_AIRFLOW_API": _own_api(port, self.password)}
        self._env = {**os.environ, **_configuration(home, port), **ours, **variables}
        self._api = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def start(self, servers: Servers) -> None:
        """Create or upgrade Airflow's database and start its components."""
        self._home.mkdir(parents=True, exist_ok=True)
        migrated = subprocess.run(  # noqa: S603 - Airflow's own command
            [*_AIRFLOW, "db", "migrate"], env=self._env, capture_output=True, text=True, check=False
        )
        if migrated.returncode != 0:
            last = (migrated.stderr.strip().splitlines() or ["(nothing printed)"])[-1]
            raise AirflowFailed(f"Airflow could not prepare its database: {last}")
        for name, arguments in COMPONENTS.items():
            servers.start(f"airflow-{name}", [*_AIRFLOW, *arguments], self._env)

    def wait_until_healthy(self, servers: Servers, timeout_s: float = 240) -> None:
        """Wait until every component reports itself healthy, and log in."""
        wait_for(self._is_healthy, servers.check, timeout_s, "Airflow did not start in time.")
        answer = self._api.post(
            "/auth/token", json={"username": "admin", "password": self.password}
        )
        answer.raise_for_status()
        self.token = str(answer.json()["access_token"])
        self._api.headers["Authorization"] = f"Bearer {self.token}"

    def first_run(self, dag_id: str, servers: Servers, timeout_s: float = 120) -> str:
        """Wait until a new DAG has started by itself, and return the run's id."""
        runs = f"/api/v2/dags/{dag_id}/dagRuns"
        found: list[str] = []

        def has_begun() -> bool:
            answer = self._api.get(runs)
            if answer.is_success:
                found.extend(str(run["dag_run_id"]) for run in answer.json()["dag_runs"])
            return bool(found)

        failure = f"Airflow did not start the DAG {dag_id}; see the import errors on its page."
        wait_for(has_begun, servers.check, timeout_s, failure)
        return found[0]

    def trigger(self, dag_id: str, servers: Servers, timeout_s: float = 120) -> str:
        """Wait until a DAG is known, start a run of it and return the run's id.

        Where the schedule was quicker, its run is the one: a DAG has no more than one at a time.
        """
        wait_for(
            lambda: self._api.get(f"/api/v2/dags/{dag_id}").is_success,
            servers.check,
            timeout_s,
            f"Airflow did not find the DAG {dag_id}; see the import errors on its page.",
        )
        self._api.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": False}).raise_for_status()
        runs = f"/api/v2/dags/{dag_id}/dagRuns"
        active = self._api.get(runs, params={"state": ["queued", "running"]}).raise_for_status()
        for run in active.json()["dag_runs"]:
            return str(run["dag_run_id"])
        started = self._api.post(runs, json={"logical_date": None}).raise_for_status()
        return str(started.json()["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run."""
        answer = self._api.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")
        return str(answer.raise_for_status().json()["state"])

    def task_states(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return where the tasks of a run stand."""
        answer = self._api.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")
        return [
            TaskState(task["task_id"], task["state"], task["try_number"], task["duration"] or 0.0)
            for task in answer.raise_for_status().json()["task_instances"]
        ]

    def log_lines(self, dag_id: str, run_id: str, task: TaskState) -> Iterator[str]:
        """Yield the messages in the log of a task's last try."""
        answer = self._api.get(
            f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task.task_id}"
            f"/logs/{task.try_number}",
            params={"full_content": True},
            headers={"Accept": "application/json"},
        )
        for entry in answer.raise_for_status().json()["content"]:
            yield from _messages(entry)

    def _is_healthy(self) -> bool:
        try:
            health = self._api.get("/api/v2/monitor/health").json()
        except (httpx.HTTPError, ValueError):
            return False
        names = ("metadatabase", "scheduler", "triggerer", "dag_processor")
        return all(health.get(name, {}).get("status") == "healthy" for name in names)


_AIRFLOW = [sys.executable, "-m", "airflow"]


def _messages(entry: Any) -> Iterator[str]:  # noqa: ANN401 - a log entry has any keys
    """Yield what a structured log entry says: its message, and the errors in it."""
    if isinstance(entry, dict):
        yield str(entry.get("event", ""))
        for error in entry.get("error_detail") or []:
            yield str(error.get("exc_value", ""))


def _passwords(home: Path) -> Path:
    return home / "passwords.json"


def _password(home: Path) -> str:
    """Return the password of the user `admin`, made before Airflow makes one.

    It is needed earlier than that: a purge deletes Airflow's records through Airflow's API.
    """
    file = _passwords(home)
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(msgspec.json.encode({"admin": secrets.token_urlsafe(12)}))
    passwords: dict[str, str] = msgspec.json.decode(file.read_bytes())
    return passwords["admin"]


def _own_api(port: int, password: str) -> str:
    """Return the Airflow Connection through which our tasks use Airflow's own API."""
    connection = {
        "conn_type": "http",
        "schema": "http",
        "host": "127.0.0.1",
        "port": port,
        "login": "admin",
        "password": password,
    }
    return msgspec.json.encode(connection).decode()


def _configuration(home: Path, port: int) -> dict[str, str]:
    """Return Airflow's settings: this machine only, small, quick to notice a new connection."""
    url = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(PROJECT_ROOT),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords(home)),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }

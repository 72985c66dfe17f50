"""The installation of docker-compose.yaml on this machine, without containers."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import httpx
import msgspec

from include.settings import PROJECT_ROOT
from tests.ports import free_port
from tests.scale.compose import Service, Translation, read
from tests.scale.processes import LEASHED, Processes, named

VARIABLES = {
    # Two workers with two tasks each are what two cores can bear.
    "WORKER_CONCURRENCY": "2",
    "PARALLELISM": "4",
    # The sandboxes have nobody to be fair to.
    "SENTRY_MAX_REQUESTS_PER_SECOND": "500",
}
"""What an operator would write into `.env`."""

SERVERS = ("api-server", "scheduler", "dag-processor", "triggerer")
WORKERS = ("worker-1", "worker-2")
ENTRYPOINT = "/opt/corvana/deploy/entrypoint.sh"
POSTGRES_BIN = Path("/usr/lib/postgresql")


class NotInstalled(Exception):
    """A program of Debian's is missing."""


class NotInTime(Exception):
    """Something did not happen in time."""


class Topology:
    """All of its processes; they end when the block is left.

    Args:
        folder: For everything that is written.
        say: Given sentences about what happens.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.secrets = folder / "secrets"
        self.data = folder / "data"
        self.processes = Processes(folder / "processes")
        self._say = say
        self._ports = {
            name: free_port() for name in ("api", "health", "postgres", "redis", "object-store")
        }
        self._compose = read(VARIABLES)

    def __enter__(self) -> Self:
        _require_programs()
        self.folder.chmod(0o755)  # Postgres runs as another user
        self.processes.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.processes.__exit__(kind, error, traceback)

    @property
    def api_url(self) -> str:
        """The address of Airflow's API server."""
        return f"http://127.0.0.1:{self._ports['api']}"

    @property
    def store_url(self) -> str:
        """The address of the object store."""
        return f"http://127.0.0.1:{self._ports['object-store']}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a worker."""
        return self._service(WORKERS[0]).environment

    def secret(self, name: str) -> str:
        """Return a secret."""
        return (self.secrets / name).read_text()

    def start_stores(self) -> None:
        """Start what Airflow and the pipeline keep things in, and prepare it."""
        self._make_secrets()
        for folder in ("data", "logs", "tmp", "airflow"):
            (self.folder / folder).mkdir()
        self._start_postgres()
        self._start_redis()
        self._start_object_store()
        self._say("Postgres, Redis and the object store run; preparing them")
        self._run("init")

    def start(self) -> None:
        """Start everything, and wait until it is healthy."""
        self.start_stores()
        self._say("starting Airflow")
        for name in (*SERVERS, *WORKERS):
            self._start_service(name)
        for name in (*SERVERS, *WORKERS):
            self.wait_for(lambda name=name: self._is_healthy(name), 240, f"{name} is not healthy")

    def wait_for(self, happened: Callable[[], bool], timeout_s: float, failure: str) -> None:
        """Wait until something has happened, while all processes run.

        Raises:
            NotInTime: It did not.
        """
        deadline = time.monotonic() + timeout_s
        while not happened():
            self.processes.check()
            if time.monotonic() > deadline:
                raise NotInTime(f"{failure} after {timeout_s:.0f} s.")
            time.sleep(2)

    @cached_property
    def api(self) -> httpx.Client:
        """Airflow's REST API, signed in as `admin`."""
        passwords = msgspec.json.decode(self.secret("airflow_passwords.json"))
        # The server closes a connection that was idle for 5 seconds, perhaps as it is used again.
        anew = httpx.Limits(max_keepalive_connections=0)
        client = httpx.Client(base_url=self.api_url, timeout=60, trust_env=False, limits=anew)
        user = {"username": "admin", "password": passwords["admin"]}
        token = client.post("/auth/token", json=user).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    def objects(self) -> list[dict[str, Any]]:
        """Return all objects in the store."""
        store = boto3.client(
            "s3",
            endpoint_url=self.store_url,
            region_name="us-east-1",
            aws_access_key_id=self.secret("corvana_lake_s3_access_key_id"),
            aws_secret_access_key=self.secret("corvana_lake_s3_secret_access_key"),
        )
        found = store.get_paginator("list_objects_v2").paginate(Bucket="corvana")
        return [one for page in found for one in page.get("Contents", [])]

    def _make_secrets(self) -> None:
        """Make the secrets as an operator does, and let them lead to this machine."""
        subprocess.run(
            [PROJECT_ROOT / "deploy/secrets.sh"],
            env={"PATH": os.environ["PATH"], "SECRETS": str(self.secrets)},
            check=True,
            capture_output=True,
        )
        for file in self.secrets.iterdir():
            text = self._translation("")(file.read_text())
            file.chmod(0o600)
            file.write_text(text)
            file.chmod(0o444)
        self.secrets.chmod(0o755)  # Postgres' user reads its own

    def _translation(self, name: str) -> Translation:
        """Return what stands for names in a service's container here."""
        here = "127.0.0.1:{}".format
        api = here(self._ports["api"])
        return Translation(
            {
                "postgres:5432": here(self._ports["postgres"]),
                "redis:6379": here(self._ports["redis"]),
                "object-store:7070": here(self._ports["object-store"]),
                "api-server:8080": api,
                "localhost:8080": api,
                "127.0.0.1:8080": api,
                "127.0.0.1:8974": here(self._ports["health"]),
                "/run/secrets": str(self.secrets),
                "/var/lib/corvana": str(self.data),
                "/var/log/airflow": str(self.folder / "logs"),
                "/opt/airflow": str(self.folder / "airflow" / name),
                "/opt/corvana": str(PROJECT_ROOT),
            }
        )

    def _service(self, name: str) -> Service:
        service = self._compose["services"][name.removesuffix("-1").removesuffix("-2")]
        found = Service.of(service, self._translation(name), ENTRYPOINT)
        # What an image and a container have and this machine has one of for all.
        found.environment.update(
            {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}:{PROJECT_ROOT}".lstrip(":"),
                "PYTHONUNBUFFERED": "1",
                "HOME": str(self.folder / "airflow" / name),
                "TMPDIR": str(self.folder / "tmp"),
                "AIRFLOW__API__HOST": "127.0.0.1",
                "AIRFLOW__API__PORT": str(self._ports["api"]),
                "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
                "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(
                    self._ports["health"]
                ),
            }
        )
        return found

    def _start_service(self, name: str) -> None:
        service = self._service(name)
        (self.folder / "airflow" / name).mkdir()
        self.processes.start_contained(name, service.command, service.environment)

    def _run(self, name: str) -> None:
        """Run a service that ends."""
        service = self._service(name)
        (self.folder / "airflow" / name).mkdir()
        with (self.processes.logs / f"{name}.log").open("ab") as log:
            subprocess.run(
                [*LEASHED, *service.command],
                env=service.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=True,
            )

    def _is_healthy(self, name: str) -> bool:
        """Ask a service's own health check, on the machine that it believes to be on."""
        service = self._service(name)
        asked = subprocess.run(
            named(name, service.check), env=service.environment, capture_output=True, check=False
        )
        return asked.returncode == 0

    def _start_postgres(self) -> None:
        """Start Postgres with the file's options, and make its databases with the file's script."""
        port, folder = self._ports["postgres"], self.folder / "postgres"
        folder.mkdir()
        as_postgres = []
        if os.geteuid() == 0:  # Postgres refuses to be run by root
            shutil.chown(folder, "postgres", "postgres")
            as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        programs = max(POSTGRES_BIN.iterdir(), key=lambda path: float(path.name)) / "bin"
        _, *options = self._compose["services"]["postgres"]["command"]
        authenticated = ["-A", "scram-sha-256", f"--pwfile={self.secrets / 'postgres_password'}"]
        data = folder / "data"
        subprocess.run(
            [*as_postgres, programs / "initdb", "-D", data, "-U", "postgres", *authenticated],
            check=True,
            capture_output=True,
        )
        where = ["-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
        command = [*as_postgres, *LEASHED, str(programs / "postgres"), *where, *options]
        self.processes.start("postgres", command, {"PATH": os.environ["PATH"]})
        env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGPASSWORD": self.secret("postgres_password"),
            "SECRETS_DIR": str(self.secrets),
        }
        ready = [programs / "pg_isready", "-q"]
        self.wait_for(
            lambda: subprocess.run(ready, env=env, check=False).returncode == 0,
            60,
            "Postgres does not answer",
        )
        script = PROJECT_ROOT / "deploy/postgres/databases.sh"
        subprocess.run([script], env=env, check=True, capture_output=True)

    def _start_redis(self) -> None:
        (self.folder / "redis.conf").write_text(f"requirepass {self.secret('redis_password')}\n")
        options = ["--port", str(self._ports["redis"]), "--bind", "127.0.0.1", "--save", ""]
        command = ["redis-server", str(self.folder / "redis.conf"), *options]
        self.processes.start("redis", command, {"PATH": os.environ["PATH"]})

    def _start_object_store(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1"]
        command += ["-p", str(self._ports["object-store"])]
        self.processes.start("object-store", command, {"PATH": os.environ["PATH"]})

        def answers() -> bool:
            with suppress(httpx.HTTPError):
                return httpx.get(f"{self.store_url}/moto-api/", trust_env=False).is_success
            return False

        self.wait_for(answers, 60, "The object store does not answer")


def corvana_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return those of our own variables."""
    return {name: value for name, value in environment.items() if name.startswith("CORVANA_")}


def _require_programs() -> None:
    there = {"redis-server": shutil.which("redis-server"), "postgresql": POSTGRES_BIN.is_dir()}
    if missing := [package for package, found in there.items() if not found]:
        raise NotInstalled(f"Run as root first: apt-get install {' '.join(missing)}")

"""`python -m tests.scale.costs`: what an hour of a connection costs, in a lake in an object store.

Each step runs in a process of its own, as Airflow runs it but without Airflow, on the Postgres and
the object store of `make test-scale`. CPU is counted by the kernel, children included; that of the
sandbox and of the stores is not among it. Other programs that run make the time longer, and the CPU
a little.
"""

import argparse
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from include.connections.registry import open_registry
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import Running, running
from include.settings import Settings
from tests.connected import connected
from tests.scale.topology import Topology, corvana_variables

STEPS = ("load", "build", "publish")
SIZES = (600, 6000)


@dataclass(frozen=True)
class Cost:
    """What a step cost.

    Attributes:
        wall_s: Seconds from its start to its end.
        cpu_s: Seconds of CPU.
        memory: Bytes of the largest process.
        requests: To Sentry.
        store_requests: To the object store.
    """

    wall_s: float
    cpu_s: float
    memory: int
    requests: int
    store_requests: int


def step(topology: Topology, sandbox: Running, name: str, connection_id: str) -> Cost:
    """Run a step of a connection and return what it cost."""
    code = f"from include import tasks; tasks.{name}({connection_id!r})"
    requests, began = sandbox.requests.total, time.monotonic()
    store_requests = asked(topology)
    with (topology.folder / "step.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=topology.environment, stdout=log, stderr=log
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit((topology.folder / "step.log").read_text())
    return Cost(
        wall_s=time.monotonic() - began,
        cpu_s=used.ru_utime + used.ru_stime,
        memory=used.ru_maxrss * 1024,
        requests=sandbox.requests.total - requests,
        store_requests=asked(topology) - store_requests,
    )


def asked(topology: Topology) -> int:
    """Return how many requests the object store has answered, by its log."""
    return (topology.processes.logs / "object-store.log").read_bytes().count(b' HTTP/1.1" ')


def stored(topology: Topology, settings: Settings, connection_id: str) -> str:
    """Return what a connection takes in the catalog, in the store, and published."""
    with psycopg.connect(topology.secret("corvana_lake_catalog_url")) as database:
        query = (
            "select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n "
            "on n.oid = c.relnamespace where n.nspname = %s and c.relkind = 'r'"
        )
        (catalog,) = database.execute(query, (f"lake_{connection_id}",)).fetchone() or (0,)
    objects = [one for one in topology.objects() if connection_id in one["Key"]]
    files = settings.published_dir.rglob("*.parquet")
    published = sum(path.stat().st_size for path in files if connection_id in str(path))
    return (
        f"catalog {int(catalog) / 1e6:.1f} MB, {len(objects):,} objects with "
        f"{sum(one['Size'] for one in objects) / 1e6:.1f} MB, published {published / 1e6:.1f} MB"
    )


def hours(topology: Topology, settings: Settings, issues: int, count: int) -> None:
    """Measure the first run of a connection and the hourly ones after it."""
    registry = open_registry(settings)
    organization = generate(seed=7, now=DEFAULT_NOW, issues=issues)
    with running(organization) as sandbox:
        one = connected(registry, sandbox.base_url, organization.slug, sandbox.token)
        for hour in range(count + 1):
            if hour:
                sandbox.clock.advance(3600)
            for name in STEPS:
                cost = step(topology, sandbox, name, one.id)
                say(
                    f"{issues:>6,} issues, {f'hour {hour}' if hour else 'first '}  {name:<8}"
                    f"{cost.cpu_s:7.1f} s CPU {cost.wall_s:7.1f} s {cost.memory / 1e6:6.0f} MB"
                    f"{cost.requests:8,} requests to Sentry, {cost.store_requests:,} to the store"
                )
            say(f"{issues:>6,} issues: {stored(topology, settings, one.id)}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure all sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="issues")
    parser.add_argument("--hours", type=int, default=3, help="runs after the first one")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="corvana-costs-")))
        topology = stack.enter_context(Topology(folder, say))
        topology.start_stores()
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in corvana_variables(topology.environment).items():
            patch.setenv(name, value)
        settings = Settings(_secrets_dir=topology.secrets)
        for issues in options.sizes:
            hours(topology, settings, issues, options.hours)


if __name__ == "__main__":
    main()

"""`python -m tests.purge.bench`: how long a purge takes, from the disconnect to the receipt.

Warehouses are synthetic, as large as real ones; published marts and task logs lie beside them. The
search reads everything that is not another connection's. Other programs that run make it slower.
"""

import argparse
import os
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import duckdb

from include.connections.registry import Registry, open_registry
from include.connections.tokens import Grant
from include.purge.airflow_api import AirflowApi
from include.purge.purging import purge
from include.purge.receipts import Receipt
from include.settings import Settings
from include.warehouse.duckdb_file import DuckDBFile
from include.warehouse.publishing import publish

BOUND_S = 60.0
"""What a purge of 200,000 issues may take."""

LOGS = 200
"""Task logs of each connection, of a hundred lines."""

TABLES = """
    create schema raw; create schema marts;
    create table raw.organizations as select '{id}' as id, 'organization-{id}' as slug;
    create table raw.projects as
        select i::varchar as id, 'project-{id}-' || i as slug from range(50) t(i);
    create table raw.environments as
        select i::varchar as id, 'environment-{id}-' || i as name from range(8) t(i);
    create table raw.releases as
        select i as id, 'app-{id}@4.' || i || '.0+' || md5(i::varchar) as version
        from range({issues} // 40) t(i);
    create table raw.issues as
        select (4500000000 + hash(i) % 1000000000)::varchar as id, 'PROJECT-{id}-' || i as short_id,
            md5('{id}' || i % 300) as assignee_key, i % 7 as level,
            timestamp '2026-01-01' + interval (i) minute as first_seen, random() as score
        from range({issues}) t(i);
    create table raw.issue_activities as
        select i as id, (4500000000 + hash(i // 5) % 1000000000)::varchar as issue_id,
            md5('{id}' || i % 300) as actor_key, timestamp '2026-01-01' + interval (i) second as at
        from range({issues} * 5) t(i);
    create table raw.issue_release_volume as
        select i % {issues} as issue_id, 'app-{id}@4.' || i % 500 as release, i % 90 as day,
            i % 1000 as count from range({issues} * 5) t(i);
    create table raw.load_runs as select md5('{id} run ' || i) as run_id from range(500) t(i);
    create table marts.issue_episode as from raw.issue_activities;
    create table marts.dim_issue as from raw.issues;
    create table marts.release_stability as from raw.releases;
    create table marts.error_frequency as from raw.issue_release_volume;
"""


class Nothing:
    """Airflow's API, as quick as it can be: its own time is another matter."""

    def count(self, _dag_id: str) -> dict[str, int]:
        return {}

    def delete_dag(self, _dag_id: str) -> None:
        pass

    def pause(self, _dag_id: str) -> None:
        pass

    def end_runs(self, _dag_id: str) -> int:
        return 0


class World:
    """An installation with connections.

    Args:
        folder: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder / "data")
        self.registry: Registry = open_registry(self.settings)
        self._logs = folder / "airflow" / "logs"

    def connect(self, number: int, issues: int) -> str:
        """Make a connection with data."""
        grant = Grant("token", "refresh", None, frozenset({"org:read"}))
        begun = self.registry.begin("https://sentry.io", grant, "bench")
        organization_id = str(4_500_000_000_000_000 + number)
        self.registry.connect(begun.id, organization_id, f"organization-{number}", "bench")
        self.settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
        warehouse = self.settings.warehouse_dir / f"{begun.id}.duckdb"
        with duckdb.connect(str(warehouse)) as database:
            database.execute(TABLES.format(id=number, issues=issues))
        file = DuckDBFile(self.settings.warehouse_dir, begun.id)
        publish(file, self.settings.published_dir, begun.id, timedelta(hours=2))
        logs = self._logs / f"dag_id=sentry_load__{begun.id}"
        for run in range(LOGS):
            path = logs / f"run_id={run}" / "task_id=load" / "attempt=1.log"
            path.parent.mkdir(parents=True)
            path.write_text("an ordinary line of a task's log, which names nothing\n" * 100)
        return begun.id

    def purge(self, connection_id: str) -> tuple[float, Receipt]:
        """Disconnect and purge; return the seconds that took, and the receipt."""
        began = time.monotonic()
        self.registry.disconnect(connection_id, "bench")
        receipt = purge(self.settings, self.registry, connection_id)
        return time.monotonic() - began, receipt


def one_large(folder: Path, issues: int) -> bool:
    """Measure one large connection; return whether the bound is kept."""
    world = World(folder)
    connection_id = world.connect(1, issues)
    seconds, receipt = world.purge(connection_id)
    deleted = {step.step: step.deleted for step in receipt.steps}
    _print(
        f"{issues:,} issues: {seconds:.1f} s from disconnect to receipt; warehouse "
        f"{deleted['warehouse']['bytes'] / 1e6:.0f} MB with {deleted['warehouse']['rows']:,} rows, "
        f"published {deleted['published']['bytes'] / 1e6:.0f} MB, clean: "
        f"{receipt.verification is not None and receipt.verification.is_clean}"
    )
    return seconds < BOUND_S


def many(folder: Path, counts: list[int], issues: int) -> None:
    """Measure many connections, purged one after the other."""
    for count in counts:
        world = World(folder / str(count))
        os.environ["AIRFLOW_HOME"] = str(folder / str(count) / "airflow")
        ids = [world.connect(number, issues) for number in range(count)]
        taken = [world.purge(one)[0] for one in ids]
        _print(
            f"{count} connections of {issues:,} issues: {sum(taken):.1f} s, "
            f"{sum(taken) / count:.2f} s each, the slowest {max(taken):.2f} s"
        )


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the bench; return 1 if the bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=200_000)
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 10, 50, 100])
    parser.add_argument("--each", type=int, default=2_000, help="issues of each of the many")
    args = parser.parse_args()
    _print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    AirflowApi.open = classmethod(lambda _cls, _settings: Nothing())  # type: ignore[assignment, method-assign]
    with tempfile.TemporaryDirectory(prefix="purge-bench-") as name:
        folder = Path(name)
        tempfile.tempdir = str(folder / "tmp")
        (folder / "tmp").mkdir()
        os.environ["AIRFLOW_HOME"] = str(folder / "large" / "airflow")
        is_kept = one_large(folder / "large", args.issues)
        many(folder, args.connections, args.each)
        tempfile.tempdir = None
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())

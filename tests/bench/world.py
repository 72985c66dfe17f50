"""A bench server with a warehouse beside it, and what can be measured on the two."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import duckdb
import httpx

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = ("activities/", "events/", "stats_v2/", "issues/")


@dataclass(frozen=True, slots=True)
class Run:
    """One measured process.

    Attributes:
        seconds, cpu_s: Wall and processor time, imports apart.
        import_s: Time of the imports.
        peak_mb: Peak memory.
        requests: Requests that the server answered.
        list_calls: Of these, pages of issues, searched or by id.
        calls: All of them by endpoint.
        details: What the process printed itself.
    """

    seconds: float
    cpu_s: float
    import_s: float
    peak_mb: int
    requests: int
    list_calls: int
    calls: dict[str, int]
    details: dict[str, Any]


class World:
    """Runs a server, with a folder to load into, for the length of a `with` block.

    Args:
        concurrency: Requests that loads and floors have under way.
        issues: Issues of the organization.
        touched: Share of them to which something happened.
        bursts: Times at which an issue has events, on average; 0 hides all counts of events.
        releases: Releases.
    """

    def __init__(
        self,
        concurrency: int,
        issues: int,
        touched: float = 0.0,
        bursts: float = 2.0,
        releases: int = 200,
    ) -> None:
        self.issues = issues
        self._concurrency = concurrency
        options = {"issues": issues, "touched": touched, "bursts": bursts, "releases": releases}
        self._options = [f"--{name}={value}" for name, value in options.items()]

    def __enter__(self) -> Self:
        self._temporary = TemporaryDirectory(prefix="bench-")
        self._folder = Path(self._temporary.name)
        command = [sys.executable, "-m", "tests.bench.server", *self._options]
        self._server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        self._base_url = self._server.stdout.readline().strip()
        if not self._base_url:
            raise RuntimeError("The bench server did not start.")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.wait()
        self._temporary.cleanup()

    def control(self, name: str, **numbers: float) -> Any:
        """Turn one of the server's switches; see `server`."""
        return httpx.get(f"{self._base_url}/bench/{name}", params=numbers, timeout=60).json()

    def load(self, latency_ms: int = 0) -> Run:
        """Load into the warehouse."""
        return self._run("load", latency_ms, f"--folder={self._folder}")

    def floor(self, latency_ms: int = 0) -> Run:
        """Download what the load asked for, and nothing else; return the fastest of two ways.

        To be called right after the load: what was asked for is in the server's log.
        """
        targets = self._folder / "targets.json"
        targets.write_text(json.dumps(self.control("log")))
        options = f"--targets={targets}"
        ways = [
            self._run("floor", latency_ms, options, f"--library={library}")
            for library in ("httpx", "httpcore")
        ]
        return min(ways, key=lambda one: one.seconds)

    def _run(self, what: str, latency_ms: int, *options: str) -> Run:
        self.control("reset", latency_ms=latency_ms)
        common = [self._base_url, f"--concurrency={self._concurrency}", *options]
        command = [sys.executable, "-m", "tests.bench.measure", what, *common]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
        found = json.loads(done.stdout)
        calls = Counter(_family(target) for target in self.control("log"))
        measures = {name: found.pop(name) for name in ("seconds", "cpu_s", "import_s", "peak_mb")}
        return Run(
            **measures,
            requests=calls.total(),
            list_calls=calls["issues/"],
            calls=dict(calls.most_common()),
            details=found,
        )

    def noticed(self, changed: dict[str, list[int]]) -> dict[str, int]:
        """Return how many of the changed issues the warehouse shows as changed.

        Those resolved and assigned must have the activity that says so, too.
        """
        conditions = {
            "resolved": "status = 'resolved' and id in (select issue_id from raw.issue_activities"
            " where type = 'set_resolved')",
            "assigned": "assignee_key is not null and id in (select issue_id"
            " from raw.issue_activities where type = 'assigned')",
            "deleted": "tombstone = 'deleted'",
        }
        with duckdb.connect(str(self._folder / "bench.duckdb"), read_only=True) as warehouse:
            return {
                kind: warehouse.execute(
                    f"select count(*) from raw.issues where {conditions[kind]}"
                    " and id in (select unnest(?::varchar[]))",
                    [[str(one) for one in ids]],
                ).fetchall()[0][0]
                for kind, ids in changed.items()
            }

    def stored(self) -> int:
        """Return how many issues the warehouse holds."""
        with duckdb.connect(str(self._folder / "bench.duckdb"), read_only=True) as warehouse:
            return int(warehouse.execute("select count(*) from raw.issues").fetchall()[0][0])


def _family(target: str) -> str:
    path = target.partition("?")[0]
    return next((family for family in FAMILIES if path.endswith("/" + family)), "other")

"""`python -m tests.bench.marts`: what it costs to build the marts, and to build them again.

Each build is the process that production starts, over a warehouse written for the purpose; memory
is the process's peak. A full build is dbt's, of all models and tests, of a project parsed before;
the next one runs what that compiled. Exits with 1 if a bound is missed (`--lenient`: only shown).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from include.warehouse.duckdb_file import DuckDBFile
from tests.bench.report import table
from tests.bench.warehouse import Size, change, write

ROOT = Path(__file__).parents[2]
BOUNDS_S = {5_000: 15.0, 200_000: 60.0}
"""Seconds that a full build may take, by issues."""
NEXT_SHARE = 1 / 3
"""What the next build may cost, of a full one's time and of its CPU."""
MEMORY_MB = 2_048
CHANGED = 0.01
FULL, NEXT = "full, by dbt", "after 1 % changed"


@dataclass(frozen=True)
class Build:
    """What a build took."""

    name: str
    issues: int
    wall_s: float
    cpu_s: float
    peak_mb: int


def build(name: str, issues: int, warehouse: Path, work: Path, cache: Path) -> Build:
    """Build the marts as production does.

    Raises:
        RuntimeError: dbt failed.
    """
    work.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "include.transform.process", str(work), str(cache)],
        cwd=work,
        env={**os.environ, **DuckDBFile(warehouse.parent, warehouse.stem).environment()}
        | {"PYTHONPATH": str(ROOT), "TMPDIR": str(work)},
        stdin=subprocess.PIPE,
        stdout=(work / "log").open("w"),
        stderr=subprocess.STDOUT,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - started
    if process.returncode != 0:
        raise RuntimeError((work / "log").read_text()[-3000:])
    in_kb = used.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    return Build(name, issues, wall_s, used.ru_utime + used.ru_stime, in_kb // 1024)


def measured(issues: int, folder: Path) -> list[Build]:
    """Build a warehouse of some issues for the first time, warm, and after 1 % changed."""
    warehouse, cache = folder / f"{issues}.duckdb", folder / f"cache-{issues}"
    write(warehouse, Size(issues))
    found = [build("first, parsing", issues, warehouse, folder / f"first-{issues}", cache)]
    for compiled in cache.glob("compiled-*"):
        compiled.unlink()
    found.append(build(FULL, issues, warehouse, folder / f"full-{issues}", cache))
    change(warehouse, CHANGED, 1)
    found.append(build(NEXT, issues, warehouse, folder / f"next-{issues}", cache))
    warehouse.unlink()
    return found


def missed(builds: list[Build]) -> list[str]:
    """Return a sentence for each bound that was missed."""
    found = []
    full = {one.issues: one for one in builds if one.name == FULL}
    for one in builds:
        bound = BOUNDS_S.get(one.issues)
        if one.name == FULL and bound is not None and one.wall_s > bound:
            found.append(f"{one.issues:,} issues, full: {one.wall_s:.1f} s, not {bound:.0f} s")
        if one.name == NEXT:
            shares = {
                "time": one.wall_s / full[one.issues].wall_s,
                "CPU": one.cpu_s / full[one.issues].cpu_s,
            }
            found += [
                f"{one.issues:,} issues, next: {share:.0%} of a full build's {what}"
                for what, share in shares.items()
                if share >= NEXT_SHARE
            ]
        if one.peak_mb > MEMORY_MB:
            found.append(f"{one.issues:,} issues, {one.name}: {one.peak_mb:,} MB")
    return found


def main() -> int:
    """Run the bench; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(BOUNDS_S))
    parser.add_argument("--lenient", action="store_true", help="show missed bounds, exit with 0")
    args = parser.parse_args()
    builds: list[Build] = []
    with TemporaryDirectory(prefix="bench-marts-") as folder:
        for issues in args.sizes:
            builds += measured(issues, Path(folder))
    rows = [
        (one.name, f"{one.issues:,}", f"{one.wall_s:.1f}", f"{one.cpu_s:.1f}", f"{one.peak_mb:,}")
        for one in builds
    ]
    sys.stdout.write(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    sys.stdout.write(table(("build", "issues", "wall s", "CPU s", "peak MB"), rows) + "\n")
    lines = missed(builds)
    sys.stdout.write("".join(f"MISSED {line}\n" for line in lines))
    return int(bool(lines) and not args.lenient)


if __name__ == "__main__":
    sys.exit(main())

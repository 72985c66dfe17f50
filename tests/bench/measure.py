"""What is measured, each in a process of its own: a load, and the floor under it.

`python -m tests.bench.measure load …` and `… floor …` print what they measured as JSON. The time of
the imports is not in `seconds`; the memory is the peak of the whole process, imports included.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from threading import Lock, Thread
from typing import Any

Result = dict[str, Any]
HEADERS = {"Authorization": "Bearer bench-token"}
MAC = sys.platform == "darwin"


def measured(prepare: Callable[[], Callable[[], Result]]) -> Result:
    """Import, then run and measure.

    Args:
        prepare: Imports what is needed and returns what is to be measured.
    """
    started = time.perf_counter()
    run = prepare()
    import_s = time.perf_counter() - started
    before, started = _cpu_s(), time.perf_counter()
    result = run()
    seconds = time.perf_counter() - started
    return {
        "seconds": round(seconds, 3),
        "cpu_s": round(_cpu_s() - before, 3),
        "import_s": round(import_s, 3),
        "peak_mb": _peak_kb() // 1024,
        **result,
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_kb() -> int:
    """Return the largest resident size of this program.

    On Linux, `getrusage` would count what the process was before it became this program: a copy of
    the one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if MAC else 1)


def load(args: argparse.Namespace) -> Callable[[], Result]:
    """Import the source; return a load into a DuckDB file, as the application makes it."""
    from dlt_sources.sentry.client import Client  # noqa: PLC0415 - measured
    from dlt_sources.sentry.pipeline import run_load  # noqa: PLC0415
    from include.warehouse.duckdb_file import DuckDBFile  # noqa: PLC0415

    destination = DuckDBFile(args.folder, "bench").dlt_destination()

    def run() -> Result:
        with Client(
            args.base_url,
            "77",
            "bench-token",
            max_requests_per_second=None,
            concurrency=args.concurrency,
        ) as client:
            summary = run_load(
                run_id=f"run-{time.time_ns()}",
                client=client,
                salt=b"bench" * 8,
                destination=destination,
                work_dir=args.folder / "work",
            )
        return {"summary": asdict(summary)}

    return run


def floor(args: argparse.Namespace) -> Callable[[], Result]:
    """Import an HTTP library; return the bare download of what a load asked for.

    As many threads as the load may have requests under way take the addresses one by one and read
    the bodies, and nothing else.
    """
    open_fetch = {"httpx": _with_httpx, "httpcore": _with_httpcore}[args.library]()
    targets = json.loads(args.targets.read_text())

    def run() -> Result:
        waiting, lock = iter(targets), Lock()
        sizes: list[int] = []
        fetch = open_fetch(args.base_url, args.concurrency)

        def work() -> None:
            total = 0
            while True:
                with lock:
                    target = next(waiting, None)
                if target is None:
                    sizes.append(total)
                    return
                total += len(fetch(target))

        threads = [Thread(target=work) for _ in range(args.concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"library": args.library, "requests": len(targets), "bytes": sum(sizes)}

    return run


Fetch = Callable[[str], bytes]


def _with_httpx() -> Callable[[str, int], Fetch]:
    import httpx  # noqa: PLC0415 - measured

    def open_fetch(base_url: str, _concurrency: int) -> Fetch:
        http = httpx.Client(base_url=base_url, headers=HEADERS, trust_env=False)
        return lambda target: http.get(target).content

    return open_fetch


def _with_httpcore() -> Callable[[str, int], Fetch]:
    """Return a download with httpx's own engine, which the source uses."""
    import httpcore  # noqa: PLC0415 - measured

    def open_fetch(base_url: str, concurrency: int) -> Fetch:
        pool = httpcore.ConnectionPool(
            max_connections=concurrency, max_keepalive_connections=concurrency
        )
        return lambda target: pool.request("GET", base_url + target, headers=HEADERS).content

    return open_fetch


def main() -> None:
    """Measure one thing and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["load", "floor"])
    parser.add_argument("base_url")
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--folder", type=Path, help="of the warehouse")
    parser.add_argument("--targets", type=Path, help="addresses to download, a JSON list")
    parser.add_argument("--library", choices=["httpx", "httpcore"], help="what to download with")
    args = parser.parse_args()
    result = measured(lambda: {"load": load, "floor": floor}[args.what](args))
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()

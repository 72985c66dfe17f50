"""`make bench`: measures loads against a bare download of the same bytes, and tells how it went.

Every number comes from this run, on this machine; other programs running there make it slower.
Exits with 1 if a bound is missed (`--lenient`: one that does not depend on the machine).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from tests.bench import report
from tests.bench.scenarios import TOUCHED, Measured, distant, realistic, untouched

QUICK = 2_000
ISSUES = 20_000


def main() -> int:
    """Run the bench; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test: 2,000 issues, no bounds on time"
    )
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="*",
        default=[20_000, 200_000],
        help="issues of the realistic organizations",
    )
    parser.add_argument("--only", choices=["untouched", "distant", "realistic"], action="append")
    parser.add_argument("--concurrency", type=int, default=4, help="requests under way")
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="show missed bounds of time and memory, but fail for the others only (for CI)",
    )
    parser.add_argument("--json", type=Path, help="file to write everything measured to")
    args = parser.parse_args()
    found = _measure(args)
    wanted = [one for one in report.bounds(found) if not (args.quick and one.is_timing)]
    _print(f"\n{report.table(report.HEAD, [report.line(one) for one in found])}\n")
    if not args.quick:
        _print(f"{report.table(report.OTHERS_HEAD, report.OTHERS)}\n")
    rows = [(b.name, b.wanted, b.measured, "ok" if b.is_kept else "MISSED") for b in wanted]
    _print(report.table(("bound", "wanted", "measured", ""), rows))
    if args.json:
        args.json.write_text(json.dumps(_as_json(args, found, wanted), indent=1, default=str))
    decisive = [one for one in wanted if not (args.lenient and one.is_timing)]
    return int(not all(one.is_kept for one in decisive))


def _measure(args: argparse.Namespace) -> list[Measured]:
    _print(
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}; {args.concurrency} requests under way, no limiter; "
        f"realistic: {TOUCHED:.0%} of the issues have a history"
    )
    found = []
    for one in _runs(args):
        # The whole takes minutes.
        _print(f"  {one.name}, {one.issues:,} issues: {one.run.seconds:.1f} s")
        found.append(one)
    return found


def _runs(args: argparse.Namespace) -> Iterator[Measured]:
    wanted = args.only or ["untouched", "distant", "realistic"]
    if args.quick:
        yield from untouched(QUICK, args.concurrency)
        yield from islice(realistic(QUICK, args.concurrency), 1)
        return
    if "untouched" in wanted:
        yield from untouched(ISSUES, args.concurrency)
    if "distant" in wanted:
        yield from distant(ISSUES, args.concurrency)
    if "realistic" in wanted:
        for size in sorted(args.sizes):
            yield from realistic(size, args.concurrency)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _as_json(
    args: argparse.Namespace, found: list[Measured], wanted: list[report.Bound]
) -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "concurrency": args.concurrency,
        "runs": [asdict(one) for one in found],
        "bounds": [asdict(one) for one in wanted],
    }


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.bench.pages`: what a report costs that tells of 200,000 issues.

Made as publishing makes it, and opened in headless Chromium. Exits with 1 if a bound is missed
(`--lenient`: shows it only).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from include.report.making import make
from include.transform.build import build
from include.warehouse.duckdb_file import DuckDBFile
from tests.bench.report import table
from tests.bench.warehouse import Size, write
from tests.report.conftest import exported

READY_S = 2.0
"""Seconds from the file to a page that is drawn, and from a choice to all charts drawn again."""
BYTES = 2_000_000

DRAWN = """() => document.documentElement.dataset.shows === "-1|all" """


@dataclass(frozen=True)
class Page:
    """What a report took."""

    issues: int
    made_s: float
    made_cpu_s: float
    size: int
    ready_s: float
    chosen_s: float


def measured(issues: int, folder: Path) -> Page:
    """Make a report and open it.

    Raises:
        RuntimeError: There is no Chromium.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("There is no Chromium: apt install chromium.")
    warehouse = DuckDBFile(folder, "big")
    write(warehouse.path, Size(issues))
    build(warehouse, folder / "work", folder / "dbt")
    files = exported(warehouse.path, folder / "marts")
    started, used = time.perf_counter(), time.process_time()
    html = make(files, "bench")
    made_s, made_cpu_s = time.perf_counter() - started, time.process_time() - used
    file = folder / "report.html"
    file.write_text(html, encoding="utf-8")
    ready_s, chosen_s = _opened(chromium, file)
    return Page(issues, made_s, made_cpu_s, len(html.encode()), ready_s, chosen_s)


def _opened(chromium: str, file: Path) -> tuple[float, float]:
    """Return how long the page took to be drawn, and to draw everything again."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto("about:blank")
        started = time.perf_counter()
        page.goto(file.as_uri(), wait_until="load")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        ready_s = time.perf_counter() - started
        started = time.perf_counter()
        page.locator("#period").select_option("all")
        page.wait_for_function(DRAWN)
        chosen_s = time.perf_counter() - started
        browser.close()
    return ready_s, chosen_s


def missed(page: Page) -> list[str]:
    """Return a sentence for each bound that was missed."""
    found = []
    if page.size > BYTES:
        found.append(f"{page.size:,} bytes, not {BYTES:,}")
    for name, seconds in (("ready", page.ready_s), ("drawn again", page.chosen_s)):
        if seconds > READY_S:
            found.append(f"{name} after {seconds:.1f} s, not {READY_S:.0f} s")
    return found


def main() -> int:
    """Run the bench; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--issues", type=int, default=200_000)
    parser.add_argument("--lenient", action="store_true", help="show missed bounds, exit with 0")
    args = parser.parse_args()
    with TemporaryDirectory(prefix="bench-pages-") as folder:
        page = measured(args.issues, Path(folder))
    head = ("issues", "made s", "CPU s", "bytes", "ready s", "drawn again s")
    row = (
        f"{page.issues:,}", f"{page.made_s:.1f}", f"{page.made_cpu_s:.1f}", f"{page.size:,}",
        f"{page.ready_s:.2f}", f"{page.chosen_s:.2f}",
    )  # fmt: skip
    sys.stdout.write(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    sys.stdout.write(table(head, [row]) + "\n")
    lines = missed(page)
    sys.stdout.write("".join(f"MISSED {line}\n" for line in lines))
    return int(bool(lines) and not args.lenient)


if __name__ == "__main__":
    sys.exit(main())

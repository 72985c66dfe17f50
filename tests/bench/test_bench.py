"""The bench still measures: a smoke test on few issues, without bounds on time."""

import json
import subprocess
import sys

from tests.bench.world import ROOT


def test_the_bench_measures_a_small_organization(tmp_path):
    written = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.bench", "--quick", f"--json={written}"]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = {run["name"]: run for run in json.loads(written.read_text())["runs"]}
    assert runs.keys() == {"full", "second", "realistic"}
    assert runs["second"]["noticed"] == {"resolved": 50, "assigned": 50, "deleted": 20}
    for run in runs.values():
        assert run["stored"] == 2_000
        assert run["floor"]["requests"] == run["run"]["requests"]

"""`dbt build` of the whole project.

Parsing the project takes seconds, and no connection's values are part of it. So it is parsed once
and the manifest reused until the project or dbt changes.
"""

import os
import shutil
from pathlib import Path

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumuro_decoder

from include.transform.compiled import prepare
from include.transform.prepared import Prepared
from include.transform.project import PROJECT, fingerprint


def build(file: Path, folder: Path, cache: Path) -> Prepared | None:
    """Build and test everything in a DuckDB file that has the raw tables; dbt prints how it goes.

    Args:
        file: The file.
        folder: For what dbt writes.
        cache: Where the parsed project is kept.

    Returns:
        What builds it again without dbt; None if something did not build, or a test found wrong
        data.

    Raises:
        NotRepeatable: All is built, and dbt alone can do that.
    """
    os.environ["CORVANA_WAREHOUSE"] = str(file)  # what the profile reads
    options = [
        f"--project-dir={PROJECT}",
        f"--profiles-dir={PROJECT}",
        f"--target-path={folder / 'target'}",
        f"--log-path={folder / 'logs'}",
        "--no-use-colors",
        "--log-level-file=none",
        "--no-write-json",
    ]
    ended = dbtRunner(manifest=_manifest(folder, cache, options)).invoke(
        ["build", *options, "--exclude-resource-type", "unit_test"]
    )
    if not ended.success or not isinstance(ended.result, RunExecutionResult):
        return None
    # dbt would keep the file open for as long as its process lives.
    DuckDBConnectionManager.env().close()  # type: ignore[no-untyped-call]
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    return prepare(ended.result.results)


def _manifest(folder: Path, cache: Path, options: list[str]) -> Manifest | None:
    """Return the parsed project, or None where dbt has to say why it cannot be parsed."""
    file = cache / f"manifest-{fingerprint()}.msgpack"
    if not file.exists():
        if not dbtRunner().invoke(["parse", *options]).success:
            return None
        cache.mkdir(parents=True, exist_ok=True)
        for outdated in cache.glob("manifest-*.msgpack"):
            outdated.unlink(missing_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        shutil.copyfile(folder / "target" / "partial_parse.msgpack", fresh)
        fresh.replace(file)
    return Manifest.from_msgpack(file.read_bytes(), decoder=extended_mashumuro_decoder)

"""The process that runs dbt: `python -m include.transform.dbt WORKING_FOLDER CACHE_FOLDER`.

Parsing the project takes seconds, and no connection's values are part of it. So it is parsed once
and the manifest reused until the project or dbt changes.
"""

import os
import shutil
import sys
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from threading import Thread

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt.parser.manifest import extended_mashumuro_decoder

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"


def end_with_parent() -> None:
    """End this process when the one that started it ends, even if that one was killed.

    Otherwise dbt would go on alone, and write into a warehouse that is nobody's any more. It holds
    the other end of our standard input, which closes then.
    """

    def wait() -> None:
        # Not through `sys.stdin`: its lock, held here, would make Python's own end a crash.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        os._exit(1)

    Thread(target=wait, name="parent", daemon=True).start()


def main(folder: Path, cache: Path) -> int:
    """Build the project into the warehouse that the environment names; return the exit code."""
    options = [
        f"--project-dir={PROJECT}",
        f"--profiles-dir={PROJECT}",
        f"--target-path={folder / 'target'}",
        f"--log-path={folder / 'logs'}",
        "--no-use-colors",
        "--log-level-file=none",
        "--no-write-json",
    ]
    manifest = _manifest(folder, cache, options)
    result = dbtRunner(manifest=manifest).invoke(
        ["build", *options, "--exclude-resource-type", "unit_test"]
    )
    return 0 if result.success else 1


def _manifest(folder: Path, cache: Path, options: list[str]) -> Manifest | None:
    """Return the parsed project, or None where dbt has to say why it cannot be parsed."""
    file = cache / f"manifest-{_fingerprint()}.msgpack"
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


def _fingerprint() -> str:
    """Return a hash of everything that parsing depends on."""
    digest = blake2b(version("dbt-core").encode() + version("dbt-duckdb").encode(), digest_size=8)
    folders = ("macros", "models", "seeds", "tests")
    nested = (path for folder in folders for path in (PROJECT / folder).rglob("*.*"))
    for path in sorted([*PROJECT.glob("*.yml"), *nested]):
        digest.update(path.relative_to(PROJECT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))

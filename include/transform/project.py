"""The dbt project, and what tells one version of it from another."""

from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from include.settings import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_project"

CODE = Path(__file__).parent
"""What makes statements of what dbt compiled."""

PACKAGES = ("dbt-core", "dbt-adapters", "dbt-duckdb")


def fingerprint() -> str:
    """Return a hash of everything that parsing, compiling and preparing depend on."""
    digest = blake2b(" ".join(map(version, PACKAGES)).encode(), digest_size=8)
    folders = ("macros", "models", "seeds", "tests")
    nested = (path for folder in folders for path in (PROJECT / folder).rglob("*.*"))
    for path in sorted([*PROJECT.glob("*.yml"), *nested]):
        digest.update(path.relative_to(PROJECT).as_posix().encode())
        digest.update(path.read_bytes())
    for path in sorted(CODE.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()

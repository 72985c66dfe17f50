"""Packs the dashboard for Superset's import: `python -m bi.superset.bundle --help`.

Needs nothing but Python's standard library, so that it runs wherever Superset is.
"""

import json
from argparse import ArgumentParser
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

ASSETS = Path(__file__).parent / "assets"
DATABASE = "databases/corvana.yaml"
METADATA = "metadata.yaml"

PLACEHOLDER = "PATH-OF-corvana.duckdb"
"""Stands in the database's address, between double quotes, where the path is filled in."""

DASHBOARD = "type: Dashboard"
"""What `metadata.yaml` says the bundle is: what the page Dashboards and the command line take."""

EVERYTHING = "type: assets"
"""What it says for `/api/v1/assets/import/`, which replaces charts and datasets, too."""

ROOT = "corvana_development_quality"
PACKED_AT = (2026, 1, 1, 0, 0, 0)
"""The time of every file in the bundle, so that the same assets make the same bytes."""


def main(arguments: list[str] | None = None) -> None:
    """Write the bundle that the command line asks for."""
    parser = ArgumentParser(prog="python -m bi.superset.bundle", description=__doc__)
    parser.add_argument(
        "database",
        help="absolute path of the published corvana.duckdb, as Superset's machine sees it",
    )
    parser.add_argument("bundle", type=Path, help="the ZIP file to write")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="for /api/v1/assets/import/: replaces what an earlier import made, charts included",
    )
    options = parser.parse_args(arguments)
    try:
        pack(options.bundle, options.database, replace=options.replace)
    except ValueError as error:
        parser.error(str(error))


def pack(bundle: Path, database: str, *, replace: bool = False) -> None:
    """Write a bundle that Superset imports.

    Args:
        bundle: The ZIP file to write.
        database: Absolute path of the published `corvana.duckdb`, as Superset's machine sees it.
        replace: Make it for `/api/v1/assets/import/`, which replaces everything it holds. Other
            imports keep charts and datasets that are there already.

    Raises:
        ValueError: The path is not absolute: Superset would look for it in its own folder.
    """
    if not PurePosixPath(database).is_absolute():
        raise ValueError(
            f"{database} is not an absolute path: name corvana.duckdb as Superset's machine sees "
            "it, beginning with /."
        )
    with ZipFile(bundle, "w", ZIP_DEFLATED) as packed:
        for file in sorted(ASSETS.rglob("*.yaml")):
            name = file.relative_to(ASSETS).as_posix()
            text = file.read_text(encoding="utf-8")
            if name == DATABASE:
                text = text.replace(PLACEHOLDER, json.dumps(database)[1:-1])
            elif name == METADATA and replace:
                text = text.replace(DASHBOARD, EVERYTHING)
            packed.writestr(ZipInfo(f"{ROOT}/{name}", PACKED_AT), text)


if __name__ == "__main__":
    main()

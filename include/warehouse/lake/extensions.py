"""DuckDB's extensions, from the wheels that are installed: nothing is downloaded at run time.

The wheels repackage DuckDB's own builds. DuckDB checks the signature of what it loads, so it does
not matter who repackaged them: `allow_unsigned_extensions` must stay off.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import duckdb

from include.warehouse.errors import ExtensionMissing


@cache
def extension(name: str) -> Path:
    """Return the file of an extension.

    Raises:
        ExtensionMissing: There is none for this version of DuckDB.
    """
    found = find_spec(f"duckdb_extension_{name}")
    folders = (found and found.submodule_search_locations) or ()
    for folder in folders:
        version = f"v{duckdb.__version__}"
        file = Path(folder, "extensions", version, f"{name}.duckdb_extension")
        if file.is_file():
            return file
    raise ExtensionMissing(
        f"DuckDB's extension {name} {duckdb.__version__} is not installed, which warehouses in "
        'DuckLake need: pip install "corvana-sentry[cluster]".'
    )

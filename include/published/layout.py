"""Where published files are: whoever writes them, reads them or deletes them asks here.

corvana.duckdb                                          views over the current generations
<mart>/connection_id=<id>/marts.parquet                 the current file, by a name that stays
.generations/connection_id=<id>/current.json            which generation is the current one
.generations/connection_id=<id>/<generation>/<mart>.parquet
.generations/views.json                                 which generations the views show
"""

from pathlib import Path

VIEWS = "corvana.duckdb"
"""The name of the database of views."""

MARTS = "marts.parquet"
"""The name of a mart's current file, in a folder of the mart and the connection."""

GENERATIONS = ".generations"

CURRENT = "current.json"


def generations_of(published: Path, connection_id: str) -> Path:
    """Return the folder of a connection's generations; from its name DuckDB reads a column."""
    return published / GENERATIONS / f"connection_id={connection_id}"


def linked(published: Path, mart: str, connection_id: str) -> Path:
    """Return the name that a mart's current file keeps."""
    return published / mart / f"connection_id={connection_id}" / MARTS


def published_of(published: Path, connection_id: str) -> list[Path]:
    """Return all folders with files of a connection: of its generations, and of links to them."""
    return sorted(published.glob(f"*/connection_id={connection_id}"))

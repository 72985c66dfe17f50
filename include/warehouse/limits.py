"""What DuckDB may use."""

LIMITS: dict[str, str | int] = {"memory_limit": "80MB", "threads": 1}
"""What DuckDB may use while it merges a slice; beyond it, it goes through a file beside its own.
Without a limit it takes 100 MB more for a slice of 40,000 rows, and is no faster (measured). Each
thread wants memory of its own: with two of them, slices of 100,000 rows did not fit in; with one,
those of 400,000 do, and it takes no longer."""

LAKE_LIMITS: dict[str, str | int] = {"memory_limit": "256MB", "threads": 1}
"""The same for a lake: a Parquet file is written from memory, a group of rows at a time. Slices of
400,000 rows of 470 bytes fit in; with half of that, those of 200,000 do not (measured)."""

ROW_GROUP = 20_480
"""Rows of such a group. DuckDB's default is six times as many, which wants 100 MB more."""

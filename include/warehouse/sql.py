"""Texts and paths as DuckDB's literals."""

from pathlib import Path


def literal(path: Path) -> str:
    """Return a path, made absolute, for a literal: a view is read from anywhere."""
    return quoted(str(path.absolute()))


def quoted(text: str) -> str:
    """Return a text for a literal."""
    return text.replace("'", "''")

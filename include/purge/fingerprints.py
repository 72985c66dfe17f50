"""Fingerprints: what a warehouse holds that is found nowhere else, to be searched for afterwards.

A sample of each kind is enough: a copy of a table that survived holds nearly all of its rows.
There are two sorts. *Words* are what was collected: slugs, versions, ids. *Marks* are random values
in the tables, ids of loads and pseudonyms: without the salt they say nothing, so they may be kept
for longer.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import duckdb

from include.purge.progress import Needles
from include.settings import PROJECT_ROOT

LONGEST = 64
"""Characters of a value that are searched for; a version can have 250."""

SHORTEST = 8
"""Anything shorter is found by chance."""

WORDS = {
    "select slug from raw.organizations": 1,
    "select id from raw.organizations": 1,
    "select slug from raw.projects": 150,
    "select id from raw.projects": 30,
    "select name from raw.environments": 60,
    "select version from raw.releases": 120,
    "select short_id from raw.issues": 30,
    "select id from raw.issues": 30,
}
"""Where to read words, and how many of each at most."""

MARKS = {
    "select run_id from raw.load_runs": 100,
    "select assignee_key from raw.issues": 100,
    "select actor_key from raw.issue_activities": 100,
}
"""Where to read marks."""

_ORDINARY = re.compile(r"[A-Za-z]*|v?[0-9.]{0,9}|v?[0-9]+(\.[0-9]+){1,3}")
"""What others have, too: a word, a short number, a version without a name."""


def collect(warehouse: duckdb.DuckDBPyConnection) -> Needles:
    """Return the fingerprints of a warehouse, which has the schema `raw`."""
    source = _own_text()
    words = {word[:LONGEST] for word in _values(warehouse, WORDS) if is_telling(word)}
    marks = {mark[:LONGEST] for mark in _values(warehouse, MARKS)}
    return Needles(
        words=tuple(sorted(word for word in words if word not in source)),
        marks=tuple(sorted(marks)),
    )


def all_words(warehouse: duckdb.DuckDBPyConnection) -> set[str]:
    """Return all words of a warehouse, not only a sample."""
    everything = dict.fromkeys(WORDS, 1_000_000_000)
    return {word[:LONGEST] for word in _values(warehouse, everything)}


def is_telling(word: str) -> bool:
    """Tell whether a word is hardly found where it does not belong."""
    return len(word) >= SHORTEST and _ORDINARY.fullmatch(word) is None


def _values(warehouse: duckdb.DuckDBPyConnection, wanted: dict[str, int]) -> Iterator[str]:
    """Yield values, chosen by their hash; a table that is not there has none."""
    for query, count in wanted.items():
        values = f"select distinct value from ({query}) as t(value) where value is not null"  # noqa: S608 - our own
        try:
            found = warehouse.execute(f"{values} order by hash(value) limit {count}").fetchall()
        except duckdb.Error:
            continue
        yield from (str(value) for (value,) in found)


@cache
def _own_text() -> str:
    """Return this software's own text: a word in it proves nothing."""
    folders = ("dags", "dbt_project", "dlt_sources", "include")
    sandbox = PROJECT_ROOT / "include" / "sandbox"
    files = (
        path
        for folder in folders
        for path in Path(PROJECT_ROOT, folder).rglob("*")
        if path.suffix in {".py", ".sql", ".yml", ".csv", ".md"}
        and sandbox not in path.parents
        and path.is_file()  # dbt, run by hand, makes folders that are called as files are
    )
    return "\n".join(path.read_text(errors="replace") for path in files)

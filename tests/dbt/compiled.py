"""The models without dbt's own work: their SQL, compiled once, run over many small warehouses.

A build by dbt takes seconds whatever it holds; here an organization takes less than one. What dbt
itself does (contracts, data tests) is tested elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from tests.dbt.warehouses import PROJECT, run_dbt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Models:
    """Statements that build every seed and model, in an order that works.

    Attributes:
        named: By the name of the seed or model.
        marts: Names of the marts.
    """

    named: dict[str, str]
    marts: tuple[str, ...]

    def build(self, raw: Mapping[str, pa.Table], timezone: str = "UTC") -> Warehouse:
        """Return a warehouse in memory with all models over raw tables."""
        database = duckdb.connect(config={"threads": 2})
        database.execute(f"set timezone = '{timezone}'")
        database.execute("attach ':memory:' as warehouse")
        database.execute("use warehouse")
        for schema in ("raw", "staging", "marts"):
            database.execute(f"create schema {schema}")
        warehouse = Warehouse(database)
        self.build_again(warehouse, raw)
        return warehouse

    def build_again(self, warehouse: Warehouse, raw: Mapping[str, pa.Table]) -> None:
        """Build all models once more, over raw tables as a later load left them."""
        database = warehouse.database
        for name, table in raw.items():
            database.register("given", table)
            database.execute(
                f"create or replace table raw.{name} as select *, 'load' as _dlt_load_id from given"
            )
            database.unregister("given")
        for statement in self.named.values():
            database.execute(statement)


@dataclass(frozen=True)
class Warehouse:
    """A built warehouse in memory."""

    database: duckdb.DuckDBPyConnection

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        result = self.database.sql(sql)
        return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]

    def close(self) -> None:
        """Free the memory."""
        self.database.close()


def compiled(marts: Iterable[str] | None = None) -> Models:
    """Return what builds the marts, or some of them; the project is compiled once."""
    nodes = _nodes()
    ends = [name for name in nodes if marts is None or nodes[name]["name"] in marts]
    wanted: dict[str, set[str]] = {}
    while ends:
        name = ends.pop()
        wanted[name] = {one for one in _parents(nodes[name]) if one in nodes}
        ends += [one for one in wanted[name] if one not in wanted]
    order = TopologicalSorter(wanted).static_order()
    named = {nodes[name]["name"]: _statement(nodes[name]) for name in order}
    built = (one["name"] for one in nodes.values() if one["schema"] == "marts")
    return Models(named, tuple(one for one in built if one in named))


@cache
def _nodes() -> dict[str, dict[str, Any]]:
    """Compile the project and return its seeds and models."""
    with TemporaryDirectory() as folder:
        work = Path(folder)
        result = run_dbt(work / "none.duckdb", work, "compile", "--quiet")
        assert result.returncode == 0, result.stdout[-3000:]
        manifest = json.loads((work / "target" / "manifest.json").read_text())
    return {
        name: node
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in {"model", "seed"}
    }


def _parents(node: dict[str, Any]) -> list[str]:
    return list(node.get("depends_on", {}).get("nodes", ()))


def _statement(node: dict[str, Any]) -> str:
    name = f'{node["schema"]}."{node["name"]}"'
    if node["resource_type"] == "seed":
        types = ", ".join(f"'{c}': '{t}'" for c, t in node["config"]["column_types"].items())
        file = PROJECT / node["original_file_path"]
        return f"create or replace table {name} as from read_csv('{file}', types = {{{types}}})"
    kind = "view" if node["config"]["materialized"] == "view" else "table"
    return f"create or replace {kind} {name} as {node['compiled_code']}"

"""Writes what dbt says of marts into Superset's datasets: `python -m bi.superset.datasets`.

A dataset's description and the columns that its mart has come from dbt; metrics and calculated
columns are written by hand in `assets/datasets/corvana/`, and stay as they are.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml

MARTS = Path(__file__).parents[2] / "dbt_project" / "models" / "marts"
ASSETS = Path(__file__).parent / "assets"
DATASETS = ASSETS / "datasets" / "corvana"
DATABASE = ASSETS / "databases" / "corvana.yaml"

CONNECTION_ID = {
    "name": "connection_id",
    "data_type": "varchar",
    "description": "Identifier of the connection that the row belongs to",
}
"""The column that publishing adds to every mart."""

SPELLINGS = {
    "as of": "As of (UTC)",
    "project slug": "Project",
    "hhi": "HHI",
    "id": "ID",
    "km": "Kaplan–Meier",
}
"""Columns' names, and words of them, that are written otherwise for people."""

MEASURES = {"bigint", "double"}
"""Types of columns that nobody groups by."""

Document = dict[str, Any]


def main() -> None:
    """Write every dataset again; its metrics and calculated columns stay."""
    for name, model in marts().items():
        file = DATASETS / f"{name}.yaml"
        known = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
        file.write_text(as_yaml(dataset(name, model, known)), encoding="utf-8")


def marts() -> dict[str, Document]:
    """Return what dbt's YAML says of each mart, by name."""
    return {
        model["name"]: model
        for file in sorted(MARTS.glob("[!_]*.yml"))
        for model in yaml.safe_load(file.read_text(encoding="utf-8"))["models"]
    }


def dataset(name: str, model: Mapping[str, Any], known: Mapping[str, Any]) -> Document:
    """Return the dataset of a mart.

    Args:
        name: The mart.
        model: What dbt says of it.
        known: The dataset as it is; its metrics, calculated columns and time column are kept.
    """
    return {
        "table_name": name,
        "description": model["description"].strip(),
        "main_dttm_col": known.get("main_dttm_col"),
        "schema": "main",
        "filter_select_enabled": True,
        "uuid": str(uuid5(NAMESPACE_URL, f"corvana-sentry/superset/datasets/{name}")),
        "database_uuid": yaml.safe_load(DATABASE.read_text(encoding="utf-8"))["uuid"],
        "metrics": known.get("metrics", []),
        "columns": [*_columns(model), *calculated(known)],
        "version": "1.0.0",
    }


def calculated(known: Mapping[str, Any]) -> list[Document]:
    """Return the columns that the dataset computes: those with an expression."""
    return [column for column in known.get("columns", []) if column.get("expression")]


def _columns(model: Mapping[str, Any]) -> Iterator[Document]:
    for column in (*model["columns"], CONNECTION_ID):
        kind = column["data_type"]
        yield {
            "column_name": column["name"],
            "verbose_name": verbose(column["name"]),
            "description": column["description"].strip(),
            "type": kind.upper(),
            "is_dttm": kind in {"date", "timestamp"},
            "groupby": kind not in MEASURES,
            "filterable": True,
        }


def verbose(name: str) -> str:
    """Return a column's name as people read it: `km_median_hours` is "Kaplan–Meier median hours".

    The name stays recognizable, so that a chart and the documentation speak of one thing.
    """
    words = name.replace("_", " ")
    if words in SPELLINGS:
        return SPELLINGS[words]
    spelled = [SPELLINGS.get(word, word) for word in words.split()]
    return " ".join([spelled[0][:1].upper() + spelled[0][1:], *spelled[1:]])


def as_yaml(document: Document) -> str:
    """Return a document as the files in `assets` are written."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    return text


if __name__ == "__main__":
    main()

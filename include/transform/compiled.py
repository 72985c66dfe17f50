"""From what dbt built to the statements that build it again."""

from collections.abc import Iterable, Iterator

import yaml
from dbt.artifacts.resources.v1.components import ColumnInfo
from dbt.artifacts.schemas.results import NodeResult
from dbt.contracts.graph.nodes import (
    Exposure,
    GenericTestNode,
    ModelNode,
    SeedNode,
    SingularTestNode,
)
from dbt_common.contracts.constraints import ColumnLevelConstraint, ConstraintType

from include.transform.prepared import Kind, Prepared, Step
from include.transform.project import PROJECT
from include.transform.workshop import HERE
from include.warehouse.sql import quoted


class NotRepeatable(Exception):
    """Something in the project does more than its SQL says, so dbt alone can build it."""


def prepare(results: Iterable[NodeResult]) -> Prepared:
    """Return what builds the project again.

    Args:
        results: Those of a build of all of it.

    Raises:
        NotRepeatable: Its SQL alone does not build it.
    """
    nodes = [result.node for result in results if not isinstance(result.node, Exposure)]
    schemas = {node.schema for node in nodes if isinstance(node, ModelNode | SeedNode)}
    names = {node.unique_id: node.name for node in nodes}
    return Prepared(
        settings=duckdb_settings(),
        schemas=tuple(f"{HERE}.{schema}" for schema in sorted(schemas)),
        steps=tuple(_step(node, names) for node in nodes),
    )


def duckdb_settings() -> dict[str, str]:
    """Return DuckDB's settings in dbt's profile."""
    profile = yaml.safe_load((PROJECT / "profiles.yml").read_text())["corvana_sentry"]
    settings = profile["outputs"][profile["target"]]["settings"]
    return {name: str(value) for name, value in settings.items()}


def _step(node: object, names: dict[str, str]) -> Step:
    kind: Kind
    match node:
        case SeedNode():
            return Step(node.name, "seed", (), (_seed(node),))
        case ModelNode() if _is_plain_model(node):
            kind, statements = "model", tuple(_model(node))
        case GenericTestNode() | SingularTestNode() if _is_plain_test(node):
            kind = "warning" if node.config.severity.upper() == "WARN" else "test"
            statements = (f"select count(*) from ({node.compiled_code})",)  # noqa: S608 - dbt's
        case _:
            raise NotRepeatable(f"{getattr(node, 'unique_id', type(node))} is not only SQL")
    needs = tuple(names[one] for one in node.depends_on.nodes if one in names)
    return Step(node.name, kind, needs, statements)


def _is_plain_model(node: ModelNode) -> bool:
    config = node.config
    hooks = [*config.pre_hook, *config.post_hook]
    return node.language == "sql" and config.materialized in {"table", "view"} and not hooks


def _is_plain_test(node: GenericTestNode | SingularTestNode) -> bool:
    config = node.config
    said = (config.fail_calc, config.warn_if, config.error_if, config.limit)
    return said == ("count(*)", "!= 0", "!= 0", None) and not config.store_failures


def _seed(node: SeedNode) -> str:
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in node.config.column_types.items())
    return (
        f"create table {node.relation_name} as"
        f" from read_csv('{quoted(node.original_file_path)}', types = {{{types}}})"
    )


def _model(node: ModelNode) -> Iterator[str]:
    name, query = node.relation_name, node.compiled_code
    if not node.config.contract.enforced:
        yield f"create {node.config.materialized} {name} as {query}"
        return
    columns = node.columns.values()
    yield f"create table {name} ({', '.join(map(_definition, columns))})"
    names = ", ".join(column.name for column in columns)
    yield f"insert into {name} ({names}) select {names} from ({query})"  # noqa: S608 - dbt's
    yield f"comment on table {name} is '{quoted(node.description)}'"
    for column in columns:
        yield f"comment on column {name}.{column.name} is '{quoted(column.description)}'"


def _definition(column: ColumnInfo) -> str:
    constraints = "".join(f" {_constraint(one)}" for one in column.constraints)
    return f"{column.name} {column.data_type}{constraints}"


def _constraint(one: ColumnLevelConstraint) -> str:
    if one.type is not ConstraintType.not_null:
        raise NotRepeatable(f"the constraint {one.type} of a contract is not known here")
    return "not null"

"""Keeps a lake small: a DuckLake deletes nothing by itself, and each commit adds files."""

from dataclasses import dataclass

import duckdb

from include.warehouse.lake.address import ALIAS

MANY_FILES = 10
"""A table with so many files is written anew as one. Not sooner: that writes all of it, and nearly
every load adds a file to nearly every table."""

DEAD_SHARE = 0.5
"""A file of which so much was replaced is written anew without that."""


@dataclass(frozen=True, slots=True)
class _Table:
    schema: str
    name: str
    files: int


def compact(lake: duckdb.DuckDBPyConnection) -> None:
    """Forget the past of a lake, delete what belongs to that alone, and merge small files.

    Nobody but the lease's holder may be at work: whoever reads an older state of the lake loses it.

    Args:
        lake: A connection that has the lake attached and may write.
    """
    lake.execute(f"CALL ducklake_rewrite_data_files('{ALIAS}', delete_threshold => {DEAD_SHARE})")
    for table in _scattered(lake):
        which = f"'{ALIAS}', '{table.name}', schema => '{table.schema}'"
        # Files with deleted rows in them are not merged.
        lake.execute(f"CALL ducklake_rewrite_data_files({which}, delete_threshold => 0)")
        lake.execute(f"CALL ducklake_merge_adjacent_files({which})")
    lake.execute(f"CALL ducklake_expire_snapshots('{ALIAS}', older_than => now())")
    lake.execute(f"CALL ducklake_cleanup_old_files('{ALIAS}', cleanup_all => true)")
    # Those of a commit that was cut off.
    lake.execute(f"CALL ducklake_delete_orphaned_files('{ALIAS}', cleanup_all => true)")


def _scattered(lake: duckdb.DuckDBPyConnection) -> list[_Table]:
    """Return the tables that consist of many files."""
    metadata = f"__ducklake_metadata_{ALIAS}"
    (schema,) = lake.execute(
        "select options['metadata_schema'] from duckdb_databases() where database_name = $1",
        [ALIAS],
    ).fetchall()[0]
    found = lake.execute(
        f"""
        select schemas.schema_name, tables.table_name, count(*)
        from "{metadata}"."{schema}".ducklake_data_file as files
        inner join "{metadata}"."{schema}".ducklake_table as tables
            on files.table_id = tables.table_id and tables.end_snapshot is null
        inner join "{metadata}"."{schema}".ducklake_schema as schemas
            on tables.schema_id = schemas.schema_id and schemas.end_snapshot is null
        where files.end_snapshot is null
        group by all
        having count(*) >= {MANY_FILES}
        """  # noqa: S608 - our own names only
    ).fetchall()
    return [_Table(*row) for row in found]

"""A lake's catalog, as Postgres sees it: a schema of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from include.warehouse.errors import LakeUnreachable
from include.warehouse.lake.address import CONNECT_S, LakeAddress

if TYPE_CHECKING:
    import psycopg

MARK = "corvana_lakes"
"""An empty schema: the database is the one with the catalogs, even if there is none left."""

PATIENCE_S = 15
"""How long a transaction of a writer that was told to stop is waited for."""

HOLDERS = """
    select count(pg_terminate_backend(pid)) from (
        select distinct pg_locks.pid from pg_locks
        inner join pg_class on pg_locks.relation = pg_class.oid
        inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
        where pg_namespace.nspname = %s and pg_locks.pid != pg_backend_pid()
    ) as holders
"""


SAMPLED = """
    select attribute.attrelid::regclass::text, quote_ident(attribute.attname)
    from pg_attribute as attribute
    inner join pg_class on attribute.attrelid = pg_class.oid and pg_class.relkind = 'r'
    inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
    where pg_namespace.nspname = %s
        and attribute.atttypid in ('text'::regtype, 'varchar'::regtype)
        and not attribute.attisdropped
        and coalesce(attribute.attstattarget, -1) != 0
"""
"""Columns of a catalog with text in them that Postgres takes samples of."""


class Catalog:
    """The catalog of one lake.

    Args:
        address: The lake.
    """

    def __init__(self, address: LakeAddress) -> None:
        self._address = address

    def mark(self) -> None:
        """Leave a mark in the database that catalogs belong here."""
        with self._connected() as database:
            database.execute(f"create schema if not exists {MARK}")

    def keep_from_samples(self) -> None:
        """Have Postgres take no samples of what is in the catalog.

        They would be values of the lake's tables, in `pg_statistic`, which belongs to the whole
        database: of what is deleted there, the bytes stay until the place is used again.
        """
        with self._connected() as database:
            found = database.execute(SAMPLED.encode(), [self._address.schema]).fetchall()
            for table, column in found:
                change = f"alter table {table} alter column {column} set statistics 0"
                database.execute(change.encode())

    def is_marked(self) -> bool:
        """Whether catalogs belong here."""
        return self._has_schema(MARK)

    def exists(self) -> bool:
        """Whether there is anything of the catalog."""
        return self._has_schema(self._address.schema)

    def measure(self) -> dict[str, int]:
        """Return how many tables the catalog consists of, and how many rows those of the lake."""
        schema = self._address.schema
        rows = f"""
            select coalesce(sum(record_count), 0) - (
                select coalesce(sum(delete_count), 0) from "{schema}".ducklake_delete_file
                where end_snapshot is null
            ) from "{schema}".ducklake_data_file where end_snapshot is null
        """  # noqa: S608 - our own name
        with self._connected() as database:
            count = "select count(*) from pg_tables where schemaname = %s"
            tables = _number(database, count, schema)
            return {
                "tables in the catalog": tables,
                "rows": _number(database, rows) if tables else 0,
            }

    def is_empty(self) -> bool:
        """Whether the lake has never had a table."""
        from psycopg.errors import UndefinedTable  # noqa: PLC0415

        schema = self._address.schema
        try:
            with self._connected() as database:
                return not _number(database, f'select count(*) from "{schema}".ducklake_table')  # noqa: S608 - our own name
        except UndefinedTable:
            return True

    def drop(self) -> None:
        """Delete the catalog, and end what still writes into it if it does not end by itself.

        Without its catalog a writer cannot commit anything any more.
        """
        from psycopg.errors import LockNotAvailable  # noqa: PLC0415

        try:
            self._drop()
        except LockNotAvailable:
            with self._connected() as database:
                _number(database, HOLDERS, self._address.schema)
            self._drop()

    def _drop(self) -> None:
        with self._connected() as database:
            database.execute(f"set lock_timeout = '{PATIENCE_S}s'")
            database.execute(f'drop schema if exists "{self._address.schema}" cascade')

    def _has_schema(self, name: str) -> bool:
        with self._connected() as database:
            query = "select count(*) from pg_namespace where nspname = %s"
            return bool(_number(database, query, name))

    def _conninfo(self) -> str:
        from psycopg.conninfo import make_conninfo  # noqa: PLC0415

        url = self._address.catalog
        options = {
            "host": url.host,
            "port": url.port,
            "dbname": url.database,
            "user": url.username,
            "password": url.password,
            "connect_timeout": CONNECT_S,
            **{name: str(value) for name, value in url.query.items()},
        }
        return make_conninfo("", **{name: one for name, one in options.items() if one is not None})

    @contextmanager
    def _connected(self) -> Iterator["psycopg.Connection"]:
        # Takes a while to import, and the DAG file, which only needs to know the place, is parsed
        # all day. It is part of the extra `cluster`.
        import psycopg  # noqa: PLC0415

        try:
            with psycopg.connect(self._conninfo(), autocommit=True) as database:
                yield database
        except psycopg.OperationalError as failure:
            if isinstance(failure, psycopg.errors.LockNotAvailable):
                raise
            raise LakeUnreachable(
                "The database of the lakes' catalogs does not answer, or refuses: check that it "
                "runs, and CORVANA_LAKE_CATALOG_URL."
            ) from None


def _number(database: "psycopg.Connection", query: str, *values: str) -> int:
    found = database.execute(query.encode(), values).fetchone()
    return int(found[0]) if found else 0

"""Where a connection's lake is, and the statements that open it in DuckDB."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self, TypeVar

from sqlalchemy.engine import URL, make_url

from include.settings import Settings
from include.warehouse.lake.extensions import extension

T = TypeVar("T")

S3_SCHEME = "s3://"

CONNECT_S = 10
"""How long Postgres may take to accept a connection."""

LARGEST_FILE = "50GB"
"""A ten-thousandth of it is held in memory for each file that is written to an object store. Files
are 500 MB or so; DuckDB's default would be 80 MB a file, all that a load may use."""

ALIAS = "warehouse"
"""The name under which a lake is attached."""


@dataclass(frozen=True, slots=True)
class S3:
    """How to reach an S3-compatible object store.

    Attributes:
        access_key_id, secret_access_key: Who asks.
        region: Where the bucket is.
        endpoint: Host and port of a store that is not Amazon's.
        use_ssl: Whether it is asked by https.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str
    endpoint: str | None
    use_ssl: bool

    def secret(self, scope: str) -> str:
        """Return the statement that lets DuckDB read and write what begins with an address."""
        options = {
            "KEY_ID": _text(self.access_key_id),
            "SECRET": _text(self.secret_access_key),
            "REGION": _text(self.region),
            "SCOPE": _text(scope),
            "USE_SSL": str(self.use_ssl).lower(),
        }
        if self.endpoint is not None:
            options |= {"ENDPOINT": _text(self.endpoint), "URL_STYLE": "'path'"}
        return _secret("lake_storage", "s3", options)


@dataclass(frozen=True, slots=True)
class LakeAddress:
    """The lake of one connection.

    Attributes:
        catalog: The database with the catalogs of all lakes.
        schema: The schema of this lake's catalog, and of nothing else.
        storage: The folder, or the address of a bucket and a prefix, of all lakes' data.
        prefix: What the addresses of this lake's data begin with; ends with a slash.
        s3: How to reach the bucket; None where the storage is a folder.
    """

    catalog: URL = field(repr=False)
    schema: str
    storage: str
    prefix: str
    s3: S3 | None

    @classmethod
    def of(cls, settings: Settings, connection_id: str) -> Self:
        """Return the address of a connection's lake."""
        storage = _given(settings.lake_storage).rstrip("/")
        return cls(
            catalog=make_url(_given(settings.lake_catalog_url).get_secret_value()),
            schema=f"lake_{connection_id}",
            storage=storage,
            prefix=f"{storage}/{connection_id}/",
            s3=_s3(settings) if storage.startswith(S3_SCHEME) else None,
        )

    @property
    def extensions(self) -> tuple[str, ...]:
        """The extensions that DuckDB needs for it."""
        return ("ducklake", "postgres_scanner", *(() if self.s3 is None else ("httpfs",)))

    def statements(
        self, *, read_only: bool = False, create: bool = False, alias: str = ALIAS
    ) -> Iterator[str]:
        """Yield what DuckDB has to execute to have the lake attached.

        Passwords and keys are in DuckDB's secrets, which no message and no listing shows, and so
        not in the statement that attaches: DuckDB quotes that one when it fails.

        Args:
            read_only: Nothing may be written.
            create: Make an empty lake if there is none.
            alias: The name to attach it under.
        """
        yield from (f"LOAD {_text(str(extension(name)))}" for name in self.extensions)
        # Would be a thread that closes idle connections to Postgres; ours are not open for long.
        yield "SET GLOBAL pg_pool_enable_reaper_thread = false"
        yield self._catalog_secret()
        if self.s3 is not None:
            yield f"SET GLOBAL s3_uploader_max_filesize = '{LARGEST_FILE}'"
            yield self.s3.secret(self.storage)
        options = {
            "DATA_PATH": _text(self.prefix),
            "METADATA_SCHEMA": _text(self.schema),
            # Small changes would be rows of the catalog: there must be one place for the data.
            "DATA_INLINING_ROW_LIMIT": "0",
        }
        if read_only:
            options["READ_ONLY"] = ""
        else:
            options["CREATE_IF_NOT_EXISTS"] = str(create).lower()
        yield (
            f"ATTACH IF NOT EXISTS {_text(f'ducklake:postgres:{self._connecting()}')} AS {alias}"
            f" ({_listed(options)})"
        )

    def _catalog_secret(self) -> str:
        """Return the statement that tells DuckDB where Postgres is, and who asks."""
        catalog = self.catalog
        options = {
            "HOST": catalog.host or str(catalog.query.get("host", "")),
            "PORT": str(catalog.port or 5432),
            "DATABASE": catalog.database,
            "USER": catalog.username,
            "PASSWORD": catalog.password,
        }
        given = {name: _text(str(value)) for name, value in options.items() if value}
        return _secret("", "postgres", given)

    def _connecting(self) -> str:
        """Return libpq's other parameters, such as `sslmode`."""
        given = {name: value for name, value in self.catalog.query.items() if name != "host"}
        others = {"connect_timeout": CONNECT_S, **given}
        return " ".join(f"{name}={_text(str(value))}" for name, value in others.items())


def _s3(settings: Settings) -> S3:
    return S3(
        access_key_id=_given(settings.lake_s3_access_key_id),
        secret_access_key=_given(settings.lake_s3_secret_access_key).get_secret_value(),
        region=settings.lake_s3_region,
        endpoint=settings.lake_s3_endpoint,
        use_ssl=settings.lake_s3_use_ssl,
    )


def _given(value: T | None) -> T:
    """Return what settings for lakes have: they are checked for it."""
    if value is None:
        raise ValueError("CORVANA_WAREHOUSE_BACKEND is not ducklake")
    return value


def _secret(name: str, kind: str, options: dict[str, str]) -> str:
    return f"CREATE OR REPLACE SECRET {name} (TYPE {kind}, {_listed(options)})"


def _listed(options: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}".rstrip() for name, value in options.items())


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{quoted}'"

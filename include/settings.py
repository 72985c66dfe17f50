"""Settings of the application, from environment variables with the prefix `CORVANA_`.

What is written here is what `docs/settings.md` says, and what is said about a wrong value: see
`include.variables`.
"""

import logging
import os
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from include.variables.problems import problems, unknown
from include.variables.words import PREFIX, Form

log = logging.getLogger(__name__)

PROJECT_ROOT = Path(__file__).resolve().parents[1]

HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
"""A host name or an IPv4 address, without scheme and port."""

FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
"""32 bytes, as base64 for addresses."""

RECEIVER = re.compile(r"smtp:[^@\s]+@[^@\s]+|http:[\w.-]+")
"""Somebody to notify: see `Settings.notify`."""

SECRETS_DIR = Path(os.environ.get("SECRETS_DIR", "/run/secrets"))
"""Where containers find secrets as files, each named after its variable, in lower case."""


POSTGRES = re.compile(r"postgresql(\+\w+)?://[^/]*/\w+")
"""The address of a database in Postgres."""

STORAGE = re.compile(r"s3://[a-z0-9.-]{3,63}(/.*)?")
"""The address of a place in an object store."""


class DataDirUnusable(Exception):
    """The data folder cannot be written."""


class InvalidSettings(Exception):
    """A variable has a value it cannot have; a sentence for each says what it may be."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        # `VARIABLE=` in a file of variables means that it is not set.
        env_ignore_empty=True,
        secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
        allow_inf_nan=False,
        frozen=True,
    )

    data_dir: Annotated[Path, Form("a folder", default="`.data` in the project's folder")] = Field(
        PROJECT_ROOT / ".data",
        examples=["/var/lib/corvana"],
        description="Folder of everything that is written: registry, warehouse, published marts.",
    )
    encryption_keys: Annotated[
        SecretStr | None,
        Form("Fernet keys separated by commas", default="a key file in the data folder"),
    ] = Field(
        None,
        examples=["a key that `corvana keys new` printed"],
        description="Keys for tokens and salts, newest first. Without them a key file is made in "
        "the data folder, and secrets are only as safe as that.",
    )
    encryption_keys_variable: Annotated[str | None, Form("the name of an Airflow Variable")] = (
        Field(
            None,
            examples=["corvana_encryption_keys"],
            description="Where these keys are instead, e.g. in a secrets backend of Airflow's.",
        )
    )
    registry_url: Annotated[
        SecretStr | None,
        Form("SQLAlchemy's address of a database", default="a SQLite file in the data folder"),
    ] = Field(
        None,
        examples=["postgresql+psycopg://user:password@host/database"],
        description="Database of the connections. Postgres needs the extra `postgres`.",
    )
    warehouse_backend: Literal["duckdb", "ducklake"] = Field(
        "duckdb",
        examples=["duckdb"],
        description="Where warehouses are: each a DuckDB file in the data folder, or each a "
        "DuckLake with its catalog in Postgres and its data in a shared folder or object store.",
    )
    lake_catalog_url: Annotated[
        SecretStr | None,
        Field(validate_default=True),
        Form("the address of a Postgres database"),
    ] = Field(
        None,
        examples=["postgresql://user:password@host:5432/lakes"],
        description="Postgres database of the lakes' catalogs; `ducklake` needs it.",
    )
    lake_storage: Annotated[
        str | None,
        Field(validate_default=True),
        Form("a folder that all machines share, or `s3://`, a bucket, `/` and a prefix"),
    ] = Field(
        None,
        examples=["s3://corvana/lakes"],
        description="Where the lakes' data is; `ducklake` needs it.",
    )
    lake_s3_endpoint: Annotated[str | None, Form("a host, and a port behind `:`")] = Field(
        None,
        pattern=r"^[^/\s]+$",
        examples=["object-store:7070"],
        description="Where an object store is that is not Amazon's.",
    )
    lake_s3_region: Annotated[str, Form("the name of a region")] = Field(
        "us-east-1", examples=["us-east-1"], description="Region of the bucket."
    )
    lake_s3_access_key_id: Annotated[
        str | None, Field(validate_default=True), Form("the id of an access key")
    ] = Field(
        None,
        examples=["AKIAIOSFODNN7EXAMPLE"],
        description="Id of the key that reads and writes the bucket; `s3://` needs it.",
    )
    lake_s3_secret_access_key: Annotated[
        SecretStr | None, Field(validate_default=True), Form("a secret access key")
    ] = Field(
        None,
        examples=["a secret access key"],
        description="The key itself; `s3://` needs it.",
    )
    lake_s3_use_ssl: bool = Field(
        default=True, examples=["true"], description="Reach the object store by https."
    )
    revoked_retention_days: float = Field(
        30.0,
        ge=0,
        le=3650,
        examples=["14"],
        description="Days that data is kept after Sentry stopped to accept the connection, in case "
        "it is connected again.",
    )
    oauth_app_conn_id: Annotated[str, Form("the id of an Airflow Connection")] = Field(
        "sentry_oauth_app",
        examples=["sentry_oauth_app"],
        description="Airflow Connection (type http) with the OAuth application's client id "
        "(login), client secret (password) and Sentry server (host).",
    )
    airflow_api_conn_id: Annotated[str, Form("the id of an Airflow Connection")] = Field(
        "airflow_api",
        examples=["airflow_api"],
        description="Airflow Connection (type http) with Airflow's own API server (host) and the "
        "user that a purge deletes DAGs as (login, password).",
    )
    sentry_max_requests_per_second: float = Field(
        3.0,
        gt=0,
        le=10_000,
        examples=["3"],
        description="Ceiling for requests to Sentry, for each connection.",
    )
    sentry_concurrency: int = Field(
        2,
        ge=1,
        le=32,
        examples=["2"],
        description="Requests to Sentry under way at once, for each connection.",
    )
    sentry_hosts: Annotated[
        tuple[str, ...],
        NoDecode,
        Form("host names separated by commas, without https:// and port"),
    ] = Field(
        (),
        examples=["sentry.example.com"],
        description="Host names of self-hosted Sentry servers that a token may be sent to. "
        "sentry.io needs none.",
    )
    sentry_audit_budget: int = Field(
        50,
        ge=0,
        le=100_000,
        examples=["50"],
        description="Histories of issues that a load reads again although nothing seems to have "
        "changed; 0 for none.",
    )
    first_backfill_minutes: float = Field(
        4.0,
        gt=0,
        le=180,
        examples=["4"],
        description="How long loads go on with history before the first marts of a connection.",
    )
    backfill_minutes: float = Field(
        30.0,
        gt=0,
        le=180,
        examples=["30"],
        description="How long later loads go on with history.",
    )
    published_grace_minutes: float = Field(
        120.0,
        ge=0,
        le=10_080,
        examples=["120"],
        description="Minutes that published files stay after newer ones took their place, for "
        "readers that have the views open since before.",
    )
    load_tolerance_hours: float = Field(
        2.0,
        gt=0,
        le=168,
        examples=["2"],
        description="Hours that marts may be older than their schedule wants before the connection "
        "counts as overdue.",
    )
    notify: Annotated[
        tuple[str, ...],
        NoDecode,
        Form("`smtp:` and a mail address, or `http:` and the id of an Airflow Connection"),
    ] = Field(
        (),
        examples=["smtp:ops@example.com"],
        description="Whom to tell when a load fails for good, a connection is lost or overdue, or "
        "a purge is late; several are separated by commas. See docs/runbook.md.",
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        """Airflow's tasks run in folders of their own."""
        return folder.absolute()

    @field_validator("encryption_keys")
    @classmethod
    def _fernet_keys(cls, keys: SecretStr | None) -> SecretStr | None:
        """Refuse at once what the vault could only refuse when it is needed first."""
        if keys is not None:
            given = _separated(keys.get_secret_value())
            if not given or not all(FERNET_KEY.fullmatch(key) for key in given):
                raise ValueError("not only Fernet keys")
        return keys

    @field_validator("lake_catalog_url")
    @classmethod
    def _catalog(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """Want the address of a Postgres where warehouses are lakes."""
        if info.data.get("warehouse_backend") == "ducklake" and url is None:
            raise ValueError("Warehouses in DuckLake need a Postgres database for their catalogs")
        if url is not None and not POSTGRES.match(url.get_secret_value()):
            raise ValueError("Input should be like postgresql://user:password@host:5432/lakes")
        return url

    @field_validator("lake_storage")
    @classmethod
    def _storage(cls, storage: str | None, info: ValidationInfo) -> str | None:
        """Want a place for the lakes' data, and tell a folder by its absolute path."""
        if info.data.get("warehouse_backend") == "ducklake" and not storage:
            raise ValueError("Warehouses in DuckLake need a folder or an object store")
        if not storage or STORAGE.fullmatch(storage):
            return storage
        if "://" in storage:
            raise ValueError("Input should be a folder, or s3://bucket/prefix")
        return str(Path(storage).absolute())

    @field_validator("lake_s3_access_key_id", "lake_s3_secret_access_key")
    @classmethod
    def _s3_key(cls, key: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - of two types
        """Want a key where the data is in an object store."""
        is_wanted = info.data.get("warehouse_backend") == "ducklake"
        if is_wanted and key is None and STORAGE.match(info.data.get("lake_storage") or ""):
            raise ValueError("Data in an object store needs a key that reads and writes the bucket")
        return key

    @field_validator("sentry_hosts", mode="before")
    @classmethod
    def _hosts(cls, text: object) -> object:
        """Take host names apart, and refuse what is an address: it would never match."""
        if not isinstance(text, str):
            return text
        hosts = tuple(host.lower() for host in _separated(text))
        if not all(HOST.fullmatch(host) for host in hosts):
            raise ValueError("not only host names")
        return hosts

    @field_validator("notify", mode="before")
    @classmethod
    def _receivers(cls, text: object) -> object:
        """Take receivers apart."""
        if not isinstance(text, str):
            return text
        receivers = _separated(text)
        if not all(RECEIVER.fullmatch(one) for one in receivers):
            raise ValueError("not only receivers")
        return receivers

    @property
    def registry_path(self) -> Path:
        """The registry's SQLite file."""
        return self.data_dir / "registry.db"

    @property
    def registry_address(self) -> str:
        """SQLAlchemy's address of the registry's database."""
        if self.registry_url is not None:
            return self.registry_url.get_secret_value()
        return f"sqlite:///{self.registry_path}"

    @property
    def key_path(self) -> Path:
        """The key file that is used when no encryption key is set."""
        return self.data_dir / "vault.key"

    @property
    def warehouse_dir(self) -> Path:
        """Folder of the warehouses, one DuckDB file per connection."""
        return self.data_dir / "warehouse"

    @property
    def published_dir(self) -> Path:
        """Folder of the published marts."""
        return self.data_dir / "published"

    def work_dir(self, connection_id: str) -> Path:
        """Return the folder of what lives only as long as a connection's run."""
        return self.data_dir / "work" / connection_id

    def usable_data_dir(self) -> Path:
        """Return the data folder, made if need be.

        Raises:
            DataDirUnusable: It cannot be made or written.
        """
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=self.data_dir):
                pass
        except OSError as error:
            raise DataDirUnusable(
                f"The data folder {self.data_dir} cannot be written ({error.strerror}). Make it "
                "writable, or choose another one with CORVANA_DATA_DIR."
            ) from None
        return self.data_dir


def _separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@cache
def settings() -> Settings:
    """Return the settings, read from the environment once.

    A variable that looks like one of these and is none is warned of: it has no effect.

    Raises:
        InvalidSettings: A variable has a value it cannot have.
    """
    for sentence in unknown(os.environ, Settings.model_fields):
        log.warning("%s", sentence)
    try:
        return Settings()
    except ValidationError as invalid:
        raise InvalidSettings(problems(invalid, Settings.model_fields)) from None

"""Settings of the application, from environment variables with the prefix `CORVANA_`."""

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[1]

HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
"""A host name or an IPv4 address, without scheme and port."""


class DataDirUnusable(Exception):
    """The data folder cannot be written."""


class InvalidSettings(Exception):
    """An environment variable has a value it cannot have. Names the variable, not the value."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(env_prefix="CORVANA_", frozen=True)

    data_dir: Path = Field(
        PROJECT_ROOT / ".data",
        description="Folder of everything that is written: registry, warehouse, published marts.",
    )
    encryption_keys: SecretStr | None = Field(
        None,
        description="Fernet keys for tokens and salts, newest first, separated by commas. Without "
        "them a key file is made in the data folder.",
    )
    encryption_keys_variable: str | None = Field(
        None,
        description="Name of an Airflow Variable that holds these keys, e.g. in a secrets backend.",
    )
    registry_url: SecretStr | None = Field(
        None,
        description="Database of the connections, e.g. postgresql+psycopg://…; by default a SQLite "
        "file in the data folder.",
    )
    revoked_retention_days: float = Field(
        30.0,
        ge=0,
        description="Days that data is kept after Sentry stopped to accept the connection, in case "
        "it is connected again.",
    )
    oauth_app_conn_id: str = Field(
        "sentry_oauth_app",
        description="Airflow Connection (type http) with the OAuth application's client id "
        "(login), client secret (password) and Sentry server (host).",
    )
    airflow_api_conn_id: str = Field(
        "airflow_api",
        description="Airflow Connection (type http) with Airflow's own API server (host) and the "
        "user that a purge deletes DAGs as (login, password).",
    )
    sentry_max_requests_per_second: float = Field(
        3.0, gt=0, description="Ceiling for requests to Sentry, for each connection."
    )
    sentry_concurrency: int = Field(
        2, ge=1, le=32, description="Requests to Sentry under way at once, for each connection."
    )
    sentry_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Host names of self-hosted Sentry servers that a token may be sent to, "
        "separated by commas. sentry.io needs none.",
    )
    sentry_audit_budget: int = Field(
        50,
        ge=0,
        description="Histories of issues that a load reads again although nothing seems to have "
        "changed; 0 for none.",
    )
    first_backfill_minutes: float = Field(
        4.0,
        gt=0,
        description="How long loads go on with history before the first marts of a connection.",
    )
    backfill_minutes: float = Field(
        30.0, gt=0, description="How long later loads go on with history."
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        """Airflow's tasks run in folders of their own."""
        return folder.absolute()

    @field_validator("sentry_hosts", mode="before")
    @classmethod
    def _hosts(cls, text: object) -> object:
        """Take host names apart, and refuse what is an address: it would never match."""
        if not isinstance(text, str):
            return text
        hosts = tuple(host.strip().lower() for host in text.split(",") if host.strip())
        if not all(HOST.fullmatch(host) for host in hosts):
            raise ValueError(
                "Input should be host names separated by commas, without https:// and port"
            )
        return hosts

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

    def lock_path(self, connection_id: str) -> Path:
        """Return the file that whoever works on a connection's data locks."""
        return self.data_dir / "locks" / connection_id

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


@cache
def settings() -> Settings:
    """Return the settings, read from the environment once.

    Raises:
        InvalidSettings: A variable has a value it cannot have.
    """
    try:
        return Settings()
    except ValidationError as invalid:
        problems = [
            f"CORVANA_{str(error['loc'][0]).upper()}: {error['msg'].removeprefix('Value error, ')}"
            for error in invalid.errors()
        ]
        raise InvalidSettings(f"Set these differently: {'; '.join(problems)}.") from None

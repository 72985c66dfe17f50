"""Settings of the application, from environment variables with the prefix `CORVANA_`."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryFile

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[1]


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
    sentry_max_requests_per_second: float = Field(
        3.0, gt=0, description="Ceiling for requests to Sentry, for each connection."
    )
    sentry_concurrency: int = Field(
        2, ge=1, le=32, description="Requests to Sentry under way at once, for each connection."
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, folder: Path) -> Path:
        """Airflow's tasks run in folders of their own."""
        return folder.absolute()

    @property
    def registry_path(self) -> Path:
        """The registry's SQLite file."""
        return self.data_dir / "registry.db"

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
            f"CORVANA_{str(error['loc'][0]).upper()}: {error['msg']}" for error in invalid.errors()
        ]
        raise InvalidSettings(f"Set these differently: {'; '.join(problems)}.") from None

"""What a step of a purge is, and what it works with."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from include.connections.registry import Connection, Registry
from include.purge.airflow_api import AirflowApi
from include.purge.amounts import Amounts
from include.purge.places import Places, places_of
from include.purge.progress import Needles, PurgeProgress
from include.settings import Settings
from include.warehouse.backend import Warehouse, warehouse_of


@dataclass
class Purging:
    """A purge that is under way.

    Attributes:
        settings: The application's.
        registry: The connections.
        connection: The one that is purged, as it was when the purge began.
        places: Where something of it may be.
        warehouse: Its warehouse.
        progress: How far the purge is.
        seen: What each step saw, should the registry not take it.
        needles: What to search for afterwards; None before that is known.
    """

    settings: Settings
    registry: Registry
    connection: Connection
    places: Places
    warehouse: Warehouse
    progress: PurgeProgress
    seen: dict[str, Amounts] = field(default_factory=dict)
    needles: Needles | None = None

    @classmethod
    def of(cls, settings: Settings, registry: Registry, connection: Connection) -> Self:
        """Return what a purge of a connection works with."""
        return cls(
            settings=settings,
            registry=registry,
            connection=connection,
            places=places_of(settings),
            warehouse=warehouse_of(settings, connection.id),
            progress=PurgeProgress(registry.database, registry.vault),
        )

    @property
    def connection_id(self) -> str:
        """The connection's id."""
        return self.connection.id

    @property
    def dag_id(self) -> str:
        """The id of the connection's DAG."""
        return f"sentry_load__{self.connection.id}"

    @cached_property
    def airflow(self) -> AirflowApi:
        """Airflow's REST API.

        Raises:
            AirflowApiFailed: It cannot be used now.
            AirflowApiMissing: It is not set up.
        """
        return AirflowApi.open(self.settings)


class Step(ABC):
    """One step of a purge. It may be repeated at any time, and be killed at any time.

    Attributes:
        name: What it is called where progress is kept.
        title: What it deletes, for people.
        is_needed: There is no receipt before it is done: it deletes what was collected.
    """

    name: str
    title: str
    is_needed: bool

    def measure(self, at: Purging) -> Amounts:  # noqa: ARG002 - most steps need it
        """Return how much there is to delete."""
        return {}

    @abstractmethod
    def carry_out(self, at: Purging) -> str | None:
        """Delete it, and return what else is to be said, in a sentence.

        Raises:
            Exception: Not all of it is deleted.
        """

"""What the page works with: the registry, connecting, and whether that is set up."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from include.connections.application import ApplicationMissing, application
from include.connections.authorizing import Authorizing
from include.connections.registry import Registry, open_registry
from include.settings import Settings, settings
from include.web import airflow

CALLBACK = "/integrations/sentry/callback"


@dataclass(frozen=True, slots=True)
class Setup:
    """Whether organizations can be connected here.

    Attributes:
        conn_id: The Airflow Connection that holds the OAuth application.
        redirect_uri: What has to be registered in Sentry; None while Airflow's address is not set.
        server: The host of the Sentry server; None while that is not set up.
        problem: What is missing, in a sentence; None if nothing is.
    """

    conn_id: str
    redirect_uri: str | None
    server: str | None
    problem: str | None

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Services:
    """What the page works with.

    Attributes:
        settings: The application's.
        registry: The connections.
        authorizing: Connects organizations.
    """

    settings: Settings
    registry: Registry
    authorizing: Authorizing

    def setup(self) -> Setup:
        """Return whether organizations can be connected here, as of now."""
        conn_id, redirect_uri = self.settings.oauth_app_conn_id, redirect_address()
        try:
            server = urlsplit(application(self.settings).base_url).netloc
        except ApplicationMissing as missing:
            return Setup(conn_id, redirect_uri, None, str(missing))
        if redirect_uri is None:
            return Setup(
                conn_id,
                None,
                server,
                "Airflow does not know its own address, to which Sentry has to send people back. "
                "Set AIRFLOW__API__BASE_URL.",
            )
        return Setup(conn_id, redirect_uri, server, None)


def redirect_address() -> str | None:
    """Return where Sentry sends people back to; None while Airflow's address is not set."""
    base = airflow.base_url()
    return None if base is None else f"{base}{CALLBACK}"


def services() -> Services:
    """Return what the page works with, opened once.

    Raises:
        DataDirUnusable: The data folder cannot be written.
        InvalidRegistryUrl: The registry's address is none.
        InvalidSettings: A variable has a value it cannot have.
    """
    return _opened(settings())


@lru_cache(maxsize=1)
def _opened(current: Settings) -> Services:
    registry = open_registry(current)
    return Services(current, registry, Authorizing(current, registry))

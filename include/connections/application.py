"""The OAuth application of this installation, as an Airflow Connection holds it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlt_sources.sentry.hosts import CLOUD, Origin, checked_server
from include.connections.airflow_secrets import airflow_connection
from include.settings import Settings

if TYPE_CHECKING:
    from airflow.sdk import Connection


class ApplicationMissing(Exception):
    """There is no OAuth application, or none that can be used."""


@dataclass(frozen=True, slots=True, repr=False)
class Application:
    """What this installation is to Sentry.

    Attributes:
        base_url: Root of the Sentry server it is registered with.
        client_id: Its name there.
        client_secret: Proves that it is us.
    """

    base_url: str
    client_id: str
    client_secret: str


def application(settings: Settings, base_url: str | None = None) -> Application:
    """Return the OAuth application, from whichever of Airflow's secrets backends has it.

    Args:
        settings: The application's.
        base_url: Where the tokens come from that it is wanted for, if there are some already.

    Raises:
        ApplicationMissing: There is none, or it lacks something, or is of another server.
    """
    name = settings.oauth_app_conn_id
    stored = airflow_connection(name)
    if stored is None:
        raise ApplicationMissing(
            f"There is no Airflow Connection {name}. Register an OAuth application in Sentry, then "
            f"set AIRFLOW_CONN_{name.upper()}="
            """'{"conn_type":"http","schema":"https","host":"sentry.io","login":"<client id>","""
            """"password":"<client secret>"}' or make the Connection under Admin > Connections."""
        )
    if not (stored.host and stored.login and stored.password):
        raise ApplicationMissing(
            f"The Airflow Connection {name} is not complete: it needs the Sentry server as host, "
            "the OAuth application's client id as login and its client secret as password."
        )
    try:
        server = checked_server(_address(stored), settings.sentry_hosts)
    except ValueError as wrong:
        raise ApplicationMissing(f"The Airflow Connection {name} is wrong. {wrong}") from None
    if server.is_cloud and server.host != CLOUD:
        raise ApplicationMissing(
            f"The Airflow Connection {name} names a region of Sentry, {server.host}. Applications "
            f"and tokens of all regions are at {CLOUD}: make that its host."
        )
    if base_url is not None and not _is_place_of(server, base_url):
        raise ApplicationMissing(
            f"The Airflow Connection {name} is of an OAuth application at {server}, and the "
            f"connection is to {base_url}. Correct it, or disconnect and connect anew."
        )
    return Application(str(server), stored.login, stored.password)


def _is_place_of(server: Origin, base_url: str) -> bool:
    """Tell whether a server is where some tokens come from; no other one must ever see them.

    All of sentry.io has one place for that.
    """
    theirs = Origin.parse(base_url)
    return theirs is not None and (server == theirs or (server.is_cloud and theirs.is_cloud))


def _address(stored: "Connection") -> str:
    """Return the server's address; people put its scheme in either field."""
    host = stored.host or ""
    address = host if "://" in host else f"{stored.schema or 'https'}://{host}"
    return f"{address}:{stored.port}" if stored.port else address

"""Connecting an organization: from asking for consent to a connection that works."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from dlt_sources.sentry import endpoints
from dlt_sources.sentry.allowlist import Organization
from dlt_sources.sentry.client import Client
from dlt_sources.sentry.errors import SentryError
from dlt_sources.sentry.hosts import Origin, checked_region
from include.connections.application import Application, ApplicationMissing, application
from include.connections.authorizations import Authorization, InvalidState
from include.connections.errors import (
    AnotherOrganization,
    AuthorizingFailed,
    ConsentDenied,
    NothingReached,
    NothingToChoose,
    OAuthError,
    OAuthRefused,
)
from include.connections.oauth import OAuth, new_verifier
from include.connections.registry import (
    CHOOSING,
    LIVE,
    AlreadyConnected,
    Connection,
    Registry,
    UnknownConnection,
)
from include.connections.states import IllegalTransition, State
from include.connections.tokens import Grant, NoSecrets
from include.settings import Settings

__all__ = [
    "FAILURES",
    "Authorizing",
    "AuthorizingFailed",
    "Begun",
    "Choice",
    "Completed",
]

FAILURES = (
    AlreadyConnected,
    ApplicationMissing,
    AuthorizingFailed,
    IllegalTransition,
    InvalidState,
    NoSecrets,
    SentryError,
    UnknownConnection,
)
"""All that can come of connecting, each with a sentence for the user, when there is no bug."""


@dataclass(frozen=True, slots=True, repr=False)
class Begun:
    """A consent that is to be asked for.

    Attributes:
        url: Where to send the browser.
        nonce: What the browser has to keep until it comes back, as a cookie.
    """

    url: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Choice:
    """An organization that a user can connect.

    Attributes:
        id: Sentry's id.
        slug: Its short name.
        connection_id: The connection that it has already, if any.
    """

    id: str
    slug: str
    connection_id: str | None

    @property
    def is_taken(self) -> bool:
        """Whether it is connected already."""
        return self.connection_id is not None


@dataclass(frozen=True, slots=True)
class Completed:
    """What came of a consent.

    Attributes:
        connection: Connected; or connecting, while there is something to choose.
        choices: The organizations of which the user has to choose one; none if it is connected.
        is_reconnected: It had been connected before.
    """

    connection: Connection
    choices: tuple[Choice, ...] = ()
    is_reconnected: bool = False


class Authorizing:
    """Connects organizations.

    Args:
        settings: The application's.
        registry: Keeps the connections.
    """

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry

    def begin(self, actor: str, redirect_uri: str, connection_id: str | None = None) -> Begun:
        """Prepare to ask a user for consent.

        Args:
            actor: Id of the Airflow user.
            redirect_uri: Where Sentry is to send the browser, exactly as it is registered there.
            connection_id: The connection to be connected again; None for a new one.

        Raises:
            ApplicationMissing: There is no OAuth application, or one of another server.
            IllegalTransition: The connection is being deleted, or was, or was never connected.
            UnknownConnection: There is none with this id.
        """
        oauth = OAuth(self._application(connection_id))
        verifier = new_verifier()
        asked = Authorization(redirect_uri, verifier, connection_id)
        opened = self._registry.authorizations.open(asked, actor)
        return Begun(oauth.consent_url(redirect_uri, opened.state, verifier), opened.nonce)

    def complete(
        self,
        actor: str,
        *,
        state: str,
        nonce: str,
        code: str | None = None,
        error: str | None = None,
    ) -> Completed:
        """Make of an answered consent a connection; on any failure nothing is left of it.

        Args:
            actor: Id of the Airflow user who is signed in.
            state: From the callback's address.
            nonce: From the browser's cookie.
            code: From the callback's address, if the user allowed it.
            error: From there, if not.

        Raises:
            InvalidState: It answers nothing that was asked for here, by this user, in this browser.
            ConsentDenied: The user did not allow it.
            ScopesMissing: The consent is for too little.
            ScopesBroader: It is for too much.
            OAuthError: There are no tokens for it; see `errors`.
            NothingReached: It opens no organization.
            AlreadyConnected: Its only organization has a connection.
            AnotherOrganization: It does not open the one that is connected again.
            SentryError: The organizations could not be read.
        """
        asked = self._registry.authorizations.take(state, nonce, actor)
        if error is not None or not code:
            raise _denial(error)
        ours = self._application(asked.connection_id)
        consent = OAuth(ours).exchange(code, asked.redirect_uri, asked.code_verifier)
        # Nothing is written before it is known that the consent is good for something.
        reached = self._reached(ours.base_url, consent.grant.access_token)
        if asked.connection_id is not None:
            return self._reconnect(asked.connection_id, consent.grant, reached, actor)
        if consent.organization_id is not None:
            reached = [one for one in reached if one.id == consent.organization_id]
        return self._connect(ours.base_url, consent.grant, reached, actor)

    def organizations(self, connection_id: str, actor: str) -> list[Choice]:
        """Return the organizations of which one is to be chosen, by short name.

        Raises:
            NothingToChoose: There is nothing to be chosen by this user.
            SentryError: They could not be read.
        """
        connection = self._choosing(connection_id, actor)
        token = self._registry.tokens.of(connection_id).token
        return self._choices(self._reached(connection.base_url, token))

    def choose(self, connection_id: str, organization_id: str, actor: str) -> Connection:
        """Connect the organization that a user chose.

        Raises:
            AlreadyConnected: It has a connection; another one may still be chosen.
            NothingToChoose: It is none of them, or there is nothing to be chosen by this user.
            SentryError: They could not be read.
        """
        choices = {one.id: one for one in self.organizations(connection_id, actor)}
        chosen = choices.get(organization_id)
        if chosen is None:
            raise NothingToChoose(
                "This organization is none of those that Sentry shows to you. Choose one of them, "
                "or connect again as another user of Sentry."
            )
        if chosen.connection_id is not None:
            raise AlreadyConnected(self._registry.get(chosen.connection_id))
        return self._registry.connect(connection_id, chosen.id, chosen.slug, actor)

    def _connect(
        self, base_url: str, grant: Grant, reached: list[Organization], actor: str
    ) -> Completed:
        if not reached:
            raise NothingReached(
                "Sentry shows no organization to the user who consented. Nothing was connected. "
                "Sign in to Sentry as a member of the organization, then connect again."
            )
        begun = self._registry.begin(base_url, grant, actor)
        if len(reached) > 1:
            return Completed(begun, tuple(self._choices(reached)))
        (only,) = reached
        return Completed(self._registry.connect(begun.id, only.id, only.slug, actor))

    def _reconnect(
        self, connection_id: str, grant: Grant, reached: list[Organization], actor: str
    ) -> Completed:
        connection = self._registry.get(connection_id)
        for one in reached:
            if _is_of(connection, one):
                again = self._registry.reconnect(connection_id, grant, one.slug, actor)
                return Completed(again, is_reconnected=True)
        raise AnotherOrganization(
            f"This consent does not open the organization {connection.organization_slug} of the "
            f"connection {connection_id}, which was left as it was. Reconnect it as a member of "
            "that organization, or connect the other one on its own."
        )

    def _choosing(self, connection_id: str, actor: str) -> Connection:
        connection = self._registry.get(connection_id)
        is_late = connection.changed_at + CHOOSING <= datetime.now(UTC)
        is_theirs = connection.created_by == actor
        if connection.state is not State.CONNECTING or is_late or not is_theirs:
            raise NothingToChoose(
                "There is no organization to be chosen here: it was chosen already, not in time, "
                "or another user has to. Look at the page Integrations, or connect again."
            )
        return connection

    def _application(self, connection_id: str | None) -> Application:
        """Return the OAuth application, which is that of a connection's server, if there is one."""
        if connection_id is None:
            return application(self._settings)
        connection = self._registry.get(connection_id)
        if connection.state not in LIVE:
            raise IllegalTransition(connection_id, connection.state, State.CONNECTED)
        return application(self._settings, connection.base_url)

    def _reached(self, base_url: str, token: str) -> list[Organization]:
        """Return the organizations that a token opens.

        Each says in which region its data is, which is data from outside: the client follows it to
        servers of Sentry's only.

        Raises:
            UnexpectedResponse: One is said to be where no token must be sent.
        """
        with Client(
            base_url, "", token, hosts=self._settings.sentry_hosts, attempts=2, timeout_s=30.0
        ) as client:
            pages = client.pages(endpoints.ORGANIZATIONS, list[Organization], {"per_page": 100})
            found = list(chain.from_iterable(pages))
        base = Origin.parse(base_url)
        for one in found:
            if base is not None and one.links is not None and one.links.region_url:
                checked_region(one.links.region_url, base)
        return found

    def _choices(self, reached: list[Organization]) -> list[Choice]:
        taken = {one.organization_id: one.id for one in self._registry.live()}
        found = [Choice(one.id, one.slug, taken.get(one.id)) for one in reached]
        return sorted(found, key=lambda one: one.slug)


def _is_of(connection: Connection, organization: Organization) -> bool:
    """Tell whether an organization is a connection's; one made long ago may have no id yet."""
    if connection.organization_id is not None:
        return organization.id == connection.organization_id
    return organization.slug == connection.organization_slug


def _denial(error: str | None) -> OAuthError:
    """Return what the callback's error means; it is text from outside and never shown."""
    if error == "access_denied":
        return ConsentDenied(
            "Access was not allowed in Sentry. Nothing was connected; connect again whenever you "
            "like."
        )
    return OAuthRefused(
        "Sentry did not ask for consent, or gave no code for it. Nothing was connected. Whoever "
        "runs this installation has to check the OAuth application in Sentry: its redirect URI and "
        "its scopes."
    )

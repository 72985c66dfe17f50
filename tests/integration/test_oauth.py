"""Connecting, renewing and losing connections, over HTTP with the sandbox."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy.exc import OperationalError

from dlt_sources.sentry import endpoints, errors
from dlt_sources.sentry.allowlist import Organization
from dlt_sources.sentry.client import Client
from include.connections import renewing as renewing_module
from include.connections import token_endpoint
from include.connections.application import ApplicationMissing, application
from include.connections.authorizations import InvalidState
from include.connections.authorizing import Authorizing, Begun, Completed
from include.connections.errors import (
    AnotherOrganization,
    ConsentDenied,
    InvalidGrant,
    NothingReached,
    NothingToChoose,
    OAuthRefused,
    OAuthUnreachable,
    ScopesBroader,
    ScopesMissing,
)
from include.connections.losses import Disconnected, RenewalRefused, reason_of
from include.connections.models import AuthorizationRow, SecretsRow
from include.connections.oauth import OAuth
from include.connections.registry import AlreadyConnected, Connection, Registry, open_registry
from include.connections.renewing import CannotRenew, Renewing
from include.connections.states import SENTENCES, IllegalTransition, Reason, State
from include.connections.tokens import Tokens
from include.sandbox.behaviours import OtherOrganization
from include.sandbox.canaries import CANARY
from include.sandbox.faults import Fault
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import Running, running
from include.settings import Settings
from tests.integration.conftest import hurry
from tests.integration.consenting import consent

REDIRECT = "http://127.0.0.1:8080/integrations/sentry/callback"
SECRET = "the-clients-own-secret"
OTHERS = (OtherOrganization(id="77", slug="beta"), OtherOrganization(id="78", slug="alpha"))
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class World:
    """A sandbox, the registry of an installation that is registered there, and its users."""

    sandbox: Running
    settings: Settings
    registry: Registry

    @property
    def authorizing(self) -> Authorizing:
        return Authorizing(self.settings, self.registry)

    @property
    def renewing(self) -> Renewing:
        return Renewing(self.settings, self.registry)

    def begin(self, actor: str = "ada", connection_id: str | None = None) -> Begun:
        return self.authorizing.begin(actor, REDIRECT, connection_id)

    def complete(self, begun: Begun, actor: str = "ada", **answer: str) -> Completed:
        return self.authorizing.complete(actor, nonce=begun.nonce, **answer)

    def connect(
        self,
        actor: str = "ada",
        connection_id: str | None = None,
        organization_id: str | None = None,
    ) -> Completed:
        begun = self.begin(actor, connection_id)
        answer = consent(begun.url, organization_id=organization_id)
        return self.complete(begun, actor, **answer)

    def connected(self) -> Connection:
        return self.connect().connection

    def behaving(self, **behaviours):
        return self.sandbox.behaviours.during(**behaviours)

    def failing(self, kind: str, **options):
        fault = Fault(kind=kind, routes=frozenset({"oauth-token"}), **options)
        return self.sandbox.behaviours.during(faults=[fault])

    def change_secrets(self, connection_id: str, **shifts: timedelta) -> None:
        """Move times of a connection's secrets into the past."""
        with self.registry.database.writing() as session:
            row = session.get_one(SecretsRow, connection_id)
            for name, shift in shifts.items():
                if (moment := getattr(row, name)) is not None:
                    setattr(row, name, moment - shift)

    def age(self, connection_id: str, **units: float) -> None:
        """Let a connection's tokens be so old."""
        shift = timedelta(**units)
        self.change_secrets(connection_id, obtained_at=shift, expires_at=shift)

    def crash(self, connection_id: str) -> None:
        """Let the time pass after which a claim is that of a dead process."""
        self.change_secrets(connection_id, renewing_since=timedelta(minutes=3))

    def renewals(self) -> int:
        return self.sandbox.requests.by_grant_type["refresh_token"]

    def read(self, connection_id: str) -> Organization:
        """Read the organization as a load does."""
        connection = self.registry.get(connection_id)
        with Client(
            connection.base_url,
            connection.organization,
            self.renewing.token(connection_id),
            refresh=lambda rejected: self.renewing.renewed(connection_id, rejected),
            max_requests_per_second=None,
            attempts=2,
        ) as client:
            hurry(client)
            return client.get(endpoints.ORGANIZATION, Organization, {"detailed": "0"})


@pytest.fixture(scope="module")
def organization():
    return generate(seed=5, now=DEFAULT_NOW, issues=30)


@pytest.fixture
def sandbox(organization) -> Iterator[Running]:
    with running(organization, client_secret=SECRET, redirect_uris=(REDIRECT,)) as up:
        yield up


def registered(base_url: str, secret: str = SECRET) -> str:
    """The Airflow Connection of an application."""
    server = urlsplit(base_url)
    return json.dumps(
        {
            "conn_type": "http",
            "schema": server.scheme,
            "host": server.hostname,
            "port": server.port,
            "login": "sandbox-client",
            "password": secret,
        }
    )


@pytest.fixture
def world(sandbox, tmp_path, monkeypatch) -> World:
    monkeypatch.setenv("AIRFLOW_CONN_SENTRY_OAUTH_APP", registered(sandbox.base_url))
    settings = Settings(data_dir=tmp_path / "data")
    return World(sandbox, settings, open_registry(settings))


def history(world, connection_id):
    return [
        (one.actor, one.from_state, one.to_state, one.reason)
        for one in world.registry.transitions(connection_id)
    ]


def nothing_is_left(world):
    """No connection that was being made is left, nor a secret of one."""
    assert {one.state for one in world.registry.all()} <= {State.PURGED}
    with world.registry.database.reading() as session:
        assert session.query(SecretsRow).count() == 0
        assert session.query(AuthorizationRow).count() == 0
    return True


# Connecting


def test_a_consent_becomes_a_connection_whose_token_works(world, organization):
    begun = world.begin()
    address = urlsplit(begun.url)
    query = parse_qs(address.query)
    state, challenge = query.pop("state")[0], query.pop("code_challenge")[0]
    assert f"{address.scheme}://{address.netloc}" == world.sandbox.base_url
    assert address.path == "/oauth/authorize/"
    assert query == {
        "response_type": ["code"],
        "client_id": ["sandbox-client"],
        "redirect_uri": [REDIRECT],
        "scope": ["project:read org:read event:read"],
        "code_challenge_method": ["S256"],
    }
    assert len(challenge) == 43
    answer = consent(begun.url)
    assert answer["state"] == state

    completed = world.complete(begun, **answer)
    connection = completed.connection
    assert (connection.state, connection.created_by) == (State.CONNECTED, "ada")
    assert (connection.organization_id, connection.organization_slug) == (
        organization.id,
        organization.slug,
    )
    assert connection.base_url == world.sandbox.base_url
    assert (completed.choices, completed.is_reconnected) == ((), False)
    assert history(world, connection.id) == [
        ("ada", None, State.CONNECTING, None),
        ("ada", State.CONNECTING, State.CONNECTED, None),
    ]
    secrets = world.registry.tokens.of(connection.id)
    assert secrets.scopes == {"project:read", "org:read", "event:read"}
    assert secrets.refresh_token is not None
    lasts = secrets.expires_at - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < lasts <= timedelta(days=30)
    assert world.read(connection.id).id == organization.id


def test_an_organization_is_connected_once(world):
    first = world.connected()
    with pytest.raises(AlreadyConnected, match=first.id) as caught:
        world.connect("bob")
    assert caught.value.connection == first
    assert [one for one in world.registry.all() if one.state is not State.PURGED] == [first]
    with world.registry.database.reading() as session:
        assert [row.connection_id for row in session.query(SecretsRow)] == [first.id]


def test_of_several_organizations_the_user_chooses_one(world, organization):
    with world.behaving(other_organizations=OTHERS):
        completed = world.connect()
        begun, authorizing = completed.connection, world.authorizing
        assert begun.state is State.CONNECTING
        assert [one.slug for one in completed.choices] == ["alpha", "beta", organization.slug]
        assert not any(one.is_taken for one in completed.choices)
        assert authorizing.organizations(begun.id, "ada") == list(completed.choices)
        for refused in (
            lambda: authorizing.organizations(begun.id, "bob"),
            lambda: authorizing.choose(begun.id, "77", "bob"),
            lambda: authorizing.choose(begun.id, "79", "ada"),
        ):
            with pytest.raises(NothingToChoose):
                refused()
        chosen = authorizing.choose(begun.id, "77", "ada")
        assert (chosen.state, chosen.organization_id, chosen.organization_slug) == (
            State.CONNECTED,
            "77",
            "beta",
        )
        with pytest.raises(NothingToChoose, match="chosen already"):
            authorizing.choose(begun.id, "78", "ada")
        assert world.read(chosen.id).id == "77"


def test_an_organization_that_is_taken_can_be_told_and_another_one_be_chosen(world):
    with world.behaving(other_organizations=OTHERS):
        taken = world.authorizing.choose(world.connect().connection.id, "77", "ada")
        completed = world.connect("bob")
        of = {one.id: one for one in completed.choices}
        assert of["77"].connection_id == taken.id
        assert not of["78"].is_taken
        with pytest.raises(AlreadyConnected) as caught:
            world.authorizing.choose(completed.connection.id, "77", "bob")
        assert caught.value.connection.id == taken.id
        chosen = world.authorizing.choose(completed.connection.id, "78", "bob")
        assert chosen.organization_slug == "alpha"
        # What is being deleted is in nobody's way.
        world.registry.disconnect(taken.id, "ada")
        completed = world.connect("bob")
        assert not {one.id: one for one in completed.choices}["77"].is_taken
        assert world.authorizing.choose(completed.connection.id, "77", "bob").id != taken.id


def test_a_consent_for_one_organization_needs_no_choice(world):
    with world.behaving(other_organizations=OTHERS, requires_org_level_access=True):
        connection = world.connect(organization_id="78").connection
        assert (connection.state, connection.organization_id) == (State.CONNECTED, "78")
        other = world.connect(organization_id="77").connection
        assert other.organization_slug == "beta"


def test_who_is_a_member_of_nothing_connects_nothing(world):
    with world.behaving(account="removed"), pytest.raises(NothingReached, match="as a member"):
        world.connect()
    assert nothing_is_left(world)


def test_who_says_no_connects_nothing(world):
    begun = world.begin()
    answer = consent(begun.url, "deny")
    with pytest.raises(ConsentDenied, match="not allowed"):
        world.complete(begun, **answer)
    with pytest.raises(InvalidState):
        world.complete(begun, state=answer["state"], code="anything")
    assert nothing_is_left(world)


def test_what_a_callback_says_is_never_shown(world):
    begun = world.begin()
    answer = consent(begun.url) | {"error": f"<b>{CANARY}</b>"}
    with pytest.raises(OAuthRefused) as caught:
        world.complete(begun, **answer)
    assert CANARY not in str(caught.value)
    assert nothing_is_left(world)


# Attacks on the consent


def refuses(world, actor="ada", **answer):
    with pytest.raises(InvalidState, match="Nothing was connected"):
        world.authorizing.complete(actor, **answer)
    assert world.sandbox.requests.by_grant_type == {}
    return nothing_is_left(world)


def test_a_forged_state_is_refused(world):
    begun = world.begin()
    answer = consent(begun.url)
    world.registry.authorizations.take(answer["state"], begun.nonce, "ada")
    forged = "A" * len(answer["state"])
    assert refuses(world, state=forged, nonce=begun.nonce, code=answer["code"])
    assert refuses(world, state="", nonce="", code=answer["code"])


def test_a_replayed_callback_is_refused(world):
    begun = world.begin()
    answer = consent(begun.url)
    first = world.complete(begun, **answer).connection
    exchanged = world.sandbox.requests.by_grant_type["authorization_code"]
    with pytest.raises(InvalidState, match="second time"):
        world.complete(begun, **answer)
    assert world.sandbox.requests.by_grant_type["authorization_code"] == exchanged
    assert world.registry.live() == [first]


def test_an_expired_state_is_refused(world):
    begun = world.begin()
    answer = consent(begun.url)
    with world.registry.database.writing() as session:
        session.query(AuthorizationRow).one().expires_at = datetime.now(UTC)
    assert refuses(world, **answer, nonce=begun.nonce)


def test_a_state_is_good_for_the_user_who_asked_only(world):
    begun = world.begin("ada")
    answer = consent(begun.url)
    assert refuses(world, "mallory", **answer, nonce=begun.nonce)


def test_a_state_is_good_in_the_browser_that_asked_only(world):
    begun = world.begin()
    answer = consent(begun.url)
    assert refuses(world, **answer, nonce="another-browsers")


def test_a_victim_cannot_be_made_to_complete_an_attackers_consent(world):
    """Login CSRF: the attacker's whole callback address, opened by the victim."""
    attackers = world.begin("mallory")
    answer = consent(attackers.url)
    victims = world.begin("ada")
    with pytest.raises(InvalidState):
        world.complete(victims, "ada", **answer)
    assert world.registry.all() == []


def test_an_attackers_code_in_a_victims_callback_is_refused_by_pkce(world):
    attackers = world.begin("mallory")
    stolen = consent(attackers.url)["code"]
    victims = world.begin("ada")
    state = parse_qs(urlsplit(victims.url).query)["state"][0]
    with pytest.raises(InvalidGrant):
        world.complete(victims, "ada", state=state, code=stolen)
    # Sentry deleted the code, too: it is of no use to anybody now.
    with pytest.raises(InvalidGrant):
        world.complete(attackers, "mallory", code=stolen, state=_state(attackers))
    assert nothing_is_left(world)


def _state(begun):
    return parse_qs(urlsplit(begun.url).query)["state"][0]


def test_a_grant_for_more_is_refused(world):
    broader = ["project:read", "org:read", "event:read", "member:read"]
    with (
        world.behaving(granted_scopes=broader),
        pytest.raises(ScopesBroader, match="Authorized Applications"),
    ):
        world.connect()
    assert nothing_is_left(world)


def test_a_grant_for_less_is_refused_and_says_what_is_missing(world):
    with (
        world.behaving(granted_scopes=["project:read", "org:read"]),
        pytest.raises(ScopesMissing, match="event:read is missing"),
    ):
        world.connect()
    assert nothing_is_left(world)


@pytest.mark.parametrize(
    "region", ["https://attacker.example", "http://169.254.169.254", "https://sentry.io.evil.test"]
)
def test_a_region_that_is_none_of_sentrys_is_not_connected(world, region):
    with (
        world.behaving(moved_to=region),
        pytest.raises(errors.UnexpectedResponse, match="must not be sent"),
    ):
        world.connect()
    assert nothing_is_left(world)


def test_a_redirected_token_request_is_not_followed(world, organization):
    with running(organization) as attackers:
        location = f"{attackers.base_url}/oauth/token/"
        with (
            world.failing("redirect_elsewhere", location=location),
            pytest.raises(OAuthRefused, match="302"),
        ):
            world.connect()
        assert attackers.requests.total == 0
    assert nothing_is_left(world)


def test_secrets_go_past_proxies_and_passwords_of_the_environment(world, monkeypatch, tmp_path):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    # A Basic header beside the body's credentials is refused by Sentry.
    assert world.connected().state is State.CONNECTED


# Connecting again


def test_a_lost_connection_is_connected_again_with_its_id_and_salt(world):
    lost = world.connected()
    before = world.registry.tokens.of(lost.id)
    world.registry.lose(lost.id, Reason.REVOKED, "load")
    completed = world.connect("bob", lost.id)
    after = world.registry.tokens.of(lost.id)
    assert completed.is_reconnected
    assert completed.connection.id == lost.id
    assert completed.connection.state is State.CONNECTED
    assert completed.connection.purge_after is None
    assert after.salt == before.salt
    assert {after.token, after.refresh_token}.isdisjoint({before.token, before.refresh_token})
    assert history(world, lost.id)[2:] == [
        ("load", State.CONNECTED, State.DISCONNECTED, "revoked"),
        ("bob", State.DISCONNECTED, State.CONNECTED, "reconnected"),
    ]
    assert world.read(lost.id).id == lost.organization_id


def test_reconnecting_to_another_organization_is_refused_and_changes_nothing(world):
    with world.behaving(other_organizations=OTHERS, requires_org_level_access=True):
        connection = world.connect(organization_id="77").connection
        before = world.registry.tokens.of(connection.id)
        with pytest.raises(AnotherOrganization, match="beta"):
            world.connect(connection_id=connection.id, organization_id="78")
    assert world.registry.tokens.of(connection.id) == before
    assert world.registry.get(connection.id) == connection


def test_only_what_was_connected_and_is_not_being_deleted_can_be_reconnected(world):
    with world.behaving(other_organizations=OTHERS):
        choosing = world.connect().connection
        with pytest.raises(IllegalTransition):
            world.begin(connection_id=choosing.id)
    connection = world.connected()
    begun = world.begin(connection_id=connection.id)
    answer = consent(begun.url)
    world.registry.disconnect(connection.id, "bob")
    with pytest.raises(IllegalTransition):
        world.begin(connection_id=connection.id)
    with pytest.raises(InvalidState):
        world.complete(begun, **answer)
    assert world.registry.get(connection.id).state is State.DISCONNECTING


def test_tokens_of_one_server_are_never_shown_to_another(world, monkeypatch):
    connection = world.connected()
    world.age(connection.id, days=31)
    monkeypatch.setenv("AIRFLOW_CONN_SENTRY_OAUTH_APP", registered("https://sentry.io"))
    with pytest.raises(ApplicationMissing, match=r"at https://sentry\.io, and the connection is"):
        world.begin(connection_id=connection.id)
    with pytest.raises(CannotRenew, match=r"at https://sentry\.io, and the connection is"):
        world.renewing.token(connection.id)
    assert world.registry.get(connection.id).state is State.CONNECTED
    assert world.renewals() == 0


# Renewing


@pytest.mark.parametrize(
    ("age", "is_renewed"),
    [
        (timedelta(days=6, hours=23), False),
        (timedelta(days=7, hours=1), True),
        (timedelta(days=31), True),
    ],
)
def test_tokens_are_renewed_weekly_and_whenever_they_expired(world, age, is_renewed):
    connection = world.connected()
    before = world.registry.tokens.of(connection.id)
    world.age(connection.id, seconds=age.total_seconds())
    token = world.renewing.token(connection.id)
    assert world.renewals() == is_renewed
    assert (token != before.token) == is_renewed
    stored = world.registry.tokens.of(connection.id)
    assert (stored.token, stored.salt) == (token, before.salt)
    assert (stored.refresh_token != before.refresh_token) == is_renewed
    assert world.read(connection.id).id == connection.organization_id
    assert world.renewing.token(connection.id) == token


@pytest.mark.parametrize(("age_h", "is_renewed"), [(3, False), (5, True)])
def test_short_lived_tokens_are_renewed_at_half_of_their_time(world, age_h, is_renewed):
    with world.behaving(token_lifetime_s=8 * 3600):
        connection = world.connected()
        world.age(connection.id, hours=age_h)
        world.renewing.token(connection.id)
    assert world.renewals() == is_renewed


def test_a_token_that_expires_under_way_is_renewed_under_way(world):
    connection = world.connected()
    world.age(connection.id, hours=1)
    world.sandbox.tokens.expire()
    assert world.read(connection.id).id == connection.organization_id
    assert world.renewals() == 1


def test_a_token_that_somebody_else_renewed_is_taken_from_them(world):
    connection = world.connected()
    old = world.registry.tokens.of(connection.id).token
    world.age(connection.id, days=8)
    new = world.renewing.token(connection.id)
    assert world.renewing.renewed(connection.id, old) == new
    assert world.renewals() == 1


def test_tokens_without_a_refresh_token_are_used_for_as_long_as_they_last(world):
    with world.behaving(refresh_tokens=False):
        connection = world.connected()
    world.age(connection.id, days=20)
    token = world.registry.tokens.of(connection.id).token
    assert world.renewing.token(connection.id) == token
    assert world.read(connection.id).id == connection.organization_id
    world.sandbox.tokens.expire()
    with pytest.raises(errors.TokenExpired) as caught:
        world.read(connection.id)
    assert reason_of(caught.value) is Reason.EXPIRED
    assert world.renewals() == 0


def test_replication_lag_after_a_renewal_is_waited_for(world):
    with world.behaving(replica_lag_calls=1):
        connection = world.connected()
        world.age(connection.id, days=8)
        assert world.read(connection.id).id == connection.organization_id
    assert world.renewals() == 1


def test_a_token_is_not_renewed_because_it_is_too_new_to_be_known(world):
    connection = world.connected()
    world.age(connection.id, days=8)
    with world.behaving(replica_lag_calls=5):
        with pytest.raises(errors.Retryable, match="does not know the new access token"):
            world.read(connection.id)
        assert world.read(connection.id).id == connection.organization_id
    assert world.renewals() == 1
    assert world.registry.get(connection.id).state is State.CONNECTED


def test_of_many_threads_one_renews(world):
    connection = world.connected()
    world.age(connection.id, days=8)
    with ThreadPoolExecutor(8) as pool, world.behaving(latency_ms=300):
        tokens = set(pool.map(lambda _: world.renewing.token(connection.id), range(16)))
    assert tokens == {world.registry.tokens.of(connection.id).token}
    assert world.renewals() == 1


RENEW = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from include.connections.application import application
from include.connections.registry import open_registry
from include.connections.renewing import Renewing
from include.settings import settings

application(settings())  # imports Airflow
registry = open_registry(settings())
rejected = registry.tokens.of(sys.argv[1]).token
Path(sys.argv[2]).touch()
while not Path(sys.argv[3]).exists():
    time.sleep(0.01)
renewing = Renewing(settings(), registry)
with ThreadPoolExecutor(8) as pool:
    calls = [pool.submit(renewing.renewed, sys.argv[1], rejected) for _ in range(8)]
    print(*{call.result() for call in calls})
"""


def process(world, script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"CORVANA_DATA_DIR": str(world.settings.data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(*paths):
    deadline = time.monotonic() + 60
    while not all(path.exists() for path in paths):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_of_many_threads_of_two_processes_one_renews(world, tmp_path):
    connection = world.connected()
    world.age(connection.id, hours=1)
    ready, go = [tmp_path / "a", tmp_path / "b"], tmp_path / "go"
    both = [process(world, RENEW, connection.id, mine, go) for mine in ready]
    wait_for(*ready)
    with world.behaving(latency_ms=500):
        go.touch()
        outs = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], outs
    assert {out.strip() for out, _ in outs} == {world.registry.tokens.of(connection.id).token}
    assert world.renewals() == 1


CRASH = """
import os, signal, sys
from include.connections.registry import open_registry
from include.connections.renewing import Renewing
from include.connections.tokens import Tokens
from include.settings import settings

# Sentry has answered; nothing is stored yet.
Tokens.settle = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
Renewing(settings(), open_registry(settings())).token(sys.argv[1])
"""


def test_a_crash_between_renewal_and_saving_is_told_and_reconnecting_mends_it(world):
    connection = world.connected()
    before = world.registry.tokens.of(connection.id)
    world.age(connection.id, days=8)
    crashed = process(world, CRASH, connection.id)
    crashed.communicate(timeout=60)
    assert crashed.returncode == -signal.SIGKILL
    assert world.renewals() == 1

    world.crash(connection.id)
    with pytest.raises(RenewalRefused) as caught:
        world.renewing.token(connection.id)
    assert str(caught.value) == SENTENCES[Reason.RENEWAL_LOST]
    assert reason_of(caught.value) is Reason.RENEWAL_LOST
    lost = world.registry.get(connection.id)
    assert (lost.state, lost.reason) == (State.DISCONNECTED, Reason.RENEWAL_LOST)
    assert world.renewals() == 2

    again = world.connect(connection_id=connection.id).connection
    assert (again.id, again.state) == (connection.id, State.CONNECTED)
    assert world.registry.tokens.of(connection.id).salt == before.salt
    assert world.read(connection.id).id == connection.organization_id


def test_a_registry_that_is_away_for_a_moment_does_not_cost_the_only_copy(world, monkeypatch):
    connection = world.connected()
    world.age(connection.id, days=8)
    honest, failures = Tokens.settle, [OperationalError("update", {}, Exception())] * 2

    def settle(*arguments):
        if failures:
            raise failures.pop()
        honest(*arguments)

    monkeypatch.setattr(Tokens, "settle", settle)
    assert world.renewing.token(connection.id) == world.registry.tokens.of(connection.id).token
    assert (world.renewals(), failures) == (1, [])
    assert world.read(connection.id).id == connection.organization_id


def test_a_crash_before_the_renewal_was_sent_costs_nothing(world):
    connection = world.connected()
    world.age(connection.id, days=8)
    generation = world.registry.tokens.of(connection.id).generation
    assert world.registry.tokens.claim(connection.id, generation)
    world.crash(connection.id)
    world.renewing.token(connection.id)
    assert world.renewals() == 1
    assert world.registry.get(connection.id).state is State.CONNECTED


def test_who_waits_for_a_renewal_that_does_not_end_gives_up(world, monkeypatch):
    connection = world.connected()
    world.age(connection.id, days=31)
    generation = world.registry.tokens.of(connection.id).generation
    assert world.registry.tokens.claim(connection.id, generation)
    monkeypatch.setattr(renewing_module, "PATIENCE_S", 0.5)
    with pytest.raises(errors.Retryable, match="Another process renews"):
        world.renewing.token(connection.id)
    assert world.renewals() == 0


@pytest.mark.parametrize("kind", ["lost_response", "gateway_timeout", "dropped_connection"])
def test_an_answer_that_is_lost_loses_the_connection_and_says_why(world, kind):
    connection = world.connected()
    world.age(connection.id, days=31)
    with world.failing(kind, times=1):
        with pytest.raises(errors.Retryable, match="asked for a token"):
            world.renewing.token(connection.id)
        assert world.registry.get(connection.id).state is State.CONNECTED
        with pytest.raises(RenewalRefused):
            world.renewing.token(connection.id)
    assert world.registry.get(connection.id).reason is Reason.RENEWAL_LOST
    assert world.renewals() == 2


@pytest.mark.parametrize(
    "kind", ["server_error", "html_503", "html_200", "rate_limited", "brownout", "oversized"]
)
def test_a_server_that_fails_loses_nothing(world, kind):
    connection = world.connected()
    world.age(connection.id, days=31)
    with world.failing(kind, times=1):
        with pytest.raises((errors.Retryable, CannotRenew)):
            world.renewing.token(connection.id)
        world.renewing.token(connection.id)
    assert world.registry.get(connection.id).state is State.CONNECTED
    assert world.read(connection.id).id == connection.organization_id


def test_a_slow_answer_has_a_deadline(world, monkeypatch):
    monkeypatch.setattr(token_endpoint, "TOTAL_S", 0.5)
    connection = world.connected()
    world.age(connection.id, days=31)
    began = time.monotonic()
    with world.failing("slow_drip", seconds=5.0), pytest.raises(errors.Unreachable):
        world.renewing.token(connection.id)
    assert time.monotonic() - began < 4


def test_a_server_that_is_not_there_was_asked_nothing(world, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("AIRFLOW_CONN_SENTRY_OAUTH_APP", registered(nobody))
    with pytest.raises(OAuthUnreachable, match="cannot be reached") as caught:
        OAuth(application(world.settings)).renew("anything")
    assert not caught.value.may_have_happened
    assert caught.value.__context__ is None


def test_an_early_renewal_that_fails_is_a_warning(world, caplog):
    connection = world.connected()
    world.age(connection.id, days=8)
    token = world.registry.tokens.of(connection.id).token
    with world.failing("html_503"), caplog.at_level(logging.WARNING):
        assert world.renewing.token(connection.id) == token
    assert "could not be renewed early" in caplog.text
    assert world.registry.get(connection.id).state is State.CONNECTED
    assert world.renewing.token(connection.id) != token


# Losing


def lost(world, connection, error):
    """Read as a load does, and note what comes of it as a load does."""
    with pytest.raises(error) as caught:
        world.read(connection.id)
    reason = reason_of(caught.value)
    world.registry.lose(connection.id, reason, "load")
    stored = world.registry.get(connection.id)
    assert stored.state is State.DISCONNECTED
    assert stored.purge_after == stored.changed_at + timedelta(days=30)
    return stored.reason


def test_access_that_a_user_revoked_is_lost(world):
    connection = world.connected()
    world.age(connection.id, hours=1)
    world.sandbox.tokens.revoke()
    assert lost(world, connection, RenewalRefused) is Reason.REVOKED


def test_access_that_was_revoked_before_an_early_renewal_is_lost_too(world):
    connection = world.connected()
    world.age(connection.id, days=8)
    world.sandbox.tokens.revoke()
    assert lost(world, connection, RenewalRefused) is Reason.REVOKED


def test_access_that_was_not_renewed_for_too_long_expired(world):
    connection = world.connected()
    world.age(connection.id, days=61)
    world.sandbox.tokens.revoke()  # Sentry's cleanup, to us
    assert lost(world, connection, RenewalRefused) is Reason.EXPIRED


@pytest.mark.parametrize("word", ["invalid_client", "invalid_credentials"])
def test_a_rotated_client_secret_matters_when_the_token_expires(world, monkeypatch, caplog, word):
    connection = world.connected()
    world.age(connection.id, days=8)
    rotated = registered(world.sandbox.base_url, "the old one")
    monkeypatch.setenv("AIRFLOW_CONN_SENTRY_OAUTH_APP", rotated)
    with world.behaving(client_error=word):
        assert world.read(connection.id).id == connection.organization_id
        assert "client id and secret" in caplog.text
        assert world.registry.get(connection.id).state is State.CONNECTED
        world.age(connection.id, days=30)
        assert lost(world, connection, RenewalRefused) is Reason.CLIENT_REJECTED


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ("user-inactive", Reason.USER_INACTIVE),
        ("application-inactive", Reason.APPLICATION_INACTIVE),
        ("sso-required", Reason.SSO_REQUIRED),
        ("member-disabled-over-limit", Reason.MEMBER_DISABLED),
        ("removed", Reason.ACCESS_LOST),
    ],
)
@pytest.mark.parametrize("age_days", [1, 8])
def test_other_losses_are_told_apart(world, account, reason, age_days):
    connection = world.connected()
    world.age(connection.id, days=age_days)
    with world.behaving(account=account):
        assert lost(world, connection, errors.ConnectionLost) is reason


def test_a_disconnected_connection_gets_no_token(world):
    connection = world.connected()
    token = world.registry.tokens.of(connection.id).token
    world.registry.disconnect(connection.id, "ada")
    for ask in (world.renewing.token, lambda one: world.renewing.renewed(one, token)):
        with pytest.raises(Disconnected, match="was disconnected"):
            ask(connection.id)


def test_a_connection_that_is_disconnected_during_its_renewal_keeps_nothing(world, monkeypatch):
    connection = world.connected()
    world.age(connection.id, days=8)
    honest = OAuth.renew

    def renew(self, refresh_token):
        grant = honest(self, refresh_token)
        world.registry.disconnect(connection.id, "ada")
        return grant

    monkeypatch.setattr(OAuth, "renew", renew)
    with pytest.raises(Disconnected):
        world.renewing.token(connection.id)
    with world.registry.database.reading() as session:
        assert session.query(SecretsRow).count() == 0


# Nothing leaks


def test_no_secret_and_no_name_is_in_any_log_at_debug_nor_in_the_registry(world, caplog):
    caplog.set_level(logging.DEBUG)
    for name in ("oauthlib", "requests_oauthlib", "urllib3", "requests"):
        caplog.set_level(logging.DEBUG, logger=name)
    begun = world.begin()
    answer = consent(begun.url)
    connection = world.complete(begun, **answer).connection
    world.age(connection.id, days=8)
    world.read(connection.id)
    failures = []
    for kind in ("truncated_json", "html_200", "oversized", "server_error"):
        world.age(connection.id, days=40)
        with world.failing(kind, times=1), suppress(errors.SentryError):
            world.renewing.token(connection.id)
    world.sandbox.tokens.revoke()
    world.age(connection.id, days=40)
    try:
        world.renewing.token(connection.id)
    except RenewalRefused as failure:
        failures.append(failure)
    assert failures
    text = caplog.text + repr(failures) + repr(begun) + repr(world.registry.all())
    secrets = [*world.sandbox.tokens.issued, SECRET, answer["code"], answer["state"], begun.nonce]
    for hidden in (*secrets, CANARY):
        assert hidden not in text
    stored = b"".join(path.read_bytes() for path in world.settings.data_dir.glob("registry*"))
    for hidden in (*secrets, CANARY):
        assert hidden.encode() not in stored
    assert "/oauth/token/" in caplog.text  # urllib3 says so: the log was on


def test_of_a_token_response_only_what_is_declared_is_seen(world, monkeypatch):
    """The library that would parse and log all of it is given a part."""
    seen = []
    honest = token_endpoint.TokenEndpoint.send

    def send(self, request, **options):
        answer = honest(self, request, **options)
        seen.append(SimpleNamespace(fields=json.loads(answer.content), headers=answer.headers))
        return answer

    monkeypatch.setattr(token_endpoint.TokenEndpoint, "send", send)
    world.connected()
    assert seen[0].fields.keys() == {
        "access_token",
        "refresh_token",
        "expires_in",
        "token_type",
        "scope",
    }
    assert not seen[0].headers

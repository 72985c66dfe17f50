"""Tokens at rest, and the right to renew them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from include.connections.authorizations import Authorization
from include.connections.models import AuthorizationRow, SecretsRow
from include.connections.registry import open_registry
from include.connections.tokens import CLAIM, Grant, NoSecrets
from include.connections.vault import VaultLocked, new_key
from include.settings import Settings
from tests.unit.connections.conftest import GRANT, SCOPES, SENTRY

EXPIRES = datetime(2027, 1, 1, tzinfo=UTC)
NEW = Grant("access-two", "refresh-two", EXPIRES, SCOPES)


@pytest.fixture
def connection(registry):
    return registry.connect(registry.begin(SENTRY, GRANT, "ada").id, "1", "acme", "ada")


def of(registry, connection):
    return registry.tokens.of(connection.id)


def claim(registry, connection):
    return registry.tokens.claim(connection.id, of(registry, connection).generation)


def later(registry, connection, shift=CLAIM):
    """Let time pass since a renewal was begun."""
    with registry.database.writing() as session:
        session.get_one(SecretsRow, connection.id).renewing_since -= shift


def test_what_is_stored_is_what_was_granted(registry, connection):
    secrets = of(registry, connection)
    assert (secrets.token, secrets.refresh_token) == ("access-one", "refresh-one")
    assert (secrets.expires_at, secrets.scopes, secrets.generation) == (None, SCOPES, 1)
    assert datetime.now(UTC) - secrets.obtained_at < timedelta(minutes=1)
    assert len(secrets.salt) == 32
    assert "access-one" not in repr(secrets) + repr(GRANT) + repr(claim(registry, connection))


def test_every_connection_has_a_salt_of_its_own_that_outlives_its_tokens(registry, connection):
    other = registry.begin(SENTRY, GRANT, "ada")
    before = of(registry, connection)
    assert before.salt != registry.tokens.of(other.id).salt
    registry.reconnect(connection.id, NEW, "acme", "ada")
    after = of(registry, connection)
    assert (after.salt, after.token, after.expires_at) == (before.salt, "access-two", EXPIRES)


def test_nothing_secret_is_readable_in_the_file(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    registry = open_registry(settings)
    begun = registry.begin(SENTRY, GRANT, "ada")
    opened = registry.authorizations.open(
        Authorization("https://a/cb", "pkce-secret" * 4, None), "ada"
    )
    content = settings.registry_path.read_bytes()
    for secret in (
        b"access-one",
        b"refresh-one",
        b"pkce-secret",
        registry.tokens.of(begun.id).salt,
        opened.state.encode(),
        opened.nonce.encode(),
    ):
        assert secret not in content


def test_what_was_deleted_is_overwritten_in_the_file(tmp_path):
    settings = Settings(data_dir=tmp_path / "data")
    registry = open_registry(settings)
    begun = registry.begin(SENTRY, GRANT, "ada")
    with registry.database.reading() as session:
        stored = session.get_one(SecretsRow, begun.id).salt
    assert stored in settings.registry_path.read_bytes()
    registry.abandon(begun.id, "ada", "late")
    assert stored not in settings.registry_path.read_bytes()


def test_a_renewal_is_claimed_once_and_settled(registry, connection):
    mine = claim(registry, connection)
    assert (mine.refresh_token, mine.is_second) == ("refresh-one", False)
    assert claim(registry, connection) is None
    registry.tokens.settle(mine, NEW)
    secrets = of(registry, connection)
    assert (secrets.token, secrets.refresh_token, secrets.generation) == (
        "access-two",
        "refresh-two",
        2,
    )
    # Whoever wanted the same renewal gets none; the next one is a first one again.
    assert registry.tokens.claim(connection.id, 1) is None
    assert not claim(registry, connection).is_second


def test_of_many_that_claim_at_once_one_succeeds(registry, connection):
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: registry.tokens.claim(connection.id, 1), range(24)))
    assert len([one for one in claims if one is not None]) == 1


def test_the_claim_of_a_dead_process_lapses_and_the_next_one_knows(registry, connection):
    assert claim(registry, connection)
    later(registry, connection, CLAIM - timedelta(seconds=10))
    assert claim(registry, connection) is None
    later(registry, connection, timedelta(seconds=10))
    assert claim(registry, connection).is_second


@pytest.mark.parametrize("may_have_happened", [False, True])
def test_a_claim_that_is_given_back_can_be_taken_at_once(registry, connection, may_have_happened):
    registry.tokens.release(claim(registry, connection), may_have_happened=may_have_happened)
    second = claim(registry, connection)
    assert second.is_second is may_have_happened
    # What is not known does not become known by a failure that certainly did nothing.
    registry.tokens.release(second, may_have_happened=False)
    assert claim(registry, connection).is_second is may_have_happened


def test_a_claim_that_was_taken_over_can_be_settled_but_not_given_back(registry, connection):
    slow = claim(registry, connection)
    later(registry, connection)
    quick = claim(registry, connection)
    registry.tokens.release(slow, may_have_happened=False)
    assert claim(registry, connection) is None
    registry.tokens.settle(slow, NEW)
    assert of(registry, connection).token == "access-two"
    # Its own answer can only have been a refusal; but whatever it was, it does not count any more.
    registry.tokens.settle(quick, Grant("access-x", "refresh-x", None, SCOPES))
    assert of(registry, connection).token == "access-two"


def test_a_renewal_that_ends_after_reconnecting_is_forgotten(registry, connection):
    mine = claim(registry, connection)
    consented = Grant("access-three", "refresh-three", None, SCOPES)
    registry.reconnect(connection.id, consented, "acme", "ada")
    registry.tokens.settle(mine, NEW)
    assert of(registry, connection).token == "access-three"
    assert not claim(registry, connection).is_second


def test_a_renewal_that_ends_after_disconnecting_stores_nothing(registry, connection):
    mine = claim(registry, connection)
    registry.disconnect(connection.id, "ada")
    for deed in (
        lambda: registry.tokens.settle(mine, NEW),
        lambda: registry.tokens.release(mine, may_have_happened=True),
        lambda: registry.tokens.claim(connection.id, 1),
    ):
        with pytest.raises(NoSecrets):
            deed()
    with registry.database.reading() as session:
        assert session.query(SecretsRow).count() == 0


def test_what_cannot_be_renewed_cannot_be_claimed(registry):
    begun = registry.begin(SENTRY, Grant("access", None, None, SCOPES), "ada")
    assert registry.tokens.of(begun.id).refresh_token is None
    with pytest.raises(NoSecrets, match="nothing to renew"):
        registry.tokens.claim(begun.id, 1)


def test_keys_can_be_rotated_newest_first(settings, registry, connection):
    registry.authorizations.open(Authorization("https://a/cb", "v" * 43, connection.id), "ada")
    before = of(registry, connection)
    new, old = new_key().decode(), settings.encryption_keys.get_secret_value()

    def with_keys(*keys):
        changed = settings.model_dump() | {"encryption_keys": ",".join(keys)}
        return open_registry(Settings(**changed))

    with pytest.raises(VaultLocked, match="Add that key"):
        with_keys(new).tokens.of(connection.id)
    assert with_keys(new, old).tokens.encrypt_anew() == 1
    assert with_keys(new).tokens.of(connection.id) == before
    with pytest.raises(VaultLocked):
        with_keys(old).tokens.of(connection.id)
    with registry.database.reading() as session:
        verifier = session.query(AuthorizationRow).one().code_verifier
    assert with_keys(new).vault.decrypt(verifier) == b"v" * 43

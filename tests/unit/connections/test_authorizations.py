"""Consents that were asked for: good once, for a while, for one user in one browser."""

from datetime import timedelta

import pytest

from include.connections.authorizations import LIFETIME, Authorization, InvalidState
from include.connections.models import AuthorizationRow
from tests.unit.connections.conftest import GRANT, SENTRY

CALLBACK = "https://airflow.example/integrations/sentry/callback"


@pytest.fixture
def asked():
    return Authorization(CALLBACK, "v" * 43, None)


def later(registry, shift):
    with registry.database.writing() as session:
        for row in session.query(AuthorizationRow):
            row.expires_at -= shift


def test_a_callback_gets_what_was_asked_for_once(registry, asked):
    opened = registry.authorizations.open(asked, "ada")
    assert registry.authorizations.take(opened.state, opened.nonce, "ada") == asked
    with pytest.raises(InvalidState, match="Nothing was connected"):
        registry.authorizations.take(opened.state, opened.nonce, "ada")


def test_it_knows_the_connection_that_is_connected_again(registry):
    begun = registry.begin(SENTRY, GRANT, "ada")
    opened = registry.authorizations.open(Authorization(CALLBACK, "v" * 43, begun.id), "ada")
    assert registry.authorizations.take(opened.state, opened.nonce, "ada").connection_id == begun.id


@pytest.mark.parametrize("wrong", ["state", "nonce", "actor", "swapped"])
def test_whoever_comes_with_something_else_gets_nothing_and_uses_it_up(registry, asked, wrong):
    opened = registry.authorizations.open(asked, "ada")
    other = registry.authorizations.open(asked, "ada")
    answer = {"state": opened.state, "nonce": opened.nonce, "actor": "ada"}
    answer |= {"nonce": other.nonce} if wrong == "swapped" else {wrong: "another"}
    with pytest.raises(InvalidState):
        registry.authorizations.take(**answer)
    if wrong != "state":
        with pytest.raises(InvalidState):
            registry.authorizations.take(opened.state, opened.nonce, "ada")


def test_it_is_good_for_ten_minutes(registry, asked):
    opened = registry.authorizations.open(asked, "ada")
    later(registry, LIFETIME - timedelta(seconds=30))
    registry.authorizations.take(opened.state, opened.nonce, "ada")
    opened = registry.authorizations.open(asked, "ada")
    later(registry, LIFETIME)
    with pytest.raises(InvalidState, match="too late"):
        registry.authorizations.take(opened.state, opened.nonce, "ada")


def test_what_expired_is_forgotten_with_the_next_one(registry, asked):
    for _ in range(3):
        registry.authorizations.open(asked, "ada")
    later(registry, LIFETIME)
    registry.authorizations.open(asked, "ada")
    with registry.database.reading() as session:
        assert session.query(AuthorizationRow).count() == 1


def test_states_are_long_and_never_shown(registry, asked):
    opened = [registry.authorizations.open(asked, "ada") for _ in range(20)]
    values = {one.state for one in opened} | {one.nonce for one in opened}
    assert len(values) == 40
    assert all(len(value) >= 43 for value in values)
    assert not any(value in repr(opened) for value in values)
    assert "v" * 43 not in repr(asked)

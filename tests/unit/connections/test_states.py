"""The state machine: every transition, legal or not, and what each is written down as."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from include.connections.authorizations import Authorization
from include.connections.models import (
    AuthorizationRow,
    ConnectionRow,
    LoadReportRow,
    SecretsRow,
    TransitionRow,
)
from include.connections.registry import (
    CHOOSING,
    AlreadyConnected,
    UnknownConnection,
    open_registry,
)
from include.connections.schedule import InvalidSchedule
from include.connections.states import (
    SENTENCES,
    TRANSITIONS,
    IllegalTransition,
    Reason,
    State,
    check,
)
from include.connections.tokens import NoSecrets
from tests.unit.connections.conftest import GRANT, SENTRY

LEGAL = {
    (None, State.CONNECTING),
    (State.CONNECTING, State.CONNECTED),
    (State.CONNECTING, State.PURGED),
    (State.CONNECTED, State.DISCONNECTED),
    (State.CONNECTED, State.DISCONNECTING),
    (State.DISCONNECTED, State.CONNECTED),
    (State.DISCONNECTED, State.DISCONNECTING),
    (State.DISCONNECTING, State.PURGED),
}


@pytest.mark.parametrize(("before", "after"), list(product([None, *State], State)))
def test_every_transition_is_legal_or_refused(before, after):
    if (before, after) in LEGAL:
        check("c1", before, after)
        return
    with pytest.raises(IllegalTransition, match=f"cannot become {after}") as caught:
        check("c1", before, after)
    assert (caught.value.state, caught.value.to) == (before, after)


def test_the_table_has_every_state():
    assert TRANSITIONS.keys() == {None, *State}


def test_every_reason_has_a_sentence_that_says_what_to_do():
    assert SENTENCES.keys() == set(Reason)
    assert all("econnect" in sentence for sentence in SENTENCES.values())


def make(registry, state, organization_id="1"):
    """A connection in a state, by the way there."""
    made = registry.begin(SENTRY, GRANT, "ada")
    if state is State.CONNECTING:
        return made
    made = registry.connect(made.id, organization_id, "acme", "ada")
    if state is State.CONNECTED:
        return made
    if state is State.DISCONNECTED:
        return registry.lose(made.id, Reason.REVOKED, "load")
    made = registry.disconnect(made.id, "ada")
    return made if state is State.DISCONNECTING else registry.purged(made.id, "purge")


DEEDS = {
    "connect": lambda registry, one: registry.connect(one, "2", "other", "bob"),
    "reconnect": lambda registry, one: registry.reconnect(one, GRANT, "other", "bob"),
    "abandon": lambda registry, one: registry.abandon(one, "bob", "late"),
    "lose": lambda registry, one: registry.lose(one, Reason.EXPIRED, "bob"),
    "disconnect": lambda registry, one: registry.disconnect(one, "bob", "no need"),
    "purged": lambda registry, one: registry.purged(one, "bob"),
}

SAME = "stays as it is"
REFUSED = "refused"
OUTCOMES = {
    ("connect", State.CONNECTING): State.CONNECTED,
    ("reconnect", State.CONNECTED): SAME,
    ("reconnect", State.DISCONNECTED): State.CONNECTED,
    ("abandon", State.CONNECTING): State.PURGED,
    ("lose", State.CONNECTED): State.DISCONNECTED,
    **{("lose", state): SAME for state in State if state is not State.CONNECTED},
    ("disconnect", State.CONNECTED): State.DISCONNECTING,
    ("disconnect", State.DISCONNECTED): State.DISCONNECTING,
    ("disconnect", State.DISCONNECTING): SAME,
    ("disconnect", State.PURGED): SAME,
    ("purged", State.DISCONNECTING): State.PURGED,
}
"""What each deed does in each state; everything else is refused."""


@pytest.mark.parametrize(("deed", "state"), list(product(DEEDS, State)))
def test_every_deed_in_every_state(registry, deed, state):
    outcome = OUTCOMES.get((deed, state), REFUSED)
    before = make(registry, state)
    written = registry.transitions(before.id)
    if outcome is REFUSED:
        with pytest.raises(IllegalTransition):
            DEEDS[deed](registry, before.id)
        assert registry.get(before.id) == before
        assert registry.transitions(before.id) == written
        return
    DEEDS[deed](registry, before.id)
    after = registry.get(before.id)
    new = registry.transitions(before.id)[len(written) :]
    if outcome is SAME:
        assert (after.state, new) == (before.state, [])
        return
    (only,) = new
    assert after.state is outcome
    assert (only.actor, only.from_state, only.to_state) == ("bob", state, outcome)
    assert only.at == after.changed_at
    assert datetime.now(UTC) - only.at < timedelta(minutes=1)


def test_a_lost_connection_says_why_and_until_when_its_data_is_kept(registry):
    lost = make(registry, State.DISCONNECTED)
    assert lost.reason is Reason.REVOKED
    assert lost.purge_after == lost.changed_at + timedelta(days=30)
    assert registry.transitions(lost.id)[-1].reason == "revoked"
    assert registry.to_purge(lost.purge_after - timedelta(seconds=1)) == []
    assert registry.to_purge(lost.purge_after) == [lost]
    # Its tokens are kept: who knows whether Sentry only says so for now.
    assert registry.tokens.of(lost.id).token == GRANT.access_token
    again = registry.reconnect(lost.id, GRANT, "renamed", "ada")
    assert (again.reason, again.purge_after, again.organization_slug) == (None, None, "renamed")
    assert registry.transitions(lost.id)[-1].reason == "reconnected"


def test_how_long_data_is_kept_is_a_setting(settings):
    registry = open_registry(settings.model_copy(update={"revoked_retention_days": 2.5}))
    lost = make(registry, State.DISCONNECTED)
    assert lost.purge_after == lost.changed_at + timedelta(days=2.5)
    registry.database.engine.dispose()


def test_disconnecting_destroys_the_secrets_at_once(registry):
    connection = make(registry, State.CONNECTED)
    registry.authorizations.open(Authorization("https://a/callback", "v" * 43, connection.id), "a")
    registry.disconnect(connection.id, "ada")
    with pytest.raises(NoSecrets, match=f"{connection.id} was disconnected"):
        registry.tokens.of(connection.id)
    with registry.database.reading() as session:
        assert session.query(SecretsRow).count() == 0
        assert session.query(AuthorizationRow).count() == 0


def test_what_is_purged_is_nobodys_any_more(registry):
    connection = make(registry, State.CONNECTED)
    registry.reports.change(connection.id, lambda report: setattr(report, "requests", 5))
    registry.disconnect(connection.id, "ada")
    gone = registry.purged(connection.id, "purge")
    assert (gone.base_url, gone.organization_id, gone.organization_slug) == ("", None, None)
    assert [one.to_state for one in registry.transitions(gone.id)] == [
        State.CONNECTING,
        State.CONNECTED,
        State.DISCONNECTING,
        State.PURGED,
    ]
    with registry.database.reading() as session:
        assert session.query(LoadReportRow).count() == 0


def test_an_abandoned_consent_leaves_no_secret_and_says_why(registry):
    begun = make(registry, State.CONNECTING)
    late = begun.changed_at + CHOOSING
    assert registry.abandoned(late - timedelta(seconds=1)) == []
    assert registry.abandoned(late) == [begun]
    registry.abandon(begun.id, "upkeep", "no organization was chosen")
    assert registry.abandoned(late) == []
    assert registry.transitions(begun.id)[-1].reason == "no organization was chosen"
    with pytest.raises(NoSecrets):
        registry.tokens.of(begun.id)


def test_an_organization_has_one_connection_at_a_time(registry):
    first = make(registry, State.DISCONNECTED)
    second = registry.begin(SENTRY, GRANT, "bob")
    with pytest.raises(AlreadyConnected, match=first.id) as caught:
        registry.connect(second.id, "1", "acme", "bob")
    assert caught.value.connection == first
    assert registry.get(second.id).state is State.PURGED
    assert registry.transitions(second.id)[-1].reason == "already connected"
    # Elsewhere the id is another organization's; and what is being deleted is in nobody's way.
    elsewhere = registry.begin("https://sentry.example", GRANT, "bob")
    assert registry.connect(elsewhere.id, "1", "acme", "bob").state is State.CONNECTED
    registry.disconnect(first.id, "ada")
    assert make(registry, State.CONNECTED).organization_id == "1"


def test_connections_are_found_by_state(registry):
    made = {state: make(registry, state, str(n)) for n, state in enumerate(State)}
    assert registry.all() == list(made.values())
    assert registry.live() == [made[State.CONNECTED], made[State.DISCONNECTED]]
    assert registry.in_state(State.DISCONNECTING) == [made[State.DISCONNECTING]]
    assert [one.is_loaded for one in made.values()].count(True) == 1
    assert made[State.CONNECTED].is_loaded


def test_an_unknown_connection_is_named(registry):
    for deed in (registry.get, lambda one: registry.disconnect(one, "ada")):
        with pytest.raises(UnknownConnection, match="no connection c404"):
            deed("c404")


def test_a_schedule_is_one_of_few(registry):
    connection = make(registry, State.CONNECTED)
    assert connection.schedule == "hourly"
    assert registry.set_schedule(connection.id, "daily").schedule == "daily"
    with pytest.raises(InvalidSchedule, match="choose hourly"):
        registry.set_schedule(connection.id, "* * * * *")
    assert registry.get(connection.id).schedule == "daily"


def test_a_load_notes_what_an_organization_is_called(registry):
    connection = make(registry, State.CONNECTED)
    registry.see(connection.id, "99", "renamed")
    seen = registry.get(connection.id)
    assert (seen.organization_id, seen.organization_slug, seen.organization) == (
        "1",
        "renamed",
        "1",
    )
    registry.disconnect(connection.id, "ada")
    registry.purged(connection.id, "purge")
    registry.see(connection.id, "99", "renamed")
    assert registry.get(connection.id).organization_slug is None


def test_the_audit_table_holds_ids_and_words_only(registry):
    make(registry, State.DISCONNECTED)
    columns = set(TransitionRow.__table__.columns.keys())
    assert columns == {"id", "connection_id", "at", "actor", "from_state", "to_state", "reason"}
    with registry.database.reading() as session:
        assert {row.actor for row in session.query(TransitionRow)} == {"ada", "load"}
        assert session.query(ConnectionRow).one().created_by == "ada"

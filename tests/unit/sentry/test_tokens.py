"""What becomes of a connection whose token is rejected, by one thread and by several."""

import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from dlt_sources.sentry import endpoints, errors
from dlt_sources.sentry.allowlist import Issue
from dlt_sources.sentry.tokens import AccessToken
from tests.unit.sentry.scripted import (
    LEAK,
    ORGANIZATION,
    TOKEN,
    Scripted,
    read_organization,
    whole_chain,
)

EXPIRED = b'{"detail": "Token expired"}'
INVALID = b'{"detail": "Invalid token"}'
RENEWED = "sntrys_renewed_token"


class Registry:
    """Stores tokens: a new one for each that is rejected."""

    def __init__(self):
        self.rejected = []

    def refresh(self, rejected):
        self.rejected.append(rejected)
        return f"{RENEWED}_{len(self.rejected)}" if len(self.rejected) > 1 else RENEWED


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
def renewing(connect, registry):
    return connect(refresh=registry.refresh)


def test_an_expired_token_is_renewed_at_once(server, renewing, registry, time):
    server.answer(401, EXPIRED)
    server.answer(body=ORGANIZATION)
    assert read_organization(renewing).id == "1"
    assert server.tokens == [TOKEN, RENEWED]
    assert registry.rejected == [TOKEN]
    assert time.sleeps == []


def test_an_expired_token_that_cannot_be_renewed_is_final(server, client, time):
    server.answer(401, EXPIRED)
    with pytest.raises(errors.TokenExpired, match="Connect the organization again"):
        read_organization(client)
    assert (len(server.paths), time.sleeps) == (1, [])


def test_a_renewed_token_that_is_refused_twice_is_final(server, renewing, registry, time):
    server.answer(401, EXPIRED)
    with pytest.raises(errors.TokenExpired):
        read_organization(renewing)
    assert server.tokens == [TOKEN, RENEWED, RENEWED]
    assert registry.rejected == [TOKEN]
    assert time.sleeps == [5.0]


def test_a_renewed_token_that_arrives_late_is_waited_for(server, renewing, time):
    server.answer(401, EXPIRED)
    server.answer(401, INVALID)
    server.answer(body=ORGANIZATION)
    assert read_organization(renewing).id == "1"
    assert time.sleeps == [5.0]


@pytest.mark.parametrize(
    "body",
    [INVALID, b'{"detail": "Authentication credentials were not provided."}', b"", b"<html>"],
)
def test_an_invalid_token_is_tried_again_later_before_it_is_renewed(
    server, renewing, registry, time, body
):
    server.answer(401, body)
    server.answer(body=ORGANIZATION)
    assert read_organization(renewing).id == "1"
    assert server.tokens == [TOKEN, TOKEN]
    assert (registry.rejected, time.sleeps) == ([], [5.0])


def test_an_invalid_token_is_renewed_once_and_then_given_up(server, renewing, registry, time):
    server.answer(401, INVALID)
    with pytest.raises(errors.TokenRevoked, match="Connect the organization again") as caught:
        read_organization(renewing)
    assert server.tokens == [TOKEN, TOKEN, RENEWED, RENEWED]
    assert (registry.rejected, time.sleeps) == ([TOKEN], [5.0, 5.0])
    assert isinstance(caught.value, errors.TokenRejected)


def test_an_invalid_token_that_cannot_be_renewed_is_tried_twice(server, client, time):
    server.answer(401, INVALID)
    with pytest.raises(errors.TokenRevoked):
        read_organization(client)
    assert (len(server.paths), time.sleeps) == (2, [5.0])


def test_a_failure_between_two_rejections_does_not_renew_again(server, renewing, registry):
    for status, body in [(401, EXPIRED), (503, b""), (401, INVALID), (503, b"")]:
        server.answer(status, body)
    server.answer(401, INVALID)
    with pytest.raises(errors.TokenExpired):
        read_organization(renewing)
    assert registry.rejected == [TOKEN]


@pytest.mark.parametrize(
    ("body", "expected", "sentence"),
    [
        (
            b'{"detail": {"code": "sso-required", "message": "c4n4ry", "extra": {"u": "c4n4ry"}}}',
            errors.ActionNeeded,
            "single sign-on",
        ),
        (
            b'{"detail": {"code": "member-disabled-over-limit", "message": "c4n4ry"}}',
            errors.ActionNeeded,
            "more members than its plan allows",
        ),
        (b'{"detail": "User inactive or deleted"}', errors.TokenRevoked, "user who connected"),
        (
            b'{"detail": "UserApplication inactive or deleted"}',
            errors.TokenRevoked,
            "OAuth application",
        ),
    ],
    ids=["sso", "seats", "user", "application"],
)
def test_what_only_a_person_can_change_is_final_at_once(
    server, renewing, registry, body, expected, sentence
):
    server.answer(401, body)
    with pytest.raises(expected, match=sentence) as caught:
        read_organization(renewing)
    assert (len(server.paths), registry.rejected) == (1, [])
    assert LEAK not in whole_chain(caught.value)


def test_the_code_of_an_action_is_a_known_word(server, client):
    server.answer(401, b'{"detail": {"code": "sso-required"}}')
    with pytest.raises(errors.ActionNeeded) as caught:
        read_organization(client)
    assert caught.value.code == "sso-required"
    server.answers.clear()
    server.answer(401, msgspec.json.encode({"detail": {"code": LEAK}}))
    with pytest.raises(errors.TokenRevoked) as other:
        read_organization(client)
    assert LEAK not in whole_chain(other.value)


def test_of_several_threads_with_the_same_rejected_token_one_renews_it(server, connect):
    all_rejected = threading.Barrier(4, timeout=10)
    renewals = []

    def answer(headers):
        if headers["Authorization"] == f"Bearer {TOKEN}":
            all_rejected.wait()
            return Scripted(401, EXPIRED)
        return Scripted(200, b"[]")

    def refresh(rejected):
        renewals.append(rejected)
        return RENEWED

    client = connect(refresh=refresh, concurrency=4)
    server.respond = answer
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: client.get(endpoints.ISSUES, list[Issue]), range(4)))
    assert found == [[]] * 4
    assert renewals == [TOKEN]
    assert sorted(server.tokens) == [RENEWED] * 4 + [TOKEN] * 4


def test_a_token_that_another_thread_renewed_is_used_without_waiting(server, renewing, time):
    renewing._sender._token.renew(TOKEN)
    server.answer(body=ORGANIZATION)
    read_organization(renewing)
    assert server.tokens == [RENEWED]
    cures = renewing._sender._cures(TOKEN, may_wait=True)
    assert next(cures)
    assert time.sleeps == []


def test_a_failed_renewal_fails_every_thread_that_waits_for_it():
    started, go_on = threading.Event(), threading.Event()
    calls = []

    def refresh(rejected):
        calls.append(rejected)
        started.set()
        go_on.wait(10)
        raise LookupError("no refresh token")

    token = AccessToken(TOKEN, refresh)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(token.renew, TOKEN)
        started.wait(10)
        second = pool.submit(token.renew, TOKEN)
        while not token._renewal._condition._waiters and not second.done():
            pass
        go_on.set()
        for renewal in (first, second):
            with pytest.raises(LookupError):
                renewal.result()
    assert calls == [TOKEN]


def test_a_renewal_that_failed_for_now_is_tried_again(server, connect, time):
    answers = [errors.Unreachable("The token endpoint cannot be reached."), RENEWED]

    def refresh(_rejected):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = connect(refresh=refresh)
    server.answer(401, EXPIRED)
    server.answer(401, EXPIRED)
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"
    assert server.tokens == [TOKEN, TOKEN, RENEWED]


@pytest.mark.parametrize("value", ["", "secret\r\nX: y", "secret\xe4"])
def test_what_cannot_be_a_token_is_refused_and_not_shown(value):
    with pytest.raises(ValueError, match="no token has") as first:
        AccessToken(value)
    with pytest.raises(ValueError, match="no token has") as renewed:
        AccessToken(TOKEN, lambda _: value).renew(TOKEN)
    assert "secret" not in whole_chain(first.value) + whole_chain(renewed.value)


def test_no_token_is_in_a_representation_or_an_error(server, renewing):
    server.answer(401, INVALID)
    with pytest.raises(errors.TokenRevoked) as caught:
        read_organization(renewing)
    shown = whole_chain(caught.value) + repr(renewing) + repr(renewing._sender._token)
    assert "sntrys" not in shown

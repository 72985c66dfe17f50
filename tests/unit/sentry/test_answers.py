"""What the client makes of every kind of answer (the decision table in `failures` and `errors`)."""

import msgspec
import pytest
from tenacity import RetryCallState

from dlt_sources.sentry import endpoints, errors
from dlt_sources.sentry.allowlist import ActivityFeed, Issue
from dlt_sources.sentry.client import _BACKOFF, Client
from tests.unit.sentry.scripted import LEAK, ORGANIZATION, TOKEN, read_organization, whole_chain


def detail(text):
    return msgspec.json.encode({"detail": f"{text} {LEAK}"})


@pytest.mark.parametrize(
    ("status", "text", "expected", "advice"),
    [
        (400, "Error parsing search query", errors.InvalidRequest, "update corvana-sentry"),
        (
            400,
            "You cannot view events from multiple projects.",
            errors.MultipleProjectsRefused,
            "one project at a time",
        ),
        (
            400,
            "You do not have the multi project stream feature enabled",
            errors.MultipleProjectsRefused,
            "one project at a time",
        ),
        (
            400,
            "Invalid date range. Please try a more recent date range.",
            errors.OutsideRetention,
            "keeps nothing as old",
        ),
        (403, "You do not have permission.", errors.AccessDenied, "lacks the scope org:read"),
        (
            404,
            "The requested resource does not exist",
            errors.UnknownOrganization,
            "Check its slug and region",
        ),
        (405, "Method not allowed", errors.InvalidRequest, "update corvana-sentry"),
        (414, "URI too long", errors.InvalidRequest, "update corvana-sentry"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(server, client, status, text, expected, advice):
    server.answer(status, detail(text))
    with pytest.raises(expected, match=advice) as caught:
        read_organization(client)
    assert len(server.paths) == 1
    assert LEAK not in whole_chain(caught.value)


def test_anything_else_that_is_not_there_is_one_thing_gone(server, client):
    server.answer(404, detail("The requested resource does not exist"))
    with pytest.raises(errors.NotFound, match="activities/"):
        client.get(endpoints.ISSUE_ACTIVITIES, ActivityFeed, issue="5")


def test_lost_coverage_is_a_lost_connection_to_whoever_does_not_care_which(server, client):
    server.answer(403)
    with pytest.raises(errors.ConnectionLost):
        client.get(endpoints.ISSUES, list[Issue])


@pytest.mark.parametrize(
    "text", ["Query timeout. Please try again.", "Internal error. Please try again.", "timed out"]
)
def test_a_query_that_times_out_is_tried_once_more_and_then_told_apart(server, connect, text):
    client = connect(attempts=6)
    server.answer(400, detail(text))
    with pytest.raises(errors.QueryTimedOut) as caught:
        read_organization(client)
    assert len(server.paths) == 2
    assert isinstance(caught.value, errors.Retryable)
    assert LEAK not in whole_chain(caught.value)


def test_a_query_that_times_out_once_is_answered(server, client):
    server.answer(400, detail("Query timeout."))
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"


@pytest.mark.parametrize(
    ("status", "body", "type_"),
    [
        (500, b"<html>", "text/html"),
        (500, b'{"detail": "Internal error."}', "application/json"),
        (502, b"", "text/plain"),
        (503, b"{}", "application/json"),
        (504, b"upstream connect error", "text/plain"),
        (200, b"<html>maintenance</html>", "application/json"),
        (200, b"\n <!doctype html>", "application/json"),
        (200, ORGANIZATION, "text/html; charset=utf-8"),
        (200, b'{"id": "1", "slug": "acm', "application/json"),
        (200, b"", "application/json"),
        (204, b"", "application/json"),
        (410, b'{"message": "This API no longer exists."}', "application/json"),
    ],
)
def test_a_passing_failure_is_tried_again(server, client, time, status, body, type_):
    server.answer(status, body, Content_Type=type_)
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"
    assert client.requests == 2
    assert time.sleeps == [1.0]


@pytest.mark.parametrize(
    "raw",
    [
        [],
        [b"HTTP/1.1 200 OK\r\nContent-"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b'{"id": "c4n4ry"'],
        [b"\x00\x01 c4n4ry no HTTP\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nX-c4n4ry\x00: 1\r\n\r\n"],
    ],
    ids=["dropped", "cut headers", "cut body", "no HTTP", "bad header"],
)
def test_a_connection_that_breaks_is_tried_again_and_shows_nothing(server, client, raw):
    server.answer(raw=raw)
    with pytest.raises(errors.Unreachable, match=r"cannot be reached \(\w+\)") as caught:
        read_organization(client)
    assert len(server.paths) == 3
    assert LEAK not in whole_chain(caught.value)
    assert caught.value.__context__ is None


def test_a_lasting_failure_ends_after_the_last_attempt(server, client, time):
    server.answer(503, f"<html>{LEAK}".encode())
    with pytest.raises(errors.Unreachable, match=r"failed to answer .* \(503\)") as caught:
        read_organization(client)
    assert len(server.paths) == 3
    assert time.sleeps == [1.0, 2.0]
    assert LEAK not in whole_chain(caught.value)


def test_failures_are_tried_again_after_1_to_60_seconds():
    state = RetryCallState(None, None, (), {})
    for state.attempt_number in range(1, 12):
        shortest = min(2 ** (state.attempt_number - 1), 60)
        assert shortest <= _BACKOFF(state) <= min(shortest + 1, 60)


def test_an_endpoint_that_stays_gone_is_counted_and_retryable(server, client):
    server.answer(410, b'{"message": "This API no longer exists."}')
    with pytest.raises(errors.EndpointGone, match="no longer exists") as caught:
        read_organization(client)
    assert isinstance(caught.value, errors.Retryable)
    assert client.warnings == {"endpoint organizations/{organization}/ is gone": 3}


def test_an_announced_removal_is_counted_by_endpoint(server, client):
    server.answer(body=b"[]", X_Sentry_Deprecation_Date="2027-01-01T00:00:00Z")
    client.get(endpoints.ISSUES, list[Issue])
    client.get(endpoints.ISSUES, list[Issue])
    assert client.warnings == {"endpoint organizations/{organization}/issues/ is deprecated": 2}


def test_nobody_listening_is_one_sentence(connect):
    client = connect("http://127.0.0.1:9", attempts=2)
    with pytest.raises(errors.Unreachable, match=r"\(ConnectError\). Check the address"):
        read_organization(client)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_on_the_same_server_is_followed_with_the_same_query(server, client, status):
    server.answer(status, Location="/api/0/organizations/renamed/?other=1")
    server.answer(body=b"[]")
    client.get(endpoints.ISSUES, list[Issue], {"query": ""})
    assert server.paths[1] == "/api/0/organizations/renamed/?query="
    assert client.warnings == {"endpoint organizations/{organization}/issues/ is redirected": 1}


def test_an_absolute_redirect_to_the_same_server_is_followed(server, client):
    server.answer(302, Location=f"{server.base_url}/api/0/organizations/renamed/")
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"


@pytest.mark.parametrize(
    "location",
    [
        "http://{host}:1/api/0/x/",
        "https://{host}:{port}/api/0/x/",
        "//c4n4ry.test/api/0/x/",
        "http://user@{host}:{port}/api/0/x/",
        "/auth/login/c4n4ry/",
        "http://[c4n4ry/",
    ],
)
def test_a_redirect_elsewhere_is_final_and_sends_no_token_there(server, client, location):
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    server.answer(302, Location=location.format(host=host, port=port))
    with pytest.raises(errors.InvalidRequest, match="redirected") as caught:
        read_organization(client)
    assert len(server.paths) == 1
    assert LEAK not in whole_chain(caught.value)


@pytest.mark.parametrize("location", ["/api/0/organizations/renamed/", ""])
def test_a_second_redirect_is_final(server, client, location):
    server.answer(302, Location=location)
    with pytest.raises(errors.InvalidRequest):
        read_organization(client)
    assert len(server.paths) == 2


def test_a_cookie_is_not_sent_back(server, client):
    server.answer(body=ORGANIZATION, Set_Cookie="sentrysid=1; Path=/")
    read_organization(client)
    read_organization(client)
    assert "Cookie" not in server.headers[1]


def test_the_environment_has_no_say(server, client, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answer(body=ORGANIZATION)
    with Client(server.base_url, "acme", TOKEN) as fresh:
        assert read_organization(fresh).id == "1"

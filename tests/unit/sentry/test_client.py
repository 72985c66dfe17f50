"""The client: what it sends, what it refuses to send, and what it makes of every answer."""

import logging

import pytest

from dlt_sources.sentry import client as client_module
from dlt_sources.sentry import endpoints, errors
from dlt_sources.sentry.allowlist import Environment, Issue, Organization
from dlt_sources.sentry.client import Client

ORGANIZATION = b'{"id": "1", "slug": "acme", "dateCreated": "2024-01-01T00:00:00Z"}'
TOKEN = "sntrys_secret_token"
LEAK = "c4n4ry"


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda _state: 0.01)
    with Client(server.base_url, "acme", TOKEN, max_requests_per_second=1000, attempts=3) as one:
        yield one


def read_organization(client):
    return client.get(endpoints.ORGANIZATION, Organization, {"detailed": 0})


def test_sends_the_token_as_a_header_and_nowhere_else(server, client):
    server.answer(body=ORGANIZATION)
    assert read_organization(client).slug == "acme"
    assert server.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    assert server.paths == ["/api/0/organizations/acme/?detailed=0"]


def test_sends_empty_parameters_because_sentry_gives_absent_ones_another_meaning(server, client):
    server.answer(body=b"[]")
    client.get(endpoints.ISSUES, list[Issue], {"query": "", "group": ["1", "2"]})
    assert server.paths == ["/api/0/organizations/acme/issues/?query=&group=1&group=2"]


def test_encodes_every_character_of_a_version(server, client):
    server.answer(body=b"[]")
    list(client.pages(endpoints.DEPLOYS, list[Environment], version="a/b@1.0+2 #?"))
    assert server.paths == ["/api/0/organizations/acme/releases/a%2Fb%401.0%2B2%20%23%3F/deploys/"]


def test_refuses_a_parameter_that_is_not_on_the_list(server, client):
    with pytest.raises(ValueError, match="health"):
        client.get(endpoints.RELEASES, list[Issue], {"health": 1})
    assert server.paths == []


@pytest.mark.parametrize(
    "address",
    ["http://sentry.example.com", "ftp://127.0.0.1", "sentry.io", "", "https://"],
)
def test_refuses_an_address_a_token_must_not_be_sent_to(address):
    with pytest.raises(ValueError, match="no address of a Sentry server"):
        Client(address, "acme", TOKEN)


def test_follows_pages_until_results_is_false_even_over_empty_ones(server, client):
    def link(cursor, results):
        return (
            '<http://elsewhere.test/?x>; rel="previous"; results="false"; cursor="0:0:1", '
            f'<http://elsewhere.test/?x>; rel="next"; results="{results}"; cursor="{cursor}"'
        )

    server.answer(body=b'[{"id": "1", "name": "a"}]', Link=link("0:1:0", "true"))
    server.answer(body=b"[]", Link=link("0:2:0", "true"))
    server.answer(body=b'[{"id": "2", "name": "b"}]', Link=link("0:3:0", "false"))
    pages = list(client.pages(endpoints.PROJECTS, list[Environment], {"per_page": 100}))
    assert [[row.id for row in page] for page in pages] == [["1"], [], ["2"]]
    assert [path.partition("cursor=")[2] for path in server.paths] == ["", "0%3A1%3A0", "0%3A2%3A0"]


def test_stops_when_pages_go_in_a_circle(server, client):
    link = '<http://x/?cursor=1>; rel="next"; results="true"; cursor="1"'
    server.answer(body=b"[]", Link=link)
    with pytest.raises(errors.UnexpectedResponse, match="circle"):
        list(client.pages(endpoints.PROJECTS, list[Environment]))


@pytest.mark.parametrize(
    ("status", "expected", "advice"),
    [
        (401, errors.TokenRejected, "Connect the organization again"),
        (403, errors.AccessDenied, "org:read"),
        (404, errors.UnknownOrganization, "'acme'"),
        (400, errors.InvalidRequest, "update corvana-sentry"),
        (410, errors.InvalidRequest, "update corvana-sentry"),
        (302, errors.InvalidRequest, "update corvana-sentry"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(server, client, status, expected, advice):
    server.answer(status, f'{{"detail": "{LEAK}"}}'.encode(), Location="http://elsewhere.test/")
    with pytest.raises(expected, match=advice) as caught:
        read_organization(client)
    assert len(server.paths) == 1
    assert LEAK not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"<html>"),
        (502, b""),
        (503, b"{}"),
        (400, b'{"detail": "Query timeout. Please try again."}'),
        (200, b"<html>maintenance</html>"),
        (200, b'{"id": "1", "slug": "acm'),
    ],
)
def test_a_passing_failure_is_tried_again(server, client, status, body):
    server.answer(status, body)
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"
    assert client.requests == 2


def test_a_lasting_failure_ends_after_the_last_attempt(server, client):
    server.answer(503, f"<html>{LEAK}".encode())
    with pytest.raises(errors.Unreachable, match=r"failed to answer .* \(503\)") as caught:
        read_organization(client)
    assert len(server.paths) == 3
    assert LEAK not in str(caught.value)


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("86400", 60.0)])
def test_a_rate_limit_waits_as_long_as_the_server_says(server, client, monkeypatch, asked, waited):
    waits, pauses = [], []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    monkeypatch.setattr(client._limiter, "pause", pauses.append)
    server.answer(429, b'{"detail": "x"}', Retry_After=asked)
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"
    assert (waits, pauses) == ([waited], [waited])


def test_a_window_that_is_no_longer_kept_is_told_apart(server, client):
    server.answer(400, b'{"detail": "Invalid date range. Please try a more recent date range."}')
    with pytest.raises(errors.OutsideRetention):
        read_organization(client)


def test_a_used_up_budget_pauses_until_its_reset_by_the_servers_clock(server, client, monkeypatch):
    pauses = []
    monkeypatch.setattr(client._limiter, "pause", pauses.append)
    server.answer(
        body=ORGANIZATION,
        Date="Mon, 02 Nov 2026 09:00:00 GMT",
        X_Sentry_Rate_Limit_Remaining="0",
        X_Sentry_Rate_Limit_Reset=str(1793610000 + 7),
    )
    read_organization(client)
    assert pauses == [7.0]
    assert client.server_time.isoformat() == "2026-11-02T09:00:00+00:00"


def test_nobody_listening_is_one_sentence(monkeypatch):
    monkeypatch.setattr(client_module, "_BACKOFF", lambda _state: 0.01)
    with (
        Client("http://127.0.0.1:9", "acme", TOKEN, attempts=2) as client,
        pytest.raises(errors.Unreachable, match=r"cannot be reached .* Check the address"),
    ):
        read_organization(client)


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "1", "slug": ["c4n4ry"], "dateCreated": "2024-01-01T00:00:00Z"}',
        b'{"id": "1", "slug": "acme", "dateCreated": "c4n4ry"}',
        b'["c4n4ry"]',
    ],
)
def test_an_unexpected_body_is_named_by_its_place_and_never_by_its_value(server, client, body):
    server.answer(body=body)
    with pytest.raises(errors.UnexpectedResponse) as caught:
        read_organization(client)
    assert LEAK not in str(caught.value)
    assert caught.value.__cause__ is None


def test_logs_neither_token_nor_address_at_debug(server, client, caplog):
    caplog.set_level(logging.DEBUG)
    server.answer(body=ORGANIZATION)
    read_organization(client)
    assert TOKEN not in caplog.text
    assert "/api/0/" not in caplog.text

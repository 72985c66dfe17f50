"""What the client takes from Sentry's rate limit headers, and how it waits after a 429."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from dlt_sources.sentry import endpoints, errors
from dlt_sources.sentry.allowlist import Issue
from tests.unit.sentry.scripted import DATE, NOW, ORGANIZATION, Scripted, read_organization

BODY = b'{"detail": "You are attempting to use this endpoint too frequently. c4n4ry"}'


def limits(limit="40", remaining="39", reset=NOW + 7, at_once="25", date=DATE):
    found = {
        "X_Sentry_Rate_Limit_Limit": limit,
        "X_Sentry_Rate_Limit_Remaining": remaining,
        "X_Sentry_Rate_Limit_Reset": str(reset),
        "X_Sentry_Rate_Limit_ConcurrentLimit": at_once,
        "Date": date,
    }
    return {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        (limits(), []),
        (limits(remaining="8"), [7.0]),
        (limits(remaining="8", reset=NOW - 7), []),
        (limits(remaining="8", date=None), []),
        (limits(remaining="8", date="yesterday"), []),
        (limits(remaining="None", limit="None"), []),
        (limits(remaining="8", reset="None"), []),
        (limits(remaining="²", reset="1" * 5000), []),
    ],
)
def test_the_next_request_waits_for_the_next_window_by_the_servers_clock(
    server, client, time, headers, waited
):
    server.answer(body=ORGANIZATION, **headers)
    read_organization(client)
    assert time.sleeps == []
    read_organization(client)
    assert time.sleeps == waited


def test_the_servers_time_is_that_of_its_latest_answer(server, client):
    server.answer(body=ORGANIZATION, Date=DATE)
    server.answer(body=ORGANIZATION)
    assert client.server_time is None
    read_organization(client)
    read_organization(client)
    assert client.server_time == datetime.fromisoformat("2026-11-02T09:00:00+00:00")


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "7", **limits(reset=NOW + 30)}, 7.0),
        ({"Retry_After": "Mon, 02 Nov 2026 09:00:42 GMT", "Date": DATE}, 42.0),
        ({"Retry_After": "Mon, 02 Nov 2026 09:00:42 GMT"}, 1.0),
        ({"Retry_After": "soon"}, 1.0),
        (limits(remaining="0"), 7.0),
        (limits(limit=None, remaining=None, at_once="None"), 7.0),
        (limits(date=None), 1.0),
        ({}, 1.0),
    ],
)
def test_a_429_waits_as_long_as_the_server_says_and_once(server, client, time, headers, waited):
    server.answer(429, BODY, Content_Type="text/html", **headers)
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"
    assert time.sleeps == [waited]
    assert client.waited_s == waited


def test_others_do_not_all_come_back_in_the_same_moment(server, client, time, monkeypatch):
    monkeypatch.setattr("random.uniform", lambda low, high: (low + high) / 2)
    server.answer(429, BODY, **limits(remaining="0"))
    server.answer(body=ORGANIZATION)
    read_organization(client)
    assert sum(time.sleeps) == 7.5


def test_rate_limits_are_no_failed_attempts_and_are_waited_for_longer_each_time(
    server, connect, time
):
    client = connect(attempts=2)
    for _ in range(8):
        server.answer(429, BODY)
    server.answer(503)
    server.answer(body=ORGANIZATION)
    assert read_organization(client).id == "1"
    assert time.sleeps[:7] == [1, 2, 4, 8, 16, 32, 60]


def test_a_rate_limit_that_lasts_ends_after_a_quarter_of_an_hour(server, client, time):
    server.answer(429, BODY)
    with pytest.raises(errors.RateLimited, match="run again later") as caught:
        read_organization(client)
    assert 800 < sum(time.sleeps) <= 900
    assert isinstance(caught.value, errors.Retryable)
    assert "c4n4ry" not in str(caught.value)


def test_a_wait_longer_than_that_is_not_begun(server, client, time):
    server.answer(429, BODY, Retry_After="86400")
    with pytest.raises(errors.RateLimited) as caught:
        read_organization(client)
    assert (caught.value.retry_after_s, time.sleeps) == (86400.0, [])
    assert len(server.paths) == 1


def test_a_429_holds_back_the_requests_of_all_threads(server, client, time):
    server.answer(429, BODY, Retry_After="7")
    server.answer(body=b"[]")
    began = time.now
    client.get(endpoints.ISSUES, list[Issue])
    client.get(endpoints.ISSUES, list[Issue])
    assert time.now - began == pytest.approx(7 + 1 / 5, abs=0.01)


def test_the_gate_closes_to_what_sentry_allows(server, connect):
    client = connect(concurrency=4)
    server.respond = lambda _headers: Scripted(
        body=b"[]", headers={k.replace("_", "-"): v for k, v in limits(at_once="1").items()}
    )
    client.get(endpoints.ISSUES, list[Issue])
    server.respond = lambda _headers: Scripted(body=b"[]", pause_s=0.02)
    server.most_under_way = 0
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.get(endpoints.ISSUES, list[Issue]), range(8)))
    assert server.most_under_way == 1
    assert client.requests == 9


def test_as_many_requests_are_under_way_as_asked_for(server, connect):
    client = connect(concurrency=3)
    assert client.concurrency == 3
    server.respond = lambda _headers: Scripted(body=b"[]", pause_s=0.05)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: client.get(endpoints.ISSUES, list[Issue]), range(12)))
    assert server.most_under_way == 3

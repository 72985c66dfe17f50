"""Faults: how each looks on the wire, and that the same ones happen every time."""

from __future__ import annotations

import json
import logging
import time

import httpx
import pytest

from include.sandbox.canaries import CANARY
from include.sandbox.errors import QUERY_TIMEOUT
from include.sandbox.faults import Fault, FaultPlan


@pytest.fixture
def hit(api):
    """Answer one request to the issues while a fault is on."""

    def once(kind, timeout=10.0, **settings):
        with api.sandbox.behaviours.during(faults=[{"kind": kind, **settings}]):
            return api.client.get(f"{api.organization.id}/issues/", timeout=timeout)

    return once


def test_a_rate_limit_is_json_that_claims_to_be_html_and_names_no_delay(api, hit):
    response = hit("rate_limited")

    assert response.status_code == 429
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Retry-After" not in response.headers
    assert response.headers["X-Sentry-Rate-Limit-Remaining"] == "0"
    reset = int(response.headers["X-Sentry-Rate-Limit-Reset"])
    assert reset == int(api.organization.now.timestamp()) + 1
    assert json.loads(response.text) == {
        "detail": "You are attempting to use this endpoint too frequently. "
        "Limit is 40 requests in 1 seconds"
    }


def test_a_rate_limit_of_a_cdn_names_a_delay(hit):
    assert hit("rate_limited_with_retry_after", seconds=3).headers["Retry-After"] == "3"


def test_a_concurrency_limit_says_none_every_second_time(api):
    with api.sandbox.behaviours.during(faults=[{"kind": "concurrency"}]):
        responses = [api.get("issues/") for _ in range(3)]

    left = [one.headers["X-Sentry-Rate-Limit-ConcurrentRemaining"] for one in responses]
    assert left == ["0", "None", "0"]
    assert {one.status_code for one in responses} == {429}
    assert "allowed concurrency" in responses[0].json()["detail"]


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("query_timeout", QUERY_TIMEOUT),
        ("internal_error_400", "Internal error. Please try again."),
    ],
)
def test_some_400s_are_no_mistake_of_the_client(hit, kind, detail):
    response = hit(kind)

    assert (response.status_code, response.json()) == (400, {"detail": detail})


def test_server_errors_take_turns_and_are_html(api):
    with api.sandbox.behaviours.during(faults=[{"kind": "server_error"}]):
        responses = [api.get("issues/") for _ in range(5)]

    assert [one.status_code for one in responses] == [500, 502, 503, 504, 500]
    assert all(CANARY in one.text for one in responses)
    assert all(one.headers["Content-Type"].startswith("text/html") for one in responses)


@pytest.mark.parametrize("status", [200, 503])
def test_html_comes_in_place_of_json(hit, status):
    response = hit(f"html_{status}")

    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/html")
    assert CANARY in response.text


def test_a_brownout_is_410_with_its_headers(hit):
    response = hit("brownout")

    assert (response.status_code, response.json()) == (
        410,
        {"message": "This API no longer exists."},
    )
    assert "X-Sentry-Deprecation-Date" in response.headers
    assert "X-Sentry-Replacement-Endpoint" in response.headers


def test_a_deprecated_endpoint_answers_and_warns(api, hit):
    response = hit("deprecated")

    assert response.json() == api.rows("issues/")
    assert "X-Sentry-Deprecation-Date" in response.headers
    assert "X-Sentry-Replacement-Endpoint" in response.headers


def test_truncated_json_is_complete_for_http(api, hit):
    whole, cut = api.get("issues/").content, hit("truncated_json")

    assert cut.status_code == 200
    assert cut.content == whole[: len(whole) // 2]
    assert cut.headers["Content-Length"] == str(len(cut.content))


def test_a_dropped_connection_ends_in_the_middle_of_the_body_and_is_no_error_here(api, hit):
    complaints = []
    handler = logging.Handler()
    handler.emit = complaints.append
    logging.getLogger("uvicorn.error").addHandler(handler)
    try:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            hit("dropped_connection")
        assert api.get("issues/").status_code == 200
    finally:
        logging.getLogger("uvicorn.error").removeHandler(handler)

    assert complaints == []


def test_a_dripping_answer_is_the_whole_one_but_late(api, hit):
    began = time.monotonic()
    response = hit("slow_drip", seconds=0.4)

    assert time.monotonic() - began > 0.35
    assert response.json() == api.rows("issues/")
    with pytest.raises(httpx.ReadTimeout):
        hit("slow_drip", seconds=600, timeout=0.2)


def test_latency_delays_every_answer(api):
    with api.sandbox.behaviours.during(latency_ms=150):
        began = time.monotonic()
        assert api.get("issues/").status_code == 200
        assert time.monotonic() - began > 0.15


def test_a_redirect_leads_elsewhere(hit):
    response = hit("redirect_elsewhere", location="http://127.0.0.1:9/login/")

    assert response.status_code == 302
    assert response.headers["Location"] == "http://127.0.0.1:9/login/"
    assert CANARY in hit("redirect_elsewhere").headers["Location"]


def test_a_redirect_within_the_host_answers_when_followed(api):
    with api.sandbox.behaviours.during(faults=[{"kind": "redirect_same_host"}]):
        first = api.get("issues/", limit=5)
        assert first.status_code == 302
        assert first.headers["Location"].startswith(api.sandbox.base_url)
        followed = api.client.get(first.headers["Location"])
        bare = api.get("environments/")
        assert api.client.get(bare.headers["Location"]).status_code == 200

    assert followed.json() == api.rows("issues/", limit=5)
    assert "sandbox-followed" not in followed.headers["Link"]


def test_an_oversized_answer_is_an_endless_looking_json_array(hit):
    response = hit("oversized", megabytes=2)

    assert "Content-Length" not in response.headers
    assert 2_000_000 < len(response.content) < 2_300_000
    assert CANARY in json.loads(response.content)[0]["title"]


def test_faults_are_for_the_named_routes_only(api):
    faults = [{"kind": "html_503", "routes": ["issues?group", "events"]}]
    with api.sandbox.behaviours.during(faults=faults):
        assert api.get("issues/").status_code == 200
        assert api.get("issues/", group="1").status_code == 503
        assert api.get("events/", dataset="errors", field="count()").status_code == 503


def test_the_token_endpoint_is_hit_only_when_it_is_named(api):
    url = f"{api.sandbox.base_url}/oauth/token/"
    with api.sandbox.behaviours.during(faults=[{"kind": "html_503"}]):
        assert httpx.post(url).status_code == 401
    with api.sandbox.behaviours.during(faults=[{"kind": "html_503", "routes": ["oauth-token"]}]):
        assert httpx.post(url).status_code == 503
        assert api.get("issues/").status_code == 200


def test_a_script_of_faults_is_played_in_order(api):
    script = [
        {"kind": "none", "times": 1},
        {"kind": "rate_limited", "times": 2},
        {"kind": "html_503", "times": 1, "skip": 1},
    ]
    with api.sandbox.behaviours.during(faults=script):
        statuses = [api.get("environments/").status_code for _ in range(6)]

    assert statuses == [200, 429, 429, 200, 503, 200]


def played(faults, count=400, route="issues"):
    plan = FaultPlan()
    return [plan.draw(faults, route) is not None for _ in range(count)]


def test_chance_is_the_same_every_time_and_another_with_another_seed():
    one = (Fault(kind="html_200", probability=0.25),)
    other = (Fault(kind="html_200", probability=0.25, seed=1),)

    assert played(one) == played(one)
    assert played(one) != played(other)
    assert 60 < sum(played(one)) < 140


def test_a_plan_starts_afresh_when_faults_are_set_and_goes_on_otherwise(api):
    once = [{"kind": "html_503", "times": 1}]
    with api.sandbox.behaviours.during(faults=once):
        assert [api.get("environments/").status_code for _ in range(2)] == [503, 200]
        api.sandbox.behaviours.set(drift=True)
        assert api.get("environments/").status_code == 200
        api.sandbox.behaviours.set(faults=once)
        assert api.get("environments/").status_code == 503


def test_refused_requests_are_counted_too(api):
    api.sandbox.requests.reset()
    with api.sandbox.behaviours.during(faults=[{"kind": "rate_limited"}]):
        api.get("issues/", limit=3)

    assert api.sandbox.requests.by_route == {"issues": 1}
    assert api.sandbox.requests.queries("issues") == ["limit=3"]

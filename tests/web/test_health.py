"""`/corvana/health`, in Airflow's API server: for probes without signing in, in full for users."""

import asyncio
from datetime import UTC, datetime, timedelta
from threading import Event

import httpx
import pytest
from sqlalchemy import update

from include.connections.models import ConnectionRow
from include.health import checks, examining
from include.health.model import Finding, Status
from include.settings import InvalidSettings
from tests.web.conftest import ROLES, SITE

HEALTH = "/corvana/health"
CHECKS = {"registry", "warehouse", "sentry", "loads", "purges"}


@pytest.fixture(autouse=True)
def fresh(current, monkeypatch):
    """Findings of each test's own."""
    monkeypatch.setattr(checks, "settings", lambda: current)
    monkeypatch.setattr(checks, "sentry", lambda: Finding(Status.HEALTHY, "Sentry answers."))
    examining.examination.cache_clear()
    checks._registry.cache_clear()
    yield
    examining.examination.cache_clear()
    checks._registry.cache_clear()


@pytest.fixture
def anybody(sign_in):
    return sign_in(None)


def disconnected(registry, connection, ago):
    registry.disconnect(connection.id, "tests")
    with registry.database.writing() as session:
        session.execute(update(ConnectionRow).values(changed_at=datetime.now(UTC) - ago))


def test_anybody_is_told_how_each_check_is_and_no_more(anybody, connect):
    connect()
    answer = anybody.get(HEALTH)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "checks": {name: {"status": "healthy"} for name in CHECKS},
    }
    assert answer.headers["cache-control"] == "no-store"
    assert anybody.client.head(HEALTH).status_code == 200


@pytest.mark.parametrize("role", ROLES)
def test_users_are_told_everything(sign_in, connect, role):
    connect()
    told = sign_in(role).get(HEALTH).json()
    assert set(told["checks"]) == CHECKS
    for check in told["checks"].values():
        assert set(check) == {"status", "sentence", "figures"}
        assert check["sentence"].endswith(".")
    assert told["checks"]["loads"]["figures"]["connected"] == 1
    assert datetime.now(UTC) - datetime.fromisoformat(told["at"]) < timedelta(minutes=1)


def test_degraded_is_no_reason_to_take_it_out_of_service(anybody, admin, registry, connect):
    one = connect()
    disconnected(registry, one, timedelta(hours=3))
    answer = anybody.get(HEALTH)
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["purges"] == {"status": "degraded"}
    assert one.id not in answer.text
    figures = admin.get(HEALTH).json()["checks"]["purges"]["figures"]
    assert figures["oldest_pending_seconds"] == pytest.approx(3 * 3600, abs=20)


def test_unhealthy_is_a_503(anybody, registry, connect):
    disconnected(registry, connect(), timedelta(hours=13))
    answer = anybody.get(HEALTH)
    assert answer.status_code == 503
    assert answer.json()["status"] == "unhealthy"
    assert answer.json()["checks"]["registry"] == {"status": "healthy"}


def test_a_wrong_setting_is_a_503_and_users_are_told_which(anybody, admin, monkeypatch):
    def fail():
        raise InvalidSettings("CORVANA_X is 'no': it must be yes, for example yes.")

    monkeypatch.setattr(checks, "settings", fail)
    answer = anybody.get(HEALTH)
    assert answer.status_code == 503
    assert "CORVANA_X" not in answer.text
    told = admin.get(HEALTH)
    assert told.status_code == 503
    assert told.json()["checks"]["registry"]["sentence"].startswith("CORVANA_X is 'no'")


def test_whoever_asks_often_costs_the_registry_nothing(app, monkeypatch):
    """A hundred at once, while the registry is slow: it is asked once, and other pages answer."""
    looks, go_on = [], Event()

    def slow():
        looks.append(1)
        go_on.wait(60)
        return Finding(Status.HEALTHY, "The registry answers.")

    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=SITE) as client:
            waiting = [asyncio.create_task(client.get(HEALTH)) for _ in range(100)]
            await asyncio.sleep(0.2)
            assert (await client.get("/api/v2/version")).status_code == 200
            assert not any(one.done() for one in waiting)
            go_on.set()
            return [one.status_code for one in await asyncio.gather(*waiting)]

    monkeypatch.setattr(checks, "registry", slow)
    monkeypatch.setattr(examining, "LIMIT_S", 60)
    assert asyncio.run(ask()) == [200] * 100
    assert len(looks) == 1


def test_there_is_nothing_else_below_corvana(anybody):
    for path in ("/corvana/", "/corvana/docs", "/corvana/openapi.json", "/corvana/health/x"):
        assert anybody.get(path).status_code == 404
    assert anybody.client.post(HEALTH).status_code == 405

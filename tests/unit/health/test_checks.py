"""What each check sees, and what it says."""

import shutil
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

import pytest

from include.connections.states import Reason
from include.health import checks, warehouses
from include.health.model import Status
from include.health.overdue import overdue_loads
from include.settings import Settings
from tests.connected import connected

HOUR = timedelta(hours=1)


class Disk(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def answering():
    """Return a function that starts a server; it answers with a status and notes requests."""
    servers = []

    def start(status):
        requests = []

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append((self.path, dict(self.headers)))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", requests

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_new_installation_is_healthy(current):
    for check in (checks.registry, checks.warehouse, checks.sentry, checks.loads, checks.purges):
        assert check().status is Status.HEALTHY, check
    assert 0 < checks.registry().figures["latency_seconds"] < 1


def test_a_registry_of_another_version_is_unhealthy(current, registry):
    assert checks.registry().status is Status.HEALTHY
    with registry.database.engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    found = checks.registry()
    assert found.status is Status.UNHEALTHY
    assert "revision 9999" in found.sentence


def test_little_room_is_said_before_it_is_none(current, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(2**40, 2**40 - 2**29, 2**29))
    found = checks.warehouse()
    assert found.status is Status.DEGRADED
    assert "512 MiB" in found.sentence
    assert found.figures == {"free_bytes": 2**29}


def test_lakes_are_as_healthy_as_their_catalog_and_storage(tmp_path, answering):
    """Without a Postgres there is no catalog; the password is nowhere in what is said."""
    lakes = Settings(
        data_dir=tmp_path,
        warehouse_backend="ducklake",
        lake_catalog_url="postgresql://corvana:a-password@127.0.0.1:1/lakes",
        lake_storage=str(tmp_path),
    )
    found = warehouses.look_at_warehouses(lakes, {})
    assert found.status is Status.UNHEALTHY
    assert "CORVANA_LAKE_CATALOG_URL" in found.sentence
    assert "a-password" not in found.sentence
    assert warehouses._storage_latency(lakes) == 0
    assert warehouses._storage_latency(Settings(lake_storage=str(tmp_path / "none"))) is None


def test_an_object_store_is_asked_without_a_key(answering):
    address, requests = answering(403)
    store = Settings(
        lake_storage="s3://lakes/corvana",
        lake_s3_endpoint=address.removeprefix("http://"),
        lake_s3_use_ssl=False,
        lake_s3_access_key_id="an-id",
        lake_s3_secret_access_key="a-key",
    )
    assert 0 < warehouses._storage_latency(store) < 3
    ((path, headers),) = requests
    assert path == "/lakes"
    assert "authorization" not in {name.lower() for name in headers}


def test_sentry_is_asked_once_for_each_server_and_without_a_token(current, registry, answering):
    address, requests = answering(401)
    for organization in ("one", "two"):
        connected(registry, address, organization, f"token-of-{organization}")
    found = checks.sentry()
    assert found.status is Status.HEALTHY
    assert found.figures["servers"] == 1
    ((path, headers),) = requests
    assert path == "/api/0/"
    assert not {"authorization", "cookie"} & {name.lower() for name in headers}
    assert "token-of" not in str(headers)


@pytest.mark.parametrize("status", [500, 503, None])
def test_a_sentry_that_does_not_work_degrades_and_is_named(current, registry, answering, status):
    good, _ = answering(200)
    bad = "http://127.0.0.1:1" if status is None else answering(status)[0]
    connected(registry, good, "one", "token")
    connected(registry, bad, "two", "token")
    found = checks.sentry()
    assert found.status is Status.DEGRADED
    assert found.sentence.startswith(f"{bad} cannot be reached")
    assert good not in found.sentence
    assert (found.figures["servers"], found.figures["unreachable"]) == (2, 1)


@pytest.mark.parametrize(
    ("schedule", "age_h", "is_overdue"),
    [
        # Due within an hour after the last publish at the latest; two more are tolerated.
        ("hourly", 1.9, False),
        ("hourly", 3.1, True),
        ("every-6-hours", 1.9, False),
        ("every-6-hours", 8.1, True),
        ("daily", 1.9, False),
        ("daily", 26.1, True),
    ],
)
def test_a_load_is_overdue_by_its_schedule(registry, age, schedule, age_h, is_overdue):
    one = connected(registry, "https://sentry.io", "one", "token")
    registry.set_schedule(one.id, schedule)
    age(one, changed=30 * 24 * HOUR, published=age_h * HOUR)
    found = overdue_loads(registry, 2 * HOUR, datetime.now(UTC))
    assert [late.connection_id for late in found] == ([one.id] if is_overdue else [])
    if is_overdue:
        assert found[0].due > datetime.now(UTC) - age_h * HOUR


def test_a_connection_that_never_published_is_overdue_from_when_it_was_made(registry, age):
    one = connected(registry, "https://sentry.io", "one", "token")
    assert overdue_loads(registry, 2 * HOUR, datetime.now(UTC)) == []
    age(one, changed=4 * HOUR)
    (late,) = overdue_loads(registry, 2 * HOUR, datetime.now(UTC))
    assert late.connection_id == one.id


def test_one_that_was_made_again_has_time(registry, age):
    one = connected(registry, "https://sentry.io", "one", "token")
    age(one, changed=HOUR / 2, published=100 * HOUR)
    assert overdue_loads(registry, 2 * HOUR, datetime.now(UTC)) == []


def test_overdue_loads_degrade_and_the_longest_is_named(current, registry, age):
    one, two, three = (
        connected(registry, "https://sentry.io", name, "token") for name in ("one", "two", "three")
    )
    age(one, changed=90 * HOUR, published=5 * HOUR)
    age(two, changed=90 * HOUR, published=9 * HOUR)
    age(three, changed=90 * HOUR, published=HOUR / 2)
    found = checks.loads()
    assert found.status is Status.DEGRADED
    assert f"2 connections are overdue, {two.id} since" in found.sentence
    assert (found.figures["connected"], found.figures["overdue"]) == (3, 2)
    assert 8 * 3600 < found.figures["oldest_overdue_seconds"] < 9 * 3600


def test_what_is_disconnected_is_not_overdue(current, registry, age):
    one = connected(registry, "https://sentry.io", "one", "token")
    age(one, published=99 * HOUR)
    registry.lose(one.id, Reason.REVOKED, "tests")
    assert checks.loads().status is Status.HEALTHY


@pytest.mark.parametrize(
    ("waited_h", "status"),
    [(0.5, Status.HEALTHY), (1.5, Status.DEGRADED), (12.5, Status.UNHEALTHY)],
)
def test_a_purge_may_take_an_hour_and_must_not_take_twelve(
    current, registry, age, waited_h, status
):
    one = connected(registry, "https://sentry.io", "one", "token")
    registry.disconnect(one.id, "tests")
    age(one, changed=waited_h * HOUR)
    found = checks.purges()
    assert found.status is status
    assert found.figures["pending"] == 1
    assert found.figures["oldest_pending_seconds"] == pytest.approx(waited_h * 3600, abs=10)

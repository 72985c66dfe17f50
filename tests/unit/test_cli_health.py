"""`corvana health` and `corvana settings`, as people and scripts call them."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from include.connections.models import ConnectionRow
from include.connections.registry import open_registry
from include.settings import PROJECT_ROOT, Settings
from include.variables.words import variable
from tests.connected import connected


@pytest.fixture
def current(tmp_path):
    return Settings(data_dir=tmp_path)


def corvana(current, *arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "include.cli", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "CORVANA_DATA_DIR": str(current.data_dir), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("waited_h", "code", "status"),
    [(None, 0, "healthy"), (2, 1, "degraded"), (13, 2, "unhealthy")],
)
def test_health_is_an_exit_code_and_says_why(current, waited_h, code, status):
    registry = open_registry(current)
    if waited_h is not None:
        one = connected(registry, "https://sentry.example.com", "acme", "a-token")
        registry.disconnect(one.id, "tests")
        began = datetime.now(UTC) - timedelta(hours=waited_h)
        with registry.database.writing() as session:
            session.execute(update(ConnectionRow).values(changed_at=began))
    shown = corvana(current, "health", "--json")
    assert shown.returncode == code, shown.stderr
    told = json.loads(shown.stdout)
    assert told["status"] == status
    assert told["checks"]["purges"]["status"] == status
    assert set(told["checks"]) == {"registry", "warehouse", "sentry", "loads", "purges"}


def test_health_without_a_usable_setting_is_a_table_that_names_it(current):
    shown = corvana(current, "health", CORVANA_BACKFILL_MINUTES="long")
    assert shown.returncode == 2
    rows = [line.split(maxsplit=2) for line in shown.stdout.splitlines()[1:]]
    assert [check for check, _, _ in rows] == ["registry", "warehouse", "sentry", "loads", "purges"]
    for _, status, sentence in rows:
        assert status == "unhealthy"
        assert sentence.startswith("CORVANA_BACKFILL_MINUTES is 'long': it must be a number above")
    assert "Traceback" not in shown.stdout + shown.stderr


def test_settings_are_all_there_and_secrets_are_not_shown(current):
    key = Fernet.generate_key().decode()
    shown = corvana(
        current,
        "settings",
        CORVANA_ENCRYPTION_KEYS=key,
        CORVANA_REGISTRY_URL="sqlite:///hunter2.db",
        CORVANA_SENTRY_HOSTS="a.example.com,b.example.com",
    )
    assert shown.returncode == 0, shown.stderr
    rows = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines()[1:]}
    assert set(rows) == {variable(name) for name in Settings.model_fields}
    assert rows["CORVANA_ENCRYPTION_KEYS"] == ["set"]
    assert rows["CORVANA_REGISTRY_URL"] == ["set"]
    assert rows["CORVANA_SENTRY_HOSTS"] == ["a.example.com,b.example.com"]
    assert rows["CORVANA_BACKFILL_MINUTES"] == ["30.0", "default"]
    assert key not in shown.stdout + shown.stderr
    assert "hunter2" not in shown.stdout + shown.stderr


def test_a_variable_that_is_no_setting_is_warned_of_on_the_terminal(current):
    shown = corvana(current, "connections", "list", CORVANA_SENTRY_CONCURENCY="4")
    assert shown.returncode == 0
    assert shown.stderr.splitlines()[0] == (
        "CORVANA_SENTRY_CONCURENCY is no setting, and has no effect. Did you mean "
        "CORVANA_SENTRY_CONCURRENCY?"
    )


@pytest.mark.parametrize(
    "arguments",
    [("load", "c1"), ("keys", "rotate"), ("settings",)],
)
def test_every_command_stops_at_a_wrong_value_with_one_sentence(current, arguments):
    stopped = corvana(current, *arguments, CORVANA_SENTRY_CONCURRENCY="zero")
    assert stopped.returncode == 1
    assert stopped.stdout == ""
    assert stopped.stderr == (
        "CORVANA_SENTRY_CONCURRENCY is 'zero': it must be a whole number between 1 and 32, for "
        "example 2.\n"
    )


def test_the_demo_stops_at_a_wrong_value():
    stopped = subprocess.run(
        [sys.executable, "-m", "include.demo", "--once"],
        cwd=PROJECT_ROOT,
        env={**os.environ, "CORVANA_SENTRY_CONCURRENCY": "zero"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert stopped.returncode == 1
    assert "CORVANA_SENTRY_CONCURRENCY is 'zero': it must be a whole number" in stopped.stdout
    assert "Traceback" not in stopped.stdout + stopped.stderr

"""Settings: what may be set, and what is said about what may not."""

import logging
import subprocess
import sys
from base64 import urlsafe_b64encode

import pytest
from cryptography.fernet import Fernet

from include import settings as module
from include.settings import PROJECT_ROOT, InvalidSettings, Settings, settings
from include.variables import words
from include.variables.airflows import AIRFLOW_VARIABLES
from include.variables.document import document
from include.variables.problems import OTHERS

PAGE = PROJECT_ROOT / "docs" / "settings.md"


def read(monkeypatch, **variables):
    """The settings as a process with these variables has them."""
    for name, value in variables.items():
        monkeypatch.setenv(f"CORVANA_{name}", value)
    return settings.__wrapped__()


def test_defaults_are_fair_to_the_customer_and_trust_no_other_server(monkeypatch):
    for name in ("MAX_REQUESTS_PER_SECOND", "CONCURRENCY", "HOSTS", "AUDIT_BUDGET"):
        monkeypatch.delenv(f"CORVANA_SENTRY_{name}", raising=False)
    current = settings.__wrapped__()
    assert current.sentry_max_requests_per_second == 3
    assert current.sentry_concurrency == 2
    assert current.sentry_hosts == ()
    assert current.sentry_audit_budget == 50
    assert current.first_backfill_minutes == 4
    assert current.backfill_minutes == 30
    assert current.notify == ()


def test_hosts_are_names_separated_by_commas(monkeypatch):
    current = read(monkeypatch, SENTRY_HOSTS="Sentry.example.com, 10.0.0.7,")
    assert current.sentry_hosts == ("sentry.example.com", "10.0.0.7")
    assert read(monkeypatch, SENTRY_HOSTS="").sentry_hosts == ()


def test_receivers_are_addresses_and_connections(monkeypatch):
    current = read(monkeypatch, NOTIFY="smtp:ops@example.com, http:corvana_webhook")
    assert current.notify == ("smtp:ops@example.com", "http:corvana_webhook")


def test_what_loads_may_spend_can_be_set(monkeypatch):
    current = read(
        monkeypatch, SENTRY_AUDIT_BUDGET="0", FIRST_BACKFILL_MINUTES="0.5", BACKFILL_MINUTES="90"
    )
    assert current.sentry_audit_budget == 0
    assert current.first_backfill_minutes == 0.5
    assert current.backfill_minutes == 90


def test_an_empty_value_is_none(monkeypatch):
    current = read(monkeypatch, REGISTRY_URL="", ENCRYPTION_KEYS="", REVOKED_RETENTION_DAYS="")
    assert current.registry_url is None
    assert current.encryption_keys is None
    assert current.revoked_retention_days == 30


def test_a_secret_may_be_a_file(tmp_path, monkeypatch):
    (tmp_path / "corvana_registry_url").write_text("sqlite:///elsewhere.db\n")
    monkeypatch.setitem(Settings.model_config, "secrets_dir", tmp_path)
    assert settings.__wrapped__().registry_address == "sqlite:///elsewhere.db"
    current = read(monkeypatch, REGISTRY_URL="sqlite:///from-the-environment.db")
    assert current.registry_address == "sqlite:///from-the-environment.db"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SENTRY_CONCURRENCY", "zero", "is 'zero': it must be a whole number between 1 and 32"),
        ("SENTRY_CONCURRENCY", "0", "is '0': it must be a whole number between 1 and 32"),
        ("SENTRY_CONCURRENCY", "33", "is '33': it must be a whole number between 1 and 32"),
        ("SENTRY_MAX_REQUESTS_PER_SECOND", "fast", "is 'fast': it must be a number above 0, at"),
        ("SENTRY_MAX_REQUESTS_PER_SECOND", "0", "is '0': it must be a number above 0, at most"),
        ("SENTRY_HOSTS", "https://sentry.example.com", "it must be host names separated by com"),
        ("SENTRY_HOSTS", "sentry.example.com:9000", "it must be host names separated by commas"),
        ("SENTRY_AUDIT_BUDGET", "-1", "is '-1': it must be a whole number between 0 and 100,000"),
        ("FIRST_BACKFILL_MINUTES", "0", "is '0': it must be a number above 0, at most 180"),
        ("BACKFILL_MINUTES", "long", "is 'long': it must be a number above 0, at most 180"),
        ("BACKFILL_MINUTES", "inf", "is 'inf': it must be a number above 0, at most 180"),
        ("REVOKED_RETENTION_DAYS", "nan", "is 'nan': it must be a number between 0 and 3,650"),
        ("NOTIFY", "ops@example.com", "it must be `smtp:` and a mail address, or `http:` and"),
        ("NOTIFY", "slack", "is 'slack': it must be `smtp:` and a mail address, or `http:` and"),
        ("WAREHOUSE_BACKEND", "postgres", "is 'postgres': it must be duckdb or ducklake"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be_and_an_example(
    monkeypatch, name, value, sentence
):
    with pytest.raises(InvalidSettings) as wrong:
        read(monkeypatch, **{name: value})
    said = str(wrong.value)
    assert said.startswith(f"CORVANA_{name} ")
    assert f"{sentence}" in said
    example = words.example(Settings.model_fields[name.lower()])
    assert said.endswith(f", for example {example}.")
    assert "Value error" not in said
    assert "pydantic" not in said


def test_several_wrong_values_are_several_sentences(monkeypatch):
    with pytest.raises(InvalidSettings) as wrong:
        read(monkeypatch, SENTRY_CONCURRENCY="zero", SENTRY_AUDIT_BUDGET="some")
    assert str(wrong.value) == (
        "CORVANA_SENTRY_CONCURRENCY is 'zero': it must be a whole number between 1 and 32, for "
        "example 2. CORVANA_SENTRY_AUDIT_BUDGET is 'some': it must be a whole number between 0 and "
        "100,000, for example 50."
    )


KEY = urlsafe_b64encode(bytes(32)).decode()
"""A Fernet key, the same for all processes that collect these tests."""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENCRYPTION_KEYS", "my-own-key"),
        ("ENCRYPTION_KEYS", f"{KEY},my-own-key"),
        ("ENCRYPTION_KEYS", " , "),
        ("SENTRY_HOSTS", "https://user:my-own-key@sentry.example.com"),
        ("SENTRY_CONCURRENCY", f"{KEY},my-own-key,my-own-key"),
    ],
)
def test_what_is_or_may_be_a_secret_is_not_shown(monkeypatch, name, value):
    with pytest.raises(InvalidSettings, match=f"CORVANA_{name} cannot be used: it must") as wrong:
        read(monkeypatch, **{name: value})
    assert "my-own-key" not in str(wrong.value)
    assert wrong.value.__cause__ is None
    assert wrong.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CORVANA_SENTRY_CONCURENCY", "Did you mean CORVANA_SENTRY_CONCURRENCY?"),
        ("CORVANA_DATADIR", "Did you mean CORVANA_DATA_DIR?"),
        ("CORVANA_XYZ", "docs/settings.md lists those there are."),
    ],
)
def test_a_variable_that_is_no_setting_is_warned_of(monkeypatch, caplog, name, meant):
    monkeypatch.setenv(name, "a-secret-perhaps")
    with caplog.at_level(logging.WARNING, module.__name__):
        settings.__wrapped__()
    assert caplog.messages == [f"{name} is no setting, and has no effect. {meant}"]


def test_variables_of_the_tests_are_not_warned_of(monkeypatch, caplog):
    for name in OTHERS:
        monkeypatch.setenv(name, "something")
    settings.__wrapped__()
    assert caplog.messages == []


def test_the_page_is_in_step_with_the_code():
    assert PAGE.read_text() == document(), "Settings have changed. Run: make docs-settings"


def test_the_page_is_printed_by_a_command():
    printed = subprocess.run(
        [sys.executable, "-m", "include.variables"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout == document()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_meaning_a_form_and_an_example_that_is_allowed(name, monkeypatch):
    field = Settings.model_fields[name]
    assert field.description
    assert field.description[0].isupper()
    assert field.description.endswith(".")
    assert words.allowed(field) != "a text"
    assert field.examples, "give an example"
    example = words.example(field)
    if name == "encryption_keys":
        example = Fernet.generate_key().decode()
    monkeypatch.setenv(words.variable(name), example)
    settings.__wrapped__()


def test_each_of_airflows_variables_is_explained_once():
    names = [one.name for one in AIRFLOW_VARIABLES]
    assert len(names) == len(set(names))
    assert all(one.name.startswith("AIRFLOW_") for one in AIRFLOW_VARIABLES)

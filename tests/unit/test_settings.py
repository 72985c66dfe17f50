"""Settings: what may be set, and what is said about what may not."""

import pytest

from include.settings import InvalidSettings, settings


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


def test_hosts_are_names_separated_by_commas(monkeypatch):
    current = read(monkeypatch, SENTRY_HOSTS="Sentry.example.com, 10.0.0.7,")
    assert current.sentry_hosts == ("sentry.example.com", "10.0.0.7")
    assert read(monkeypatch, SENTRY_HOSTS="").sentry_hosts == ()


def test_what_loads_may_spend_can_be_set(monkeypatch):
    current = read(
        monkeypatch, SENTRY_AUDIT_BUDGET="0", FIRST_BACKFILL_MINUTES="0.5", BACKFILL_MINUTES="90"
    )
    assert current.sentry_audit_budget == 0
    assert current.first_backfill_minutes == 0.5
    assert current.backfill_minutes == 90


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SENTRY_CONCURRENCY", "0"),
        ("SENTRY_CONCURRENCY", "33"),
        ("SENTRY_MAX_REQUESTS_PER_SECOND", "fast"),
        ("SENTRY_MAX_REQUESTS_PER_SECOND", "0"),
        ("SENTRY_HOSTS", "https://sentry.example.com"),
        ("SENTRY_HOSTS", "sentry.example.com:9000"),
        ("SENTRY_AUDIT_BUDGET", "-1"),
        ("FIRST_BACKFILL_MINUTES", "0"),
        ("BACKFILL_MINUTES", "long"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable_and_not_shown(monkeypatch, name, value):
    with pytest.raises(
        InvalidSettings, match=f"Set these.*: CORVANA_{name}: Input should"
    ) as wrong:
        read(monkeypatch, **{name: value})
    assert f"'{value}'" not in str(wrong.value)
    assert "Value error" not in str(wrong.value)

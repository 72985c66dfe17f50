"""What Airflow shows when a variable has a wrong value: our sentence, and little else."""

import os
import subprocess
import sys

import pytest

from include import upkeep, watching
from include.settings import PROJECT_ROOT, InvalidSettings

SENTENCE = (
    "CORVANA_SENTRY_CONCURRENCY is 'zero': it must be a whole number between 1 and 32, for example "
    "2."
)

SHOW = """
from airflow.dag_processing.dagbag import DagBag
(error,) = DagBag().import_errors.values()
print("\\n====\\n" + error)
"""
"""In a process of its own: settings are read once."""


def import_error(**variables):
    shown = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=PROJECT_ROOT,
        env={**os.environ, "CORVANA_SENTRY_CONCURRENCY": "zero", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return shown.stdout.split("\n====\n")[-1].strip()


def test_the_import_error_ends_with_the_sentence(airflow):
    """After the line of the DAG file and the line of ours, and one file only."""
    lines = import_error().splitlines()
    assert lines[-1] == f"include.settings.InvalidSettings: {SENTENCE}"
    assert len(lines) <= 10


def test_the_import_error_is_the_sentence_alone_without_tracebacks(airflow):
    assert import_error(AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS="False") == SENTENCE


@pytest.mark.parametrize(
    ("module", "work"),
    [
        (upkeep, upkeep.keep_tokens_alive),
        (upkeep, upkeep.end_retention),
        (upkeep, upkeep.forget_abandoned),
        (watching, watching.measure),
        (watching, watching.tell),
    ],
)
def test_a_task_fails_for_good_with_the_sentence(module, work, monkeypatch):
    from airflow.sdk.exceptions import AirflowFailException  # noqa: PLC0415

    def fail():
        raise InvalidSettings(SENTENCE)

    monkeypatch.setattr(module, "settings", fail)
    with pytest.raises(AirflowFailException) as failed:
        work()
    assert str(failed.value) == SENTENCE
    assert failed.value.__suppress_context__

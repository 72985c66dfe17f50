"""Tells whether a container does what it is there for; what docker-compose.yaml asks all the time.

    python healthy.py url ADDRESS     answers, and reports nothing unhealthy
    python healthy.py job TYPE        a job of this type on this machine shows signs of life
    python healthy.py worker          the Celery worker of this machine answers

Airflow's own commands for it (`airflow jobs check`, `celery inspect ping`) import all of Airflow,
which takes seconds of CPU every time; these take a tenth of that.
"""  # noqa: INP001 - scripts, no package

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

STALE_S = 60
"""A job that was not seen for so long is not healthy; they show signs of life every 5 seconds."""

ANSWER_S = 5.0


def url(address: str) -> bool:
    """Tell whether a server answers, and calls no component of its own unhealthy."""
    try:
        # Whatever proxy leads to Sentry does not lead here.
        with build_opener(ProxyHandler({})).open(address, timeout=ANSWER_S) as answer:
            return b"unhealthy" not in answer.read()
    except (URLError, OSError):
        return False


def job(kind: str) -> bool:
    """Tell whether a job of a type on this machine showed a sign of life lately."""
    import psycopg  # noqa: PLC0415 - the other checks do without

    query = (
        "select extract(epoch from now() - max(latest_heartbeat)) from job "
        "where job_type = %s and state = 'running' and hostname = %s"
    )
    address = _secret("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD").replace("+psycopg", "", 1)
    with psycopg.connect(address, connect_timeout=int(ANSWER_S)) as database:
        row = database.execute(query, (kind, socket.getfqdn())).fetchone()
    return row is not None and row[0] is not None and row[0] < STALE_S


def worker() -> bool:
    """Tell whether this machine's Celery worker answers."""
    from celery import Celery  # noqa: PLC0415 - takes a moment

    broker = Celery(broker=_secret("AIRFLOW__CELERY__BROKER_URL_CMD"))
    name = f"celery@{socket.gethostname()}"
    return bool(broker.control.ping(destination=[name], timeout=ANSWER_S))


def _secret(variable: str) -> str:
    """Return what the command prints that Airflow reads a secret with, too."""
    command = os.environ[variable].split()
    printed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    return printed.stdout.strip()


if __name__ == "__main__":
    check, *arguments = sys.argv[1:]
    checks: dict[str, Callable[..., bool]] = {"url": url, "job": job, "worker": worker}
    sys.exit(0 if checks[check](*arguments) else 1)

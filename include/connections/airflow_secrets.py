"""What Airflow's secrets backends hold for us, whichever process asks: never logged, always masked.

Airflow takes seconds to import, and most commands do without.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from include.masking import hide

if TYPE_CHECKING:
    from airflow.sdk import Connection

_CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"
_asking = Lock()


def airflow_connection(name: str) -> "Connection | None":
    """Return an Airflow Connection of type http, through its provider's hook; None without one.

    The hook is not used for requests: where one fails, it logs the body of the answer.
    """
    from airflow.providers.http.hooks.http import HttpHook  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415

    with _as_server():
        try:
            stored: Connection = HttpHook(http_conn_id=name).get_connection(name)
        except AirflowNotFoundException:
            return None
    if stored.password:
        hide(stored.password)
    return stored


def airflow_variable(name: str) -> str | None:
    """Return an Airflow Variable; None without one."""
    from airflow.sdk import Variable  # noqa: PLC0415

    with _as_server():
        value = Variable.get(name, default=None)
    if not isinstance(value, str):
        return None
    hide(value)
    return value


@contextmanager
def _as_server() -> Iterator[None]:
    """Let a process that Airflow did not start, such as `corvana`, read Airflow's database, too.

    Airflow's own processes say what they are (`execution_time/supervisor.py`,
    `ensure_secrets_backend_loaded`); a task must not be taken for anything else.
    """
    with _asking:
        if _CONTEXT in os.environ:
            yield
            return
        os.environ[_CONTEXT] = "server"
        try:
            yield
        finally:
            del os.environ[_CONTEXT]

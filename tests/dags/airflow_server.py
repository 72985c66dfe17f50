"""Airflow's API server in this process, over real HTTP, with a user that may delete DAGs."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import requests
import uvicorn

USER, PASSWORD = "corvana", "a-password-of-the-tests"


@contextmanager
def airflow_server(home: Path) -> Iterator[str]:
    """Run the server, and let `airflow_api` be the Airflow Connection to it; yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({USER: PASSWORD}))
    connection = {
        "conn_type": "http",
        "schema": "http",
        "host": "127.0.0.1",
        "port": port,
        "login": USER,
        "password": PASSWORD,
    }
    variables = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:user",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW_CONN_AIRFLOW_API": json.dumps(connection),
    }
    with patch.dict(os.environ, variables):
        from airflow.api_fastapi.app import create_app  # noqa: PLC0415 - slow

        config = uvicorn.Config(create_app("core"), port=port, log_config=None)
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{port}"
        _wait_for(address)
        yield address
        server.should_exit = True
        thread.join(10)


def _wait_for(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if requests.get(f"{address}/api/v2/version", timeout=5).ok:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise TimeoutError("Airflow's API server did not start")

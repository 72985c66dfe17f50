"""The command line: what it refuses, and that it remembers the clock."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from include.sandbox.cli import main
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
SMALL = ["--issues", "30"]


def refusal(capsys, *arguments: str) -> str:
    """Exit code 2 with one sentence on the error output."""
    assert main([*arguments]) == 2
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert written.endswith(".\n")
    return written


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.test"])  # noqa: S104
def test_only_loopback_hosts_are_served(capsys, host):
    assert "loopback" in refusal(capsys, "--host", host)


def test_a_taken_port_is_one_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"Port {port}" in refusal(capsys, "--port", port)


@pytest.mark.parametrize(
    "difference", [["--seed", "2"], ["--issues", "31"], ["--now", "2026-01-01"]]
)
def test_a_state_file_of_another_organization_is_refused(capsys, tmp_path, difference):
    file = tmp_path / "state.json"
    file.write_text(
        '{"seed":42,"now":"2026-11-02T09:00:00+00:00","issues":30,'
        '"clock":"2026-11-02T09:00:00+00:00"}'
    )
    arguments = ["--port", "0", *SMALL, *difference, "--state-file", str(file)]

    assert "another organization" in refusal(capsys, *arguments)


@pytest.mark.parametrize("content", ["", "{}", '{"seed":"x"}', "\x00"])
def test_a_broken_state_file_is_refused(capsys, tmp_path, content):
    file = tmp_path / "state.json"
    file.write_text(content)

    assert "cannot be read" in refusal(capsys, "--port", "0", *SMALL, "--state-file", str(file))


def test_too_few_issues_are_refused(capsys):
    assert "30 issues" in refusal(capsys, "--port", "0", "--issues", "3")


@pytest.mark.parametrize(
    "arguments",
    [["--seed", "-1"], ["--now", "soon"], ["--port", "x"], ["--redirect-uri", "/callback"]],
)
def test_nonsense_is_a_usage_error(arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)

    assert stopped.value.code == 2


@pytest.mark.parametrize(
    ("behaviours", "part"),
    [
        ('{"nonsense": 1}', "nonsense"),
        ('{"retention_days": 0}', "retention_days"),
        ("{", "JSON"),
        ("missing.json", "cannot be read"),
    ],
)
def test_behaviours_that_do_not_exist_are_one_sentence(capsys, tmp_path, behaviours, part):
    text = behaviours if behaviours.startswith("{") else str(tmp_path / behaviours)

    assert part in refusal(capsys, "--port", "0", *SMALL, "--behaviours", text)


@contextmanager
def command(port: int, *arguments: str, **environment: str):
    process = subprocess.Popen(
        [sys.executable, "-m", "include.sandbox", "--port", str(port), *SMALL, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
    )
    try:
        # The line is written once the port listens and the organization exists.
        assert b"Sandbox lumen-goods at http://127.0.0.1" in process.stderr.readline()
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_the_clock_and_the_token_survive_a_restart(tmp_path):
    file, port = tmp_path / "state.json", free_port()
    url = f"http://127.0.0.1:{port}"
    with command(port, "--state-file", str(file)):
        httpx.post(f"{url}/sandbox/clock", json={"advance_seconds": 3600})
    with command(port, "--state-file", str(file), SANDBOX_TOKEN="my-own"):
        assert httpx.get(f"{url}/sandbox/clock").json()["now"] == "2026-11-02T10:00:00+00:00"
        for token, status in (("my-own", 200), ("sandbox-token", 401)):
            headers = {"Authorization": f"Bearer {token}"}
            answer = httpx.get(f"{url}/api/0/organizations/", headers=headers)
            assert answer.status_code == status

    assert "my-own" not in file.read_text()


def test_tokens_that_a_consent_or_a_renewal_brought_survive_a_restart(tmp_path):
    file, port = tmp_path / "state.json", free_port()
    url = f"http://127.0.0.1:{port}"

    def asked(token):
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{url}/api/0/organizations/", headers=headers).status_code

    with command(port, "--state-file", str(file)):
        granted = httpx.post(f"{url}/sandbox/tokens", json={"action": "grant"}).json()
    with command(port, "--state-file", str(file)):
        assert asked(granted["access_token"]) == 200
        httpx.post(f"{url}/sandbox/tokens", json={"action": "revoke"})
    with command(port, "--state-file", str(file)):
        assert asked(granted["access_token"]) == 401


def test_behaviours_come_from_a_file_or_from_the_command_line_itself(tmp_path):
    file, port = tmp_path / "behaviours.json", free_port()
    file.write_text('{"retention_days": 30}')
    url = f"http://127.0.0.1:{port}/sandbox/behaviours"
    for text in (str(file), file.read_text()):
        with command(port, "--behaviours", text):
            assert httpx.get(url).json()["retention_days"] == 30


def test_the_application_and_its_refresh_token_come_from_the_environment():
    port = free_port()
    names = {
        "SANDBOX_CLIENT_ID": "mine",
        "SANDBOX_CLIENT_SECRET": "my-secret",
        "SANDBOX_REFRESH_TOKEN": "my-refresh",
    }
    form = {
        "grant_type": "refresh_token",
        "client_id": "mine",
        "client_secret": "my-secret",
        "refresh_token": "my-refresh",
    }
    with command(port, **names):
        answer = httpx.post(f"http://127.0.0.1:{port}/oauth/token/", data=form)

    assert answer.status_code == 200


def test_what_the_consent_page_says_and_where_it_leads_come_from_the_command_line():
    port, back = free_port(), ["https://a.example/back", "https://b.example/back"]
    url = f"http://127.0.0.1:{port}/sandbox/application"
    arguments = [part for address in back for part in ("--redirect-uri", address)]
    switches = '{"requires_org_level_access": true}'
    with command(port, *arguments, "--application-name", "Mine", "--behaviours", switches):
        shown = httpx.get(url).json()

    assert (shown["name"], shown["redirect_uris"]) == ("Mine", back)
    assert shown["requires_org_level_access"] is True

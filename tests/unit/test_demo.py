"""The parts of the demo that do not need Airflow."""

import os
import socket
import sys
import time

import psutil
import pytest

from include.demo.__main__ import DemoFailed, main
from include.demo.processes import PortTaken, ServerDied, Servers, require_free_port
from include.demo.waiting import TookTooLong, wait_for

SLEEPER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
time.sleep(600)
"""


def runs(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_taken_port_says_how_to_choose_another():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf'Port {port} is taken.*--sandbox-port {port + 1}"'):
            require_free_port(port, "--sandbox-port")


def test_servers_and_their_children_end_with_the_block(tmp_path):
    with Servers(tmp_path) as servers:
        servers.start("sleeper", [sys.executable, "-c", SLEEPER], os.environ)
        server = psutil.Process(servers._running["sleeper"].pid)
        children = [server]
        while len(children) < 2:
            children = [server, *server.children(recursive=True)]
            time.sleep(0.05)
        servers.check()
    wait_for(lambda: not any(map(runs, children)), lambda: None, 10, "A child is still running.")


def test_a_server_that_died_is_named_with_its_last_line(tmp_path):
    with Servers(tmp_path) as servers:
        servers.start("bad", [sys.executable, "-c", "print('no way'); raise SystemExit(3)"], {})
        with pytest.raises(ServerDied, match=r"bad ended by itself with code 3.*no way"):
            wait_for(lambda: False, servers.check, 20, "never")


def test_a_failure_is_printed_as_it_is_brackets_and_all(monkeypatch, capsys):
    def fail(_self):
        raise DemoFailed("the last line was: [info     ] no [/closing] tag")

    monkeypatch.setattr("include.demo.__main__.Demo.run", fail)
    monkeypatch.setattr("include.demo.__main__.signal.signal", lambda *_: None)
    assert main(["--once"]) == 1
    assert "the last line was: [info     ] no [/closing] tag" in capsys.readouterr().out


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_what_is_no_port_is_refused(port, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--airflow-port", port])
    assert "--airflow-port" in capsys.readouterr().err


def test_waiting_has_a_limit():
    with pytest.raises(TookTooLong, match="Nothing came"):
        wait_for(lambda: False, lambda: None, 0.1, "Nothing came.")


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(o in printed for o in ("--once", "--advance", "--airflow-port", "--sandbox-port"))

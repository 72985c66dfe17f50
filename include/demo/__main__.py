"""The demo's command line: `python -m include.demo`."""

import json
import os
import signal
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from types import FrameType

import httpx
from rich.console import Console
from rich.markup import escape

from include.connections.database import InvalidRegistryUrl
from include.connections.registry import Connection, open_registry
from include.connections.states import State
from include.connections.vault import InvalidKey
from include.demo.airflow import FINISHED, Airflow, AirflowFailed, TaskState
from include.demo.browser import Browser, NothingToClick
from include.demo.marts import show_marts
from include.demo.processes import PortTaken, ServerDied, Servers, require_free_port
from include.demo.waiting import TookTooLong, wait_for
from include.loading import IN_SHORT
from include.published import current
from include.published.layout import VIEWS
from include.report.store import REPORT
from include.settings import DataDirUnusable, InvalidSettings, Settings, settings

RUN_TIMEOUT_S = 1200
CONSENT_TIMEOUT_S = 3600
SHOWN_STATES = {"running", "success", "failed", "up_for_retry"}

SPEED = {
    # The sandbox is on this machine and announces generous limits; Sentry gets 3 a second.
    "CORVANA_SENTRY_MAX_REQUESTS_PER_SECOND": "2000",
    "CORVANA_SENTRY_CONCURRENCY": "4",
}


class DemoFailed(Exception):
    """The demo did not reach its end; says why."""


def main(arguments: list[str]) -> int:
    """Run the demo; return 0 only if the marts were published and have rows."""
    options = _options(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    try:
        Demo(settings(), options, console).run()
    except KeyboardInterrupt:
        console.print("\nStopped everything.")
        return 0 if not options.once else 130
    except (
        AirflowFailed,
        DataDirUnusable,
        DemoFailed,
        InvalidKey,
        InvalidRegistryUrl,
        InvalidSettings,
        NothingToClick,
        PortTaken,
        ServerDied,
        TookTooLong,
        httpx.HTTPError,
    ) as failure:
        console.print(f"\n[bold red]The demo failed.[/] {escape(str(failure))}", soft_wrap=True)
        return 1
    return 0


class Demo:
    """One run of the demo.

    Args:
        current: The application's settings.
        options: The command line's options.
        console: Where to print.
    """

    def __init__(self, current: Settings, options: Namespace, console: Console) -> None:
        self._settings = current
        self._options = options
        self._console = console
        self._started = time.monotonic()

    def run(self) -> None:
        """Start everything, load, show the marts, and stop everything."""
        self._check()
        with Servers(self._settings.data_dir / "logs") as servers:
            self._start_sandbox(servers)
            airflow = self._start_airflow(servers)
            connection = self._connect(airflow, servers)
            is_all = self._load(airflow, connection, servers)
            self._show(airflow, connection, is_all=is_all)
            if not self._options.once:
                self._stay(servers)
            self._say("Stopping everything")

    def _check(self) -> None:
        """Check what can be checked before anything is started."""
        open_registry(self._settings)
        require_free_port(self._options.sandbox_port, "--sandbox-port")
        require_free_port(self._options.airflow_port, "--airflow-port")

    @property
    def _sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self._options.sandbox_port}"

    def _start_sandbox(self, servers: Servers) -> None:
        """Start the stand-in Sentry where it stopped last time, and advance its clock if asked."""
        self._say("Starting the sandbox, a stand-in Sentry")
        state = self._settings.data_dir / "sandbox.json"
        command = [sys.executable, "-m", "include.sandbox"]
        command += ["--port", str(self._options.sandbox_port), "--state-file", str(state)]
        servers.start("sandbox", command, os.environ)
        wait_for(self._is_sandbox_up, servers.check, 60, "The sandbox did not start in time.")
        if self._options.advance:
            seconds = round(self._options.advance * 3600)
            answer = httpx.post(
                f"{self._sandbox_url}/sandbox/clock",
                json={"advance_seconds": seconds},
                trust_env=False,
            )
            if answer.is_error:
                raise DemoFailed(f"The sandbox's clock cannot be advanced: {answer.text}")
            self._say(f"Advanced the sandbox's clock to {answer.json()['now']}")

    def _is_sandbox_up(self) -> bool:
        try:
            return httpx.get(f"{self._sandbox_url}/sandbox/health", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def _start_airflow(self, servers: Servers) -> Airflow:
        """Start Airflow, which knows our OAuth application in the sandbox."""
        self._say("Starting Airflow, which takes half a minute")
        variables = {
            "CORVANA_DATA_DIR": str(self._settings.data_dir),
            "AIRFLOW_CONN_SENTRY_OAUTH_APP": self._oauth_application(),
            **SPEED,
            **_set_variables(),
        }
        airflow = Airflow(
            self._settings.data_dir / "airflow", self._options.airflow_port, variables
        )
        airflow.start(servers)
        airflow.wait_until_healthy(servers)
        self._say("Airflow is up")
        return airflow

    def _oauth_application(self) -> str:
        """Return the Airflow Connection of our application, as the sandbox has registered it."""
        return json.dumps(
            {
                "conn_type": "http",
                "schema": "http",
                "host": "127.0.0.1",
                "port": self._options.sandbox_port,
                "login": "sandbox-client",
                "password": "sandbox-client-secret",
            }
        )

    def _connect(self, airflow: Airflow, servers: Servers) -> Connection:
        """Return the connection to the sandbox's organization, which is made on the page."""
        registry = open_registry(self._settings)

        def found() -> Connection | None:
            there = registry.in_state(State.CONNECTED)
            return next((one for one in there if one.base_url == self._sandbox_url), None)

        if (connection := found()) is not None:
            self._say(f"{connection.name} is connected, as {connection.id}")
            return connection
        page = f"{airflow.url}/integrations/"
        if self._options.connect_yourself:
            self._console.print(
                f"\nSign in as admin, password {airflow.password}, and connect Sentry:\n  {page}\n"
            )
            wait_for(lambda: found() is not None, servers.check, CONSENT_TIMEOUT_S, "Gave up.")
        else:
            browser = Browser({"_token": airflow.token})
            leaving = browser.send(browser.open(page), "Connect Sentry")
            browser.send(browser.follow(leaving, "Continue to Sentry"), "Approve")
        connection = found()
        if connection is None:
            raise DemoFailed(f"The organization was not connected; see {page}")
        self._say(f"Allowed in the sandbox's consent page: connected as {connection.id}")
        return connection

    def _load(self, airflow: Airflow, connection: Connection, servers: Servers) -> bool:
        """See the connection's DAG run to its end; return whether it left no history unread."""
        dag_id = f"sentry_load__{connection.id}"
        begun = time.monotonic()
        if open_registry(self._settings).reports.of(connection.id).began_at is None:
            since = "Allow"
            run_id = airflow.first_run(dag_id, servers)
            self._say(f"The DAG {dag_id} started by itself")
        else:
            since = "the trigger"
            run_id = airflow.trigger(dag_id, servers)
            self._say(f"Triggered the DAG {dag_id}")
        shown: set[tuple[str, str | None, int]] = set()

        def is_finished() -> bool:
            # The run's state first: no task of it changes after its end.
            state = airflow.run_state(dag_id, run_id)
            for task in airflow.task_states(dag_id, run_id):
                if (key := (task.task_id, task.state, task.try_number)) not in shown:
                    shown.add(key)
                    self._show_task(airflow, dag_id, run_id, task)
                    if (task.task_id, task.state) == ("publish", "success"):
                        self._say(f"Published, {time.monotonic() - begun:.0f} s after {since}")
            return state in FINISHED

        wait_for(is_finished, servers.check, RUN_TIMEOUT_S, f"The run of {dag_id} took too long.")
        if airflow.run_state(dag_id, run_id) != "success":
            raise DemoFailed(f"The run failed; its logs: {airflow.url}/dags/{dag_id}")
        is_all = not any((task_id, state) == ("go_on", "success") for task_id, state, _ in shown)
        if not is_all:
            self._say("Older history is still to be read: Airflow started the next run by itself")
        return is_all

    def _show_task(self, airflow: Airflow, dag_id: str, run_id: str, task: TaskState) -> None:
        """Print how a task of the run changed, and the line of its log that says most."""
        if task.state not in SHOWN_STATES or (task.task_id, task.state) == ("go_on", "running"):
            return
        took = "" if task.state == "running" else f" after {task.seconds:.0f} s"
        self._say(f"  {task.task_id}: {task.state}{took}")
        lines = list(_telling(task, airflow.log_lines(dag_id, run_id, task)))
        if lines:
            self._console.print(f"           {lines[-1]}", soft_wrap=True, markup=False)

    def _show(self, airflow: Airflow, connection: Connection, *, is_all: bool) -> None:
        """Print a short table from each mart, and where to look next."""
        views = self._settings.published_dir / VIEWS
        self._console.print()
        if (empty := show_marts(views, connection.id, self._console)) and is_all:
            raise DemoFailed(f"These marts have no rows: {', '.join(empty)}")
        self._console.print(f"Airflow    {airflow.url}  (user admin, password {airflow.password})")
        self._console.print(f"Sentry     {airflow.url}/integrations/  (the page Integrations)")
        if (generation := current(self._settings.published_dir, connection.id)) is not None:
            file = generation.folder / REPORT
            self._console.print(f"Report     {file}  (the page Sentry reports)", soft_wrap=True)
        self._console.print(f"Marts      {views}  (views; open read-only)", soft_wrap=True)
        self._console.print(f"Parquet    {self._settings.published_dir}", soft_wrap=True)
        self._console.print(
            f"Sandbox    {self._sandbox_url}  (clock: {self._sandbox_url}/sandbox/clock)"
        )

    def _stay(self, servers: Servers) -> None:
        """Keep everything running until somebody presses Ctrl-C."""
        self._console.print(
            "\nThe DAG runs every hour. To see what a day changes, move the sandbox's clock and "
            f"trigger the DAG:\n  curl -X POST {self._sandbox_url}/sandbox/clock "
            "-d '{\"advance_seconds\": 86400}'\n"
            "Press Ctrl-C to stop everything."
        )
        while True:
            servers.check()
            time.sleep(1)

    def _say(self, text: str) -> None:
        self._console.print(
            f"[dim]{time.monotonic() - self._started:5.0f} s[/]  {text}", soft_wrap=True
        )


def _telling(task: TaskState, logged: Iterator[str]) -> Iterator[str]:
    """Yield lines of a task's log; the last one says why it failed, or what it did."""
    if task.state in {"failed", "up_for_retry"}:
        yield from (line for line in logged if line.strip())
    elif (task.task_id, task.state) == ("load", "success"):
        yield from (line.removeprefix(IN_SHORT) for line in logged if line.startswith(IN_SHORT))


def _options(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(
        prog="make demo ARGS=…",
        description="From a stand-in Sentry to published marts, through a real Airflow.",
    )
    parser.add_argument(
        "--once", action="store_true", help="end by itself when the marts are shown"
    )
    parser.add_argument(
        "--connect-yourself",
        action="store_true",
        help="leave it to you to connect Sentry on the page Integrations",
    )
    parser.add_argument(
        "--advance", type=float, default=0, metavar="HOURS", help="move the sandbox's clock first"
    )
    for server, default in (("airflow", 8080), ("sandbox", 9000)):
        parser.add_argument(
            f"--{server}-port",
            type=_port,
            default=default,
            metavar="PORT",
            help="default %(default)s",
        )
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise ValueError
    return port


def _set_variables() -> dict[str, str]:
    """Return those of our variables that whoever runs the demo has set."""
    return {name: value for name, value in os.environ.items() if name.startswith("CORVANA_SENTRY_")}


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

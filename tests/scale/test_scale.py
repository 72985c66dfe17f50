"""Twenty connections load at once, a worker is killed midway, and all of them end with the truth.

The processes are those of docker-compose.yaml, with its environment: see `tests.scale.topology`.
"""

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb
import psycopg
import pytest

from dlt_sources.sentry.tables import TABLES
from include.connections.registry import Connection, Registry, open_registry
from include.connections.states import State
from include.connections.tokens import Grant
from include.demo.browser import Browser
from include.files import remove
from include.published.layout import VIEWS
from include.purge.receipts import open_receipts
from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.organization import Organization
from include.sandbox.server import Running, running
from include.sandbox.state import activity_feed
from include.settings import Settings
from include.warehouse.backend import warehouse_of
from tests.connected import SCOPES
from tests.integration.truth.comparison import differences
from tests.integration.truth.facts import facts
from tests.integration.truth.ledger import ACTIVITY_COLUMNS, Row
from tests.integration.truth.marts import MARTS
from tests.integration.truth.warehouse import COLUMNS, Truth
from tests.scale.processes import tail
from tests.scale.topology import Topology, corvana_variables

CONNECTIONS = 20
ISSUES = 60
PURGED = 3
BOUND_S = 20 * 60
"""What all of it may take on two cores."""

PATIENCE_S = 60 * 60
"""How long the loads are waited for, should something else keep the machine busy."""

KILLED = "worker-1"
KILL_AFTER = 8
"""How many connections are loaded when a worker is killed, at another load."""

pytestmark = [pytest.mark.scale, pytest.mark.timeout(PATIENCE_S + 900)]


@dataclass(frozen=True)
class Connected:
    """A connection and the ground truth of it."""

    connection: Connection
    organization: Organization
    sandbox: Running
    salt: bytes


@dataclass
class Run:
    """What happened.

    Attributes:
        topology: The processes, which still run.
        settings: Those of a worker.
        registry: The connections.
        connected: All of them.
        began: When the test began.
        killed: Task instances that the killed worker was at, as (DAG, task).
        tasks: All task instances of the connections' DAGs, when all runs had ended.
        runs: The runs' states by DAG.
        tables: By connection and table of `raw`: the rows.
        marts: By connection and mart: the rows.
        reported: By connection: what the loads report of themselves.
        figures: What was measured.
    """

    topology: Topology
    settings: Settings
    registry: Registry
    connected: list[Connected]
    began: float
    killed: set[tuple[str, str]] = field(default_factory=set)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[str, list[str]] = field(default_factory=dict)
    tables: dict[str, dict[str, list[tuple[Any, ...]]]] = field(default_factory=dict)
    marts: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    reported: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    def was_cut_off(self, one: Connected) -> bool:
        """Tell whether the worker was killed in the midst of a load of a connection."""
        return (dag_of(one), "load") in self.killed


def dag_of(one: Connected) -> str:
    return f"sentry_load__{one.connection.id}"


@pytest.fixture(scope="module")
def say(request: pytest.FixtureRequest):
    """Return what prints a line at once: minutes without a word are long."""
    began = time.monotonic()
    capturing = request.config.pluginmanager.getplugin("capturemanager")

    def line(text: str) -> None:
        with capturing.global_and_fixture_disabled():
            sys.stderr.write(f"{time.monotonic() - began:6.0f} s  {text}\n")
            sys.stderr.flush()

    return line


@pytest.fixture(scope="module")
def run(say) -> Iterator[Run]:
    """Start everything, let it load, kill a worker, wait until all is well, read what is there."""
    folder, began = Path(mkdtemp(prefix="corvana-scale-")), time.monotonic()
    with ExitStack() as stack:
        # Whoever ends the test by a signal gets everything tidied up, too.
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        stack.callback(signal.signal, signal.SIGTERM, before)
        stack.callback(remove, [folder])
        topology = stack.enter_context(Topology(folder, say))
        try:
            topology.start()
            say("healthy; connecting")
            with pytest.MonkeyPatch.context() as patch:
                for name, value in corvana_variables(topology.environment).items():
                    patch.setenv(name, value)
                settings = Settings(_secrets_dir=topology.secrets)
            registry = open_registry(settings)
            there = [connect(stack, registry, number) for number in range(CONNECTIONS)]
            run = Run(topology, settings, registry, there, began)
            load_all(run, say)
            read_all(run)
            measure(run, say)
        except BaseException:
            say(f"failed; the ends of the logs:\n{topology.processes.tails()}")
            say(task_log_tails(folder / "logs"))
            raise
        yield run


def connect(stack: ExitStack, registry: Registry, number: int) -> Connected:
    organization = generate(seed=100 + number, now=DEFAULT_NOW, issues=ISSUES + number)
    sandbox = stack.enter_context(running(organization))
    begun = registry.begin(sandbox.base_url, Grant(sandbox.token, None, None, SCOPES), "tests")
    # One run at once, and hardly another one while the test lasts.
    registry.set_schedule(begun.id, "daily")
    connection = registry.connect(begun.id, organization.slug, organization.slug, "tests")
    return Connected(connection, organization, sandbox, registry.tokens.of(connection.id).salt)


def load_all(run: Run, say) -> None:
    """See the runs of all connections to their ends, and kill a worker in the midst of it."""
    shown: Counter[str] = Counter()

    def are_done() -> bool:
        nonlocal shown
        tasks = task_instances(run)
        done = Counter(task["task_id"] for task in tasks if task["state"] == "success")
        if done != shown:
            shown = done
            say(f"done: {', '.join(f'{n} {name}' for name, n in sorted(done.items()))}")
        at_work = {
            (task["dag_id"], task["task_id"])
            for task in tasks
            if task["state"] == "running" and task["hostname"] == KILLED
        }
        is_loading = "load" in {task_id for _, task_id in at_work}
        if not run.killed and done["load"] >= KILL_AFTER and len(at_work) == 2 and is_loading:
            run.figures["cpu_s"] = {KILLED: run.topology.processes.cpu_s()[KILLED]}
            run.topology.processes.kill(KILLED)
            run.killed = at_work
            say(f"killed {KILLED} at {', '.join(sorted(task for _, task in at_work))}")
        states = runs_by_dag(run)
        return len(states) == CONNECTIONS and all(
            set(one) <= {"success", "failed"} for one in states.values()
        )

    run.topology.wait_for(are_done, PATIENCE_S, "Not all loads have ended")
    for one in run.connected:
        # What is compared must not move meanwhile.
        run.topology.api.patch(
            f"/api/v2/dags/{dag_of(one)}", json={"is_paused": True}
        ).raise_for_status()
    run.topology.wait_for(are_done, 300, "Runs that began by their schedule have not ended")
    run.tasks, run.runs = task_instances(run), runs_by_dag(run)
    say("all runs have ended")


def task_instances(run: Run) -> list[dict[str, Any]]:
    found = pages(run, "/api/v2/dags/~/dagRuns/~/taskInstances", "task_instances")
    return [task for task in found if task["dag_id"].startswith("sentry_load__")]


def runs_by_dag(run: Run) -> dict[str, list[str]]:
    states: dict[str, list[str]] = {}
    for one in pages(run, "/api/v2/dags/~/dagRuns", "dag_runs"):
        if one["dag_id"].startswith("sentry_load__"):
            states.setdefault(one["dag_id"], []).append(one["state"])
    return states


def pages(run: Run, path: str, what: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        params = {"limit": 100, "offset": offset}
        page = run.topology.api.get(path, params=params).raise_for_status().json()
        yield from page[what]
        offset += 100
        if offset >= page["total_entries"]:
            return


def task_log_tails(logs: Path) -> str:
    newest = sorted(logs.glob("dag_id=*/**/attempt=*.log"), key=lambda path: path.stat().st_mtime)
    return "\n".join(tail(path, 5) for path in newest[-6:])


def read_all(run: Run) -> None:
    """Read what is compared: the rows of all tables and marts."""
    for one in run.connected:
        key = one.connection.id
        with warehouse_of(run.settings, key).open_for_reading() as database:
            database.execute("set timezone = 'UTC'")
            run.tables[key] = {
                table: database.execute(f"select {quoted(names)} from raw.{table}").fetchall()
                for table, names in COLUMNS.items()
            }
            run.marts[key] = {mart: rows(database, "marts", mart) for mart in MARTS}
            run.reported[key] = {
                table: rows(database, "raw", table) for table in ("load_coverage", "load_runs")
            }


def quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def rows(database: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[Row]:
    found = database.execute(f"select * from {schema}.{table}")
    columns = [column[0] for column in found.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def truth_of(run: Run, one: Connected) -> Truth:
    """Return what the warehouse must hold after as many loads as there were."""
    truth = Truth(one.organization, one.salt)
    for _ in run.reported[one.connection.id]["load_runs"]:
        truth.load(one.sandbox.clock.now)
    return truth


def measure(run: Run, say) -> None:
    """Note what it cost, and print it."""
    superuser = psycopg.conninfo.conninfo_to_dict(run.topology.secret("corvana_lake_catalog_url"))
    superuser |= {"user": "postgres", "password": run.topology.secret("postgres_password")}
    with psycopg.connect(**superuser) as database:
        query = "select datname, pg_database_size(datname) from pg_database where not datistemplate"
        run.figures["database_bytes"] = dict(database.execute(query).fetchall())
    objects = run.topology.objects()
    published = [path for path in run.settings.published_dir.rglob("*.parquet") if path.is_file()]
    run.figures |= {
        "cpu_s": run.figures["cpu_s"] | run.topology.processes.cpu_s(),
        "memory": run.topology.processes.memory(),
        "requests": [one.sandbox.requests.total for one in run.connected],
        "object_bytes": sum(one["Size"] for one in objects),
        "objects": len(objects),
        "published_bytes": sum(path.stat().st_size for path in published),
    }
    say(json.dumps(run.figures, indent=1))


def objects(run: Run, connection_id: str) -> list[str]:
    """Return the names of the objects in the store that have a connection's id in them."""
    return [one["Key"] for one in run.topology.objects() if connection_id in one["Key"]]


def catalogs(run: Run) -> set[str]:
    """Return the schemas with the lakes' catalogs."""
    with psycopg.connect(run.topology.secret("corvana_lake_catalog_url")) as database:
        found = database.execute("select nspname from pg_namespace where nspname like '%lake%'")
        return {name for (name,) in found}


def test_the_worker_was_killed_while_it_worked(run: Run) -> None:
    assert len(run.killed) == 2


def test_what_the_killed_worker_was_at_was_done_by_the_other_one(run: Run) -> None:
    again = {(one["dag_id"], one["task_id"]): one for one in run.tasks}
    for task in run.killed:
        assert again[task]["state"] == "success"
        assert again[task]["hostname"] != KILLED
        assert again[task]["try_number"] > 1


def test_all_runs_succeeded(run: Run) -> None:
    assert len(run.runs) == CONNECTIONS
    assert {state for states in run.runs.values() for state in states} == {"success"}


def test_all_connections_are_connected(run: Run) -> None:
    assert len(run.registry.in_state(State.CONNECTED)) == CONNECTIONS


def test_both_workers_worked(run: Run) -> None:
    assert {one["hostname"] for one in run.tasks if one["state"] == "success"} == {
        "worker-1",
        "worker-2",
    }


def test_raw_tables_equal_the_truth(run: Run) -> None:
    """A history that is read again can show more: see `tests.truth.test_kills`."""
    found = []
    for one in run.connected:
        expected, stored = truth_of(run, one).tables(), run.tables[one.connection.id]
        for table, true in expected.items():
            missing, unexpected = true - set(stored[table]), set(stored[table]) - true
            if table == "issue_activities" and run.was_cut_off(one):
                unexpected -= shown(one)
            found += [f"{table} of {one.connection.id}: {missing=}"] if missing else []
            found += [f"{table} of {one.connection.id}: {unexpected=}"] if unexpected else []
    assert found == []


def shown(one: Connected) -> set[tuple[Any, ...]]:
    """Return all activities that Sentry shows, as a load that reads every history stores them."""
    truth = Truth(one.organization, one.salt)
    truth.load(one.sandbox.clock.now)
    everything = set(truth.ledger.known_activities())
    places = [ACTIVITY_COLUMNS.index(name) for name in ("issue_id", "type", "date_created")]
    feeds = {
        (issue.id, activity.kind, activity.at)
        for issue in one.organization.issues
        for activity in activity_feed(issue, one.sandbox.clock.now)
    }
    return {row for row in everything if tuple(row[place] for place in places) in feeds}


def test_no_key_is_there_twice(run: Run) -> None:
    for one in run.connected:
        with warehouse_of(run.settings, one.connection.id).open_for_reading() as database:
            for name, table in TABLES.items():
                key = quoted(table.primary_key)
                query = f"select {key} from raw.{name} group by all having count(*) > 1"
                assert database.sql(query).fetchall() == [], name


def test_marts_equal_the_truth(run: Run) -> None:
    found = []
    for one in run.connected:
        if run.was_cut_off(one):
            continue
        reported = run.reported[one.connection.id]
        known = facts(truth_of(run, one), reported["load_coverage"], reported["load_runs"])
        for mart, (key, make) in MARTS.items():
            differing = differences(make(known), run.marts[one.connection.id][mart], key)
            found += [f"{mart} of {one.connection.id}: {line}" for line in differing[:5]]
    assert found == []


def test_readers_see_the_marts_of_all_connections(run: Run) -> None:
    with duckdb.connect(str(run.settings.published_dir / VIEWS), read_only=True) as views:
        for mart in MARTS:
            query = f"select connection_id, count(*) from {mart} group by all"
            found = dict(views.sql(query).fetchall())
            expected = {key: len(marts[mart]) for key, marts in run.marts.items() if marts[mart]}
            assert found == expected, mart


def test_no_secret_is_in_a_log(run: Run) -> None:
    secrets = {
        path.name: part.encode()
        for path in run.topology.secrets.iterdir()
        for part in [path.read_text().strip()]
    }
    secrets |= {
        f"token of {one.connection.id}": one.sandbox.token.encode() for one in run.connected
    }
    for folder in (run.topology.processes.logs, run.topology.folder / "logs"):
        for path in folder.rglob("*.log"):
            content = path.read_bytes()
            assert [name for name, secret in secrets.items() if secret in content] == [], path.name


def test_purges_leave_nothing(run: Run, say) -> None:
    """The first is disconnected on the page, the others by runs of the DAG."""
    purged, kept = run.connected[:PURGED], run.connected[PURGED:]
    assert all(objects(run, one.connection.id) for one in run.connected)
    assert all(any(one.connection.id in name for name in catalogs(run)) for one in run.connected)
    say(f"disconnecting {PURGED} connections")
    disconnect_on_the_page(run, purged[0])
    for one in purged[1:]:
        run.topology.api.post(
            "/api/v2/dags/sentry_purge/dagRuns",
            json={
                "logical_date": None,
                "conf": {"connection_id": one.connection.id, "disconnect": True},
            },
        ).raise_for_status()
    ids = {one.connection.id for one in purged}

    def are_purged() -> bool:
        return {one.id for one in run.registry.in_state(State.PURGED)} == ids

    run.topology.wait_for(are_purged, 300, "Not all are purged")
    say("purged")
    receipts = open_receipts(run.registry)
    assert receipts.verify_chain() >= PURGED
    for one in purged:
        (receipt, *_) = receipts.of(one.connection.id)
        assert receipt.verification is not None
        assert receipt.verification.is_clean
        assert objects(run, one.connection.id) == []
        assert not any(one.connection.id in name for name in catalogs(run))
        assert [*run.topology.data.rglob(f"*{one.connection.id}*")] == []
        assert [*(run.topology.folder / "logs").glob(f"dag_id=*{one.connection.id}*")] == []
    with duckdb.connect(str(run.settings.published_dir / VIEWS), read_only=True) as views:
        found = {
            key for (key,) in views.sql("select distinct connection_id from dim_issue").fetchall()
        }
    assert found == {one.connection.id for one in kept}


def disconnect_on_the_page(run: Run, one: Connected) -> None:
    token = run.topology.api.headers["Authorization"].removeprefix("Bearer ")
    browser = Browser({"_token": token})
    page = browser.open(
        f"{run.topology.api_url}/integrations/sentry/{one.connection.id}/disconnect"
    )
    browser.send(page, "Disconnect and delete")


def test_all_of_it_took_less_than_twenty_minutes(run: Run, say) -> None:
    took = time.monotonic() - run.began
    say(f"all of it took {took / 60:.1f} minutes")
    assert took < BOUND_S

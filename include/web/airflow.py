"""The only module of the page that knows Airflow's inside.

Much of what it uses is no public interface of Airflow's, so the version is pinned, and
`tests/web/test_airflow.py` tries all of it against a real Airflow.
"""

import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode, urlsplit

from airflow.api.common.airflow_health import HEALTHY, get_airflow_health
from airflow.api.common.trigger_dag import trigger_dag
from airflow.api_fastapi.app import API_ROOT_PATH, get_auth_manager
from airflow.api_fastapi.auth.tokens import get_signing_key
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from airflow.configuration import conf
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.errors import ParseImportError
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType
from fastapi import HTTPException, Request
from sqlalchemy import func, select

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

LOAD_DAG = "sentry_load__"
LOAD_FILE = "sentry_load.py"
PURGE_DAG = "sentry_purge"


@dataclass(frozen=True, slots=True)
class User:
    """Who is signed in to Airflow.

    Attributes:
        id: Airflow's id of the user; the only thing about a person that is ever kept.
        may_connect: May connect organizations, and change connections.
        may_disconnect: May disconnect, which deletes data.
    """

    id: str
    may_connect: bool
    may_disconnect: bool


async def signed_in(request: Request) -> User | None:
    """Return who sent a request; None if nobody is signed in, or not any more."""
    try:
        user = await get_user(request, None, await bearer_scheme(request))
    except HTTPException:
        return None

    def may(method: Literal["POST", "DELETE"]) -> bool:
        return bool(get_auth_manager().is_authorized_connection(method=method, user=user))

    return User(id=user.get_id(), may_connect=may("POST"), may_disconnect=may("DELETE"))


def root() -> str:
    """Return the path below which Airflow is served, without a slash at its end."""
    return API_ROOT_PATH.rstrip("/")


def base_url() -> str | None:
    """Return the address at which people reach Airflow; None if nobody has set it."""
    address = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return address if urlsplit(address).scheme in {"http", "https"} else None


def origin() -> str | None:
    """Return scheme, host and port of that address, as browsers write them."""
    if (address := base_url()) is None:
        return None
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def login_path(to: str) -> str:
    """Return where to sign in; Airflow sends the browser to one of our own paths afterwards."""
    return f"{root()}/api/v2/auth/login?{urlencode({'next': to})}"


def signing_key() -> str:
    """Return the key that Airflow's API servers share, for what we give browsers to keep."""
    return str(get_signing_key("api", "secret_key"))


class RunState(StrEnum):
    """Where a run of a DAG stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a connection's DAG.

    Attributes:
        state: Where it stands.
        since: When it came there: was queued, began, or ended.
    """

    state: RunState
    since: datetime


@dataclass(frozen=True, slots=True)
class LoadDag:
    """The DAG of a connection, as Airflow knows it.

    Attributes:
        is_paused: Somebody switched it off.
        active: The run that is under way or waits, if one does.
        last: The last run that ended, if one did.
    """

    is_paused: bool
    active: Run | None = None
    last: Run | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the parts of Airflow work that a load needs.

    Attributes:
        scheduler: Starts runs.
        dag_processor: Finds the DAGs of new connections.
        has_dag_file: The file that makes the DAGs can be read.
    """

    scheduler: bool
    dag_processor: bool
    has_dag_file: bool


def load_dag_id(connection_id: str) -> str:
    """Return the id of a connection's DAG."""
    return f"{LOAD_DAG}{connection_id}"


def load_dags(connection_ids: Iterable[str]) -> dict[str, LoadDag]:
    """Return the DAGs of connections, by connection; one that is not there (yet) is left out."""
    wanted = [load_dag_id(one) for one in connection_ids]
    with create_session() as session:
        known = select(DagModel.dag_id, DagModel.is_paused).where(
            DagModel.dag_id.in_(wanted), DagModel.is_stale.is_(False)
        )
        paused = {dag.dag_id: dag.is_paused for dag in session.execute(known)}
        active = _latest(session, list(paused), DagRunState.QUEUED, DagRunState.RUNNING)
        last = _latest(session, list(paused), DagRunState.SUCCESS, DagRunState.FAILED)
    return {
        dag_id.removeprefix(LOAD_DAG): LoadDag(is_paused, active.get(dag_id), last.get(dag_id))
        for dag_id, is_paused in paused.items()
    }


def _latest(session: "Session", dag_ids: list[str], *states: DagRunState) -> dict[str, Run]:
    """Return the latest run of each DAG that is in one of some states."""
    newest = (
        select(func.max(DagRun.id))
        .where(DagRun.dag_id.in_(dag_ids), DagRun.state.in_(states))
        .group_by(DagRun.dag_id)
    )
    runs = session.scalars(select(DagRun).where(DagRun.id.in_(newest)))
    return {run.dag_id: Run(RunState(run.state), _since(run)) for run in runs}


def _since(run: DagRun) -> datetime:
    moment = {
        DagRunState.QUEUED: run.queued_at,
        DagRunState.RUNNING: run.start_date,
    }.get(DagRunState(run.state), run.end_date)
    return moment or run.run_after


def health() -> Health:
    """Return whether the parts of Airflow work that a load needs."""
    parts = get_airflow_health()

    def works(part: str) -> bool:
        return bool(parts[part]["status"] == HEALTHY)

    with create_session() as session:
        broken = session.scalar(
            select(func.count())
            .select_from(ParseImportError)
            .where(ParseImportError.filename.endswith(LOAD_FILE))
        )
    return Health(works("scheduler"), works("dag_processor"), not broken)


def start_load(connection_id: str, user: User) -> bool:
    """Start a run of a connection's DAG; return False if it could not be started.

    That of a connection that was just made is not there yet; it starts by itself.
    """
    return _start(load_dag_id(connection_id), user, {})


def start_purge(connection_id: str, user: User) -> bool:
    """Start deleting a connection's data; return False if a schedule has to do that later."""
    return _start(PURGE_DAG, user, {"connection_id": connection_id})


def _start(dag_id: str, user: User, configuration: dict[str, str]) -> bool:
    try:
        trigger_dag(
            dag_id,
            triggered_by=DagRunTriggeredByType.UI,
            triggering_user_name=user.id,
            run_id=f"page__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}__{secrets.token_hex(4)}",
            conf=configuration,
        )
    except Exception as error:  # noqa: BLE001 - the change itself is made already
        # By its kind alone: the text of an unforeseen error may say anything.
        log.warning("The DAG %s could not be started: %s", dag_id, type(error).__name__)
        return False
    return True

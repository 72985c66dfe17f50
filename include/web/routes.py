"""The page's addresses. Sync functions: FastAPI runs them in threads of their own."""

import logging
import re
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from markdown_it import MarkdownIt
from markupsafe import Markup

from dlt_sources.sentry.data_collected import document
from include.connections.authorizing import FAILURES, Begun, Completed
from include.connections.registry import AlreadyConnected, Connection
from include.connections.schedule import SCHEDULES, InvalidSchedule
from include.connections.states import State
from include.masking import hide
from include.web import airflow, pages, signing
from include.web.airflow import RunState, User
from include.web.guard import (
    Connecting,
    Disconnecting,
    PageConnector,
    PageDisconnector,
    PageViewer,
    Refused,
    Viewer,
)
from include.web.overview import Overview, look
from include.web.services import Services, services
from include.web.shield import ANSWER
from include.web.signing import FLOW, Kind, Message

log = logging.getLogger(__name__)

router = APIRouter()

Works = Annotated[Services, Depends(services)]

_SECRET = re.compile(r"[A-Za-z0-9._~-]{16,512}")
"""What a code or a state looks like. Nothing shorter is hidden: a link with code=Airflow must not
blacken that word in all of Airflow's logs."""

STATIC_FILES = {
    "icon.svg": "image/svg+xml",
    "integrations.css": "text/css",
    "integrations.js": "text/javascript",
    "navigation.js": "text/javascript",
}


# Looking


@router.get("/")
def index(request: Request, user: PageViewer, works: Works, page: str = "1") -> Response:
    """Show the page."""
    message = signing.kept_message(request, user.id)
    shown = _shown(look(works, _number(page)))
    response = pages.page(
        request, user, "index.html", message=message, setup=works.setup(), **shown
    )
    if message is not None or signing.MESSAGE in request.cookies:
        signing.forget_message(response)
    return response


@router.get("/sentry/status")
def status(request: Request, user: Viewer, works: Works, page: str = "1") -> Response:
    """Show the cards alone, for the script that keeps the page up to date."""
    shown = _shown(look(works, _number(page)))
    return pages.page(request, user, "connections.html", **shown)


@router.get("/sentry/data")
def data(request: Request, user: PageViewer) -> Response:
    """Show every field that is read."""
    text = re.sub(r"\A<!--.*?-->\s*", "", document(), flags=re.DOTALL)
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return pages.page(request, user, "data.html", document=Markup(html))  # noqa: S704 - made by us


@router.get("/static/{name}")
def static(name: str, _user: Viewer) -> Response:
    """Serve one of our own files."""
    if name not in STATIC_FILES:
        raise Refused(404, "Not found", "There is no such file.")
    return FileResponse(
        pages.STATIC / name,
        media_type=STATIC_FILES[name],
        headers={"Cache-Control": "private, max-age=86400"},
    )


# Connecting


@router.post("/sentry/connect")
def connect(request: Request, change: Connecting, works: Works) -> Response:
    """Send a user to Sentry for a new connection."""
    return _to_sentry(request, change.user, works, None)


@router.post("/sentry/{connection_id}/reconnect")
def reconnect(connection_id: str, request: Request, change: Connecting, works: Works) -> Response:
    """Send a user to Sentry for a connection that was lost."""
    works.registry.get(connection_id)
    return _to_sentry(request, change.user, works, connection_id)


@router.get("/sentry/callback")
def callback(request: Request, user: PageConnector, works: Works) -> Response:
    """Take Sentry's answer, and go on to an address without it."""
    answer = _answer(request)
    for name in ("code", "state"):
        if _SECRET.fullmatch(answer.get(name, "")):
            hide(answer[name])
    try:
        completed = works.authorizing.complete(
            user.id,
            state=answer.get("state", ""),
            nonce=request.cookies.get(FLOW, ""),
            code=answer.get("code"),
            error=answer.get("error"),
        )
    except FAILURES as failure:
        response = _home(_failed(failure), user)
    else:
        response = _completed(completed, user)
    signing.forget_flow(response)
    return response


@router.get("/sentry/{connection_id}/organization")
def organizations(
    connection_id: str, request: Request, user: PageConnector, works: Works
) -> Response:
    """Ask which of several organizations is meant."""
    connection = works.registry.get(connection_id)
    try:
        choices = works.authorizing.organizations(connection.id, user.id)
    except FAILURES as failure:
        return _home(_failed(failure), user)
    return pages.page(
        request, user, "organization.html", connection_id=connection.id, choices=choices
    )


@router.post("/sentry/{connection_id}/organization")
def choose(connection_id: str, change: Connecting, works: Works) -> Response:
    """Connect the organization that was chosen."""
    works.registry.get(connection_id)
    try:
        connection = works.authorizing.choose(
            connection_id, change.fields.get("organization", ""), change.user.id
        )
    except FAILURES as failure:
        return _home(_failed(failure), change.user)
    return _completed(Completed(connection), change.user)


# Changing


@router.post("/sentry/{connection_id}/schedule")
def schedule(connection_id: str, change: Connecting, works: Works) -> Response:
    """Set how often a connection is loaded."""
    _in_state(works, connection_id, State.CONNECTED, State.DISCONNECTED)
    try:
        connection = works.registry.set_schedule(connection_id, change.fields.get("schedule", ""))
    except InvalidSchedule:
        raise Refused(
            400, "There is no such schedule", f"Choose one of: {', '.join(SCHEDULES.values())}."
        ) from None
    return _home(
        Message(
            Kind.GOOD,
            f"{_name(connection)} is loaded {SCHEDULES[connection.schedule]} from now on.",
            connection.id,
        ),
        change.user,
    )


@router.post("/sentry/{connection_id}/load")
def load(connection_id: str, change: Connecting, works: Works) -> Response:
    """Load a connection now."""
    connection = _in_state(works, connection_id, State.CONNECTED)
    return _home(_start(connection, change.user), change.user)


@router.get("/sentry/{connection_id}/disconnect")
def confirm(connection_id: str, request: Request, user: PageDisconnector, works: Works) -> Response:
    """Ask whether a connection is really to be ended."""
    connection = _in_state(works, connection_id, State.CONNECTED, State.DISCONNECTED)
    report = works.registry.reports.of(connection.id)
    return pages.page(
        request,
        user,
        "disconnect.html",
        connection_id=connection.id,
        name=_name(connection),
        rows=sum(report.published.values()),
    )


@router.post("/sentry/{connection_id}/disconnect")
def disconnect(connection_id: str, change: Disconnecting, works: Works) -> Response:
    """End a connection, and have everything that was collected deleted."""
    before = _in_state(works, connection_id, State.CONNECTED, State.DISCONNECTED)
    works.registry.disconnect(connection_id, change.user.id)
    # If this fails, the schedule of that DAG does it later.
    airflow.start_purge(connection_id, change.user)
    return _home(
        Message(
            Kind.GOOD,
            f"{_name(before)} is disconnected, and everything that was collected is being deleted. "
            "Remove the access in Sentry, too: User settings ▸ Authorized Applications.",
            connection_id,
        ),
        change.user,
    )


# Parts of these


def _shown(overview: Overview) -> dict[str, Any]:
    names = ("cards", "total", "number", "pages", "now", "summary", "every", "shown")
    return {name: getattr(overview, name) for name in names}


def _answer(request: Request) -> dict[str, str]:
    """Return what Sentry's answer says, of each name the first value."""
    try:
        found = parse_qs(request.scope[ANSWER].decode("ascii", "replace"), max_num_fields=20)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


def _number(page: str) -> int:
    return int(page) if re.fullmatch(r"[0-9]{1,6}", page) else 1


def _name(connection: Connection) -> str:
    return connection.organization_slug or connection.id


def _in_state(works: Services, connection_id: str, *states: State) -> Connection:
    connection = works.registry.get(connection_id)
    if connection.state not in states:
        raise Refused(
            409,
            "This cannot be done now",
            f"The connection is {connection.state}. Go back to Integrations to see what can be "
            "done with it.",
        )
    return connection


def _home(message: Message, user: User) -> Response:
    """Return the way back to the page, with a message on it."""
    return signing.keep_message(RedirectResponse(f"{pages.here()}/", 303), message, user.id)


def _to_sentry(
    request: Request, user: User, works: Services, connection_id: str | None
) -> Response:
    setup = works.setup()
    if setup.redirect_uri is None or setup.problem is not None:
        return _home(Message(Kind.BAD, setup.problem or ""), user)
    if (origin := request.headers.get("origin")) not in {None, airflow.origin()}:
        return _home(
            Message(
                Kind.BAD,
                f"Sentry sends people back to {airflow.base_url()}, and you are at {origin}. Open "
                "Airflow there, and connect again.",
            ),
            user,
        )
    try:
        begun: Begun = works.authorizing.begin(user.id, setup.redirect_uri, connection_id)
    except FAILURES as failure:
        return _home(_failed(failure), user)
    response: HTMLResponse = pages.page(request, user, "leave.html", address=begun.url)
    signing.keep_flow(response, begun.nonce)
    return response


def _completed(completed: Completed, user: User) -> Response:
    """Return where to go on, and have data loaded at once."""
    connection = completed.connection
    if completed.choices:
        to = f"{pages.here()}/sentry/{connection.id}/organization"
        return RedirectResponse(to, 303)
    # The DAG of a new connection is not there yet: it starts by itself when it is.
    if completed.is_reconnected:
        airflow.start_load(connection.id, user)
        text = f"{_name(connection)} is connected again, and loads go on where they stopped."
    else:
        text = f"{_name(connection)} is connected. The first load starts within a minute."
    return _home(Message(Kind.GOOD, text, connection.id), user)


def _failed(failure: Exception) -> Message:
    """Return what a failure to connect tells the user: our own sentence, whatever it was."""
    existing = failure.connection.id if isinstance(failure, AlreadyConnected) else None
    return Message(Kind.BAD, str(failure), existing)


def _start(connection: Connection, user: User) -> Message:
    """Start a load, unless something is in its way; return what came of it."""
    dag = airflow.load_dags([connection.id]).get(connection.id)
    name = _name(connection)
    if dag is None:
        return Message(
            Kind.NOTE,
            f"Airflow has no DAG for {name} yet. The load starts by itself as soon as it does, "
            "usually within a minute.",
            connection.id,
        )
    if dag.is_paused:
        return Message(
            Kind.BAD,
            f"Nothing was started: the DAG of {name} is paused in Airflow. Switch it on there.",
            connection.id,
        )
    if dag.active is not None:
        state = "waits for its turn" if dag.active.state is RunState.QUEUED else "is running"
        return Message(Kind.NOTE, f"A load of {name} {state} already.", connection.id)
    if not airflow.start_load(connection.id, user):
        return Message(
            Kind.BAD,
            f"Airflow did not start a load of {name}. The log of its API server says why.",
            connection.id,
        )
    return Message(Kind.GOOD, f"A load of {name} starts now.", connection.id)

"""Templates, and answers made from them."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.connections.schedule import SCHEDULES
from include.web import airflow, times
from include.web.airflow import User
from include.web.cards import Card
from include.web.diagnosis import Place
from include.web.signing import BROWSER, form_token, keep_browser, new_browser
from include.web.texts import COLLECTED, NEVER_COLLECTED, SCOPES

HERE = Path(__file__).parent
STATIC = HERE / "static"


@cache
def environment() -> Environment:
    """Return the templates' environment. All text is escaped, and what is missing is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "clock": times.clock,
        "counted": times.counted,
        "relative": times.relative,
        "stamp": times.stamp,
    }
    made.globals |= {
        "collected": COLLECTED,
        "never_collected": NEVER_COLLECTED,
        "schedules": SCHEDULES,
        "scopes": SCOPES,
        "static": static_path,
        "places": places,
    }
    # Macros for every template, without an import at the top of each.
    made.globals |= {
        name: value
        for name, value in vars(made.get_template("macros.html").module).items()
        if not name.startswith("_")
    }
    return made


def here() -> str:
    """Return the page's path, without a slash at its end."""
    return f"{airflow.root()}/integrations"


def static_path(name: str) -> str:
    """Return the path of a file of ours, which changes when the file does."""
    return f"{here()}/static/{name}?{_version(name)}"


@cache
def _version(name: str) -> str:
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def places(card: Card) -> dict[Place, str]:
    """Return where in Airflow a connection's DAG is, and its runs."""
    dag = f"{airflow.root()}/dags/{airflow.load_dag_id(card.id)}"
    return {Place.DAG: dag, Place.RUNS: f"{dag}/runs", Place.DAGS: f"{airflow.root()}/dags"}


def text(template: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template shows
    """Return a template with values."""
    common = {"root": airflow.root(), "here": here(), "user": None}
    return environment().get_template(template).render(**common | values)


def page(
    request: Request,
    user: User,
    template: str,
    status: int = 200,
    **values: Any,  # noqa: ANN401 - whatever the template shows
) -> HTMLResponse:
    """Return a page for a user, whose forms only they can send, from this browser.

    Args:
        request: What is answered.
        user: For whom it is.
        template: Which page.
        status: Of the answer.
        values: What the template shows.
    """
    kept = request.cookies.get(BROWSER)
    browser = kept or new_browser()
    token = form_token(user.id, browser)
    response = HTMLResponse(text(template, user=user, token=token, **values), status)
    if not kept:
        keep_browser(response, browser)
    return response


def problem(title: str, sentence: str, status: int, user: User | None = None) -> HTMLResponse:
    """Return a page that says what is wrong."""
    return HTMLResponse(text("problem.html", title=title, sentence=sentence, user=user), status)

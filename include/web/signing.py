"""What we give browsers to keep, signed so that nobody else can make it.

Three cookies, none of them readable by scripts, all limited to the page's own path:

| cookie | holds | lives |
|---|---|---|
| `corvana_browser` | a random value that forms are bound to | until the browser is closed |
| `corvana_message` | one message for the next page | until it is shown, a few minutes at most |
| `corvana_flow` | a random value that Sentry's answer is bound to | ten minutes |
"""

import secrets
from dataclasses import asdict, dataclass
from enum import StrEnum
from hmac import compare_digest
from typing import TypeVar

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeSerializer, URLSafeTimedSerializer

from include.connections.authorizations import LIFETIME
from include.web import airflow

BROWSER = "corvana_browser"
MESSAGE = "corvana_message"
FLOW = "corvana_flow"

_MESSAGE_S = 300

AnyResponse = TypeVar("AnyResponse", bound=Response)


class Kind(StrEnum):
    """How a message is meant."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence of ours, shown once on the next page.

    Attributes:
        kind: How it is meant.
        text: The sentence.
        connection_id: The connection it is about; the page links to it.
    """

    kind: Kind
    text: str
    connection_id: str | None = None


def new_browser() -> str:
    """Return the value of a browser's cookie."""
    return secrets.token_urlsafe(24)


def form_token(user_id: str, browser: str) -> str:
    """Return what a form of a user in a browser must carry.

    It is the same as long as the cookie is: a page that is updated keeps its forms.
    """
    return str(_forms().dumps([user_id, browser]))


def is_form_token(token: str, user_id: str, browser: str) -> bool:
    """Tell whether a form was made by us, for this user, in this browser."""
    try:
        made_for = _forms().loads(token)
    except BadData:
        return False
    if not (isinstance(made_for, list) and len(made_for) == 2):
        return False
    return made_for[0] == user_id and compare_digest(str(made_for[1]), browser)


def keep_browser(response: Response, browser: str) -> None:
    """Have the browser keep what its forms are bound to."""
    _set(response, BROWSER, browser, None)


def keep_message(response: AnyResponse, message: Message, user_id: str) -> AnyResponse:
    """Have the browser keep a message for the next page that a user sees."""
    text = _messages().dumps({**asdict(message), "user": user_id})
    _set(response, MESSAGE, str(text), _MESSAGE_S)
    return response


def kept_message(request: Request, user_id: str) -> Message | None:
    """Return the message that a browser kept, if it is for this user."""
    try:
        kept = _messages().loads(request.cookies.get(MESSAGE, ""), max_age=_MESSAGE_S)
        if kept.pop("user") != user_id:
            return None
        return Message(Kind(kept["kind"]), kept["text"], kept["connection_id"])
    except (BadData, AttributeError, KeyError, TypeError, ValueError):
        return None


def forget_message(response: Response) -> None:
    """Have the browser forget the message, which was shown."""
    _delete(response, MESSAGE)


def keep_flow(response: Response, nonce: str) -> None:
    """Have the browser keep what Sentry's answer will be bound to.

    Lax, as that answer is a navigation from Sentry's site.
    """
    _set(response, FLOW, nonce, int(LIFETIME.total_seconds()))


def forget_flow(response: Response) -> None:
    """Have the browser forget what Sentry's answer was bound to."""
    _delete(response, FLOW)


def _forms() -> URLSafeSerializer:
    return URLSafeSerializer(airflow.signing_key(), salt="corvana-form")


def _messages() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(airflow.signing_key(), salt="corvana-message")


def _path(cookie: str) -> str:
    return f"{airflow.root()}/integrations{'/sentry' if cookie == FLOW else ''}"


def _set(response: Response, cookie: str, value: str, max_age: int | None) -> None:
    response.set_cookie(
        cookie,
        value,
        max_age=max_age,
        path=_path(cookie),
        httponly=True,
        samesite="lax",
        secure=(airflow.base_url() or "").startswith("https://"),
    )


def _delete(response: Response, cookie: str) -> None:
    response.delete_cookie(cookie, path=_path(cookie), httponly=True, samesite="lax")

"""Who may do what, and whether a change was really asked for by who seems to ask."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import Depends, Request

from include.web import airflow
from include.web.airflow import User
from include.web.signing import BROWSER, is_form_token

LARGEST_FORM = 16_384
"""Bytes; ours have a few hundred."""

FORM = "application/x-www-form-urlencoded"


class SignedOut(Exception):
    """Nobody is signed in to Airflow.

    Attributes:
        is_page: A person asked for a page, and can be sent to sign in.
    """

    def __init__(self, *, is_page: bool) -> None:
        super().__init__("Nobody is signed in.")
        self.is_page = is_page


class Refused(Exception):
    """A request that is not answered as it was meant.

    Attributes:
        status: Of the answer.
        title: What is wrong, in a few words.
        sentence: What is wrong, and what to do about it.
    """

    def __init__(self, status: int, title: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.title = title
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a user asked for.

    Attributes:
        user: The user, who may make it.
        fields: What the form said.
    """

    user: User
    fields: dict[str, str]


async def page_viewer(request: Request) -> User:
    """Return who asks for a page.

    Raises:
        SignedOut: Nobody is signed in.
    """
    return await _signed_in(request, is_page=True)


async def viewer(request: Request) -> User:
    """Return who asks for something that is no page of its own.

    Raises:
        SignedOut: Nobody is signed in.
    """
    return await _signed_in(request, is_page=False)


async def page_connector(user: Annotated[User, Depends(page_viewer)]) -> User:
    """Return who asks for a page of those who may connect.

    Raises:
        Refused: They may not.
        SignedOut: Nobody is signed in.
    """
    return _connector(user)


async def page_disconnector(user: Annotated[User, Depends(page_viewer)]) -> User:
    """Return who asks for a page of those who may disconnect; raises as `page_connector`."""
    return _disconnector(user)


async def connecting(request: Request, user: Annotated[User, Depends(viewer)]) -> Change:
    """Return a change that a user who may connect has asked for.

    Raises:
        Refused: They may not, or it was not they who asked.
        SignedOut: Nobody is signed in.
    """
    return await _change(request, _connector(user))


async def disconnecting(request: Request, user: Annotated[User, Depends(viewer)]) -> Change:
    """Return a change that a user who may disconnect has asked for; raises as `connecting`."""
    return await _change(request, _disconnector(user))


PageViewer = Annotated[User, Depends(page_viewer)]
Viewer = Annotated[User, Depends(viewer)]
PageConnector = Annotated[User, Depends(page_connector)]
PageDisconnector = Annotated[User, Depends(page_disconnector)]
Connecting = Annotated[Change, Depends(connecting)]
Disconnecting = Annotated[Change, Depends(disconnecting)]


async def _signed_in(request: Request, *, is_page: bool) -> User:
    user = await airflow.signed_in(request)
    if user is None:
        raise SignedOut(is_page=is_page)
    return user


def _connector(user: User) -> User:
    if not user.may_connect:
        raise Refused(
            403,
            "You may look, but not change anything",
            "Connecting organizations and changing connections takes the right to edit Airflow's "
            "connections (role Op or Admin). Ask whoever runs Airflow for it.",
        )
    return user


def _disconnector(user: User) -> User:
    if not user.may_disconnect:
        raise Refused(
            403,
            "You may look, but not change anything",
            "Disconnecting takes the right to delete Airflow's connections (role Op or Admin). "
            "Ask whoever runs Airflow for it.",
        )
    return user


async def _change(request: Request, user: User) -> Change:
    if not _is_from_here(request):
        raise Refused(
            403,
            "This came from another site",
            "The request was sent by another site than this one, so nothing was changed. If it was "
            "you: open Airflow at the address that [api] base_url names, and try again.",
        )
    fields = await _fields(request)
    browser = request.cookies.get(BROWSER, "")
    if not browser or not is_form_token(fields.pop("token", ""), user.id, browser):
        raise Refused(
            403,
            "This form is too old",
            "The form was made for another sign-in or browser session, so nothing was changed. "
            "Go back to Integrations and try again.",
        )
    return Change(user, fields)


def _is_from_here(request: Request) -> bool:
    """Tell whether a page of this site sent a form; every browser says one or the other."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is None and origin is None:
        return False
    if site is not None and site != "same-origin":
        return False
    return origin is None or origin in _origins(request)


def _origins(request: Request) -> set[str]:
    """Return the origins that are this site: as it is set up, and as it was asked."""
    host = request.headers.get("host", "")
    ours = {f"{scheme}://{host}" for scheme in ("http", "https")}
    if (origin := airflow.origin()) is not None:
        ours.add(origin)
    return ours


async def _fields(request: Request) -> dict[str, str]:
    """Return the fields of a form, of each the first value."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise Refused(415, "This is no form", "Use the buttons on the page Integrations.")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            raise Refused(413, "This is too much", "Use the buttons on the page Integrations.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise Refused(
            400, "This cannot be read", "Use the buttons on the page Integrations."
        ) from None
    return {name: values[0] for name, values in fields.items()}

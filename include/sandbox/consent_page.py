"""The pages of `/oauth/authorize/`: plain HTML that works without scripts."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response

from include.sandbox.responses import usual_headers
from include.sandbox.scopes import SCOPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from include.sandbox.clock import Clock

CSRF_FIELD = "csrfmiddlewaretoken"
ORGANIZATION_FIELD = "selected_organization_id"
STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 30rem; margin: 2rem auto; padding: 0 1rem; }
main { border: 1px solid #8888; border-radius: .75rem; padding: 0 1.5rem 1.5rem; }
h1 { font-size: 1.25rem; }
.stand-in { border-left: .25rem solid #c60; padding-left: .75rem; }
fieldset { border: 1px solid #8888; border-radius: .5rem; margin: 1rem 0; }
fieldset label { display: block; padding: .25rem 0; }
button { font: inherit; padding: .5rem 1.25rem; border: 1px solid #8888; border-radius: .5rem; }
.approve { background: #1a5fb4; border-color: #1a5fb4; color: #fff; margin-right: .5rem; }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"
"""Content-Security-Policy. There is no `form-action` in it on purpose: browsers would hold it
against the redirect that answers the form, and the user could not go back to the application."""
STAND_IN = "Sandbox &ndash; a stand-in Sentry"


def page(status: int, content: str, clock: Clock, **headers: str) -> Response:
    """Return a page that no other page may frame and no cache may keep."""
    protection = {
        "Content-Security-Policy": POLICY,
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }
    document = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{STAND_IN}</title><style>{STYLE}</style></head>"
        f'<body><main><p class="stand-in"><strong>{STAND_IN}.</strong> All of its data is '
        f"invented.</p>{content}</main></body></html>"
    )
    return HTMLResponse(document, status, {**usual_headers(clock), **protection, **headers})


def refusal(sentence: str) -> str:
    """Return the content of a page that goes nowhere."""
    return f"<h1>This did not work</h1><p>{escape(sentence)}</p>"


def question(
    name: str, scopes: Sequence[str], organizations: Mapping[str, str], csrf_token: str
) -> str:
    """Return the question to the user, as a form.

    Args:
        name: Of the application.
        scopes: What it wants.
        organizations: Slugs by id, where the user has to choose one.
        csrf_token: Comes back with the answer.
    """
    wishes = "".join(
        f"<li>{escape(SCOPES[scope])} (<code>{escape(scope)}</code>)</li>" for scope in scopes
    )
    return (
        f"<h1>{escape(name)} would like to connect to your Sentry account</h1>"
        f"<p>It asks for permission to:</p><ul>{wishes}</ul>"
        f'<form method="post"><input type="hidden" name="{CSRF_FIELD}" value="{csrf_token}">'
        f"{_choice(organizations)}"
        '<button class="approve" name="op" value="approve">Approve</button>'
        '<button name="op" value="deny" formnovalidate>Deny</button></form>'
    )


def _choice(organizations: Mapping[str, str]) -> str:
    if not organizations:
        return ""
    options = "".join(
        f'<label><input type="radio" name="{ORGANIZATION_FIELD}" value="{escape(key)}" required> '
        f"{escape(slug)}</label>"
        for key, slug in organizations.items()
    )
    return f"<fieldset><legend>Organization</legend>{options}</fieldset>"

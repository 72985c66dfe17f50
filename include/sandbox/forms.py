"""Form-encoded request bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from starlette.requests import Request


async def read_form(request: Request) -> dict[str, str]:
    """Read a form-encoded body; any other is an empty form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return {}
    return dict(parse_qsl((await request.body()).decode("latin-1"), keep_blank_values=True))

"""Airflow's plugin: the page, mounted in the API server, and its place in the navigation.

Every process of Airflow loads plugins, tasks too, so this module imports next to nothing; the page
itself is imported by the first request for it.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import cache
from typing import Any

from airflow.plugins_manager import AirflowPlugin

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class IntegrationsPage:
    """The page as an ASGI application, which is made when it is asked for first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await _page()(scope, receive, send)


@cache
def _page() -> App:
    from include.web.app import page  # noqa: PLC0415 - see above

    return page()


class CorvanaPlugin(AirflowPlugin):
    """Adds the page to Airflow.

    Its entry in the navigation is a React application that does nothing but go on to the page,
    which is one of its own: within the frame that Airflow has for other pages, nothing may navigate
    to Sentry. An external view that is no frame would be a button that does nothing in 3.3.2.
    """

    name = "corvana"
    fastapi_apps = [  # noqa: RUF012 - as Airflow declares it
        {"app": IntegrationsPage(), "url_prefix": "/integrations", "name": "Integrations"}
    ]
    react_apps = [  # noqa: RUF012 - as Airflow declares it
        {
            "name": "Integrations",
            "bundle_url": "integrations/static/navigation.js",
            "destination": "nav",
            "url_route": "integrations",
            "nav_top_level": True,
        }
    ]

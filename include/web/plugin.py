"""Airflow's plugin: the page and `/corvana/health`, mounted in the API server, and the navigation.

Every process of Airflow loads plugins, tasks too, so this module imports next to nothing; what
answers is imported by the first request for it.
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


class HealthApp:
    """`/corvana/health` as an ASGI application, which is made when it is asked for first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await _health()(scope, receive, send)


@cache
def _health() -> App:
    from include.web.health import app  # noqa: PLC0415 - see above

    return app()


@cache
def _page() -> App:
    from include.web.app import page  # noqa: PLC0415 - see above

    return page()


class CorvanaPlugin(AirflowPlugin):
    """Adds the page and the answer about health to Airflow.

    Its entries in the navigation are React applications that do nothing but go on to pages of its
    own: within the frame that Airflow has for other pages, nothing may navigate to Sentry. An
    external view that is no frame would be a button that does nothing in 3.3.2.
    """

    name = "corvana"
    fastapi_apps = [  # noqa: RUF012 - as Airflow declares it
        {"app": IntegrationsPage(), "url_prefix": "/integrations", "name": "Integrations"},
        {"app": HealthApp(), "url_prefix": "/corvana", "name": "Health of corvana-sentry"},
    ]
    react_apps = [  # noqa: RUF012 - as Airflow declares it
        {
            "name": "Integrations",
            "bundle_url": "integrations/static/navigation.js",
            "destination": "nav",
            "url_route": "integrations",
            "nav_top_level": True,
        },
        {
            "name": "Sentry reports",
            "bundle_url": "integrations/static/navigation.js",
            "destination": "nav",
            "url_route": "sentry-reports",
            "nav_top_level": True,
        },
    ]

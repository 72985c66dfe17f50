"""A small organization and a running sandbox for the tests beside this file."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from include.sandbox.generate import DEFAULT_NOW, generate
from include.sandbox.server import Running, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from include.sandbox.organization import Organization


@dataclass(frozen=True)
class Api:
    """A client of a sandbox, with the addresses cut short."""

    sandbox: Running
    client: httpx.Client
    organization: Organization

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.client.get(f"{self.organization.id}/{path}", params=params)

    def rows(self, path: str, **params: Any) -> Any:
        response = self.get(path, **params)
        assert response.status_code == 200, response.text
        return response.json()

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        response = self.get(path, **params)
        while True:
            assert response.status_code == 200, response.text
            yield response.json()
            following = response.links["next"]
            if following["results"] == "false":
                return
            response = self.client.get(following["url"])

    def search(self, **params: Any) -> list[Any]:
        wanted = {"project": -1, "query": "", "groupStatsPeriod": ""} | params
        return [row for page in self.pages("issues/", **wanted) for row in page]


@pytest.fixture(scope="session")
def organization() -> Organization:
    return generate(seed=7, now=DEFAULT_NOW, issues=300)


@contextmanager
def connected(organization: Organization, at: datetime | None = None) -> Iterator[Api]:
    with running(organization) as sandbox:
        if at is not None:
            sandbox.clock.advance((at - organization.now).total_seconds())
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        base_url = f"{sandbox.base_url}/api/0/organizations/"
        with httpx.Client(base_url=base_url, headers=headers) as client:
            yield Api(sandbox, client, organization)


@pytest.fixture(scope="module")
def api(organization: Organization) -> Iterator[Api]:
    """A sandbox whose clock stands at its start; tests must not move it."""
    with connected(organization) as client:
        yield client


@pytest.fixture
def at_time(organization: Organization) -> Callable[[datetime], AbstractContextManager[Api]]:
    """Open a sandbox of one's own at a later time."""
    return partial(connected, organization)

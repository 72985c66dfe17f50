"""The page as a whole: the cards of the connections, and how they are gathered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from include.connections.registry import Connection
from include.connections.states import State
from include.web import airflow
from include.web.cards import Card, attention_first, card, summary
from include.web.diagnosis import Seen
from include.web.services import Services

PER_PAGE = 50
"""Cards of one page."""

EVERY_S = 3
"""Seconds between two looks while something is going on."""

EVERY_IDLE_S = 60
"""Seconds between two looks while nothing is."""

SHOWN = (State.CONNECTING, State.CONNECTED, State.DISCONNECTED, State.DISCONNECTING)
"""States of connections that have a card."""

_ORDER = {State.CONNECTING: 0, State.DISCONNECTED: 1, State.CONNECTED: 2, State.DISCONNECTING: 3}


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows.

    Attributes:
        cards: Of this page.
        total: Connections there are.
        number: Which page.
        pages: How many there are.
        now: The moment it is made for.
        summary: All connections in a sentence; None where that says nothing.
    """

    cards: Sequence[Card]
    total: int
    number: int
    pages: int
    now: datetime
    summary: str | None

    @property
    def every(self) -> int:
        """Seconds until it is worth looking again."""
        return EVERY_S if any(one.is_moving for one in self.cards) else EVERY_IDLE_S

    @property
    def shown(self) -> set[str]:
        """Ids of the connections on this page."""
        return {one.id for one in self.cards}


def look(services: Services, number: int) -> Overview:
    """Return what is seen of the connections of one page.

    Args:
        services: What the page works with.
        number: Which page; the nearest there is.
    """
    now = datetime.now(UTC)
    connections = sorted(
        services.registry.in_state(*SHOWN), key=lambda one: (_ORDER[one.state], one.created_at)
    )
    pages = max(1, ceil(len(connections) / PER_PAGE))
    number = min(max(1, number), pages)
    here = connections[(number - 1) * PER_PAGE : number * PER_PAGE]
    return Overview(
        cards=attention_first(_cards(services, here, now)),
        total=len(connections),
        number=number,
        pages=pages,
        now=now,
        summary=summary(connections) if len(connections) > 1 else None,
    )


def _cards(services: Services, connections: Sequence[Connection], now: datetime) -> list[Card]:
    if not connections:
        return []
    registry = services.registry
    dags, health = airflow.load_dags([one.id for one in connections]), airflow.health()
    return [
        card(
            Seen(one, registry.reports.of(one.id), dags.get(one.id), health, now),
            registry.transitions(one.id),
        )
        for one in connections
    ]

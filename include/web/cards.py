"""What a card of the page says about one connection. Pure: given what is seen, to be rendered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from include.connections.registry import Connection, Transition
from include.connections.reports import Coverage, LoadReport, Reading, Step
from include.connections.schedule import SCHEDULES, next_load
from include.connections.states import SENTENCES, State
from include.web.airflow import RunState
from include.web.diagnosis import STEPS, Finding, Seen, diagnose, purge_notice
from include.web.texts import MARTS, TABLES, TRANSITIONS
from include.web.times import counted, took

FRESH = timedelta(days=1)
"""How long the arrival of the first data is news."""

HISTORY = 12
"""Changes of state that are shown, newest first."""


class Tone(StrEnum):
    """How a state looks: never by colour alone, each tone has a shape and a word."""

    GOOD = "good"
    WAIT = "wait"
    BAD = "bad"
    QUIET = "quiet"


class Mode(StrEnum):
    """What can be done with a connection."""

    CHOOSE = "choose"
    LOAD = "load"
    RECONNECT = "reconnect"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Progress:
    """One bar of a load's progress.

    Attributes:
        what: Of which kind.
        done, total: How many, of how many; None while nobody knows.
    """

    what: str
    done: int
    total: int | None

    @property
    def text(self) -> str:
        """The progress in numbers."""
        return f"{self.done:,}" if self.total is None else f"{self.done:,} of {self.total:,}"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a table of numbers.

    Attributes:
        name: As the warehouse calls it.
        meaning: What it is, for people; None where the name says all.
        count: The number.
    """

    name: str
    meaning: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a connection's state.

    Attributes:
        at: When.
        what: What happened.
        who: Airflow's id of the user, or the part of the software.
        why: The reason, if there is one.
    """

    at: datetime
    what: str
    who: str
    why: str | None


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown of one connection.

    Attributes:
        seen: What all of it is made from.
        events: Its latest changes of state, newest first.
    """

    seen: Seen
    events: Sequence[Event]

    @property
    def id(self) -> str:
        """The connection's id."""
        return self.seen.connection.id

    @property
    def connection(self) -> Connection:
        """The connection."""
        return self.seen.connection

    @property
    def report(self) -> LoadReport:
        """What its loads wrote down."""
        return self.seen.report

    @property
    def coverage(self) -> Coverage | None:
        """How much of the organization is read."""
        return self.seen.report.coverage

    @property
    def title(self) -> str:
        """The organization, as people know it."""
        return self.connection.organization_slug or "An organization to be chosen"

    @property
    def server(self) -> str:
        """The host of its Sentry server."""
        return urlsplit(self.connection.base_url).netloc or "-"

    @property
    def word(self) -> str:
        """The state in a word."""
        return self.connection.state.capitalize()

    @property
    def tone(self) -> Tone:
        """How the state looks."""
        return {
            State.CONNECTING: Tone.WAIT,
            State.CONNECTED: Tone.GOOD,
            State.DISCONNECTED: Tone.BAD,
        }.get(self.connection.state, Tone.QUIET)

    @property
    def mode(self) -> Mode:
        """What can be done with it."""
        return {
            State.CONNECTING: Mode.CHOOSE,
            State.CONNECTED: Mode.LOAD,
            State.DISCONNECTED: Mode.RECONNECT,
        }.get(self.connection.state, Mode.NONE)

    @property
    def is_loading(self) -> bool:
        """Whether a load is under way, or about to be."""
        return self.connection.state is State.CONNECTED and (
            self.seen.is_running or self.seen.is_expected
        )

    @property
    def is_moving(self) -> bool:
        """Whether what is shown changes by itself in the next seconds."""
        return self.is_loading or self.connection.state is State.DISCONNECTING

    @property
    def headline(self) -> str:
        """The state of things in a line; announced when it changes."""
        return _headline(self)

    @property
    def step(self) -> Step | None:
        """What the run under way is doing."""
        return self.seen.step if self.is_loading else None

    @property
    def progress(self) -> list[Progress]:
        """How far the load under way is, by kind."""
        if self.step is not Step.LOAD:
            return []
        return [_progress(one) for one in self.report.readings]

    @property
    def next_load(self) -> datetime | None:
        """When it is loaded next, if it is."""
        if self.connection.state is not State.CONNECTED:
            return None
        if self.seen.dag is not None and self.seen.dag.is_paused:
            return None
        return next_load(self.id, self.connection.schedule, self.seen.now)

    @property
    def is_paused(self) -> bool:
        """Whether somebody switched its DAG off."""
        return self.seen.dag is not None and self.seen.dag.is_paused

    @property
    def schedule(self) -> str:
        """How often it is loaded, for people."""
        return SCHEDULES[self.connection.schedule]

    @property
    def reason(self) -> str | None:
        """Why it is disconnected, and what to do."""
        reason = self.connection.reason
        return None if reason is None else SENTENCES[reason]

    @property
    def purge_notice(self) -> str | None:
        """When its data is deleted, if it is disconnected."""
        return purge_notice(self.seen)

    @property
    def failed(self) -> str | None:
        """What failed last, and what to do about it, while that stands."""
        if self.connection.state is not State.CONNECTED:
            return None
        return self.report.failed

    @property
    def first_data(self) -> str | None:
        """How long after the consent the first marts were published; None before that."""
        first = self.report.first_published_at
        return None if first is None else took(first - self.connection.created_at)

    @property
    def is_fresh(self) -> bool:
        """Whether the first data has just arrived."""
        first = self.report.first_published_at
        return first is not None and self.seen.now - first < FRESH

    @property
    def changed(self) -> int:
        """Issues that were new or changed at the last load."""
        return sum(self.report.changes.values())

    @property
    def changes(self) -> list[tuple[str, int]]:
        """The same by reason, most frequent first."""
        return sorted(self.report.changes.items(), key=lambda one: -one[1])

    @property
    def written(self) -> int:
        """Rows that the last load wrote."""
        return sum(self.report.rows.values())

    @property
    def tables(self) -> list[Line]:
        """The same by table."""
        return _lines(self.report.rows, TABLES)

    @property
    def published(self) -> int:
        """Rows of the published marts."""
        return sum(self.report.published.values())

    @property
    def marts(self) -> list[Line]:
        """The same by mart."""
        return _lines(self.report.published, MARTS)

    @property
    def warnings(self) -> list[tuple[str, int]]:
        """What was odd at the last load, most frequent first."""
        return sorted(self.report.warnings.items(), key=lambda one: -one[1])

    @property
    def findings(self) -> list[Finding]:
        """Why there may be no data."""
        return diagnose(self.seen)


def card(seen: Seen, transitions: Sequence[Transition]) -> Card:
    """Return the card of a connection.

    Args:
        seen: What is seen of it.
        transitions: Its changes of state, oldest first.
    """
    newest = list(reversed(transitions))[:HISTORY]
    return Card(seen, [_event(one) for one in newest])


def attention_first(cards: Sequence[Card]) -> list[Card]:
    """Return cards in the order in which somebody has to look at them."""
    order = {State.CONNECTING: 0, State.DISCONNECTED: 1, State.CONNECTED: 2}
    return sorted(cards, key=lambda one: (order.get(one.connection.state, 3), not one.failed))


def summary(connections: Sequence[Connection]) -> str:
    """Return how many connections are in which state, in a sentence."""
    counts = {
        state: sum(one.state is state for one in connections)
        for state in (
            State.CONNECTED,
            State.DISCONNECTED,
            State.CONNECTING,
            State.DISCONNECTING,
        )
    }
    parts = [f"{count:,} {state}" for state, count in counts.items() if count]
    return f"{counted(len(connections), 'organization')}: {', '.join(parts)}."


def _headline(one: Card) -> str:
    fixed = {
        State.CONNECTING: "Almost connected – choose an organization",
        State.DISCONNECTED: "Disconnected – loads have stopped",
        State.DISCONNECTING: "Disconnecting – everything that was collected is being deleted",
        State.PURGED: "Disconnected – everything that was collected is deleted",
    }
    if (headline := fixed.get(one.connection.state)) is not None:
        return headline
    if one.is_loading:
        return f"Connected – {'first load' if one.seen.is_first else 'load'} {_doing(one)}"
    if one.failed:
        return "Connected – the last load failed"
    if one.is_paused:
        return "Connected – paused in Airflow"
    if one.seen.is_first:
        return "Connected – no data yet"
    return "Connected – data is arriving"


def _doing(one: Card) -> str:
    active = one.seen.dag.active if one.seen.dag is not None else None
    if one.step is not None:
        return f"running: {STEPS[one.step]}"
    if active is not None and active.state is RunState.QUEUED:
        return "waits for its turn"
    return "running" if active is not None else "starts in a moment"


def _progress(reading: Reading) -> Progress:
    return Progress(reading.what, reading.done, reading.total)


def _lines(counts: dict[str, int], meanings: dict[str, str]) -> list[Line]:
    order = {name: at for at, name in enumerate(meanings)}
    names = sorted(counts, key=lambda name: (order.get(name, len(order)), name))
    return [Line(name, meanings.get(name), counts[name]) for name in names]


def _event(transition: Transition) -> Event:
    is_back = transition.from_state is State.DISCONNECTED
    what = (
        "Reconnected"
        if is_back and transition.to_state is State.CONNECTED
        else TRANSITIONS[transition.to_state]
    )
    why = transition.reason
    return Event(
        at=transition.at,
        what=what,
        who=transition.actor,
        why=None if why is None or why == "reconnected" else why.replace("_", " "),
    )

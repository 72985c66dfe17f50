"""Finds what is left of a connection, and deletes it where that is ours to do."""

import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from include.connections.states import State
from include.files import NotDeleted, remove
from include.purge.carrying_out import sentence
from include.purge.fingerprints import all_words
from include.purge.progress import Needles
from include.purge.receipts import Verified
from include.purge.step import Purging
from include.purge.verification import Findings, Trace, Verification
from include.warehouse.backend import warehouse_of
from include.warehouse.publishing import withdraw

log = logging.getLogger(__name__)

ROUNDS = 3
"""How often it is searched and deleted before somebody has to look why things come back."""

WAREHOUSE = "warehouse"
"""What a warehouse that is there again is called where places are counted."""


@dataclass(slots=True)
class Remains:
    """What was found at last, and on the way.

    Attributes:
        findings: Of the last search.
        deleted: How much was found and deleted, by place.
        is_warehouse_left: The warehouse is there and cannot be deleted, or cannot be looked for.
    """

    findings: Findings = field(default_factory=Findings)
    deleted: Counter[str] = field(default_factory=Counter)
    is_warehouse_left: bool = False

    @property
    def left(self) -> Counter[str]:
        """How much is left, by place."""
        left = Counter(trace.where for trace in self.findings.traces)
        return left + Counter({WAREHOUSE: int(self.is_warehouse_left)})

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left but, where others put it, the connection's id alone."""
        return not self.in_the_way

    @property
    def in_the_way(self) -> Counter[str]:
        """How much is left that has to be gone before there is a receipt, by place."""
        left = Counter(trace.where for trace in self.findings.traces if trace.is_blocking)
        return left + Counter({WAREHOUSE: int(self.is_warehouse_left)})

    def verified(self) -> Verified:
        """Return it as a receipt says it."""
        return Verified(
            is_clean=self.is_clean,
            places=[str(place) for place in self.findings.places],
            files=self.findings.files,
            bytes=self.findings.bytes,
            words=self.findings.words,
            marks=self.findings.marks,
            found=dict(self.deleted),
            left=dict(self.left),
        )


def search_and_delete(at: Purging, needles: Needles, *, with_registry: bool) -> Remains:
    """Search for what is left of a connection until nothing is, and delete what is found.

    Args:
        at: The purge.
        needles: The connection's fingerprints.
        with_registry: Search the registry, too, which has forgotten a connection that is purged.
    """
    since = at.connection.created_at
    verification = Verification(at.places, at.connection_id, since, needles)
    remains = Remains()
    _destroy_warehouse(at, remains)
    for _ in range(ROUNDS):
        remains.findings = verification.find(with_registry=with_registry)
        remains.findings.traces = _without_shared(at, remains.findings.traces)
        deletable = [trace for trace in remains.findings.traces if trace.is_deletable]
        if not deletable:
            break
        _withdraw(at)
        _delete(deletable, remains.deleted)
    for trace in remains.findings.traces:
        path = _masked(trace.path, needles)
        how_bad = logging.ERROR if trace.is_blocking else logging.WARNING
        log.log(how_bad, "something of %s is left in %s: %s", at.connection_id, trace.where, path)
    return remains


def _withdraw(at: Purging) -> None:
    """Have the views show nothing that is about to be deleted."""
    try:
        withdraw(at.settings.published_dir, at.connection_id)
    except Exception as failure:  # noqa: BLE001 - files that are left are found by the search
        log.error("the published tables: %s", sentence(failure))  # noqa: TRY400 - may hold anything


def _destroy_warehouse(at: Purging, remains: Remains) -> None:
    """Delete the warehouse, should it be there (again), wherever its kind keeps the data."""
    try:
        if not any(at.warehouse.measure().values()):
            return
        at.warehouse.destroy()
    except Exception as failure:  # noqa: BLE001 - whatever it is, the search goes on
        log.error("the warehouse: %s", sentence(failure))  # noqa: TRY400 - a traceback may hold anything
        remains.is_warehouse_left = True
    else:
        remains.deleted[WAREHOUSE] += 1


def _delete(traces: list[Trace], deleted: Counter[str]) -> None:
    for trace in traces:
        try:
            remove([trace.path])
        except NotDeleted as failure:
            log.error("%s: %s", trace.place, failure)  # noqa: TRY400 - a sentence
            continue
        deleted[trace.place] += 1


def _without_shared(at: Purging, traces: list[Trace]) -> list[Trace]:
    """Leave out what was found for words alone that other connections have, too.

    Two organizations can have a project or a version of the same name, or one in which the other's
    occurs, and one organization can be connected again. Looked up only if something was found: that
    takes opening their warehouses.
    """
    if not any(trace.needles for trace in traces):
        return traces
    words = "\n".join(_words_of_others(at))
    found = {needle for trace in traces for needle in trace.needles}
    shared = {needle for needle in found if needle in words}
    rest = [
        replace(trace, needles=trace.needles - shared, loose=trace.loose - shared)
        for trace in traces
    ]
    return [trace for trace in rest if trace.is_named or trace.needles]


def _words_of_others(at: Purging) -> set[str]:
    words: set[str] = set()
    for other in at.registry.in_state(State.CONNECTED, State.DISCONNECTED):
        words |= {other.organization_slug or "", other.organization_id or ""}
        try:
            with warehouse_of(at.settings, other.id).open_for_reading() as warehouse:
                words |= all_words(warehouse)
        except duckdb.Error:
            # Nothing loaded yet, or being written: a word of it is looked at again the next time.
            continue
    return words


def _masked(path: Path, needles: Needles) -> str:
    """Return a path for the log, which must not hold what is searched for."""
    text = str(path)
    for word in needles.words:
        text = text.replace(word, "…")
    return text

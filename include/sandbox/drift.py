"""Type drift: declared fields that some rows carry in another type than documented.

Sentry's answers have drifted before (annotations, owners); a connector has to lose the field, not
the load, and nothing of the value may get through. An issue's id, status and project id stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.sandbox import canaries
from include.sandbox.spoil import Row, Spoilage, always

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _text(field: str) -> Callable[[object, str], object]:
    return lambda _old, key: canaries.text(f"drift-{field}", key)


def _object(field: str) -> Callable[[object, str], object]:
    return lambda _old, key: {"name": canaries.text(f"drift-{field}", key)}


def _list(field: str) -> Callable[[object, str], object]:
    return lambda _old, key: [{"name": canaries.text(f"drift-{field}", key)}]


def _float(old: object, _key: str) -> object:
    return float(str(old)) + 0.5


ISSUE = Spoilage(
    (
        ("numComments", _text("numComments")),
        ("platform", _object("platform")),
        ("assignedTo", _list("assignedTo")),
        ("statusDetails", _list("statusDetails")),
        ("priorityLockedAt", _text("priorityLockedAt")),
        ("level", always(40)),
        ("lifetime.count", _float),
        ("count", _object("count")),
        ("priority", _object("priority")),
        ("substatus", _list("substatus")),
        ("isUnhandled", _text("isUnhandled")),
        ("derivedData", _text("derivedData")),
        ("project.platform", _object("project-platform")),
    ),
    clean=13,
)
PROJECT = Spoilage(
    (
        ("platform", _object("platform")),
        ("firstEvent", always(1_700_000_000)),
        ("hasAccess", _text("hasAccess")),
    ),
    clean=1,
)
ENVIRONMENT = Spoilage((("name", always(None)),), clean=1)
RELEASE = Spoilage(
    (
        ("versionInfo", _text("versionInfo")),
        ("newGroups", always(None)),
        ("deployCount", _text("deployCount")),
        ("dateReleased", always(1_700_000_000)),
        ("lastDeploy", _list("lastDeploy")),
    ),
    clean=5,
)
DEPLOY = Spoilage(
    (("dateStarted", always(1_700_000_000)), ("dateStarted", _list("start"))), clean=2
)
ACTIVITY = Spoilage(
    (
        ("data", _text("data")),
        ("data", _list("data")),
        ("data", always(None)),
        ("user", _text("user")),
    ),
    clean=12,
)
EVENT_COUNT = Spoilage(
    (
        ("count()", lambda old, _key: str(old)),
        ("count()", _text("count")),
        ("release", _object("release")),
        ("release", always(None)),
    ),
    clean=16,
    key="issue.id",
)


def spoil_outcomes(rows: Iterable[Row]) -> None:
    """Write the quantities of `stats_v2` as text, for one of the outcomes."""
    for row in rows:
        by, series = row["by"], row.get("series")
        if not isinstance(by, dict) or by.get("outcome") != "filtered":
            continue
        row["totals"] = {"sum(quantity)": canaries.text("drift-quantity")}
        if isinstance(series, dict):
            numbers = series["sum(quantity)"]
            row["series"] = {"sum(quantity)": [str(number) for number in numbers]}

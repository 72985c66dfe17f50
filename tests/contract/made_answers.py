"""Makes answers of Sentry's from the schemas of its API description, and changes types in them."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from msgspec import inspect

from dlt_sources.sentry import allowlist
from tests.contract.answers import CANARY, READERS, SHARED, declared_type, fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ORGANIZATION = "/api/0/organizations/{organization_id_or_slug}/"
DESCRIBED = {
    "organization": "",
    "projects": "projects/",
    "environments": "environments/",
    "releases": "releases/",
    "deploys": "releases/{version}/deploys/",
    "issues": "issues/",
    "issue": "issues/{issue_id}/",
    "outcomes": "stats_v2/",
    "event_counts": "events/",
}
SHOWN = {
    "activities": "constructed_issue_activities",
    "issue_counts": "constructed_issues_timeseries",
}


def answers(name: str) -> st.SearchStrategy[Any]:
    """Return a strategy for answers as the description has them, with what we need always there."""

    @st.composite
    def answer(draw: Callable[[Any], Any]) -> Any:
        found = made(schema(name), draw)
        found = complete(found, READERS[name][0], lambda kind: draw(VALID[kind]))
        for group in found["groups"] if name == "outcomes" else ():
            group["series"]["sum(quantity)"] = [draw(NUMBERS) for _ in found["intervals"]]
        return found

    return answer()


def schema(name: str) -> Any:
    if name in SHOWN:
        return inferred(json.loads((SHARED / "examples" / f"{SHOWN[name]}.json").read_bytes()))
    return description()["paths"][ORGANIZATION + DESCRIBED[name]]["get"]["responses"]["200"][
        "content"
    ]["application/json"]["schema"]


@cache
def description() -> Any:
    """The API description."""
    return json.loads((SHARED / "openapi.json").read_bytes())


def inferred(value: Any) -> Any:
    """Return the schema that an example shows."""
    if isinstance(value, dict):
        return {"type": "object", "properties": {key: inferred(one) for key, one in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": {"anyOf": [inferred(one) for one in value]}}
    names = {str: "string", bool: "boolean", int: "integer", float: "number"}
    return {"type": names[type(value)]} if value is not None else {"nullable": True}


TEXTS = st.sampled_from(["", "web", "shop@1.4.0", "production", "error", "ä", "7", "x" * 300])
TIMES = st.sampled_from(["2026-11-01T10:00:00Z", "2026-10-01T10:00:00.123456+02:00"])
NUMBERS = st.integers(0, 2**40)


def made(of: Any, draw: Callable[[Any], Any], depth: int = 0) -> Any:
    """Return a value of a schema."""
    several = of.get("anyOf") or of.get("oneOf") or of.get("allOf")
    if several:
        return made(draw(st.sampled_from(several)), draw, depth)
    if of.get("nullable") and draw(st.integers(0, 4)) == 0:
        return None
    if of.get("type") == "object" or "properties" in of:
        return made_object(of, draw, depth)
    if of.get("type") == "array":
        count = draw(st.integers(1, 3)) if depth < 3 else 1
        return [made(of.get("items") or {}, draw, depth + 1) for _ in range(count)]
    return draw(st.sampled_from(of["enum"]) if of.get("enum") else simple(of))


def simple(of: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for texts, numbers and the like."""
    if of.get("format") == "date-time":
        return TIMES
    kinds = {"string": TEXTS, "integer": NUMBERS, "number": NUMBERS, "boolean": st.booleans()}
    return kinds.get(of.get("type"), st.none())


def made_object(of: Any, draw: Callable[[Any], Any], depth: int) -> dict[str, Any]:
    required = of.get("required", ())
    found = {
        key: made(one, draw, depth + 1)
        for key, one in of.get("properties", {}).items()
        if key in required or draw(st.integers(0, 3))
    }
    more = of.get("additionalProperties")
    return found | ({"more": made(more, draw, depth + 1)} if isinstance(more, dict) else {})


def complete(value: Any, kind: Any, pick: Callable[[Any], Any], optional: bool = False) -> Any:  # noqa: FBT001, FBT002
    """Fill in the declared fields: the description forgets some and is wrong about others.

    Args:
        value: What there is.
        kind: What it is decoded as.
        pick: Returns a value of a simple type.
        optional: Fill in the optional ones, too.
    """
    declared = declared_type(kind, value)
    if isinstance(declared, inspect.ListType):
        items = value if isinstance(value, list) and value else [None]
        return [complete(one, declared.item_type, pick, optional) for one in items]
    if isinstance(declared, inspect.StructType):
        found = value if isinstance(value, dict) else {}
        needed = {one.encode_name for one in declared.fields if one.required or optional}
        fields = fields_of(declared, found)
        return found | {
            name: complete(found.get(name), one, pick, optional)
            for name, one in fields.items()
            if name in needed | found.keys()
        }
    return value if isinstance(declared, inspect.RawType) else pick(type(declared))


VALID = {
    inspect.StrType: TEXTS,
    inspect.IntType: NUMBERS,
    inspect.FloatType: NUMBERS,
    inspect.BoolType: st.booleans(),
    inspect.NoneType: st.none(),
    inspect.DateTimeType: TIMES,
}
ONE_OF_EACH = {
    inspect.StrType: "7",
    inspect.IntType: 7,
    inspect.FloatType: 7,
    inspect.BoolType: True,
    inspect.DateTimeType: "2026-11-01T10:00:00Z",
}


def full_answer(name: str) -> Any:
    """Return an answer that has every declared field, for each type of activity."""
    kind = READERS[name][0]
    types = list(allowlist.ACTIVITY_DATA)
    start = {"activity": [{"type": type_, "data": {}} for type_ in types]}
    answer = complete(start if name == "activities" else None, kind, ONE_OF_EACH.get, optional=True)
    if name == "activities":
        for activity, type_ in zip(answer["activity"], types, strict=True):
            activity["type"] = type_
    return answer


ODD: list[Any] = [
    CANARY,
    {CANARY: CANARY},
    [CANARY],
    [{CANARY: [CANARY]}],
    {},
    [],
    None,
    True,
    -1,
    2**63,
    10**40,
    1e308,
    0.5,
    "",
    "٣",
    "9" * 5_000,
    "2026-13-45T00:00:00Z",
    "2026-11-01T10:00:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
]
OTHER_TYPES = st.one_of(
    st.sampled_from(ODD),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.just(CANARY)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just(CANARY), inner),
        max_leaves=4,
    ),
)


def drift(answer: Any, kind: Any, draw: Callable[[Any], Any]) -> tuple[Any, bool]:
    """Give one to three declared fields values of another type.

    Returns:
        The answer, and whether one of the fields is needed, so that without it the answer is
        unusable.
    """
    places = list(declared_places(answer, kind))
    chosen = draw(st.lists(st.sampled_from(places), min_size=1, max_size=3, unique_by=str))
    for path, _ in sorted(chosen, key=lambda place: -len(place[0])):
        answer = changed(answer, path, draw(OTHER_TYPES))
    return answer, any(is_required for _, is_required in chosen)


def changed(answer: Any, path: list[str | int], value: Any) -> Any:
    """Return an answer with another value at one place."""
    if not path:
        return value
    copy = answer.copy()
    copy[path[0]] = changed(answer[path[0]], path[1:], value)
    return copy


def declared_places(value: Any, kind: Any, is_required: bool = True) -> Iterator[Any]:  # noqa: FBT001, FBT002
    """Yield the path of each declared field, and whether nothing on the way is optional."""
    declared = declared_type(kind, value)
    if isinstance(declared, inspect.ListType) and isinstance(value, list):
        for place, one in enumerate(value):
            yield from prefixed(place, declared_places(one, declared.item_type, is_required))
    if isinstance(declared, inspect.StructType) and isinstance(value, dict):
        required = {one.encode_name: one.required for one in declared.fields}
        for name, one in fields_of(declared, value).items():
            if name in value:
                both = is_required and required[name]
                yield [name], both
                yield from prefixed(name, declared_places(value[name], one, both))


def prefixed(step: str | int, places: Iterator[Any]) -> Iterator[Any]:
    return (([step, *path], is_required) for path, is_required in places)

"""Writes `docs/data-collected.md`: what is read, what is stored and what never is.

Run it with `python -m dlt_sources.sentry.data_collected > docs/data-collected.md`. Requests,
fields, columns and rules come from the code that collects: readings.py, endpoints.py, allowlist.py,
tables.py and vocabulary.py. Only the prose around them stands here.
"""

import inspect
import sys
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_type_hints

import pyarrow as pa
from msgspec import Struct, structs

from dlt_sources.sentry import allowlist
from dlt_sources.sentry.readings import NOT_ASKED, READINGS
from dlt_sources.sentry.tables import TABLES, Table

_OPENING = """\
<!-- Made by `make docs-data` from the code that collects. Change that, not this. -->
# What is collected from Sentry

This page lists everything that corvana-sentry reads from an organization's Sentry, everything it
stores, and what it cannot read. It is made from the code that does the reading, and a test fails
when the two differ.

How it is held to this list:

1. **Few requests.** The client is given one of the requests below, never an address. It only ever
   reads (`GET`), with the scopes `project:read`, `org:read` and `event:read`; tokens for that come
   from one other request, the last below.
2. **The list is the parser.** An answer is decoded straight into the fields below. Whatever else it
   holds is skipped while it is parsed and never becomes a value of the program. No answer is
   stored, logged, or quoted in an error.
3. **Texts are checked.** What should be a word of a list and is not is stored as `other`. A label
   that breaks its rule is stored as `withheld:` and a keyed hash. Both are counted, the text is
   gone.
4. **Tables have fixed columns.** Data goes to the warehouse in tables of exactly the columns below.
5. **Tests look for leaks.** All other fields of Sentry's published API description and of recorded
   answers are filled with marks; none may turn up in a table, a warning, a log or an error."""

_PEOPLE = """\
## People

Who an issue is assigned to, and who did something to it, is stored as a pseudonym: the first 32
hexadecimal digits of HMAC-SHA256 over `user:<id>` or `team:<id>`, keyed with a random salt that
each connection has of its own. Names and e-mails are not read at all. The same person has the same
pseudonym throughout a connection and another one in every other connection. Without the salt,
nobody can tell whose it is or try out ids. The salt is kept encrypted, apart from the data, and is
the first thing to be destroyed when the connection is removed.

## Labels that break their rule

They are stored as `withheld:` and the first 16 hexadecimal digits of HMAC-SHA256 over
`label:<text>` with the same salt. Equal labels stay equal in all tables, so that releases and
issues still meet, and the text is gone. An e-mail address, for this, is an `@` with text before it
and a domain after it that does not begin with a digit and ends in letters. That spares versions
such as `shop@1.4.0`. A mistake here costs the readable name and nothing else."""

KINDS = {
    "id": "An opaque identifier of Sentry's. It says which, not what. A person's or team's is only"
    " read to be made a pseudonym.",
    "enum": "A word from a list that Sentry fixes, or yes or no. It is stored as `other` if it is"
    " not on the list or, where the list grows with every SDK and detector, not a single word.",
    "time": "A moment. It says when, not what.",
    "count": "A number of things. It says how many, not which.",
    "label": "A name that the customer gave to a project, a release or an environment. It is needed"
    " to tell them apart, and held to a rule of length and characters.",
    "secret": "What opens the API. It is no part of the data: it is kept encrypted, apart from it,"
    " and destroyed when the connection is removed.",
}
"""What kinds of fields are read, and why each is structural."""


def document() -> str:
    """Return the page in Markdown."""
    parts = (
        _OPENING,
        _kinds(),
        _readings(),
        _data_of_activities(),
        _tables(),
        _never(),
        _PEOPLE,
    )
    return "\n\n".join(parts) + "\n"


def _kinds() -> str:
    rows = [(f"**{kind}**", why) for kind, why in KINDS.items()]
    return "## Kinds of fields\n\n" + _table(("kind", "what it is, and why it is structural"), rows)


def _readings() -> str:
    parts = ["## What is read"]
    for reading in READINGS:
        params = ", ".join(f"`{name}`" for name in sorted(reading.endpoint.params)) or "none"
        parts += [
            f"### `GET /api/0/{reading.endpoint.path}`",
            f"{reading.purpose} Scope: `{reading.endpoint.scope}`. Parameters: {params}.",
            _answer(reading.answer),
            f"Passed over: {reading.passed_over}.",
        ]
    parts += [
        "### Any request that Sentry refuses",
        "To tell a person what to do next. Nothing of it is kept.",
        _answer(allowlist.ErrorBody),
        "### `POST /oauth/token/`",
        (
            "No reading: it turns a consent into access, and renews that. It sends the id and"
            " secret of the OAuth application and what Sentry gave before. Of the answer, these are"
            " read; they are kept encrypted in the registry, apart from the data."
        ),
        _answer(allowlist.TokenResponse, allowlist.TokenRefusal),
        "Passed over: user.name, user.email, user.id, id_token.",
    ]
    return "\n\n".join(parts)


def _answer(*structs: type[Struct]) -> str:
    rows = [(f"`{path}`", kind, text) for one in structs for path, kind, text in _fields(one)]
    return _table(("field", "kind", "what it is"), rows)


def _data_of_activities() -> str:
    rows = [
        (f"`{name}`", f"`{path}`", kind, text)
        for name, struct in allowlist.ACTIVITY_DATA.items()
        for path, kind, text in _fields(struct)
    ]
    note = (
        "It depends on the type. Of any type that is not listed, also of types that Sentry will"
        " invent, only type, time and the pseudonym of who did it are kept; its `data` is not"
        " parsed."
    )
    table = _table(("type", "field", "kind", "what it is"), rows)
    return "\n\n".join(("### What is read of an activity's `data`", note, table))


def _tables() -> str:
    note = (
        "One database per connection; these tables, in the schema `raw`. The marts are made from"
        " them and from nothing else. Texts that we make ourselves (hashes, pseudonyms, names of"
        " tables) are marked *ours*."
    )
    parts = ["## What is stored", note]
    for name, table in TABLES.items():
        summary = inspect.cleandoc(table.row.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        columns = ("column", "type", "meaning", "rule")
        parts += [f"### `{name}`", summary, _table(columns, _columns(table))]
    return "\n\n".join(parts)


def _columns(table: Table) -> Iterator[tuple[str, ...]]:
    rules = table.rules()
    for column, meaning in table.descriptions().items():
        kind = table.schema.field(column).type
        rule = rules[column].meaning if column in rules else ""
        if not rule and kind == pa.string():
            rule = "*ours*"
        yield f"`{column}`", _TYPES[kind], meaning, rule


def _never() -> str:
    summary = (
        "Titles and messages of errors, stack traces, source code, tags, users' data, comments,"
        " names, e-mails, IP addresses, sessions, replays, commits, addresses of repositories,"
        " DSNs, keys, tokens, settings."
    )
    note = (
        "Sentry's scopes are broad: with ours, or little more, it would answer the requests below,"
        " too. So this is not left to the scopes. The client has no such request, and a test"
        " compares this list with those it has."
    )
    rows = [(f"`…/{part}/`", what) for part, what in NOT_ASKED.items()]
    table = _table(("address", "what it would show"), rows)
    return "\n\n".join(("## What is never collected", summary, note, table))


def _fields(struct: type[Struct], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield path, kind and description of each field of a Struct, those inside others included."""
    hints = get_type_hints(struct, include_extras=True)
    for field in structs.fields(struct):
        path = prefix + field.encode_name
        description = hints[field.name].__metadata__[0].description
        if description.partition(":")[0] not in KINDS and _inner(hints[field.name]) is None:
            yield path, "", description
            continue
        yield from _field(path, hints[field.name], description)


def _field(path: str, hint: Any, description: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401
    """Yield the field itself, or the fields of the object or objects that it holds."""
    inner = _inner(hint)
    if inner is None or inner is allowlist.Named:
        kind, _, text = description.partition(": ")
        yield (f"{path}.id" if inner else path), kind, text
        return
    if "str" in str(hint):
        yield path, *description.partition(": ")[::2]
    yield from _fields(inner, f"{path}[]." if "list[" in str(hint) else f"{path}.")


def _inner(hint: Any) -> type[Struct] | None:  # noqa: ANN401 - a type hint has no narrower type
    """Return the Struct inside a type hint, if there is one."""
    if isinstance(hint, type) and issubclass(hint, Struct):
        return hint
    return next((found for one in get_args(hint) if (found := _inner(one))), None)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


_TYPES = {
    pa.string(): "text",
    pa.int64(): "number",
    pa.float64(): "number",
    pa.bool_(): "yes or no",
    pa.timestamp("us", tz="UTC"): "time",
    pa.date32(): "date",
}


if __name__ == "__main__":
    sys.stdout.write(document())

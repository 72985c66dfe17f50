"""What is said about a variable that is wrong."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from include.variables.words import PREFIX, allowed, example, is_secret, variable

LONGEST_SHOWN = 60
"""Characters; a longer value is likely to be something else than was meant, a secret perhaps."""

OTHERS = frozenset({"CORVANA_SCREENSHOTS", "CORVANA_WAREHOUSE"})
"""Variables with our prefix that are no settings: of the tests, and of a run of dbt."""


def problems(invalid: ValidationError, fields: Mapping[str, FieldInfo]) -> str:
    """Return a sentence for each variable with a wrong value.

    Args:
        invalid: What pydantic found; its text would show values.
        fields: The settings.
    """
    return " ".join(
        dict.fromkeys(_problem(one, fields) for one in invalid.errors(include_url=False))
    )


def unknown(environment: Iterable[str], fields: Iterable[str]) -> list[str]:
    """Return a sentence for each variable that looks like a setting and is none.

    Args:
        environment: Names of all variables.
        fields: Names of the settings.
    """
    known = {variable(name) for name in fields}
    return [
        f"{name} is no setting, and has no effect.{_meant(name, known)}"
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known | OTHERS
    ]


def _meant(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.8)
    return f" Did you mean {near[0]}?" if near else " docs/settings.md lists those there are."


def _problem(error: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    if not error["loc"]:  # about several of them, and a whole sentence
        return error["msg"].removeprefix("Value error, ")
    name = str(error["loc"][0])
    field = fields[name]
    return (
        f"{variable(name)} {_given(field, error['input'])}: it must be {allowed(field)}, for "
        f"example {example(field)}."
    )


def _given(field: FieldInfo, value: object) -> str:
    """Return what was given, unless it might hold a secret: an address with a password in it."""
    if value is None:
        return "is not set"
    text = str(value)
    if is_secret(field) or "@" in text or len(text) > LONGEST_SHOWN:
        return "cannot be used"
    return f"is {text!r}"

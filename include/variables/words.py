"""What the value of a setting may be, in words: the same in the documentation and in errors."""

from dataclasses import dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

PREFIX = "CORVANA_"


@dataclass(frozen=True, slots=True)
class Form:
    """How a value is written, where its type does not say that.

    Attributes:
        text: What the value is: follows "must be".
        default: What stands for a default that is none to show.
    """

    text: str
    default: str | None = None


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def allowed(field: FieldInfo) -> str:
    """Return what a value may be, to follow "must be"."""
    if (form := _form(field)) is not None:
        return form.text
    kind = _kind(field)
    if get_origin(kind) is Literal:
        return " or ".join(str(one) for one in get_args(kind))
    if kind is bool:
        return "true or false"
    if kind in {int, float}:
        return _number("a whole number" if kind is int else "a number", field)
    return "a text"


def example(field: FieldInfo) -> str:
    """Return a value that is allowed."""
    return str((field.examples or [default(field)])[0])


def default(field: FieldInfo) -> str:
    """Return the default as it would be written, or what happens without a value."""
    form = _form(field)
    if form is not None and form.default is not None:
        return form.default
    value = field.get_default(call_default_factory=True)
    if value in {None, ()}:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a value must never be shown."""
    return _kind(field) is SecretStr


def _form(field: FieldInfo) -> Form | None:
    return next((one for one in field.metadata if isinstance(one, Form)), None)


def _kind(field: FieldInfo) -> Any:  # noqa: ANN401 - a type or what stands for one
    """Return the type of a value that is given, where none has to be."""
    kinds = [one for one in get_args(field.annotation) if one is not NoneType]
    is_optional = NoneType in get_args(field.annotation)
    return kinds[0] if is_optional else field.annotation


def _number(what: str, field: FieldInfo) -> str:
    """Return the bounds of a number in words."""
    bounds = {type(one): one for one in field.metadata if isinstance(one, (Ge, Gt, Le))}
    least, above, most = bounds.get(Ge), bounds.get(Gt), bounds.get(Le)
    upper = f"{most.le:,}" if isinstance(most, Le) else None
    if isinstance(above, Gt):
        return f"{what} above {above.gt}" + (f", at most {upper}" if upper else "")
    if isinstance(least, Ge):
        return f"{what} between {least.ge} and {upper}" if upper else f"{what}, at least {least.ge}"
    return f"{what}, at most {upper}" if upper else what

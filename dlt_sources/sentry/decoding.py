"""From a body to the Structs of the allowlist, without losing a row to a field that changed.

Where a body is as documented, msgspec decodes it in one go. Where it is not, the Structs are built
field by field: a declared field is cut out of the body undecoded and decoded for itself, and every
undeclared one is skipped as always. What cannot be read then is

- of a field with a default: `msgspec.UNSET`, counted in the warnings. It is neither absent nor
  null, so that whoever stores it can keep what was stored before;
- of a field without one: an error, because the row would be wrong or lost without anyone noticing.

No error and no warning holds a value: they name the place and the types.
"""

from collections import Counter
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Raw, Struct, ValidationError
from msgspec.structs import FieldInfo

T = TypeVar("T")

_ABSENT = Raw(b"")


def decode(content: bytes, kind: type[T], warnings: Counter[str]) -> T:
    """Return a body as the documented type.

    Args:
        content: JSON.
        kind: A Struct of the allowlist, or a list of it.
        warnings: Counts the fields that could not be read, as "<Struct>.<field>: …".

    Raises:
        msgspec.ValidationError: It has another form than documented.
        msgspec.DecodeError: It is no JSON.
    """
    try:
        return _read(content, kind, warnings)  # type: ignore[no-any-return]
    except RecursionError:
        pass
    raise ValidationError("Nested too deeply")


def _read(content: bytes | Raw, kind: Any, warnings: Counter[str]) -> Any:  # noqa: ANN401 - of any type
    """Return a value; in parts where it is not as declared as a whole."""
    try:
        return _decoder(kind).decode(content)
    except ValidationError as error:
        drift = error
    except UnicodeDecodeError:  # holds the text
        drift = ValidationError("Invalid UTF-8")
    parts = _container(kind)
    if parts is None:
        raise drift
    if get_origin(parts) is list:
        return _read_list(content, get_args(parts)[0], warnings)
    return _read_struct(content, parts, warnings)


def _read_list(content: bytes | Raw, item: Any, warnings: Counter[str]) -> list[Any]:  # noqa: ANN401
    items = []
    for place, one in enumerate(_decoder(list[Raw]).decode(content)):
        try:
            items.append(_read(one, item, warnings))
        except ValidationError as error:
            raise _within(f"[{place}]", error) from None
    return items


def _read_struct(content: bytes | Raw, kind: type[Struct], warnings: Counter[str]) -> Struct:
    fields, twin = _twin(kind)
    found = twin.decode(content)
    values = {}
    for field in fields:
        value = getattr(found, field.name)
        if value is _ABSENT:
            if field.required:
                raise ValidationError(f"Object missing required field `{field.encode_name}`")
            continue
        read: Counter[str] = Counter()
        try:
            values[field.name] = _read(value, field.type, read)
        except ValidationError as error:
            if field.required:
                raise _within(f".{field.encode_name}", error) from None
            values[field.name] = UNSET
            read = Counter([f"{kind.__name__}.{field.encode_name}: another type than documented"])
        warnings.update(read)
    return kind(**values)


def _within(step: str, error: ValidationError) -> ValidationError:
    """Return an error in a part as one in the whole, as msgspec words it."""
    reason, _, place = str(error).partition(" - at `$")
    return ValidationError(f"{reason} - at `${step}{place or '`'}")


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - of any type
    return msgspec.json.Decoder(kind)


@cache
def _twin(kind: type[Struct]) -> tuple[tuple[FieldInfo, ...], msgspec.json.Decoder[Any]]:
    """Return a Struct's fields, and a decoder that leaves each of them undecoded."""
    fields = msgspec.structs.fields(kind)
    twin = msgspec.defstruct(
        f"Raw{kind.__name__}",
        [(f.name, Raw, msgspec.field(default=_ABSENT, name=f.encode_name)) for f in fields],
    )
    return fields, msgspec.json.Decoder(twin)


@cache
def _container(kind: Any) -> Any:  # noqa: ANN401 - a type hint has no narrower type
    """Return the Struct or list that a type hint is or allows, if any."""
    if get_origin(kind) is Annotated:
        return _container(get_args(kind)[0])
    if get_origin(kind) in {Union, UnionType}:
        options = map(_container, get_args(kind))
        return next((option for option in options if option is not None), None)
    is_struct = isinstance(kind, type) and issubclass(kind, Struct)
    return kind if is_struct or get_origin(kind) is list else None

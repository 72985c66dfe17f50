"""docker-compose.yaml, as this machine without containers can carry it out.

One source of truth: commands, environments and health checks are those of the file. What differs
is told by a translation, from hosts and folders of containers to what stands for them here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

FILE = Path(__file__).resolve().parents[2] / "docker-compose.yaml"

_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\})")


def interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    """Return a value of the file with `${NAME:-default}` and `$$` replaced, as Compose does."""
    match value:
        case str():
            return _VARIABLE.sub(lambda found: _replacement(found, variables), value)
        case list():
            return [interpolated(one, variables) for one in value]
        case dict():
            return {name: interpolated(one, variables) for name, one in value.items()}
    return value


def _replacement(found: re.Match[str], variables: Mapping[str, str]) -> str:
    if found["dollar"]:
        return "$"
    # `:-` means the default for what is empty, too.
    return variables.get(found["name"]) or found["default"] or ""


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the file, with anchors and variables resolved."""
    whole: dict[str, Any] = interpolated(yaml.safe_load(FILE.read_text()), variables)
    return whole


@dataclass(frozen=True)
class Translation:
    """What stands for names in containers here.

    Attributes:
        table: From what is in the file to what is here. Longer names go first.
    """

    table: Mapping[str, str]

    def __call__(self, text: str) -> str:
        names = sorted(self.table, key=len, reverse=True)
        pattern = re.compile("|".join(re.escape(name) for name in names))
        return pattern.sub(lambda found: self.table[found[0]], text)


@dataclass(frozen=True)
class Service:
    """A service, ready to be run here.

    Attributes:
        command: With the image's entrypoint before it.
        environment: All of it; nothing is inherited.
        check: The command of its health check.
    """

    command: list[str]
    environment: dict[str, str]
    check: list[str]

    @classmethod
    def of(cls, service: Mapping[str, Any], translation: Translation, entrypoint: str) -> Self:
        """Return a service of the file."""
        kind, *check = service.get("healthcheck", {}).get("test", ["CMD", "true"])
        assert kind == "CMD"
        return cls(
            command=[translation(part) for part in (entrypoint, *service["command"])],
            environment={
                name: translation(value) for name, value in service["environment"].items()
            },
            check=[translation(part) for part in check],
        )

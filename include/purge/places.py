"""Every place on this machine where something of a connection could be, and whose it is there."""

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from include.settings import Settings

SANDBOX = ("sandbox.json", "logs/sandbox.log")
"""The stand-in Sentry's own files in the data folder of a demo: the source, not a copy."""

_ID = re.compile(r"c[0-9a-f]{16}")
"""A connection's id in a name."""


class Place(StrEnum):
    """A place, as receipts call it."""

    DATA = "data folder"
    REGISTRY = "registry"
    LOGS = "Airflow's logs"
    HOME = "Airflow's home"
    TEMPORARY = "temporary folder"


@dataclass(frozen=True, slots=True)
class Places:
    """The places of this installation.

    Attributes:
        data: The data folder.
        registry: The registry's file, where it is one.
        airflow: Airflow's home; None where there is no Airflow.
        logs: The folder of Airflow's logs; None where there is no Airflow.
        temporary: The folder of temporary files.
    """

    data: Path
    registry: Path
    airflow: Path | None
    logs: Path | None
    temporary: Path

    def of_connection(self, connection_id: str) -> dict[Place, list[Path]]:
        """Return the files and folders that a connection's id is in the name of."""
        return {
            Place.DATA: list(_named(self.data, re.compile(connection_id), self._foreign())),
            Place.LOGS: self.logs_of(connection_id),
        }

    def logs_of(self, connection_id: str) -> list[Path]:
        """Return the folders with the logs of a connection's tasks, as Airflow names them."""
        return [] if self.logs is None else sorted(self.logs.glob(f"dag_id=*{connection_id}*"))

    def connections(self) -> set[str]:
        """Return the ids of all connections that a file or a folder is named after."""
        named = [*_named(self.data, _ID, self._foreign())]
        if self.logs is not None:
            named += self.logs.glob("dag_id=*")
        return {one for path in named for one in _ID.findall(path.name)}

    def data_files(self, others: frozenset[str]) -> Iterator[Path]:
        """Yield the files in the data folder but for those of other connections, by their ids."""
        without = (*self._foreign(), *self.registry_files())
        yield from _walk(self.data, others, without=without)

    def registry_files(self) -> Iterator[Path]:
        """Yield the registry's files, where it is a SQLite one."""
        yield from self.registry.parent.glob(f"{self.registry.name}*")

    def log_files(self, others: frozenset[str], since: datetime) -> Iterator[Path]:
        """Yield the logs of this software's DAGs and of Airflow's components.

        Args:
            others: Ids of other connections.
            since: Those not written since are too old.
        """
        if self.logs is None or not self.logs.is_dir():
            return
        for top in self.logs.iterdir():
            is_foreign_dag = top.name.startswith("dag_id=") and "=sentry_" not in top.name
            if is_foreign_dag or not _is_wanted(top, others, ()):
                continue
            yield from (path for path in _walk(top, others) if _is_younger(path, since))

    def home_files(self) -> Iterator[Path]:
        """Yield the files in Airflow's home itself: its database, where it is a SQLite one."""
        if self.airflow is not None:
            yield from (path for path in self.airflow.iterdir() if path.is_file())

    def temporary_files(self, since: datetime) -> Iterator[Path]:
        """Yield our own user's temporary files that were written since then."""
        for path in _walk(self.temporary, frozenset(), without=self._not_temporary()):
            try:
                is_ours = path.lstat().st_uid == os.getuid()
            except OSError:
                continue
            if is_ours and _is_younger(path, since):
                yield path

    def _not_temporary(self) -> tuple[Path, ...]:
        return tuple(path for path in (self.data, self.airflow, self.logs) if path is not None)

    def _foreign(self) -> tuple[Path, ...]:
        """What is in the data folder and not of this software: Airflow's home, the sandbox."""
        inside = (self.data / name for name in SANDBOX)
        return (*inside, *(path for path in (self.airflow, self.logs) if path is not None))


def places_of(settings: Settings) -> Places:
    """Return the places of this installation."""
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    return Places(
        data=settings.data_dir,
        registry=settings.registry_path,
        airflow=home if home.is_dir() else None,
        logs=_logs(home) if home.is_dir() else None,
        temporary=Path(tempfile.gettempdir()),
    )


def _logs(home: Path) -> Path:
    """Return the folder of Airflow's logs, without importing Airflow where it has its default."""
    if (name := os.environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER")) is not None:
        return Path(name)
    if not (home / "airflow.cfg").exists():
        return home / "logs"
    from airflow.configuration import conf  # noqa: PLC0415 - takes a second

    return Path(conf.get("logging", "base_log_folder"))


def _named(root: Path, name: re.Pattern[str], without: tuple[Path, ...]) -> Iterator[Path]:
    """Yield what has a name like that; of a folder that has, nothing below it."""
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        found = {one for one in (*folders, *names) if name.search(one)}
        yield from (here / one for one in sorted(found) if here / one not in without)
        folders[:] = [one for one in folders if one not in found and here / one not in without]


def _walk(root: Path, others: frozenset[str], without: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield files, but for what has the id of another connection in its name."""
    if root.is_file():
        yield root
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = [one for one in folders if _is_wanted(here / one, others, without)]
        yield from (here / one for one in names if _is_wanted(here / one, others, without))


def _is_wanted(path: Path, others: frozenset[str], without: tuple[Path, ...]) -> bool:
    return path not in without and others.isdisjoint(_ID.findall(path.name))


def _is_younger(path: Path, since: datetime) -> bool:
    try:
        return path.stat().st_mtime >= since.timestamp()
    except OSError:
        return False

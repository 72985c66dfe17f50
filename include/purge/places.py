"""Every place on this machine where something of a connection could be, and whose it is there."""

import glob
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy.engine import make_url

from include.settings import Settings

SANDBOX = ("sandbox.json", "logs/sandbox.log")
"""The stand-in Sentry's own files in the data folder of a demo: the source, not a copy."""

_ID = re.compile(r"(?<![0-9a-f])c[0-9a-f]{16}(?![0-9a-f])")
"""A connection's id in a name, which is no part of a longer hash."""


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
        registry: The registry's file; None where it is none.
        airflow: Airflow's home; None where there is no Airflow.
        logs: The folder of Airflow's logs; None where there is no Airflow.
        temporary: The folder of temporary files.
    """

    data: Path
    registry: Path | None
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

    def data_files(self, connection_id: str) -> Iterator[Path]:
        """Yield the files in the data folder but for those that name another connection."""
        without = (*self._foreign(), *self.registry_files())
        yield from _walk(self.data, connection_id, without=without)

    def registry_files(self) -> Iterator[Path]:
        """Yield the registry's files, where it is a SQLite one."""
        if self.registry is not None:
            yield from self.registry.parent.glob(f"{glob.escape(self.registry.name)}*")

    def log_files(self, connection_id: str, since: datetime) -> Iterator[Path]:
        """Yield the logs of this software's DAGs and of Airflow's components.

        Args:
            connection_id: What names another connection than this one is left out.
            since: Those not written since are too old.
        """
        if self.logs is None or not self.logs.is_dir():
            return
        for top in self.logs.iterdir():
            is_foreign_dag = top.name.startswith("dag_id=") and "=sentry_" not in top.name
            if is_foreign_dag or not _is_wanted(top, connection_id, ()):
                continue
            yield from (path for path in _walk(top, connection_id) if _is_younger(path, since))

    def home_files(self) -> Iterator[Path]:
        """Yield the files in Airflow's home itself: its database, where it is a SQLite one."""
        if self.airflow is not None:
            yield from (path for path in self.airflow.iterdir() if path.is_file())

    def temporary_files(self, since: datetime) -> Iterator[Path]:
        """Yield our own user's temporary files that were written since then."""
        for path in _walk(self.temporary, None, without=self._not_temporary()):
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


def registry_file(settings: Settings) -> Path | None:
    """Return the file of the registry, if it is a SQLite one."""
    url = make_url(settings.registry_address)
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    file = Path(str(url.database).removeprefix("file:").partition("?")[0]).resolve()
    data = settings.data_dir.resolve()
    # As it is met when the data folder is gone through, which may be a link.
    return settings.data_dir / file.relative_to(data) if file.is_relative_to(data) else file


def places_of(settings: Settings) -> Places:
    """Return the places of this installation."""
    home = Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser()
    return Places(
        data=settings.data_dir,
        registry=registry_file(settings),
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


def _walk(root: Path, own: str | None, without: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Yield files, but for what has the id of another connection than one's own in its name.

    What has is another's, also if that connection was made a moment ago.
    """
    if root.is_file():
        yield root
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = [one for one in folders if _is_wanted(here / one, own, without)]
        yield from (here / one for one in names if _is_wanted(here / one, own, without))


def _is_wanted(path: Path, own: str | None, without: tuple[Path, ...]) -> bool:
    return path not in without and (own is None or not set(_ID.findall(path.name)) - {own})


def _is_younger(path: Path, since: datetime) -> bool:
    try:
        return path.stat().st_mtime >= since.timestamp()
    except OSError:
        return False

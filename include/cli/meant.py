"""Which connection a command is about."""

from collections.abc import Sequence
from pathlib import Path

from include.connections.registry import Connection


class WrongConnection(Exception):
    """No connection is meant by what was given; says which ones there are."""


def meant(given: str | None, live: Sequence[Connection], data_dir: Path) -> Connection:
    """Return the connection with an id, or with the only id that begins so.

    Args:
        given: The id, or how it begins.
        live: The connections.
        data_dir: Folder of the registry that they are in.

    Raises:
        WrongConnection: There is none, or more than one.
    """
    if not live:
        raise WrongConnection(
            f"There is no connection in {data_dir} yet: connect an organization on the page "
            "Integrations in Airflow, or with `corvana connections connect`. If there should be "
            "one, set CORVANA_DATA_DIR to the folder that it was made in."
        )
    found = [one for one in live if given and one.id.startswith(given)]
    if len(found) == 1:
        return found[0]
    problem = "Name a connection"
    if given:
        problem = f"{'More than one' if found else 'No'} connection begins with {given!r}"
    listed = "\n".join(f"  {one.id}  {one.name}" for one in found or live)
    raise WrongConnection(f"{problem}. These are there:\n{listed}")

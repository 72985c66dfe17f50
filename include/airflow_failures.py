"""Our failures as Airflow's, for tasks."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from sqlalchemy.exc import OperationalError

from include.connections.database import InvalidRegistryUrl
from include.connections.vault import InvalidKey
from include.settings import InvalidSettings

Kinds = tuple[type[Exception], ...]

WRONG_SETUP: Kinds = (InvalidKey, InvalidRegistryUrl, InvalidSettings)
"""What is wrong with the installation, for every task alike."""


@contextmanager
def as_airflows(*, skipped: Kinds, for_good: Kinds, for_now: Kinds) -> Iterator[None]:
    """Turn our failures into Airflow's.

    Raised `from None`, so that the task's log ends with our sentence alone.

    Args:
        skipped: There is nothing to do for the task.
        for_good: Retrying cannot help.
        for_now: It may.
    """
    try:
        yield
    except skipped as failure:
        raise AirflowSkipException(str(failure)) from None
    except for_good as failure:
        raise AirflowFailException(str(failure)) from None
    except for_now as failure:
        raise AirflowException(str(failure)) from None
    except OperationalError:
        # Its text may hold addresses and rows.
        raise AirflowException(
            "The registry's database cannot be used now. Check that it runs, and "
            "CORVANA_REGISTRY_URL."
        ) from None

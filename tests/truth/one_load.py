"""One load in a process of its own, to be killed: `python -m tests.truth.one_load FOLDER URL …`."""

import sys
from pathlib import Path
from uuid import uuid4

from dlt_sources.sentry import slices
from dlt_sources.sentry.client import Client
from dlt_sources.sentry.context import Budget
from dlt_sources.sentry.pipeline import run_load
from include.warehouse.backend import warehouse_of
from tests.backends import settings_in


def main(folder: Path, base_url: str, organization: str, token: str, salt: str) -> None:
    """Load with small slices, so that a kill may fall between any two."""
    slices.FULL_ROWS = 150
    settings, connection_id = settings_in(folder), "c0000000000000001"
    print("begun", flush=True)  # noqa: T201 - tells the test that importing is over
    with Client(
        base_url, organization, token, max_requests_per_second=None, concurrency=4
    ) as client:
        run_load(
            run_id=uuid4().hex,
            client=client,
            salt=bytes.fromhex(salt),
            destination=warehouse_of(settings, connection_id).dlt_destination(),
            work_dir=settings.work_dir(connection_id),
            budget=Budget(audit=0),
        )
    print("ended", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

"""The steps of a purge, in their order."""

from include.purge.step import Step
from include.purge.steps.airflow import Records, TaskLogs
from include.purge.steps.credentials import Credentials
from include.purge.steps.data import Published, WarehouseStep, Work
from include.purge.steps.fence import Fence
from include.purge.steps.fingerprints import Fingerprints

FENCE = Fence()
"""The first one, before which nothing may be deleted."""

RECORDS = Records()
"""The one that a receipt does not wait for."""

STEPS: tuple[Step, ...] = (
    Credentials(),
    Fingerprints(),
    WarehouseStep(),
    Published(),
    Work(),
    TaskLogs(),
    RECORDS,
)
"""The others. One that fails does not keep the next ones from running."""

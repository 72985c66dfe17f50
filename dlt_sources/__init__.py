"""dlt sources: one folder a source.

How dlt has to behave for all of them is set here, before dlt is imported anywhere.
"""

import os

os.environ.update(
    {
        # Else every look-up of a setting goes through Airflow's Variables, and importing dlt
        # outside of Airflow writes an Airflow configuration into the home folder.
        "PROVIDERS__ENABLE_AIRFLOW_SECRETS": "false",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        # One resource after the other: later ones use what earlier ones found.
        "EXTRACT__NEXT_ITEM_MODE": "fifo",
        # No second copy of the rows in `raw_staging`, and none in the working folder.
        "LOAD__TRUNCATE_STAGING_DATASET": "true",
        "LOAD__DELETE_COMPLETED_JOBS": "true",
        # Arrow's own allocator keeps what was freed: 35 MB of a load of 20,000 issues (measured).
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        # A warehouse has one writer; side by side, merges only need more memory (85 MB measured).
        "LOAD__WORKERS": "1",
        # Tables are merged one by one: tells rows of a load that was cut off from those of others.
        "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true",
    }
)

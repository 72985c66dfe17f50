"""Brings the databases up to date and makes the bucket: what has to happen before anything starts.

May be repeated at any time, and has to be after an upgrade.
"""  # noqa: INP001 - scripts, no package

import subprocess
import sys

from pyarrow import fs

from include.connections.registry import open_registry
from include.settings import Settings, settings


def main() -> int:
    """Prepare everything; return Airflow's exit code, should it fail."""
    current = settings()
    current.usable_data_dir()
    migrated = subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=False)
    if migrated.returncode:
        return migrated.returncode
    open_registry(current).live()
    if (bucket := bucket_of(current)) is not None:
        make(current, bucket)
    return 0


def bucket_of(current: Settings) -> str | None:
    """Return the bucket of the lakes, if they are in a store other than Amazon's own."""
    storage = current.lake_storage or ""
    if current.lake_s3_endpoint is None or not storage.startswith("s3://"):
        return None
    return storage.removeprefix("s3://").partition("/")[0]


def make(current: Settings, bucket: str) -> None:
    """Make the bucket, unless it is there."""
    secret = current.lake_s3_secret_access_key
    store = fs.S3FileSystem(
        access_key=current.lake_s3_access_key_id,
        secret_key=secret.get_secret_value() if secret is not None else None,
        region=current.lake_s3_region,
        endpoint_override=current.lake_s3_endpoint,
        scheme="https" if current.lake_s3_use_ssl else "http",
        allow_bucket_creation=True,
    )
    store.create_dir(bucket)


if __name__ == "__main__":
    sys.exit(main())

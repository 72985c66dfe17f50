"""An S3-compatible server of the tests' own, in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pyarrow.fs import FileSelector, S3FileSystem

from tests.ports import free_port

KEY = "c4n4ry-s3cr3t-k3y"
"""Of whoever writes; must be nowhere at rest."""

BUCKET = "lakes-of-tests"


@dataclass(frozen=True)
class Store:
    """A running server with one bucket."""

    port: int

    @property
    def options(self) -> dict[str, object]:
        """Settings with data in it."""
        return {
            "lake_storage": f"s3://{BUCKET}/some/place",
            "lake_s3_endpoint": f"127.0.0.1:{self.port}",
            "lake_s3_use_ssl": False,
            "lake_s3_access_key_id": "somebody",
            "lake_s3_secret_access_key": KEY,
        }

    def files(self) -> S3FileSystem:
        """Return what reads and writes it."""
        return S3FileSystem(
            access_key="somebody",
            secret_key=KEY,
            endpoint_override=f"127.0.0.1:{self.port}",
            scheme="http",
            allow_bucket_creation=True,
        )

    def names(self) -> list[str]:
        """Return the names of all objects."""
        found = self.files().get_file_info(FileSelector(BUCKET, recursive=True))
        return [one.path for one in found if one.is_file]

    def holding(self, needle: bytes) -> list[str]:
        """Return the names of the objects that hold some bytes."""
        files = self.files()
        return [name for name in self.names() if needle in files.open_input_file(name).read()]


@contextmanager
def running() -> Iterator[Store]:
    """Start a server with an empty bucket."""
    store = Store(free_port())
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(store.port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(store, process)
            yield store
        finally:
            process.kill()


def _wait(store: Store, process: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert process.poll() is None, "moto ended"
        try:
            store.files().create_dir(BUCKET)
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise TimeoutError("moto does not answer")

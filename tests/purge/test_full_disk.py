"""A purge on a disk that is really full."""

import os
import subprocess

import pytest

from include.connections.registry import open_registry
from include.purge.purging import purge
from include.settings import Settings

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a small disk")

MOUNT = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs"]


@pytest.fixture
def current(tmp_path):
    """Settings with a data folder on a disk of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run([*MOUNT, str(disk)], check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield Settings(data_dir=disk / "data")
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S607


def fill(disk):
    """Write until nothing more fits."""
    for size in (1024 * 1024, 4096, 1):
        with (disk / "ballast").open("ab", buffering=0) as ballast:
            try:
                while ballast.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


def test_what_is_deleted_makes_room_for_the_receipt(installation, current, connect):
    one, other = connect("acme-c4n4ry"), connect("umbrella-c4n4ry")
    installation.load(one, "acme", rows=5000)
    installation.load(other, "umbrella")
    untouched = installation.everything(other)
    installation.registry.disconnect(one.id, "admin")
    fill(current.data_dir)
    with pytest.raises(OSError, match="No space left"):
        (current.data_dir / "more").write_bytes(b"x" * 8192)
    (current.data_dir / "more").unlink()
    receipt = purge(current, open_registry(current), one.id)
    assert receipt.verification.is_clean
    assert receipt.verification.words > 50
    deleted = {step.step: step.deleted for step in receipt.steps}
    assert deleted["warehouse"]["rows"] > 5000
    assert installation.everything(one) == {}
    assert installation.everything(other) == untouched

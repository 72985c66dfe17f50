"""A lake's data: files below a folder, or objects that a prefix begins the names of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from include.files import NotDeleted
from include.warehouse.errors import LakeUnreachable
from include.warehouse.lake.address import S3, S3_SCHEME, LakeAddress

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

MARK = "corvana-lakes"
"""An empty file: this is the place of the data, even if there is none left."""


class Objects:
    """The data of one lake.

    Args:
        address: The lake.
    """

    def __init__(self, address: LakeAddress) -> None:
        self._storage = _path(address.storage)
        self._below = _path(address.prefix).rstrip("/")
        self._s3 = address.s3

    def mark(self) -> None:
        """Leave a mark where lakes' data belongs."""
        if self.is_marked():
            return
        with self._opened() as files:
            files.create_dir(self._storage, recursive=True)
            with files.open_output_stream(f"{self._storage}/{MARK}") as stream:
                stream.write(b"")

    def is_marked(self) -> bool:
        """Whether lakes' data belongs here."""
        with self._opened() as files:
            found = files.get_file_info(f"{self._storage}/{MARK}")
            return bool(found.is_file)

    def measure(self) -> dict[str, int]:
        """Return how many files there are, and how many bytes."""
        found = [one for one in self._listed() if one.is_file]
        return {"files": len(found), "bytes": sum(one.size for one in found)}

    def remove(self) -> None:
        """Delete everything.

        Raises:
            NotDeleted: Something is left.
        """
        with self._opened() as files:
            try:
                files.delete_dir(self._below)
            except FileNotFoundError:
                pass
            except OSError as failure:
                if self._s3 is None:
                    # Goes on where this one does not, and says why.
                    raise NotDeleted(
                        f"The lake's files could not be deleted ({failure.strerror}): check who "
                        "owns the folder of CORVANA_LAKE_STORAGE."
                    ) from None
                raise
        if left := self.measure()["files"]:
            raise NotDeleted(
                f"{left} files of the lake could not be deleted: check that the key may delete "
                "what is in CORVANA_LAKE_STORAGE."
            )

    def _listed(self) -> list["FileInfo"]:
        from pyarrow.fs import FileSelector  # noqa: PLC0415

        selector = FileSelector(self._below, recursive=True, allow_not_found=True)
        with self._opened() as files:
            return list(files.get_file_info(selector))

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Yield the file system, and say what is wrong with it without what it answers."""
        # Takes a while to import, and the DAG file, which only needs to know the place, is parsed
        # all day.
        from pyarrow.fs import LocalFileSystem, S3FileSystem  # noqa: PLC0415

        if self._s3 is None:
            yield LocalFileSystem()
            return
        try:
            yield S3FileSystem(**_options(self._s3))
        except FileNotFoundError:
            raise
        except OSError:
            raise LakeUnreachable(
                "The object store does not answer, or refuses: check that it runs, and the "
                "variables that begin with CORVANA_LAKE_S3 (docs/warehouse.md)."
            ) from None


def _options(s3: S3) -> dict[str, Any]:
    return {
        "access_key": s3.access_key_id,
        "secret_key": s3.secret_access_key,
        "region": s3.region,
        "endpoint_override": s3.endpoint,
        "scheme": "https" if s3.use_ssl else "http",
        "connect_timeout": 10,
        "request_timeout": 60,
    }


def _path(address: str) -> str:
    return address.removeprefix(S3_SCHEME)

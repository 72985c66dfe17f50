"""The report is made with the marts, and never holds them up."""

import logging

import pytest

from include.report.beside import Beside
from include.report.failures import ReportFailed
from include.report.store import REPORT


@pytest.fixture
def folder(files, tmp_path):
    """The files of a publication before it becomes visible."""
    for file in files.values():
        (tmp_path / file.name).symlink_to(file)
    return tmp_path


def test_it_is_put_beside_the_marts(folder):
    beside = Beside("lumen-goods")
    beside(folder)
    beside.check()
    assert "<h1>lumen-goods</h1>" in (folder / REPORT).read_text()


def test_what_fails_is_told_by_its_place_alone(folder, caplog):
    (folder / "dim_issue.parquet").unlink()
    (folder / "dim_issue.parquet").write_text("SECRET of a customer, and no Parquet")
    beside = Beside("lumen-goods")
    with caplog.at_level(logging.INFO):
        beside(folder)
    assert not (folder / REPORT).exists()
    with pytest.raises(ReportFailed, match="The marts are published, but"):
        beside.check()
    assert "include/report/making.py" in caplog.text
    assert "SECRET" not in caplog.text
    assert str(folder) not in caplog.text

"""Loads that are cut off while dlt merges their tables."""

from itertools import count

import pytest
from dlt.destinations.sql_jobs import SqlMergeFollowupJob


def cut_off_at(patch: pytest.MonkeyPatch, number: int) -> None:
    """Let the merges from a given one on fail; dlt merges tables in no order of ours."""
    merges, generate_sql = count(1), SqlMergeFollowupJob.generate_sql

    def generate(*args, **kwargs):
        if next(merges) >= number:
            return ["select * from no_such_table"]
        return generate_sql(*args, **kwargs)

    patch.setattr(SqlMergeFollowupJob, "generate_sql", staticmethod(generate))

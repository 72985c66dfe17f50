"""A plugin of dbt-duckdb that attaches a connection's lake: see `dbt_project/profiles.yml`.

The profile cannot do it by itself: it knows no way to have passwords and keys in DuckDB's secrets
and out of the statement that attaches, and its extensions are downloaded.
"""

import os

from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from include.settings import settings
from include.warehouse.lake.address import ALIAS, LakeAddress


class Plugin(BasePlugin):
    """Attaches the lake of the connection that the environment names."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Attach the lake, or nothing but memory where no connection is named."""
        connection_id = os.environ.get("CORVANA_WAREHOUSE")
        if not connection_id:
            conn.execute(f"ATTACH ':memory:' AS {ALIAS}")
            return
        for statement in LakeAddress.of(settings(), connection_id).statements():
            conn.execute(statement)

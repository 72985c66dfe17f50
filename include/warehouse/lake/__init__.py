"""A connection's warehouse in a DuckLake: its catalog in Postgres, its data in an object store."""

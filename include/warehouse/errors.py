"""What can be wrong with a place where warehouses are."""


class ExtensionMissing(Exception):
    """A wheel with an extension of DuckDB is not installed, or is one for another DuckDB."""


class LakeUnreachable(Exception):
    """The database of the catalogs, or the object store, does not answer or refuses."""

"""What was collected, and what was made of it."""

from include.files import measure, remove
from include.published.layout import published_of
from include.purge.amounts import Amounts
from include.purge.step import Purging, Step
from include.warehouse.publishing import withdraw


class WarehouseElsewhere(Exception):
    """The warehouse is not where this process looks for it."""


class WarehouseStep(Step):
    """Deletes the warehouse."""

    name = "warehouse"
    title = "Warehouse: raw tables and marts"
    is_needed = True

    def measure(self, at: Purging) -> Amounts:
        """Return its files, bytes and rows.

        Raises:
            WarehouseElsewhere: This is evidently not the place that was loaded into.
        """
        found = at.warehouse.measure()
        if _had_data(at) and (why := at.warehouse.elsewhere()) is not None:
            raise WarehouseElsewhere(f"The connection was loaded, but {why}")
        return found

    def carry_out(self, at: Purging) -> str | None:
        """Delete it."""
        at.warehouse.destroy()
        return None


def _had_data(at: Purging) -> bool:
    """Tell whether the connection was loaded, and no purge has deleted that yet."""
    state = at.progress.steps(at.connection_id).get(WarehouseStep.name)
    is_deleted = state is not None and bool(state.amounts.get("files"))
    return not is_deleted and at.registry.reports.of(at.connection_id).loaded_at is not None


class Published(Step):
    """Deletes the published files, and rewrites the views over all connections' files."""

    name = "published"
    title = "Published tables"
    is_needed = True

    def measure(self, at: Purging) -> Amounts:
        """Return how many files there are."""
        return measure(published_of(at.settings.published_dir, at.connection_id))

    def carry_out(self, at: Purging) -> str | None:
        """Delete them."""
        withdraw(at.settings.published_dir, at.connection_id)
        return None


class Work(Step):
    """Deletes the working folder, which is empty unless something was killed."""

    name = "work"
    title = "Working folders: dlt's load packages, dbt's artifacts and logs"
    is_needed = True

    def measure(self, at: Purging) -> Amounts:
        """Return how many files there are."""
        return measure([at.settings.work_dir(at.connection_id)])

    def carry_out(self, at: Purging) -> str | None:
        """Delete them."""
        remove([at.settings.work_dir(at.connection_id)])
        return None

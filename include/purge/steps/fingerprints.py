"""Fingerprints, taken while there is still something to take them from."""

import duckdb

from include.connections.vault import InvalidKey, VaultLocked
from include.purge.fingerprints import collect
from include.purge.progress import Needles
from include.purge.step import Purging, Step

UNREADABLE = (
    "The warehouse could not be read, so the search afterwards was for names of files and folders."
)
UNENCRYPTED = (
    "The fingerprints could not be kept encrypted, so they were not kept for later checks."
)


class Fingerprints(Step):
    """Notes what to search for afterwards."""

    name = "fingerprints"
    title = "Fingerprints taken, for the search afterwards"
    is_needed = False

    def carry_out(self, at: Purging) -> str | None:
        """Take the fingerprints, unless a purge that was killed has taken them."""
        note = None
        if at.needles is None:
            at.needles = _kept(at)
        if at.needles == Needles() and at.warehouse.measure()["files"]:
            try:
                with at.warehouse.open_for_reading() as warehouse:
                    at.needles = collect(warehouse)
            except duckdb.Error:
                note = UNREADABLE
        try:
            at.progress.keep_needles(at.connection_id, at.needles)
        except (InvalidKey, VaultLocked):
            note = UNENCRYPTED
        return note


def _kept(at: Purging) -> Needles:
    try:
        return at.progress.needles(at.connection_id)
    except (InvalidKey, VaultLocked):
        return Needles()

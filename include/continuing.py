"""Whether a connection is to be loaded again at once, because history waits to be read.

The hourly schedule reads all of it in the end. Going on at once only makes that quicker, so it
stops wherever it is in doubt, and can never go in a circle for long.
"""

from collections.abc import Sequence

from include.warehouse.past_loads import PastLoad

LIMIT = 100
"""So many loads in a row that left history are enough: from then on the schedule goes on alone.
At half an hour a load and 3 requests a second, it is reached after 500,000 histories."""


def goes_on(loads: Sequence[PastLoad]) -> bool:
    """Tell whether the next load is to begin at once.

    It is while history waits, if the newest load committed some: a load has a slice of what changed
    in any case, so one with a single slice had no time for history, and the next one would not
    either. The first load is another matter: what changed is the whole organization then.

    Args:
        loads: The latest loads, the newest one first, `LIMIT` of them if there are so many.
    """
    if not loads or loads[0].is_backfilled:
        return False
    has_moved = loads[0].is_first or loads[0].slices > 1
    is_endless = len(loads) >= LIMIT and not any(load.is_backfilled for load in loads)
    return has_moved and not is_endless

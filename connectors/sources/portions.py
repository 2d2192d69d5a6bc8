"""How much a connector says before it is committed: as much as is fetched in a few seconds, whatever it holds.

Contents are fetched when what was said of them is committed, so a checkpoint decides how old rights may grow before it,
and how much is lost where a later fetch fails.
"""

import time
from collections.abc import Callable, Iterable, Iterator

from connectors.records import Checkpoint, Record, State

FEWEST, MOST = 8, 200  # records between two checkpoints
QUICK, SLOW = 4.0, 15.0  # seconds that committing them took: twice as many the next time, or half as many


def portioned(records: Iterable[Record], reached: Callable[[], State]) -> Iterator[Record]:
    """These records with checkpoints among them, after each of which what stands before it is committed.

    `reached`: what to go on from after each of them. The last records have none: that is the caller's to say.
    """
    most, said = FEWEST, 0
    for record in records:
        yield record
        said += 1
        if said < most:
            continue
        began = time.monotonic()
        yield Checkpoint(state=reached())
        took = time.monotonic() - began
        if took < QUICK:
            most = min(most * 2, MOST)
        elif took > SLOW:
            most = max(most // 2, FEWEST)
        said = 0

"""`python -m tests.faults.inside celery ...`: a process of the gateway with less patience, and a defect where wanted.

What takes minutes in an installation takes seconds here: a lease nobody keeps, content that a worker took and did not
bring back. FAULTS names a defect that is put in, so that the tests show that they would find it.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

LEASE, HEARTBEAT = 4.0, 1.0  # seconds
WALL_CLOCK, RETRY_AFTER = 8.0, 1.0
VARIABLE = "FAULTS"
A_FILE = "FAULTS_WALL_CLOCK"  # seconds that reading a file may take


def hurry() -> None:
    """Only how long is waited: what happens then is the gateway's own."""
    from connectors import ingest, sync
    from connectors.parsing import ParserProcess

    wall_clock = float(os.environ.get(A_FILE, WALL_CLOCK))
    sync.LEASE, sync.HEARTBEAT = timedelta(seconds=LEASE), HEARTBEAT
    ingest.TAKEN_FOR, ingest.RETRY_AFTER = timedelta(seconds=wall_clock + 2), timedelta(seconds=RETRY_AFTER)
    begun = ParserProcess.__init__

    def begin(self: ParserProcess, seconds: float = wall_clock, **more: Any) -> None:
        begun(self, seconds, **more)

    ParserProcess.__init__ = begin  # type: ignore[method-assign]
    ParserProcess.program = ("-m", "tests.faults.child")


# --- defects ------------------------------------------------------------------------------------------------------


def fence_not_asked() -> None:
    """An older run writes although a later one has begun, and does not look whether one has."""
    from connectors import applying, sync

    applying.hold_fence = sync.hold_fence = lambda run: None  # type: ignore[attr-defined]
    sync.Reading._hold = lambda self: None  # type: ignore[method-assign]


def attempts_not_counted() -> None:
    """A file that ends its parser is new each time."""
    from connectors import ingest
    from connectors.models import Content

    whole = ingest.take

    def take(*asked: Any, **named: Any) -> Any:
        job = whole(*asked, **named)
        if job is not None:
            Content.past_the_guard.filter(pk=job.document_id).update(attempts=0)
        return job

    ingest.take = take


def checkpoint_apart() -> None:
    """How far a run has come is committed before the page it stands for."""
    from connectors import applying, listing, sync

    whole = applying.apply_page

    def apply_page(run: Any, records: Any, texts: Any, reached: Any = None) -> Any:
        listing.note(run, (), reached)
        time.sleep(1.5)  # wide open, so that it is met
        return whole(run, records, texts, reached)

    sync.apply_page = apply_page  # type: ignore[attr-defined]


DEFECTS: Mapping[str, Callable[[], None]] = {
    "fence-not-asked": fence_not_asked,
    "attempts-not-counted": attempts_not_counted,
    "checkpoint-apart": checkpoint_apart,
}


def main() -> None:
    import django

    django.setup()
    hurry()
    if wanted := os.environ.get(VARIABLE):
        DEFECTS[wanted]()
    from celery.__main__ import main as celery

    sys.argv = sys.argv[1:]
    celery()


if __name__ == "__main__":
    main()

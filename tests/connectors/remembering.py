"""Tests run in one transaction, and all that one transaction does has one moment: here it gets several."""

from datetime import datetime

from accounts.statements import rows


def later() -> datetime:
    """The time now. What is done after it is remembered as done after it."""
    rows("SELECT set_config('gatehouse.moment', '', true)")
    now: datetime = rows("SELECT clock_timestamp()")[0][0]
    return now

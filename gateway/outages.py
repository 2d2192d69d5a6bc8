"""That the database is away, or its disk full, is one sentence in the log, however deep it was noticed."""

import logging

from django.db import DatabaseError

FULL = "53100"  # SQLSTATE disk_full (PostgreSQL, appendix A)
AWAY = ("08", "57P")  # connection exceptions; shut down, crashed, starting
GOES_ON = "what was under way is done again, and everything that waits goes on by itself."


class Outages(logging.Filter):
    """Lets everything through; what tells of an outage without its stack."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, DatabaseError) and (sentence := sentence_of(error)):
            record.msg, record.args, record.exc_info, record.exc_text = sentence, (), None, None
        return True


def sentence_of(error: DatabaseError) -> str:
    """Empty where it is something else than an outage."""
    cause = error.__cause__ or error
    state = getattr(cause, "sqlstate", "")  # None: the server was not reached, or broke off
    said = (str(error).strip().splitlines() or [""])[0].rstrip(".")
    if state == FULL:
        return f"The disk of the database is full ({said}). Make room; then {GOES_ON}"
    if (state is None and type(cause).__name__ == "OperationalError") or (state or "").startswith(AWAY):
        return f"The database does not answer ({said}). When it does, {GOES_ON}"
    return ""

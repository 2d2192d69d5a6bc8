"""What is told in the log where the database is away or its disk is full."""

import logging
import sys

import psycopg
import pytest
from django.db import OperationalError

from gateway.outages import Outages


def told(cause: Exception) -> str:
    """As the log has it, with the stack where there is one."""
    try:
        try:
            raise cause
        except Exception as error:
            raise OperationalError(str(error)) from error
    except OperationalError:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "Task %s failed.", ("a",), sys.exc_info())
    assert Outages().filter(record)
    return logging.Formatter().format(record)


def test_a_full_disk_is_one_sentence_that_says_what_to_do() -> None:
    assert told(psycopg.errors.DiskFull("could not extend file: No space left on device\nHINT: x")) == (
        "The disk of the database is full (could not extend file: No space left on device). Make room; then what was "
        "under way is done again, and everything that waits goes on by itself."
    )


@pytest.mark.parametrize(
    "cause", [psycopg.OperationalError("connection refused"), psycopg.errors.CannotConnectNow("starting up")], ids=repr
)
def test_a_database_that_is_away_is_one_sentence(cause: Exception) -> None:
    assert told(cause).startswith(f"The database does not answer ({cause}). When it does,")


def test_any_other_failure_keeps_its_stack() -> None:
    assert "Traceback" in told(psycopg.errors.DeadlockDetected("deadlock detected"))

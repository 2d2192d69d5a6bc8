"""SQL that Django cannot say, sent as it stands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection


def execute(sql: str, parameters: Sequence[Any] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def database_now() -> datetime:
    """Clocks of workers differ. What is due, and whose time is over, is told by this one."""
    now: datetime = rows("SELECT clock_timestamp()")[0][0]
    return now


def rows(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

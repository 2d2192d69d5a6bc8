"""Where asynchronous code meets the database: in a thread, with the connection given back at once."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` where it may use the database; no connection is kept while the caller awaits something else."""

    def call() -> T:
        try:
            return function(*args, **kwargs)
        finally:
            give_back()

    return await sync_to_async(call)()


def give_back() -> None:
    """Return this thread's connection to the pool; one inside a transaction belongs to who opened that."""
    if not connection.in_atomic_block:
        connection.close()

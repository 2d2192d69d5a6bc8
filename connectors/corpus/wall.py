"""The second wall: whoever reads content for somebody does so under a role that row-level security binds.

The guard's statements run as `gatehouse_web` and name their reader to the database; without a name its policies
show no row. Tables belong to the role that migrates and writes, which the policies do not bind (decision 0014).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from accounts.reader import Viewers
from accounts.statements import execute, rows

WEB_ROLE = "gatehouse_web"
OWNER = "none"  # SET ROLE NONE: whoever signed in to the database


@contextmanager
def reading_as(viewers: Viewers) -> Iterator[None]:
    """One transaction in which the database shows what these may read, and nothing else."""
    with transaction.atomic(savepoint=False), _under(WEB_ROLE, viewers.text):
        yield


@contextmanager
def as_owner() -> Iterator[None]:
    """One transaction in which content is written, or counted for whoever runs the system."""
    with transaction.atomic(), _under(OWNER, ""):
        yield


@contextmanager
def _under(role: str, reader: str) -> Iterator[None]:
    """Both settings end with the transaction, or where it is rolled back to; in one that goes on, they are put back."""
    before = rows(
        "SELECT current_setting('role'), coalesce(current_setting('gatehouse.reader', true), ''), "
        "set_config('role', %s, true), set_config('gatehouse.reader', %s, true)",
        [role, reader],
    )[0][:2]
    yield
    if transaction.get_connection().savepoint_ids:
        execute("SELECT set_config('role', %s, true), set_config('gatehouse.reader', %s, true)", before)

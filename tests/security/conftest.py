"""What tests of the promises have in common."""

from collections.abc import Iterator

import pytest
from django.db import connection


@pytest.fixture
def pooled(transactional_db: None) -> Iterator[None]:
    """Connections come from a pool, as in the web process; a new one for each check would be slow."""
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    options["pool"] = {"min_size": 1, "max_size": 10}
    yield
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # of Postgres' wrapper
    del options["pool"]

"""A world, Carol who is staff, and Charlie who is not.

pytest reads this file before Django is set up, so what needs Django is imported where it is used.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User
    from tests.cast import World


@pytest.fixture
def world(db: None) -> "World":
    from tests.cast import World

    world = World.of("ann", "charlie")
    world.group("editors", "ann")
    world.group("publishing", "editors")
    world.document("zeppelin plan", grants=["ann"], text="The zeppelin is silver.")
    return world


@pytest.fixture
def carol(db: None) -> "User":
    from tests.cast import person

    return person("carol", is_staff=True)


@pytest.fixture
def console(carol: "User") -> "Client":
    """Carol's browser."""
    from django.test import Client

    client = Client()
    client.force_login(carol)
    return client

"""A world with a document for Ann and one for Bob.

pytest reads this file before Django is set up, so what needs Django is imported where it is used.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cast import World


@pytest.fixture
def world(db: None) -> "World":
    """Charlie is the stranger: he signs in like anyone, and no list names him."""
    from tests.cast import World

    world = World.of("ann", "bob", "charlie")
    world.document("leave", grants=["ann"], text="Parental leave lasts twelve weeks.\n\nAsk Dana <dana@example.org>.")
    world.document("budget", grants=["bob"], text="The aubergine budget is four million euros.")
    return world

"""A slice of the twin worlds, and proof that a world that tells would be found out.

`python -m tests.twins` is the whole of it.
"""

import pytest
from pytest_django import Settings

from tests.security.routes import routes
from tests.twins import meaning
from tests.twins.comparing import Tally
from tests.twins.defects import DEFECTS
from tests.twins.running import Pair, run, until_found

SEED = 1
PLAIN, FORCED = 3, 9  # the numbers of pairs

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("twins")]


@pytest.fixture(autouse=True)
def _meaning(settings: Settings) -> None:
    settings.EMBED_CLASS = meaning.PATH


@pytest.mark.parametrize("number", [PLAIN, FORCED], ids=["plain", "approximate"])
def test_two_worlds_that_differ_in_what_is_hidden_answer_alike(number: int) -> None:
    tally = run(SEED, [number], Tally())
    assert [str(difference) for difference in tally.differences] == []
    assert tally.wrong == []
    assert {200, 302, 403, 404, 405} <= set(tally.statuses)


def test_every_address_is_asked(db: None) -> None:
    pair = Pair(PLAIN, SEED)
    with pair.dice.thrown():
        pair.built("one")
        asked = {each.route for each in pair.wanted("session")}
    assert asked == {route.template for route in routes()}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_that_tells_of_hidden_things_is_noticed(name: str) -> None:
    assert until_found(name, SEED, 1) == 1

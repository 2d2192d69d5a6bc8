"""Which of equally good passages a search takes goes by their numbers, not by where their rows happen to lie.

Where rows lie, and how the planner reads them, depends on what is hidden as well (P14).
"""

from random import Random

import pytest
from django.db import transaction
from pytest_django import Settings

from accounts.statements import execute, rows
from connectors.corpus.search import Filters, Mode, search
from connectors.records import DocumentRecord
from tests.cast import World, access
from tests.leakproof.breaking import InSql
from tests.made_up import give_vectors

pytestmark = pytest.mark.django_db

WEIGHED = (
    "gatehouse_weighed(text[],integer[],text[],tsquery,bigint[],bigint[],bigint[],bigint[],bigint[],bigint[],integer)"
)
MANY = 65  # more than the exact arm keeps of equals, and the first ten
WRITTEN_LAST = """
UPDATE connectors_passage p SET page = 1
FROM connectors_document d WHERE d.id = p.document_id AND (d.external_id < 'd10') = %s
"""


@pytest.fixture
def world(db: None) -> World:
    """The rows of the first ten documents lie behind all others."""
    world = World.of("ann")
    world.folder("menus", ["ann"])
    for number in range(MANY):
        world.document(f"d{number:02}", "menus", text="The canteen closes.")
    execute(WRITTEN_LAST, [False])
    execute(WRITTEN_LAST, [True])
    give_vectors(chosen="d.external_id >= 'd10'")
    give_vectors(chosen="d.external_id < 'd10'")
    return world


def found(world: World, mode: Mode) -> list[str]:
    hits = search(world.reader("ann"), query="canteen", vector=[1.0, 0.0], limit=5, mode=mode)
    return [hit.external_id for hit in hits]


@pytest.mark.parametrize("mode", ["vector", "text", "hybrid"])
def test_of_equals_the_first_are_found(world: World, mode: Mode) -> None:
    assert found(world, mode) == ["d00", "d01", "d02", "d03", "d04"]


def test_where_too_many_have_the_words_the_first_are_weighed(world: World) -> None:
    InSql(WEIGHED, "common CONSTANT integer := 10000", "common CONSTANT integer := 20")()
    assert found(world, "text") == ["d00", "d01", "d02", "d03", "d04"]


def test_a_filter_leaves_what_it_leaves_to_be_found_by_common_words(db: None) -> None:
    """The rare word is in another author's document, and the common one is in more than are counted."""
    world = World.of("ann")
    for number in range(10):
        world.document(f"d{number}", grants=["ann"], text="The canteen closes.")
    world.push(DocumentRecord(id="zebra", title="Z", text="A zebra, it is said.", access=access(["ann"])))
    world.push(DocumentRecord(id="bea", title="B", author="Bea", text="Our canteen.", access=access(["ann"])))
    InSql(WEIGHED, "common CONSTANT integer := 10000", "common CONSTANT integer := 3")()
    bea = Filters(authors=("Bea",))
    for query in ("zebra canteen", '"canteen closes"'):
        hits = search(world.reader("ann"), query=query, vector=None, filters=bea)
        assert [hit.external_id for hit in hits] == ["bea"]


PLANS = ("hashagg", "hashjoin", "mergejoin", "nestloop", "sort", "bitmapscan", "seqscan", "material")
WORDS = ("canteen", "kitchen", "garden", "leave", "travel", "laptop", "badge", "train", "hotel", "budget", "roof")
SCORED = "SELECT passage, keywords, score FROM gatehouse_search(%s, NULL, NULL, %s, 50, 0.5, '{}')"


def test_no_plan_changes_a_score_in_its_last_digit(db: None) -> None:
    """The planner chooses by how much there is, hidden rows included, and a sum of fractions by its order (P14)."""
    world = World.of("ann")
    world.folder("menus", ["ann"])
    chance = Random(5)
    for number in range(40):
        text = " ".join(chance.choices(WORDS, k=chance.randrange(5, 60)))
        world.document(f"d{number:02}", "menus", text=f"{text}.")
    asked = [world.reader("ann").text, " ".join(WORDS)]
    first = rows(SCORED, asked)
    assert len(first) == 40
    for _ in range(30):
        with transaction.atomic():
            for plan in PLANS:
                execute(f"SET LOCAL enable_{plan} = {chance.choice(['on', 'off'])}")
            assert rows(SCORED, asked) == first


def test_a_kind_of_source_may_have_a_weight_of_its_own(db: None, settings: Settings) -> None:
    """One document is nearest in meaning, the other has the word; of each of two sources of different kinds."""
    world = World.of("ann")
    for name, text in (("near", "Nothing of that word."), ("worded", "The canteen closes.")):
        world.document(name, grants=["ann"], text=text)
    give_vectors(chosen="d.external_id = 'near'")
    give_vectors("'[0.6,0.8]'", chosen="d.external_id = 'worded'")

    def first() -> str:
        return search(world.reader("ann"), query="canteen", vector=[1.0, 0.0], limit=5)[0].external_id

    settings.SEARCH_MEANING = 0.9
    assert first() == "near"
    settings.SEARCH_MEANING_BY_KIND = {"push": 0.1}
    assert first() == "worded"
    settings.SEARCH_MEANING_BY_KIND = {"folder": 0.1}
    assert first() == "near"
    assert search(world.reader("ann"), query="canteen", vector=[1.0, 0.0], meaning=0.2)[0].external_id == "worded"

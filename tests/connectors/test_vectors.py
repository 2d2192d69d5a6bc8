"""From passages to vectors and into the approximate index: what waits is found all the while."""

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from llama_index.core.base.embeddings.base import BaseEmbedding

from accounts.statements import execute, rows
from connectors import embedding, vectors
from connectors.corpus import generations
from connectors.corpus.search import search
from connectors.models import IndexGeneration, PassageVector, ScopeSize, Unembedded, Unindexed, VectorNode
from connectors.records import DocumentRecord
from tests.cast import World, access
from tests.made_up import give_vectors

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = "SELECT d.external_id, p.id FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id"
AWAY = "http://127.0.0.1:9/v1"


class Letters(BaseEmbedding):
    """How often a text has each letter, in so many numbers; it makes nothing of a text that says so."""

    model_name: str = "letters"
    size: int = 26

    def _get_text_embedding(self, text: str) -> list[float]:
        if "nothing can be made" in text:
            return [math.nan] * self.size
        counts = [0.001 + text.lower().count(chr(97 + place % 26)) for place in range(self.size)]
        length = math.sqrt(sum(count * count for count in counts))
        return [count / length for count in counts]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


class LongLetters(Letters):
    model_name: str = "long letters"
    size: int = 2_000


@pytest.fixture
def world() -> World:
    return World.of("ann", "bob")


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """A model that a setting names is made once a process."""
    embedding.model_for.cache_clear()
    yield
    embedding.model_for.cache_clear()


def work() -> None:
    assert vectors.embed_waiting(time.monotonic() + 60)


def write(world: World, name: str, text: str, title: str = "A") -> None:
    world.push(DocumentRecord(id=name, title=title, text=text, mime="text/markdown", access=access(["ann"])))


def letters(settings: Any, name: str = "Letters") -> None:
    settings.EMBED_CLASS = f"tests.connectors.test_vectors.{name}"


def by_meaning(world: World, question: str, person: str = "ann") -> list[str]:
    generation = generations.active()
    assert generation is not None
    vector = embedding.embed_query(question, generations.choice_of(generation))
    hits = search(world.reader(person), query=question, vector=vector, generation=generation.pk, mode="vector")
    return [hit.external_id for hit in hits]


# --- vectors ----------------------------------------------------------------------------------------------


def test_passages_get_vectors_and_are_found_by_meaning(world: World) -> None:
    world.document("leave", grants=["ann"], text="Employees may take thirty days of holiday every year.")
    world.document("pumps", grants=["ann"], text="The hydraulic pump needs new seals.")
    work()
    question = "How much vacation do I get?"
    hits = search(world.reader("ann"), query=question, vector=embedding.embed_query(question), mode="vector")
    assert [hit.external_id for hit in hits] == ["leave", "pumps"]
    assert hits[0].similarity is not None
    assert math.isclose(hits[0].similarity, 0.5, abs_tol=0.3)
    assert PassageVector.past_the_guard.count() == 2
    assert not Unembedded.objects.exists()


def test_a_model_that_is_away_hides_nothing_and_is_asked_again(world: World, settings: Any) -> None:
    world.document("leave", grants=["ann"], text="Thirty days of holiday.")
    settings.EMBED_BASE_URL, settings.EMBED_MODEL, settings.EMBED_DIMENSIONS = AWAY, "away", 8
    work()
    assert vectors.waiting().count() == 1
    assert [hit.external_id for hit in search(world.reader("ann"), query="holiday", vector=None)] == ["leave"]


def test_unchanged_passages_keep_their_vectors_when_a_document_changes(world: World, settings: Any) -> None:
    letters(settings)
    first = "# A\n\n" + "The first part stays. " * 60
    write(world, "a", first + "\n\n# B\n\nThe second part.")
    work()
    assert not vectors.waiting().exists()
    write(world, "a", first + "\n\n# B\n\nThe second part is another.")
    assert vectors.waiting().count() == 1


def test_passages_of_a_document_with_another_title_are_embedded_anew(world: World, settings: Any) -> None:
    letters(settings)
    write(world, "a", "The walrus moves.", title="Plan")
    work()
    write(world, "a", "The walrus moves.", title="Zebra zoo zone")
    assert vectors.waiting().count() == 1
    work()
    assert IndexGeneration.objects.get().vectors == 1
    assert by_meaning(world, "zzz") == ["a"]


def test_a_passage_no_vector_can_be_made_of_is_set_aside_and_found_by_its_words(world: World, settings: Any) -> None:
    letters(settings)
    world.document("a", grants=["ann"], text="The walrus moves.")
    world.document("b", grants=["ann"], text="Of this walrus nothing can be made.")
    work()
    assert by_meaning(world, "walrus") == ["a"]
    assert {hit.external_id for hit in search(world.reader("ann"), query="walrus", vector=None)} == {"a", "b"}
    assert Unembedded.objects.get().reason == vectors.REFUSED


def test_vectors_stand_where_their_documents_stand(world: World, settings: Any) -> None:
    letters(settings)
    world.document("a", grants=["ann"], text="The walrus moves.")
    work()
    assert (by_meaning(world, "walrus"), by_meaning(world, "walrus", "bob")) == (["a"], [])
    world.reshare("document", "a", None, ["bob"])
    assert (by_meaning(world, "walrus"), by_meaning(world, "walrus", "bob")) == ([], ["a"])
    world.delete("document", "a")
    assert not PassageVector.past_the_guard.exists()


# --- a change of model ----------------------------------------------------------------------------------------


def test_another_model_takes_the_place_of_the_first_when_every_passage_has_its_vector(
    world: World, settings: Any
) -> None:
    for number in range(70):
        world.document(f"d{number}", grants=["ann"], text=f"Walrus number {number} swims.")
    letters(settings)
    work()
    first = generations.active()
    assert first is not None
    letters(settings, "LongLetters")
    embedding.model_for.cache_clear()
    assert vectors.embed_waiting(time.monotonic() - 1)  # no time for any
    assert generations.active() == first
    assert len(by_meaning(world, "walrus")) == 10
    work()
    second = generations.active()
    assert second is not None
    assert (second.dimensions, second.vectors) == (2_000, 70)
    assert len(by_meaning(world, "walrus")) == 10
    assert list(IndexGeneration.objects.all()) == [second]
    assert PassageVector.past_the_guard.count() == 70


def test_going_back_to_the_first_model_before_the_other_is_whole_changes_nothing(world: World, settings: Any) -> None:
    world.document("a", grants=["ann"], text="The walrus moves.")
    letters(settings)
    work()
    first = generations.active()
    letters(settings, "LongLetters")
    assert vectors.embed_waiting(time.monotonic() - 1)
    letters(settings)
    work()
    assert (generations.active(), IndexGeneration.objects.count()) == (first, 1)
    assert by_meaning(world, "walrus") == ["a"]


def test_the_key_of_the_new_server_is_not_sent_to_the_old_one(settings: Any) -> None:
    old = IndexGeneration(state="active", model="m", base_url="http://old.example/v1", dimensions=8)
    settings.EMBED_BASE_URL, settings.EMBED_MODEL, settings.EMBED_API_KEY = "http://new.example/v1", "m", "k"
    assert generations.choice_of(old).api_key == ""
    settings.EMBED_BASE_URL, settings.EMBED_MODEL = "http://old.example/v1", "another"
    assert generations.choice_of(old).api_key == "k"


def test_vectors_longer_than_an_index_entry_are_searched_by_their_beginning_and_ordered_by_all(
    world: World, settings: Any
) -> None:
    """Two passages begin alike; what sets them apart comes after the 1,300th number."""
    world.document("a", grants=["ann"], text="One.")
    world.document("b", grants=["ann"], text="Two.")
    generation = IndexGeneration.objects.create(state="active", model="made up", dimensions=2_000)
    ids = dict(
        rows("SELECT d.external_id, p.id FROM connectors_passage p JOIN connectors_document d ON d.id = document_id")
    )
    start = [1.0] * 1_300
    vectors.store({ids["a"]: start + [1.0] * 700, ids["b"]: start + [-1.0] * 700}, generation)
    for sign, first in ((1.0, "a"), (-1.0, "b")):
        asked = [value / math.sqrt(2_000) for value in start + [sign] * 700]
        hits = search(world.reader("ann"), query="", vector=asked, mode="vector")
        assert hits[0].external_id == first
        assert hits[0].similarity == pytest.approx(1.0, abs=0.01)


# --- the approximate index -----------------------------------------------------------------------------------


@pytest.fixture
def many(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Ninety of Ann's passages, and the index is worth making from fifty on."""
    monkeypatch.setattr(vectors, "GRAPH_FROM", 50)
    for number in range(90):
        world.document(f"d{number:02}", grants=["ann"], text=f"Walrus number {number} swims.")
    return world


def angle(number: str) -> str:
    return f"('[' || cos({number} / 100.0) || ',' || sin({number} / 100.0) || ']')"


def test_of_many_vectors_the_index_is_made_at_once_and_answers(many: World) -> None:
    generation = give_vectors(angle("substr(d.external_id, 2)::int"))
    vectors.index_waiting(generation, time.monotonic() + 60)
    assert (generation.graph, VectorNode.past_the_guard.count(), Unindexed.objects.count()) == (True, 90, 0)
    assert generation.measured["index_ms_200"] > 0
    IndexGeneration.objects.update(exact_limit=10)
    scans = "SELECT pg_stat_get_xact_numscans(%s::regclass)"
    with transaction.atomic():
        execute("SET LOCAL enable_seqscan = off")
        execute("SET LOCAL enable_sort = off")
        hits = search(many.reader("ann"), query="", vector=[1.0, 0.0], limit=10, mode="vector")
        assert rows(scans, [generations.graph_name(generation)]) == [(1,)]
    assert [hit.external_id for hit in hits] == [f"d{number:02}" for number in range(10)]


def test_a_vector_that_is_not_in_the_index_yet_is_found(many: World) -> None:
    generation = give_vectors(angle("substr(d.external_id, 2)::int"))
    vectors.index_waiting(generation, time.monotonic() + 60)
    IndexGeneration.objects.update(exact_limit=10)
    many.document("e", grants=["ann"], text="A walrus that came late.")
    give_vectors("'[1.1,0]'", "d.external_id = 'e'")
    assert Unindexed.objects.count() == 1
    hits = search(many.reader("ann"), query="", vector=[1.0, 0.0], limit=3, mode="vector")
    assert {hit.external_id for hit in hits} == {"d00", "e", "d01"}
    vectors.index_waiting(generation, time.monotonic() + 60)
    assert Unindexed.objects.count() == 0
    assert VectorNode.past_the_guard.count() == 91


def test_where_the_nearest_are_hidden_the_rest_is_found_exactly(many: World) -> None:
    for number in range(20):
        many.document(f"hidden{number}", grants=["bob"], text="Nearer.")
    generation = give_vectors(f"CASE WHEN starts_with(d.external_id, 'h') THEN '[1,0]' ELSE {angle('50')} END")
    vectors.index_waiting(generation, time.monotonic() + 60)
    IndexGeneration.objects.update(exact_limit=10)
    hits = search(many.reader("ann"), query="", vector=[1.0, 0.0], limit=10, mode="vector")
    assert len(hits) == 10
    assert all(hit.external_id.startswith("d") for hit in hits)


# --- how many passages there are ------------------------------------------------------------------------------


def test_the_size_of_a_scope_follows_what_stands_in_it(world: World) -> None:
    world.folder("one", ["ann"])
    world.folder("two", ["ann"])
    for number in range(3):
        world.document(f"d{number}", "one", text="Words.")
    assert sizes() == {"one": 3}
    world.document("d0", "two", text="Words.")
    assert sizes() == {"one": 2, "two": 1}
    world.delete("document", "d1")
    world.document("d2", "one", text="Words. " * 400)
    assert sizes()["one"] == rows("SELECT count(*) FROM connectors_passage WHERE text LIKE '%%Words. Words.%%'")[0][0]


def sizes() -> dict[str, int]:
    named = dict(rows("SELECT id, external_id FROM connectors_scope"))
    found: dict[str, int] = {}
    for size in ScopeSize.objects.exclude(passages=0):
        found[named[size.scope_id]] = found.get(named[size.scope_id], 0) + size.passages
    return found

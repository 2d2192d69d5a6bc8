"""Search where the planner has a choice: how its statements look for passages, and what they find at the edges.

What is looked into is told by the plans themselves; what should be found is told by numpy.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Event
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.statements import execute, rows
from connectors import vectors
from connectors.corpus import generations
from connectors.corpus.breaking_glass import break_glass
from connectors.corpus.search import Filters, search
from connectors.corpus.wall import as_owner
from connectors.models import Document, IndexGeneration, Passage, Unembedded, Unindexed
from tests.connectors.thousands import ALL, EXACT_LIMIT, FEW, Floats, Thousands, directions, thousands
from tests.leakproof.ground import Ground
from tests.plans import Look, let_plans_be_told, looks
from tests.processes import within

OF_SIZE = 1_000  # rows; a smaller table may be read from its beginning to its end
CONTENT = {"connectors_passage", "connectors_passagevector", "connectors_vectornode", "connectors_document"}
RIGHTS = {"connectors_scope", "connectors_scopesize", "connectors_acl", "connectors_aclentry", "accounts_principal"}
BY_SCOPE = "vectors_by_scope"
QUESTIONS: dict[str, dict[str, Any]] = {
    "meaning": {"query": ""},
    "a rare word": {"query": "report d00017"},
    "a common word": {"query": "report"},
    "both": {"query": "the report of department17"},
    "a phrase": {"query": '"report of department17"'},
    "a beginning": {"query": "department1*"},
    "an author": {"query": "report", "filters": Filters(authors=("Bea",))},
    "a folder": {"query": "report", "filters": Filters(folders=("rest02",))},
    "a source": {"query": "report", "filters": Filters(sources=("docs",))},
}


@pytest.fixture(scope="module")
def built(django_db_blocker: Any) -> Iterator[tuple[Thousands, str]]:
    """In a database of their own; its name is for copies."""
    name = f"thousands_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with django_db_blocker.unblock():
        ground = Ground(str(connection.settings_dict["NAME"]), name)
        ground.renew()
        call_command("migrate", verbosity=0)
        let_plans_be_told()
        yield thousands(), name
        ground.leave()


@pytest.fixture
def all(built: tuple[Thousands, str]) -> Thousands:
    """To be read only."""
    return built[0]


@pytest.fixture
def own(built: tuple[Thousands, str]) -> Iterator[Thousands]:
    """A copy, to be written to."""
    made, name = built
    ground = Ground(name, f"{name}_copy")
    ground.renew()
    yield replace(made, names=[*made.names], folders=[*made.folders])
    ground.leave()


def ask(all: Thousands, reader: str, **asked: Any) -> list[str]:
    hits = search(all.world.reader(reader), vector=all.question.tolist(), **asked)
    return [hit.external_id for hit in hits]


def looked(all: Thousands, reader: str, **asked: Any) -> list[Look]:
    """What a search by meaning and words looks into."""
    with looks() as found:
        assert ask(all, reader, **asked) or reader == "none"
    return found


def into(name: str, found: list[Look]) -> list[Look]:
    return [look for look in found if name in (look.table, look.index)]


def graph() -> str:
    return generations.graph_name(IndexGeneration.objects.get())


# --- plans ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", ["some", "few3"])
def test_few_are_looked_at_in_the_covering_index_alone(all: Thousands, reader: str) -> None:
    found = looked(all, reader, query="", mode="vector")
    exact = into(BY_SCOPE, found)
    assert [(look.way, look.fetched) for look in exact] == [("Index Only Scan", 0)]
    assert exact[0].rows == len(all.permitted(reader))
    assert not into("connectors_vectornode", found)


@pytest.mark.parametrize("filters", [Filters(authors=("Bea",)), Filters(folders=("rest02",))], ids=["author", "folder"])
def test_what_filters_leave_is_looked_at_in_the_covering_index_alone(all: Thousands, filters: Filters) -> None:
    found = looked(all, "all", query="", mode="vector", filters=filters)
    assert [(look.way, look.fetched) for look in into(BY_SCOPE, found)] == [("Index Only Scan", 0)]
    assert not into("connectors_vectornode", found)


def test_the_nearest_of_many_are_taken_from_the_approximate_index(all: Thousands) -> None:
    found = looked(all, "all", query="", mode="vector")
    assert [(look.way, look.index, look.rows) for look in into("connectors_vectornode", found)] == [
        ("Index Scan", graph(), 200)
    ]
    assert not into(BY_SCOPE, found)
    places = [look for look in into("vector_places", found) if "unnest(worded" not in look.statement]
    assert ("Index Only Scan", 0, 200) in [(look.way, look.fetched, look.rows) for look in places]


def test_where_the_nearest_are_hidden_the_covering_index_answers_after_the_approximate_one(all: Thousands) -> None:
    found = looked(all, "thirty", query="", mode="vector")
    assert [look.way for look in into(graph(), found)] == ["Index Scan"]
    assert [(look.way, look.fetched) for look in into(BY_SCOPE, found)] == [("Index Only Scan", 0)]


def test_what_stands_at_the_far_end_of_the_approximate_index_is_not_relied_on(all: Thousands) -> None:
    """Of its 200 candidates the nearest 150 are hidden: fifty are left, where it is full of gaps."""
    found = looked(all, "three", query="", mode="vector")
    assert [look.rows for look in into(graph(), found)] == [200]
    assert [(look.way, look.fetched) for look in into(BY_SCOPE, found)] == [("Index Only Scan", 0)]
    assert not into(BY_SCOPE, looked(all, "half", query="", mode="vector")), "25 are hidden, and enough of it is sure"


@pytest.mark.parametrize("question", ["a rare word", "a common word", "both", "a phrase", "a beginning", "a source"])
def test_words_are_looked_for_in_their_indexes(all: Thousands, question: str) -> None:
    found = [look for look in looked(all, "all", **QUESTIONS[question]) if "@@" in look.statement]
    assert {look.way for look in into("connectors_passage", found)} == {"Bitmap Heap Scan"}
    indexes = {look.index for look in found if look.way == "Bitmap Index Scan"}
    assert "passage_lexemes" in indexes
    assert indexes <= {"passage_lexemes", "passage_sample"}


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_table_of_size_is_read_from_its_beginning_to_its_end(all: Thousands, question: str) -> None:
    of_size = {name for (name,) in rows("SELECT relname FROM pg_class WHERE reltuples >= %s", [OF_SIZE])}
    assert of_size >= CONTENT | RIGHTS
    for reader in ("all", "thirty", "some", "none"):
        found = looked(all, reader, **QUESTIONS[question])
        assert not [(look.table, look.statement) for look in found if look.way == "Seq Scan" and look.table in of_size]


def test_what_break_glass_opens_is_looked_for_by_indexes_too(own: Thousands) -> None:
    some, another = own.world.people["some"], own.world.people["all"]
    document = Document.past_the_guard.get(external_id=own.nearest("all", own.question)[0]).public_id
    until = timezone.now() + timedelta(hours=1)
    break_glass(user=some, given_by=another, reason="An audit.", until=until, scope=("docs", "crowd00007"))
    break_glass(user=some, given_by=another, reason="An audit.", until=until, document=document)
    found = looked(own, "some", query="report")
    assert {(look.way, look.fetched) for look in into(BY_SCOPE, found)} == {("Index Only Scan", 0)}
    assert not {look.table for look in found if look.way == "Seq Scan"} & CONTENT
    assert own.found("some", own.question) == [
        *own.nearest("all", own.question, 1),
        *own.nearest("some", own.question, 9),
    ]


@pytest.mark.parametrize("reader", ["all", "some"])
def test_only_what_was_found_is_read(all: Thousands, reader: str) -> None:
    """Texts are fetched by number: the wall, in the same statement, must not lead it through all that is permitted."""
    found = [look for look in looked(all, reader, query="") if "gatehouse_search(" in look.statement]
    assert [look.rows for look in into("connectors_passage", found)] == [10]


# --- settings ---------------------------------------------------------------------------------------------


def settings_of_the_session() -> dict[str, str]:
    execute("SELECT '[1]'::halfvec <=> '[1]', gatehouse_grams('')")  # pgvector's and plpgsql's settings become known
    reader: str = rows("SELECT coalesce(current_setting('gatehouse.reader', true), '')")[0][0]
    role: str = rows("SELECT current_setting('role')")[0][0]
    return dict(rows("SELECT name, setting FROM pg_settings")) | {"gatehouse.reader": reader, "role": role}


@pytest.mark.parametrize("reader", ["all", "thirty", "some"])
def test_a_search_leaves_the_settings_of_its_session_as_they_were(all: Thousands, reader: str) -> None:
    connection.close()
    before = settings_of_the_session()
    assert {"hnsw.ef_search", "enable_seqscan", "jit", "plan_cache_mode"} <= before.keys()
    for asked in QUESTIONS.values():
        ask(all, reader, **asked)
        assert settings_of_the_session() == before
    with transaction.atomic():
        for asked in QUESTIONS.values():
            ask(all, reader, **asked)
            assert settings_of_the_session() == before


def test_a_search_that_fails_leaves_them_as_they_were_too(own: Thousands) -> None:
    """It fails where it looks for the nearest, which is where it sets the most."""
    IndexGeneration.objects.update(dimensions=own.question.size + 1)
    before = settings_of_the_session()
    asked: dict[str, Any] = {"query": "", "vector": [*own.question.tolist(), 0.0], "mode": "vector"}
    for reader in ("all", "some"):  # from the approximate index, and from the other
        with pytest.raises(DatabaseError, match="dimensions"):
            search(own.world.reader(reader), **asked)
        assert settings_of_the_session() == before
        with transaction.atomic():
            with pytest.raises(DatabaseError, match="dimensions"), transaction.atomic():
                search(own.world.reader(reader), **asked)
            assert settings_of_the_session() == before


def test_the_settings_of_the_session_change_neither_way_nor_result(all: Thousands) -> None:
    others = {
        "hnsw.ef_search": "1",
        "hnsw.iterative_scan": "relaxed_order",
        "plan_cache_mode": "force_generic_plan",
        "max_parallel_workers_per_gather": "4",
        "jit": "on",
        "jit_above_cost": "0",
    }
    expected = {reader: all.found(reader, all.question) for reader in ("all", "thirty", "some")}
    with looks() as found:
        for name, value in others.items():
            execute(f"SET {name} = {value}")
        assert {reader: all.found(reader, all.question) for reader in expected} == expected
    assert [look.rows for look in into(graph(), found)] == [200, 200]
    assert {look.way for look in into(BY_SCOPE, found)} == {"Index Only Scan"}


# --- how much is permitted --------------------------------------------------------------------------------


@pytest.mark.parametrize("question", QUESTIONS)
def test_who_may_read_nothing_finds_nothing(all: Thousands, question: str) -> None:
    assert ask(all, "none", **QUESTIONS[question]) == []


def test_who_may_read_fewer_than_are_wanted_finds_them_all_in_order(all: Thousands) -> None:
    for reader, question in zip(FEW, directions(np.random.default_rng(9), len(FEW)), strict=True):
        found = all.found(reader, question)
        assert found == all.nearest(reader, question)
        assert len(found) == int(reader.removeprefix("few"))
        assert ask(all, reader, query="report", limit=5) != []


@pytest.mark.parametrize("reader", [*ALL, "some"])
def test_ten_are_found_and_the_right_ones_whatever_is_hidden(all: Thousands, reader: str) -> None:
    """`half`, `five` and `thirty` may not read what is nearest to the question, so many percent of all."""
    assert all.found(reader, all.question) == all.nearest(reader, all.question)
    questions = directions(np.random.default_rng(7), 20)
    found = [all.found(reader, question) for question in questions]
    assert {len(names) for names in found} == {10}
    right = [len({*names} & {*all.nearest(reader, question)}) for names, question in zip(found, questions, strict=True)]
    assert np.mean(right) >= 9.5


@pytest.mark.parametrize(("reader", "wanted"), [("all", 100), ("five", 100), ("some", 100), ("some", 1_000)])
def test_as_many_are_found_as_are_wanted(all: Thousands, reader: str, wanted: int) -> None:
    found, right = all.found(reader, all.question, wanted), all.nearest(reader, all.question, wanted)
    assert len(found) == len(right)
    assert len({*found} & {*right}) >= 0.95 * len(right)


# --- while the corpus changes -----------------------------------------------------------------------------


def give(all: Thousands, name: str, vector: Floats | None) -> None:
    """A document of its own passage; without a vector, it waits for one."""
    all.world.document(name, "rest00", text=f"What {name} says of walruses.")
    if vector is not None:
        passage = Passage.past_the_guard.get(document__external_id=name)
        vectors.store({passage.pk: vector.tolist()}, IndexGeneration.objects.get())
        Unembedded.objects.filter(passage_id=passage.pk).delete()


def nearer_and_nearer(all: Thousands, count: int) -> list[Floats]:
    """Directions nearer to the question than anything, each nearer than the one before."""
    aside = directions(np.random.default_rng(5), 1)[0]
    made = [all.question + aside * 0.3 * (count - number) / count for number in range(count)]
    return [(vector / np.linalg.norm(vector)).astype(np.float16).astype(np.float32) for vector in made]


def then_leave(work: Callable[[], object]) -> object:
    """On a thread of its own, which has a connection of its own."""
    try:
        return work()
    finally:
        connection.close()


@contextmanager
def elsewhere(change: Callable[[], object]) -> Iterator[None]:
    """Changed on another connection, and committed at the end of the block."""
    changed, go = Event(), Event()

    def work() -> None:
        with transaction.atomic():
            change()
            changed.set()
            assert go.wait(30)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(then_leave, work)
        while not changed.wait(0.05) and not done.done():
            pass
        try:
            yield
        finally:
            go.set()
            done.result()


@pytest.mark.parametrize("reader", ["all", "thirty", "some"])
def test_what_a_sync_adds_and_removes_is_so_from_its_commit_on(own: Thousands, reader: str) -> None:
    first, second, third = nearer_and_nearer(own, 3)
    before = own.nearest(reader, own.question)
    assert own.found(reader, own.question) == before

    def add() -> None:
        give(own, "n1", first)
        give(own, "n2", second)
        give(own, "waits", None)

    def remove() -> None:
        own.world.delete("document", before[0])
        own.world.delete("document", "n2")

    with elsewhere(add):
        assert own.found(reader, own.question) == before
        assert ask(own, reader, query="walruses", mode="text") == []
    assert (Unindexed.objects.count(), Unembedded.objects.count()) == (2, 1)
    own.add("n1", "rest00", first)
    own.add("n2", "rest00", second)
    assert own.found(reader, own.question) == own.nearest(reader, own.question) == ["n2", "n1", *before[:8]]
    assert {*ask(own, reader, query="walruses", mode="text")} == {"n1", "n2", "waits"}
    with elsewhere(remove):
        assert own.found(reader, own.question) == ["n2", "n1", *before[:8]]
    own.remove([before[0], "n2"])
    assert own.found(reader, own.question) == own.nearest(reader, own.question)
    vectors.index_waiting(IndexGeneration.objects.get(), float("inf"))
    give(own, "n3", third)
    own.add("n3", "rest00", third)
    assert own.found(reader, own.question) == own.nearest(reader, own.question)


def test_every_search_beside_a_sync_finds_what_was_there_at_one_moment(own: Thousands) -> None:
    """Each document that comes is nearer than all before; five later it goes again."""
    readers = ("all", "thirty", "some")
    before = {reader: own.found(reader, own.question) for reader in readers}
    made = nearer_and_nearer(own, 25)
    begun = done = 0

    def sync() -> None:
        nonlocal begun, done
        for number, vector in enumerate(made):
            begun = number + 1
            give(own, f"n{number}", vector)
            if number >= 5:
                own.world.delete("document", f"n{number - 5}")
            done = number + 1

    searches = 0
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(then_leave, sync)
        while not running.done() or searches < 3:
            reader = readers[searches % 3]
            at_least = done
            found = own.found(reader, own.question)
            at_most = begun
            new = [int(name[1:]) for name in found if name.startswith("n")]
            assert found == [*(f"n{number}" for number in new), *before[reader]][:10]
            assert new == sorted(new, reverse=True) == [*range(max(new, default=0), min(new, default=1) - 1, -1)]
            assert min(at_least, 5) <= len(new) <= 6
            assert at_least <= max(new, default=-1) + 1 <= at_most
            searches += 1
        running.result()
    assert searches > 10


def mistaken(all: Thousands, readers: Sequence[str]) -> list[str]:
    """Those who do not find what they should; where the approximate index proposes, nine of ten are enough."""
    return [
        reader
        for reader in readers
        if len({*all.found(reader, all.question)} & {*all.nearest(reader, all.question)})
        < len(all.nearest(reader, all.question)) - (reader in ("all", "half"))
    ]


def test_half_of_all_may_go_and_the_index_be_made_anew(own: Thousands, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest among it: what the approximate index proposes at first is not there any more."""
    readers = ("all", "half", "thirty", "some", "few3")
    monkeypatch.setattr(vectors, "GRAPH_FROM", EXACT_LIMIT)
    nearest = [name for name, folder in zip(own.names, own.folders, strict=True) if folder in ("half", "five")]
    with as_owner():  # as documents that are gone lose their passages
        gone = Passage.past_the_guard.filter(Q(document__external_id__in=nearest) | Q(document__external_id__gte="w"))
        gone.delete()
    own.remove(nearest)
    assert mistaken(own, readers) == []
    execute("VACUUM (ANALYZE)")
    assert mistaken(own, readers) == []
    for number, vector in enumerate(own.vectors[:5]):
        give(own, f"n{number}", vector)
        own.add(f"n{number}", "rest00", vector)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(then_leave, lambda: vectors.rebuild(IndexGeneration.objects.get()))
        while not running.done():
            assert mistaken(own, readers) == []
        assert running.result()
    IndexGeneration.objects.update(exact_limit=EXACT_LIMIT)
    assert (IndexGeneration.objects.get().vectors, Unindexed.objects.count()) == (len(own.names), 0)
    assert mistaken(own, readers) == []
    with looks() as found:
        own.found("all", own.question)
    assert [look.way for look in into(graph(), found)] == ["Index Scan"]


def test_changed_pages_are_looked_at_in_the_table_until_the_next_vacuum(own: Thousands) -> None:
    for number, vector in enumerate(directions(np.random.default_rng(3), 5)):
        give(own, f"n{number}", vector)
        own.add(f"n{number}", "rest00", vector)

    def fetched() -> int:
        with looks() as found:
            assert own.found("some", own.question) == own.nearest("some", own.question)
        (exact,) = into(BY_SCOPE, found)
        assert exact.way == "Index Only Scan"
        return exact.fetched

    def vacuumed() -> bool:
        execute("VACUUM connectors_passagevector")
        return fetched() == 0

    assert fetched() >= 5
    assert within(30, vacuumed)  # not at once, where something else still looks at an older state

"""From waiting bytes to text and vectors: counted attempts, set-aside files, and what a missing model costs."""

import time

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import principals
from connectors import ingest, sync
from connectors.corpus import documents
from connectors.corpus.placing import Places
from connectors.corpus.reading import list_documents
from connectors.corpus.search import search
from connectors.models import Content, Document, Passage
from connectors.records import DocumentRecord
from tests.cast import World, access

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World.of("ann", "bob")


def send(world: World, name: str, content: bytes, grants: str = "ann") -> str:
    record = DocumentRecord(id=name, title=name, content=content, access=access([grants]))
    return world.push(record).state


def sources_of_all_that_waits() -> list[int]:
    """In the order in which one worker takes it."""
    found: list[int] = []
    while (job := ingest.take(None, found[-1] if found else 0)) is not None:
        Content.past_the_guard.filter(pk=job.document_id).delete()
        found.append(job.source_id)
    return found


def work() -> None:
    ingest.parse_waiting(None, time.monotonic() + 60)


def test_a_new_file_appears_when_it_is_parsed(world: World) -> None:
    assert send(world, "a.md", b"# Plan\n\nThe walrus moves.") == "pending"
    assert world.reads("ann") == set()
    work()
    assert world.reads("ann") == {"a.md"}
    assert not Content.past_the_guard.exists()


def test_a_document_the_brake_holds_stays_hidden_when_what_it_waited_for_is_parsed(world: World) -> None:
    send(world, "a.md", b"# Plan\n\nThe walrus moves.")
    work()
    send(world, "a.md", b"# Plan\n\nThe walrus stays.")
    with transaction.atomic():
        principals.lock(world.source.pk)
        places = Places(world.source.pk)
        documents.hold(documents.living(world.source.pk), places)
        places.settle(refuse_cycles=False)
    work()
    assert world.reads("ann") == set()
    sync.release_held(world.source)
    (hit,) = search(world.reader("ann"), query="walrus", vector=None)
    assert "The walrus stays." in hit.text


def test_the_same_bytes_again_are_not_parsed_again(world: World) -> None:
    send(world, "a.md", b"# Plan")
    work()
    assert send(world, "a.md", b"# Plan", grants="bob") == "live"
    assert not Content.past_the_guard.exists()
    assert (world.reads("ann"), world.reads("bob")) == (set(), {"a.md"})


def test_a_file_that_cannot_be_read_says_why_and_hides_the_text_it_had(world: World) -> None:
    send(world, "a.pdf", b"# Words that were once here")
    work()
    send(world, "a.pdf", b"%PDF-1.7\nbroken")
    work()
    document = Document.past_the_guard.get()
    assert (document.state, document.reason) == ("quarantined", "corrupt")
    assert world.reads("ann") == set()
    assert not Passage.past_the_guard.exists()


def test_content_that_ended_its_worker_is_set_aside_after_three_attempts(world: World) -> None:
    send(world, "a.md", b"# Plan")
    for attempt in range(1, ingest.ATTEMPTS + 1):
        job = ingest.take()  # and the worker ends here
        assert job is not None
        assert job.attempts == attempt
        assert ingest.take() is None
        Content.past_the_guard.update(due_at=timezone.now())
    work()
    assert Document.past_the_guard.get().reason == "crashed"


def test_workers_keep_to_different_sources_and_a_small_one_is_not_behind_a_large_one(world: World) -> None:
    for number in range(4):
        send(world, f"{number}.md", b"# Of the large one")
    small = World.of("ann", key="small")
    for number in range(2):
        send(small, f"{number}.md", b"# Of the small one")
    one, other = ingest.take(), ingest.take()  # two workers, which know nothing of each other
    assert one is not None
    assert other is not None
    assert {one.source_id, other.source_id} == {world.source.pk, small.source.pk}
    Content.past_the_guard.update(due_at=timezone.now())
    assert sources_of_all_that_waits() == [world.source.pk, small.source.pk] * 2 + [world.source.pk] * 2


def test_what_a_source_is_asked_for_is_of_it_alone(world: World) -> None:
    send(world, "a.md", b"# One")
    small = World.of("ann", key="small")
    assert ingest.take(small.source) is None
    send(small, "b.md", b"# Two")
    job = ingest.take(small.source)
    assert job is not None
    assert job.source_id == small.source.pk


def test_newer_content_that_came_in_while_the_older_was_parsed_is_what_counts(world: World) -> None:
    from connectors.parsing import ParserProcess

    send(world, "a.md", b"# Old words")
    job = ingest.take()
    assert job is not None
    send(world, "a.md", b"# New words")
    with ParserProcess() as parser:
        ingest.work_on(job, parser)
    assert world.reads("ann") == set()
    work()
    assert Passage.past_the_guard.get().text == "New words"


def test_a_change_of_readers_while_text_waits_holds_both_and_then_the_new(world: World) -> None:
    send(world, "a.md", b"# One", grants="ann")
    work()
    send(world, "a.md", b"# Two", grants="bob")
    assert world.readers("a.md") == set()
    world.reshare("document", "a.md", None, ["ann", "bob"])
    assert world.readers("a.md") == {"ann"}
    work()
    assert world.readers("a.md") == {"ann", "bob"}


def test_a_source_is_found_by_its_words_in_several_languages(world: World) -> None:
    world.document("urlaub", grants=["ann"], text="Die Mitarbeiter erhalten dreißig Urlaubstage im Jahr, nicht mehr.")
    world.document("code", grants=["ann"], text="Error code GX-77 means that the gate is closed.")
    found = search(world.reader("ann"), query="Urlaubstag Mitarbeiters", vector=None)
    assert [hit.external_id for hit in found] == ["urlaub"]
    assert not search(world.reader("bob"), query="Urlaubstag gate", vector=None)
    assert len(list_documents(world.reader("ann"))) == 2

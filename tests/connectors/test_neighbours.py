from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.reader import Reader
from connectors.applying import apply_record
from connectors.corpus.breaking_glass import break_glass
from connectors.corpus.hits import Hit
from connectors.corpus.neighbours import neighbours
from connectors.corpus.search import search
from connectors.records import Access, DocumentRecord, Entry
from gateway.models import AuditEvent
from tests.gateway.library import Library

pytestmark = pytest.mark.django_db

MARKDOWN = "text/markdown"
PARTS = ("first", "second", "third", "fourth")
TEXT = "\n\n".join(
    f"# The {part} part\n\nThis is what the {part} chapter says to everybody who reads it." for part in PARTS
)


@pytest.fixture
def library() -> Library:
    library = Library()
    library.person("root")
    return library


def hit_of(reader: Reader, part: str) -> Hit:
    return next(hit for hit in found(reader, part) if hit.heading == f"The {part} part")


def found(reader: Reader, query: str) -> list[Hit]:
    return search(reader, query=query, vector=None, mode="text", limit=50)


def headings(hits: list[Hit]) -> list[str]:
    return [hit.heading for hit in hits]


def test_what_stands_before_and_after_is_found_in_order(library: Library) -> None:
    ann = library.person("ann")
    library.put("book", TEXT, readers=("ann",), mime=MARKDOWN, title="Book")
    first, third = hit_of(ann, "first"), hit_of(ann, "third")
    around = neighbours(ann, [first, third])
    assert headings(around[first.passage_id]) == ["The second part"]
    assert headings(around[third.passage_id]) == ["The second part", "The fourth part"]
    (second, fourth) = around[third.passage_id]
    assert second.text == "The second part\n\nThis is what the second chapter says to everybody who reads it."
    assert (second.title, second.source, second.document_id) == ("Book", "library", third.document_id)
    assert fourth == replace(hit_of(ann, "fourth"), keywords=0.0, score=0.0)


def test_it_is_one_look_for_all_of_them(
    library: Library, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ann = library.person("ann")
    for n in range(5):
        library.put(f"book {n}", TEXT, readers=("ann",), mime=MARKDOWN)
    hits = found(ann, "chapter")
    assert len(hits) == 20
    with django_assert_max_num_queries(6):  # naming the reader, the passages, whether break-glass showed them
        around = neighbours(ann, hits)
    assert sum(map(len, around.values())) == 5 * (1 + 2 + 2 + 1)


def test_no_hit_no_look(library: Library) -> None:
    assert neighbours(library.person("ann"), []) == {}


def test_whoever_lost_the_document_finds_no_neighbour(library: Library) -> None:
    ann = library.person("ann")
    library.put("book", TEXT, readers=("ann",), mime=MARKDOWN)
    hit = hit_of(ann, "second")
    library.put("book", TEXT, readers=("root",), mime=MARKDOWN)
    assert neighbours(ann, [hit]) == {hit.passage_id: []}


def test_somebody_elses_hit_has_no_neighbours_for_one_who_may_not_read_it(library: Library) -> None:
    ann, bob = library.person("ann"), library.person("bob")
    library.put("book", TEXT, readers=("ann",), mime=MARKDOWN)
    hit = hit_of(ann, "second")
    assert neighbours(bob, [hit]) == {hit.passage_id: []}


def test_a_right_that_has_ended_shows_no_neighbour(library: Library) -> None:
    ann = library.person("ann")
    library.put("book", TEXT, readers=("ann",), mime=MARKDOWN)
    hit = hit_of(ann, "second")
    ended = Access(grants=(Entry(id="ann", until=timezone.now() - timedelta(seconds=1)),))
    apply_record(library.source, DocumentRecord(id="book", title="book", text=TEXT, mime=MARKDOWN, access=ended))
    assert neighbours(ann, [hit]) == {hit.passage_id: []}


def test_what_break_glass_opens_is_told_of_until_its_end(library: Library) -> None:
    ann = library.person("ann")
    bob = library.person("bob")
    library.put("book", TEXT, readers=("ann",), mime=MARKDOWN)
    hit = hit_of(ann, "second")
    glass = break_glass(
        user=User.objects.get(pk=bob.user_id),
        given_by=User.objects.get(email="root@example.com"),
        reason="An incident.",
        until=timezone.now() + timedelta(hours=1),
        document=hit.document_id,
    )
    assert headings(neighbours(bob, [hit])[hit.passage_id]) == ["The first part", "The third part"]
    used = AuditEvent.objects.get(kind="break_glass.used", details__documents=[str(hit.document_id)])
    assert (used.user_id, used.details["break_glass"]) == (bob.user_id, glass.pk)
    glass.until = timezone.now() - timedelta(seconds=1)
    glass.save(update_fields=["until"])
    assert neighbours(bob, [hit]) == {hit.passage_id: []}


def test_a_later_text_has_no_neighbours_of_an_earlier_hit(library: Library) -> None:
    ann = library.person("ann")
    library.put("book", TEXT, readers=("ann",), mime=MARKDOWN)
    hit = hit_of(ann, "second")
    library.put("book", TEXT.replace("everybody", "nobody"), readers=("ann",), mime=MARKDOWN)
    assert neighbours(ann, [hit]) == {hit.passage_id: []}

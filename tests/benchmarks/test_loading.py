"""What is loaded past the connectors is what a sync would have brought, and both are found."""

from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from accounts.reader import Reader
from accounts.statements import rows
from benchmarks import bulk, given
from benchmarks.retrieval.corpus import A_DOCUMENT, DIMENSIONS
from connectors import ingest, sync
from connectors.adding import add_source
from connectors.corpus.search import search
from connectors.models import IndexGeneration, Source
from connectors.sources import registry

PARAGRAPHS = 40
CONTENT = """
SELECT d.external_id, d.state, d.title, d.titled, d.mime, d.language, d.text_revision, encode(d.content_digest, 'hex'),
       s.external_id, t.text, t.headings, t.pages, p.ordinal, p.text, p.start, p."end", p.heading, p.page,
       encode(p.digest, 'hex'), p.words, p.lexemes::text, p.configuration, p.opening::text,
       p.scope_id = d.scope_id, v.document_id = d.id
FROM connectors_document d
JOIN connectors_scope s ON s.id = d.scope_id
JOIN connectors_documenttext t ON t.document_id = d.id
JOIN connectors_passage p ON p.document_id = d.id
JOIN connectors_passagevector v ON v.passage_id = p.id
WHERE d.source_id = %s ORDER BY d.external_id, p.ordinal
"""
COUNTED = """
SELECT s.external_id, c.configuration, c.passages
FROM connectors_scopesize c JOIN connectors_scope s ON s.id = c.scope_id WHERE s.source_id = %s ORDER BY 1, 2
"""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'connectors_passage' ORDER BY 1"


@pytest.fixture
def synced(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Source:
    settings.EMBED_CLASS = given.EMBEDDER
    monkeypatch.setitem(registry.KINDS, given.KIND, given.MadeUp)
    source = add_source("synced", kind=given.KIND, settings={"paragraphs": str(PARAGRAPHS)})
    assert sync.run_now(source).state == "succeeded"
    ingest.drain(source)
    return source


@pytest.fixture
def loaded(synced: Source) -> Source:
    source = add_source("loaded", kind="push")
    records = given.MadeUp({"paragraphs": str(PARAGRAPHS)}).records(None)
    with bulk.without_indexes_of_words():
        bulk.load(source, IndexGeneration.objects.get(), records, given.vectors()[:PARAGRAPHS])
    bulk.settle()
    return source


def content(source: Source) -> list[tuple[Any, ...]]:
    return rows(CONTENT, [source.pk])


@pytest.mark.django_db(transaction=True)
def test_the_gateway_makes_a_passage_of_each_paragraph(synced: Source) -> None:
    assert [row[13] for row in content(synced)] == list(given.paragraphs(PARAGRAPHS))


@pytest.mark.django_db(transaction=True)
def test_a_load_past_the_connectors_leaves_what_a_sync_leaves(synced: Source, loaded: Source) -> None:
    assert len(content(synced)) == PARAGRAPHS
    assert content(loaded) == content(synced)
    assert rows(COUNTED, [loaded.pk]) == rows(COUNTED, [synced.pk])
    assert rows("SELECT count(*) FROM connectors_unembedded") == [(0,)]
    assert rows("SELECT count(*) FROM connectors_unindexed") == [(2 * PARAGRAPHS,)]
    generation = IndexGeneration.objects.get()
    assert (generation.vectors, generation.dimensions) == (2 * PARAGRAPHS, DIMENSIONS)


@pytest.mark.django_db(transaction=True)
def test_indexes_of_words_are_back_after_a_load(synced: Source) -> None:
    before = rows(INDEXES)
    with bulk.without_indexes_of_words():
        assert rows(INDEXES) == [(name, made) for name, made in before if "gin" not in made] != before
    assert rows(INDEXES) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("paragraph", [0, PARAGRAPHS - 1])
def test_what_is_loaded_is_found_by_its_own_word_and_by_its_vector(loaded: Source, paragraph: int) -> None:
    reader = Reader(User.objects.create_user("reader@example.com").pk)
    by_word = search(reader, query=given.own_word(paragraph), vector=None, mode="text")
    wanted = (str(paragraph // A_DOCUMENT), paragraph % A_DOCUMENT)
    assert ("loaded", *wanted) in [(hit.source, hit.external_id, hit.ordinal) for hit in by_word]
    vector = given.vectors()[paragraph].tolist()
    nearest = search(reader, query="", vector=vector, mode="vector")[0]
    assert (nearest.source, nearest.external_id, nearest.ordinal) == ("loaded", *wanted)

"""From a question to the passages its reader may read: found, each said once, in the order that serves this reader."""

import logging

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from accounts.reader import Viewers
from connectors.corpus import generations
from connectors.corpus.hits import Hit
from connectors.corpus.search import NO_FILTERS, Filters, Mode, search
from connectors.embedding import Embedding, EmbeddingFailed, embed_query
from connectors.models import IndexGeneration
from gateway.answering.releasing import as_it_stands, pairs_of, readable_evidence
from gateway.answering.threads import give_back
from gateway.duplicates import collapsed
from gateway.ordering import ordered
from gateway.versions import marked

log = logging.getLogger("gatehouse.retrieval")

# Looked at beyond what was asked for, so that a passage about the reader's own country can move up.
ROOM = 10
# Where many say the same the search is asked for so many times as much, up to so many passages.
WIDER = 4
MOST = 400
# So many of the best a reranker is asked about, if there is one: with more of them rankings are known to get worse.
TO_JUDGE = 25


def retrieve(
    reader: Viewers, query: str, *, limit: int = 10, filters: Filters = NO_FILTERS, mode: Mode = "hybrid"
) -> list[Hit]:
    """The permitted passages that fit `query`, best first, at most `limit`; what several say is there once."""
    generation = None if mode == "text" else generations.active()
    vector = None if generation is None else embedded(query, generation)
    number = None if generation is None else generation.pk
    person = User.objects.filter(pk=reader.asker.user_id).first()

    def found(room: int) -> list[Hit]:
        return search(reader, query=query, vector=vector, generation=number, limit=room, mode=mode, filters=filters)

    room = max(limit + ROOM, TO_JUDGE) if has_reranker() else limit + ROOM
    about = query if person is None else " ".join((query, *situation_of(person)))
    hits = found(room)
    while len(different := collapsed(marked(hits), about)) < limit and len(hits) == room < MOST:
        room = min(WIDER * room, MOST)
        hits = found(room)
    if has_reranker():
        different = judged(reader, different, query)
    return ordered(different, query, person, timezone.now())[:limit]


def situation_of(person: User) -> tuple[str, ...]:
    return person.country, person.office, person.department, person.role


def embedded(query: str, generation: IndexGeneration) -> Embedding | None:
    """The query's vector by the model of a generation; None when that is down, and keywords alone must do."""
    choice = generations.choice_of(generation)
    give_back()  # no connection is held while it works; the local model takes seconds when it is first asked
    try:
        return embed_query(query, choice)
    except EmbeddingFailed:
        log.warning("The embedding model did not answer; this search goes by keywords alone.", exc_info=True)
        return None


def has_reranker() -> bool:
    return bool(settings.RERANK_BASE_URL or settings.RERANK_CLASS)


def judged(reader: Viewers, hits: list[Hit], query: str) -> list[Hit]:
    """The hits, the best of them in the order a reranker helped to find.

    It may think for a while: what was lost meanwhile is left out by a check that starts afterwards (P15).
    """
    from gateway import reranking  # only who has one loads it

    give_back()  # no connection is held while it thinks
    judged_hits = reranking.reranked(hits[:TO_JUDGE], query) + hits[TO_JUDGE:]
    return as_it_stands(judged_hits, readable_evidence(reader, pairs_of(judged_hits)))

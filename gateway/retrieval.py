"""From a question to the passages its reader may read: found, each said once, in the order that serves this reader."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from accounts.reader import Viewers
from connectors.corpus import generations
from connectors.corpus.hits import Hit
from connectors.corpus.search import NO_FILTERS, Filters, Mode, search
from connectors.embedding import Embedding, EmbeddingFailed, embed_query
from connectors.models import IndexGeneration
from gateway.answering.following import AS_IT_IS, Rewritten
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
# In a conversation: what a passage's fit to the question alone counts beside its fit to all that was said (1). nDCG@10
# of questions that go on / first questions after a conversation about something else, on Doc2Dial: 0 .953 / .357,
# .3 .962 / .522, .4 .953 / .560, .5 .941 / .616, 1 .895 / .720; on MTRAG (clapnq): 0 .222 / .076, .3 .311 / .176,
# .4 .321 / .192, .5 .335 / .236, 1 .373 / .534.
ALONE = 0.4
# What a model makes of a question that leans on its conversation counts as much as the question with all that was said.
REWRITTEN = 1.0


def retrieve(
    reader: Viewers,
    query: str,
    *,
    before: str = "",
    rewritten: Rewritten = AS_IT_IS,
    limit: int = 10,
    filters: Filters = NO_FILTERS,
    mode: Mode = "hybrid",
) -> list[Hit]:
    """The permitted passages that fit `query`, best first, at most `limit`; what several say is there once.

    `before`: what was said before it in a conversation, the last thing first. Passages are looked for with it and
    without, since nobody knows whether the question goes on from there or turns to something else. `rewritten`: what a
    model makes of that. Its words are looked for besides; where it says that the question turns to something else, what
    was said before counts for less.
    """
    generation = None if mode == "text" else generations.active()
    number = None if generation is None else generation.pk
    person = User.objects.filter(pk=reader.asker.user_id).first()
    whole = f"{query}\n{before}" if before else query
    weights = {whole: ALONE, query: 1.0} if rewritten.alone else {query: ALONE, whole: 1.0}
    if rewritten.text:
        weights[rewritten.text] = weights.get(rewritten.text, 0.0) + REWRITTEN
    asked = [
        (text, weight, None if generation is None else embedded(text, generation)) for text, weight in weights.items()
    ]

    def found(room: int) -> list[Hit]:
        rankings = [
            (
                weight,
                search(reader, query=text, vector=vector, generation=number, limit=room, mode=mode, filters=filters),
            )
            for text, weight, vector in asked
        ]
        return fused(rankings)[:room] if len(rankings) > 1 else rankings[0][1]

    room = max(limit + ROOM, TO_JUDGE) if has_reranker() else limit + ROOM
    about = whole if person is None else " ".join((whole, *situation_of(person)))
    hits = found(room)
    while len(different := collapsed(marked(hits), about)) < limit and len(hits) == room < MOST:
        room = min(WIDER * room, MOST)
        hits = found(room)
    if has_reranker():
        different = judged(reader, different, whole)
    return ordered(different, whole, person, timezone.now())[:limit]


def in_context(hits: Sequence[Hit], alone: Sequence[Hit]) -> list[Hit]:
    """The hits of a question with what was said before, and those of the question alone, best first, scored 0..1."""
    return fused([(ALONE, alone), (1.0, hits)])


def fused(rankings: Sequence[tuple[float, Sequence[Hit]]]) -> list[Hit]:
    """What several queries found, each with what it counts, best first, scored 0..1."""
    total = sum(weight for weight, _ in rankings)
    scores: dict[UUID, float] = defaultdict(float)
    for weight, found in rankings:
        for hit in found:
            scores[hit.passage_id] += weight * hit.score / total
    every = {hit.passage_id: hit for _, found in rankings for hit in found}
    return sorted(
        (replace(hit, score=scores[id]) for id, hit in every.items()), key=lambda hit: hit.score, reverse=True
    )


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

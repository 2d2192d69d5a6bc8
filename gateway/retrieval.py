"""From a question to the passages its reader may read, the reader's own situation first."""

import logging
from dataclasses import replace

from django.conf import settings

from accounts.models import User
from accounts.reader import Viewers
from connectors.corpus import generations
from connectors.corpus.hits import Hit
from connectors.corpus.search import NO_FILTERS, Filters, Mode, search
from connectors.embedding import Embedding, EmbeddingFailed, embed_query, is_local
from connectors.models import IndexGeneration
from gateway.answering.releasing import pair_of, readable_evidence
from gateway.answering.threads import give_back
from gateway.answering.words import folded

log = logging.getLogger("gatehouse.retrieval")

# Looked at beyond what was asked for, so that a passage about the reader's own country can move up.
ROOM = 10
# So many of the best a reranker is asked about, if there is one: with more of them rankings are known to get worse.
TO_JUDGE = 25
# What naming the reader's situation is worth, on the scale of a fused score (0..1). Wording and order only: no
# preference adds a passage the search did not find or takes one away.
OWN_COUNTRY = 0.15
OTHER_COUNTRY = -0.5
OWN_SITUATION = 0.05


def retrieve(
    reader: Viewers, query: str, *, limit: int = 10, filters: Filters = NO_FILTERS, mode: Mode = "hybrid"
) -> list[Hit]:
    """The permitted passages nearest to `query`, best first, at most `limit`."""
    generation = None if mode == "text" else generations.active()
    vector = None if generation is None else embedded(query, generation)
    room = max(limit + ROOM, TO_JUDGE) if has_reranker() else limit + ROOM
    number = None if generation is None else generation.pk
    found = search(reader, query=query, vector=vector, generation=number, limit=room, mode=mode, filters=filters)
    person = User.objects.filter(pk=reader.asker.user_id).first()
    if has_reranker():
        found = judged(reader, found, query)
    return found[:limit] if person is None else preferred(found, query, person)[:limit]


def embedded(query: str, generation: IndexGeneration) -> Embedding | None:
    """The query's vector by the model of a generation; None when that is down, and keywords alone must do."""
    choice = generations.choice_of(generation)
    if not is_local(choice):
        give_back()  # no connection is held while it works
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
    ordered = reranking.reranked(hits[:TO_JUDGE], query) + hits[TO_JUDGE:]
    readable = readable_evidence(reader, {pair_of(hit) for hit in ordered})
    return [hit for hit in ordered if pair_of(hit) in readable]


def preferred(hits: list[Hit], query: str, person: User) -> list[Hit]:
    """The same hits, those about this person's situation moved up and those about another country down."""
    country = country_in_force(hits, query, person.country)
    situation = [folded(value) for value in (person.office, person.department, person.role) if value]

    def worth(hit: Hit) -> float:
        naming = folded(f"{hit.title} {hit.heading}")
        return hit.score + country_worth(hit, country) + OWN_SITUATION * any(value in naming for value in situation)

    return [replace(hit, score=worth(hit)) for hit in sorted(hits, key=worth, reverse=True)]


def country_in_force(hits: list[Hit], query: str, own: str) -> str:
    """The country the query itself names, if one of the hits is about it; otherwise the reader's own."""
    asked = folded(query)
    named = (country for hit in hits if (country := country_of(hit)) and folded(country) in asked)
    return next(named, own)


def country_of(hit: Hit) -> str:
    country = hit.metadata.get("country")
    return country if isinstance(country, str) else ""


def country_worth(hit: Hit, country: str) -> float:
    """What being about `country`, or about another one, adds to a hit's score."""
    if not country:
        return 0.0
    wanted, about = folded(country), folded(country_of(hit))
    if about:
        return OWN_COUNTRY if about == wanted else OTHER_COUNTRY
    return OWN_COUNTRY if wanted in folded(f"{hit.title} {hit.heading}") else 0.0

"""The rankings that are compared: each takes a question to the ids of documents, best first.

The peers are given what the person may read and nothing else, so that all rank the same documents: `bm25s`, a plain
BM25 of whole documents with stemming, and an exact search over the gateway's own vectors. Where pages are judged they
are ranked in the place of documents: one for each passage, as a person meets them.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray

from accounts.reader import Reader
from connectors.corpus.hits import Hit
from connectors.corpus.search import Filters, Mode, search
from connectors.embedding import Embedding, embed_query
from connectors.models import Passage, PassageVector, Source
from gateway.evaluating.corpora import Text
from gateway.evaluating.metrics import DEEP
from gateway.evaluating.reports import page_id
from gateway.retrieval import in_context


@dataclass(frozen=True)
class Asked:
    """A question, what was said before it (the last thing first), and the vectors of the question and of both."""

    text: str
    before: str
    alone: Embedding
    vector: Embedding

    @classmethod
    def of(cls, text: str, before: str = "") -> "Asked":
        asked = cls(text, before, embed_query(text), [])
        return replace(asked, vector=embed_query(asked.whole) if before else asked.alone)

    @property
    def whole(self) -> str:
        return f"{self.text}\n{self.before}" if self.before else self.text


System = Callable[[Asked], list[str]]

PASSAGES = 2 * DEEP  # asked for, since several may be of one document
K1, B = 0.9, 0.4
logging.getLogger("bm25s").setLevel(logging.WARNING)
LANGUAGES = {"de": "german", "es": "spanish", "fr": "french", "it": "italian", "nl": "dutch", "pt": "portuguese"}


def gateway(reader: Reader, mode: Mode, source: Source, *, by_page: bool = False) -> System:
    """The gateway as this person meets it, asked about this source; others may have been loaded before."""
    only = Filters(sources=(source.key,))

    def found(text: str, vector: Embedding) -> list[Hit]:
        return search(reader, query=text, vector=vector, limit=PASSAGES, mode=mode, filters=only)

    def ranked(asked: Asked) -> list[str]:
        hits = found(asked.whole, asked.vector)
        if asked.before:
            hits = in_context(hits, found(asked.text, asked.alone))
        return _placed(((hit.external_id, hit.page) for hit in hits), by_page=by_page)

    return ranked


def keywords_alone(texts: Sequence[Text], language: str) -> System:
    """BM25 by `bm25s` (Lucene's form, k1 0.9, b 0.4) with the stemmer and the stop words of the corpus's language."""
    stemmer, stop = Stemmer.Stemmer(LANGUAGES.get(language, "english")), language if language in LANGUAGES else "en"
    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    tokens = _tokens([f"{text.title}\n{text.text}" for text in texts], stemmer, stop)
    index.index(tokens, show_progress=False)

    def ranked(asked: Asked) -> list[str]:
        words = _tokens([asked.whole], stemmer, stop)
        found, scores = index.retrieve(words, k=min(DEEP, len(texts)), show_progress=False)
        return [texts[place].id for place, score in zip(found[0], scores[0], strict=True) if score > 0]

    return ranked


def _tokens(texts: list[str], stemmer: Any, stop: str) -> Any:
    return bm25s.tokenize(texts, stopwords=stop, stemmer=stemmer, show_progress=False)


def passages_alone(reader: Reader, source: Source, language: str) -> System:
    """The same over the texts of the gateway's passages, without their titles, for what is judged by its pages."""
    found = Passage.objects.visible_to(reader).filter(document__source=source).order_by("pk")
    placed = list(found.values_list("document__external_id", "page", "text"))
    ranked_passages = keywords_alone(
        [Text(str(place), "", text) for place, (_, _, text) in enumerate(placed)], language
    )

    def ranked(asked: Asked) -> list[str]:
        return _placed((placed[int(id)][:2] for id in ranked_passages(asked)), by_page=True)

    return ranked


def vectors_alone(reader: Reader, source: Source, *, by_page: bool = False) -> System:
    """Documents, or pages, by their nearest passage, compared with all of them."""
    embedded = PassageVector.objects.visible_to(reader).filter(document__source=source, generation__state="active")
    found = list(embedded.order_by("passage_id").values_list("document__external_id", "passage__page", "embedding"))
    matrix: NDArray[np.float32] = np.array([vector for _, _, vector in found], dtype=np.float32)

    def ranked(asked: Asked) -> list[str]:
        nearness = matrix @ np.array(asked.vector, dtype=np.float32)
        nearest = np.argsort(-nearness, kind="stable")
        return _placed((found[place][:2] for place in nearest), by_page=by_page)[:DEEP]

    return ranked


def _placed(passages: Iterable[tuple[str, int | None]], *, by_page: bool) -> list[str]:
    """What passages are ranked as: their documents, or their pages, of which a passage seen again takes a place."""
    if not by_page:
        return list(dict.fromkeys(document for document, _ in passages))
    return list(_first_of_each(page_id(document, page) for document, page in passages))


def _first_of_each(ids: Iterable[str]) -> Iterator[str]:
    """With a blank where one comes again."""
    seen = set()
    for id in ids:
        yield "" if id in seen else id
        seen.add(id)

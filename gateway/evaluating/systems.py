"""The rankings that are compared: each takes a question to the ids of documents, best first.

The peers are given what the person may read and nothing else, so that all rank the same documents: `bm25s`, a plain
BM25 of whole documents with stemming, and an exact search over the gateway's own vectors.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray

from accounts.reader import Reader
from connectors.corpus.search import Filters, Mode, search
from connectors.embedding import Embedding
from connectors.models import PassageVector, Source
from gateway.evaluating.corpora import Text
from gateway.evaluating.metrics import DEEP

System = Callable[[str, Embedding], list[str]]  # of a question and its vector

PASSAGES = 2 * DEEP  # asked for, since several may be of one document
K1, B = 0.9, 0.4
logging.getLogger("bm25s").setLevel(logging.WARNING)
LANGUAGES = {"de": "german", "es": "spanish", "fr": "french", "it": "italian", "nl": "dutch", "pt": "portuguese"}


def gateway(reader: Reader, mode: Mode, source: Source) -> System:
    """The gateway as this person meets it, asked about this source; others may have been loaded before."""
    only = Filters(sources=(source.key,))

    def ranked(question: str, vector: Embedding) -> list[str]:
        hits = search(reader, query=question, vector=vector, limit=PASSAGES, mode=mode, filters=only)
        return _first_of_each(hit.external_id for hit in hits)

    return ranked


def keywords_alone(texts: Sequence[Text], language: str) -> System:
    """BM25 by `bm25s` (Lucene's form, k1 0.9, b 0.4) with the stemmer and the stop words of the corpus's language."""
    stemmer, stop = Stemmer.Stemmer(LANGUAGES.get(language, "english")), language if language in LANGUAGES else "en"
    index = bm25s.BM25(method="lucene", k1=K1, b=B)
    tokens = _tokens([f"{text.title}\n{text.text}" for text in texts], stemmer, stop)
    index.index(tokens, show_progress=False)

    def ranked(question: str, _: Embedding) -> list[str]:
        asked = _tokens([question], stemmer, stop)
        found, scores = index.retrieve(asked, k=min(DEEP, len(texts)), show_progress=False)
        return [texts[place].id for place, score in zip(found[0], scores[0], strict=True) if score > 0]

    return ranked


def _tokens(texts: list[str], stemmer: Any, stop: str) -> Any:
    return bm25s.tokenize(texts, stopwords=stop, stemmer=stemmer, show_progress=False)


def vectors_alone(reader: Reader, source: Source) -> System:
    """Documents by their nearest passage, compared with all of them."""
    embedded = PassageVector.objects.visible_to(reader).filter(document__source=source, generation__state="active")
    found = list(embedded.order_by("passage_id").values_list("document__external_id", "embedding"))
    ids = [id for id, _ in found]
    matrix: NDArray[np.float32] = np.array([vector for _, vector in found], dtype=np.float32)

    def ranked(_: str, vector: Embedding) -> list[str]:
        nearness = matrix @ np.array(vector, dtype=np.float32)
        return _first_of_each(ids[place] for place in np.argsort(-nearness, kind="stable"))[:DEEP]

    return ranked


def _first_of_each(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))

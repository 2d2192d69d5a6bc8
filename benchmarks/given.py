"""A source that is there to be loaded, and vectors that no model made.

Paragraphs are of the words that search by words is measured with, sixty of them in five sentences, and begin with a
word of their own, by which each can be asked for. Ten make a document, and the gateway makes a passage of each. The
vector of a text is one of the made-up corpus, drawn by the text's checksum: the same in every process.
"""

from collections.abc import Iterator
from functools import cache
from typing import ClassVar
from zlib import crc32

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray

from benchmarks.retrieval.corpus import A_DOCUMENT, SEED, Halves, documents_about
from benchmarks.retrieval.wording import drawn
from connectors.records import EVERYONE, Access, Checkpoint, DocumentRecord, Entry, Records, ScopeRecord, State
from connectors.sources.base import Connector

KIND = "made-up"
EMBEDDER = "benchmarks.given.Given"  # what the setting EMBED_CLASS names
TOP = "top"
A_FOLDER = 100  # documents
A_PAGE = 200  # records between two checkpoints, as in the folder connector
SENTENCES, A_SENTENCE = 5, 12  # of a paragraph; words of a sentence
BETWEEN = "\n\n"  # two paragraphs
AT_ONCE = 1_000  # paragraphs drawn in one go
VECTORS = 50_000


class MadeUp(Connector):
    """Documents in folders that everyone may read."""

    settings: ClassVar = {"paragraphs": "How many, in whole documents."}

    def records(self, since: State | None) -> Records:
        count = int(self.values["paragraphs"])
        yield from folders(count)
        for number, text in enumerate(documents(count)):
            yield DocumentRecord(
                id=str(number), title=title(number), scope=folder(number), mime="text/plain", text=text
            )
            if (number + 1) % A_PAGE == 0:
                yield Checkpoint()
        yield Checkpoint(complete=True)


def folders(count: int) -> Iterator[ScopeRecord]:
    """Those in which the documents of so many paragraphs stand; they inherit from the one at the top."""
    yield ScopeRecord(id=TOP, access=Access(grants=(Entry(id=EVERYONE),)))
    for number in range(0, count // A_DOCUMENT, A_FOLDER):
        yield ScopeRecord(id=folder(number), parent=TOP)


def folder(document: int) -> str:
    return f"folder {document // A_FOLDER}"


def title(document: int) -> str:
    return f"Document {document}"


def documents(count: int) -> Iterator[str]:
    waiting: list[str] = []
    for paragraph in paragraphs(count):
        waiting.append(paragraph)
        if len(waiting) == A_DOCUMENT:
            yield BETWEEN.join(waiting)
            waiting = []


def paragraphs(count: int) -> Iterator[str]:
    chance = np.random.default_rng([SEED, 5])
    for start in range(0, count, AT_ONCE):
        sentences = [f"{words.capitalize()}." for words in drawn(chance, AT_ONCE * SENTENCES, A_SENTENCE)]
        for number in range(start, min(start + AT_ONCE, count)):
            first = (number - start) * SENTENCES
            yield " ".join([own_word(number).capitalize(), *sentences[first : first + SENTENCES]])


def own_word(paragraph: int) -> str:
    return f"n{paragraph}"


@cache
def vectors() -> Halves:
    """Of unit length."""
    clusters = np.arange(VECTORS // A_DOCUMENT, dtype=np.int32) % 200
    return documents_about(np.random.default_rng([SEED, 6]), clusters)


def vector_of(text: str) -> NDArray[np.float16]:
    made: NDArray[np.float16] = vectors()[crc32(text.encode()) % VECTORS]
    return made


class Given(BaseEmbedding):
    """As quick as a lookup: what is left is the work of the gateway."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return list(vector_of(text).tolist())

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

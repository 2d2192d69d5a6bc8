"""An embedder that needs no model: words fall into places of a vector by their checksum, the same in every process."""

import math
import re
from functools import lru_cache
from typing import TypeAlias
from zlib import crc32

from llama_index.core.base.embeddings.base import BaseEmbedding

Vector: TypeAlias = list[float]
PATH = "tests.twins.meaning.BagOfWords"
DIMENSIONS = 64
WORD = re.compile(r"\w+")


@lru_cache(maxsize=50_000)
def vector_of(text: str) -> tuple[float, ...]:
    """Of unit length; texts with the same words lie near each other."""
    places = [0.0] * DIMENSIONS
    for word in WORD.findall(text.lower()):
        drawn = crc32(word.encode())
        places[drawn % DIMENSIONS] += 1.0 if drawn & 0x10000 else -1.0
    length = math.hypot(*places)
    return tuple(place / length for place in places) if length else (1.0, *places[1:])


class BagOfWords(BaseEmbedding):
    """What the setting EMBED_CLASS names here."""

    def _get_text_embedding(self, text: str) -> Vector:
        return list(vector_of(text))

    def _get_query_embedding(self, query: str) -> Vector:
        return list(vector_of(query))

    async def _aget_query_embedding(self, query: str) -> Vector:
        return list(vector_of(query))

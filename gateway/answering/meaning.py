"""How near in meaning two sentences are, by the local embedding model; it knows English best."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from connectors.embedding import chosen, is_local

if TYPE_CHECKING:
    from connectors.minilm import Vectors


def nearness(text: str, others: Sequence[str]) -> float:
    """The greatest cosine of the text and one of the others; 0 where the local model is not the one in use."""
    if not is_local(chosen()):
        return 0.0
    return max((float(_vector(text) @ _vector(other)) for other in others), default=0.0)


@lru_cache(maxsize=512)
def _vector(text: str) -> "Vectors":
    """Some milliseconds a sentence; those of a passage are asked for again with the next sentence of an answer."""
    from connectors.minilm import encoder  # loads the model, as the first question has done

    vector: Vectors = encoder().encode([text])[0]
    return vector

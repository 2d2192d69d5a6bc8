"""Texts to vectors, by the model the settings name: a server, a llama-index class, or the local one.

The local model (connectors/minilm.py) is English-centric. Nothing is imported or loaded before the
first text, so that processes which never embed stay small.
"""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

Embedding: TypeAlias = list[float]

LOCAL_NAME = "all-MiniLM-L6-v2"
LOCAL_DIMENSIONS = 384
REMOTE_TIMEOUT = 30.0  # seconds a request
REMOTE_RETRIES = 2
REMOTE_BATCH = 64
REMEMBERED_QUERIES = 2048


class EmbeddingFailed(Exception):
    """No usable vectors came back. `permanent`: trying again will not help until a person acts."""

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.permanent = permanent


class ModelChoice(NamedTuple):
    """The settings that name an embedding model; all empty is the local one."""

    base_url: str = ""
    api_key: str = ""
    model: str = ""
    dimensions: int = 0
    class_path: str = ""


class QueryMemory:
    """The vectors of recent questions, by a hash of their words: the words themselves are not kept."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._vectors: OrderedDict[bytes, Embedding] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> Embedding | None:
        """The vector, if it is remembered."""
        with self._lock:
            if key in self._vectors:
                self._vectors.move_to_end(key)
            return self._vectors.get(key)

    def put(self, key: bytes, vector: Embedding) -> None:
        """Remembers a vector and forgets the one unused for longest."""
        with self._lock:
            self._vectors[key] = vector
            if len(self._vectors) > self.size:
                self._vectors.popitem(last=False)


remembered = QueryMemory(REMEMBERED_QUERIES)


def embed_query(text: str) -> Embedding:
    """The vector of a question. Raises EmbeddingFailed."""
    choice = chosen()
    key = hashlib.sha256("\0".join([*map(str, choice), text]).encode("utf-8", "surrogatepass")).digest()
    vector = remembered.get(key)
    if vector is None:
        vector = _checked(_ask(lambda: [model_for(choice).get_query_embedding(text)]), 1, choice)[0]
        remembered.put(key, vector)
    return list(vector)


def embed_texts(texts: Sequence[str]) -> list[Embedding]:
    """One vector a text, in order. Raises EmbeddingFailed; never call it inside a transaction."""
    if not texts:
        return []
    choice = chosen()
    return _checked(_ask(lambda: model_for(choice).get_text_embedding_batch(list(texts))), len(texts), choice)


def model_name() -> str:
    """The name vectors are kept under: vectors of two names are never compared."""
    choice = chosen()
    return choice.model or choice.class_path or LOCAL_NAME


def dimensions() -> int:
    """How many numbers a vector has; asks the model once where no setting says it."""
    choice = chosen()
    return choice.dimensions or _measured_dimensions(choice)


def chosen() -> ModelChoice:
    """What the settings say now; the local model where there are no settings."""
    from django.conf import settings  # lazily: most of this floor knows no Django
    from django.core.exceptions import ImproperlyConfigured

    try:
        return ModelChoice(
            settings.EMBED_BASE_URL,
            settings.EMBED_API_KEY,
            settings.EMBED_MODEL,
            settings.EMBED_DIMENSIONS,
            settings.EMBED_CLASS,
        )
    except ImproperlyConfigured:
        return ModelChoice()


@cache
def model_for(choice: ModelChoice) -> "BaseEmbedding":
    """The model behind llama-index's interface, loaded once."""
    if choice.class_path:
        return _by_class(choice)
    if choice.base_url:
        return _by_server(choice)
    from connectors.minilm import MiniLM  # loads llama-index and onnxruntime

    return MiniLM()


def _by_server(choice: ModelChoice) -> "BaseEmbedding":
    from llama_index.embeddings.openai_like import OpenAILikeEmbedding

    model: BaseEmbedding = OpenAILikeEmbedding(
        model_name=choice.model,
        api_base=choice.base_url,
        api_key=choice.api_key or "none",
        dimensions=choice.dimensions or None,
        embed_batch_size=REMOTE_BATCH,
        timeout=REMOTE_TIMEOUT,
        max_retries=REMOTE_RETRIES,
    )
    return model


def _by_class(choice: ModelChoice) -> "BaseEmbedding":
    from django.utils.module_loading import import_string
    from llama_index.core.base.embeddings.base import BaseEmbedding

    try:
        model = import_string(choice.class_path)(**({"model_name": choice.model} if choice.model else {}))
    except (ImportError, TypeError, ValueError) as error:
        raise EmbeddingFailed("EMBED_CLASS does not name an embedding class that can be made.") from error
    if not isinstance(model, BaseEmbedding):
        raise EmbeddingFailed("EMBED_CLASS does not name a llama-index embedding class.")
    return model


@cache
def _measured_dimensions(choice: ModelChoice) -> int:
    if not (choice.base_url or choice.class_path):
        return LOCAL_DIMENSIONS
    return len(_checked(_ask(lambda: model_for(choice).get_text_embedding_batch(["size"])), 1, choice)[0])


def _ask(call: Callable[[], list[Embedding]]) -> list[Embedding]:
    """Whatever a model's own library raises becomes one error of ours; its words may hold texts or keys."""
    try:
        return call()
    except EmbeddingFailed:
        raise
    except Exception as error:
        message = f"The embedding model did not answer ({type(error).__name__})."
        raise EmbeddingFailed(message, permanent=False) from error


def _checked(vectors: list[Embedding], count: int, choice: ModelChoice) -> list[Embedding]:
    """The vectors, if there are as many as texts and each can be compared."""
    if len(vectors) != count:
        raise EmbeddingFailed(f"The embedding model gave {len(vectors)} vectors for {count} texts.")
    size = choice.dimensions or len(vectors[0])
    for vector in vectors:
        if len(vector) != size or not vector:
            raise EmbeddingFailed(f"The embedding model gave {len(vector)} numbers where {size} were expected.")
        length = math.fsum(number * number for number in vector)
        if not math.isfinite(length) or length == 0:
            raise EmbeddingFailed("The embedding model gave a vector that is empty or not a number.")
    return vectors

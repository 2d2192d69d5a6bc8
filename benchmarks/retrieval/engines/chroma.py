"""Chroma: groups as an array in the metadata of each passage, and a filter of `$contains`, one for each group.

https://docs.trychroma.com/docs/querying-collections/metadata-filtering
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import chromadb  # type: ignore[import-not-found]  # in .venv-peers
from chromadb.config import Settings  # type: ignore[import-not-found]

from benchmarks.retrieval.corpus import A_DOCUMENT, Corpus, Floats
from benchmarks.retrieval.engines.engine import WANTED, batches, passages, size_of
from benchmarks.retrieval.sharing import Groups

PACKAGE = "chromadb"
BEAMS = (64, 128, 256)
NOBODY = -1  # an array may not be empty


class Here:
    efforts: Sequence[str] = [f"ef {beam}" for beam in BEAMS]

    def __init__(self, corpus: Corpus, groups: list[Groups], place: Path, url: str) -> None:
        self.corpus = corpus
        self.groups = groups
        self.place = place / "chroma"
        self.client = chromadb.PersistentClient(str(self.place), Settings(anonymized_telemetry=False))
        self.collection: Any = None
        self.beam = 0

    def build(self, once: Callable[[str, Callable[[], object]], None]) -> None:
        once("stored and indexed", self._store)
        self.collection = self.client.get_collection("passages", embedding_function=None)

    def meet(self, readers: Sequence[Groups]) -> None:
        pass

    def ask(self, groups: Groups | None, vector: Floats, effort: str) -> list[int]:
        self._turn_to(int(effort.removeprefix("ef ")))
        where = None if groups is None else _among(groups)
        found = self.collection.query(query_embeddings=[vector], n_results=WANTED, where=where, include=[])
        return [int(number) for number in found["ids"][0]]

    def give(self, documents: Sequence[int], groups: Sequence[Groups]) -> None:
        numbers = [number for document in documents for number in passages(document)]
        metadata = [{"groups": list(own) or [NOBODY]} for own in groups for _ in range(A_DOCUMENT)]
        for start in range(0, len(numbers), 2_000):
            part = slice(start, start + 2_000)
            self.collection.update(ids=[str(number) for number in numbers[part]], metadatas=metadata[part])

    def bytes(self) -> int:
        return size_of(self.place)

    def facts(self) -> Mapping[str, object]:
        return {"m": 16, "ef_construction": 128}

    def _turn_to(self, beam: int) -> None:
        """Outside of what is timed in all but the first question."""
        if beam != self.beam:
            self.collection.modify(configuration={"hnsw": {"ef_search": beam}})
            self.beam = beam

    def _store(self) -> None:
        graph = {"space": "ip", "ef_construction": 128, "max_neighbors": 16, "ef_search": BEAMS[0]}
        names = [collection.name for collection in self.client.list_collections()]
        if "passages" in names:
            self.client.delete_collection("passages")
        collection = self.client.create_collection("passages", configuration={"hnsw": graph}, embedding_function=None)
        for batch in batches(self.corpus):
            collection.add(
                ids=[str(number) for number in batch],
                embeddings=self.corpus.vectors[batch.start : batch.stop].astype("float32"),
                metadatas=[{"groups": list(self.groups[number // A_DOCUMENT])} for number in batch],
            )


def _among(groups: Groups) -> dict[str, Any]:
    wanted: list[dict[str, Any]] = [{"groups": {"$contains": group}} for group in groups]
    return wanted[0] if len(wanted) == 1 else {"$or": wanted}

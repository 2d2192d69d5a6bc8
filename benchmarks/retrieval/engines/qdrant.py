"""Qdrant's engine in this process (qdrant-edge-py): an index over the groups, marked as what every question names.

https://qdrant.tech/documentation/guides/multiple-partitions/ and .../concepts/search/ (ACORN)
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import qdrant_edge as qdrant  # type: ignore[import-not-found]  # in .venv-peers

from benchmarks.retrieval.corpus import DIMENSIONS, Corpus, Floats
from benchmarks.retrieval.engines.engine import WANTED, batches, passages, size_of
from benchmarks.retrieval.sharing import Groups

PACKAGE = "qdrant-edge-py"
WAYS = {
    "ef 64": (64, False),
    "ef 128": (128, False),
    "ef 256": (256, False),
    "ef 64, ACORN": (64, True),
    "ef 128, ACORN": (128, True),
}


class Here:
    efforts: Sequence[str] = list(WAYS)

    def __init__(self, corpus: Corpus, groups: list[Groups], place: Path, url: str) -> None:
        self.corpus = corpus
        self.groups = groups
        self.place = place / "shard"
        self.shard: qdrant.EdgeShard | None = None

    def build(self, once: Callable[[str, Callable[[], object]], None]) -> None:
        once("stored", self._store)
        once("indexed", self._index)
        if self.shard is None:
            self.shard = qdrant.EdgeShard.load(str(self.place))

    def meet(self, readers: Sequence[Groups]) -> None:
        pass

    def ask(self, groups: Groups | None, vector: Floats, effort: str) -> list[int]:
        beam, acorn = WAYS[effort]
        assert self.shard is not None
        request = qdrant.QueryRequest(
            limit=WANTED,
            query=qdrant.Query.Nearest(vector.tolist()),
            filter=None if groups is None else _among(groups),
            params=qdrant.SearchParams(hnsw_ef=beam, acorn=qdrant.AcornSearchParams(enable=acorn)),
        )
        return [point.id for point in self.shard.query(request)]

    def give(self, documents: Sequence[int], groups: Sequence[Groups]) -> None:
        """Documents with the same groups in one operation."""
        assert self.shard is not None
        alike: dict[Groups, list[int]] = {}
        for document, own in zip(documents, groups, strict=True):
            alike.setdefault(tuple(own), []).extend(passages(document))
        for own, numbers in alike.items():
            self.shard.update(qdrant.UpdateOperation.set_payload(numbers, {"groups": list(own)}))
        self.shard.flush()

    def bytes(self) -> int:
        return size_of(self.place)

    def facts(self) -> Mapping[str, object]:
        return {"vectors": "Float16", "m": 16, "ef_construct": 128}

    def _store(self) -> None:
        self.place.mkdir()
        parameters = qdrant.EdgeVectorParams(
            size=DIMENSIONS, distance=qdrant.Distance.Dot, datatype=qdrant.VectorStorageDatatype.Float16
        )
        graph = qdrant.HnswIndexConfig(m=16, ef_construct=128, full_scan_threshold=10_000)
        optimizers = qdrant.EdgeOptimizersConfig(default_segment_number=1, indexing_threshold=1_000)
        config = qdrant.EdgeConfig(vectors=parameters, hnsw_config=graph, optimizers=optimizers)
        self.shard = qdrant.EdgeShard.create(str(self.place), config)
        groups = qdrant.IntegerIndexParams(lookup=True, range=False, is_principal=True)
        self.shard.update(qdrant.UpdateOperation.create_field_index("groups", groups))
        for batch in batches(self.corpus):
            vectors = self.corpus.vectors[batch.start : batch.stop].astype("float32")
            points = [
                qdrant.Point(number, vector.tolist(), {"groups": list(self.groups[number // 10])})
                for number, vector in zip(batch, vectors, strict=True)
            ]
            self.shard.update(qdrant.UpdateOperation.upsert_points(points))
        self.shard.flush()

    def _index(self) -> None:
        if self.shard is None:
            self.shard = qdrant.EdgeShard.load(str(self.place))
        while self.shard.optimize():
            pass
        self.shard.flush()


def _among(groups: Groups) -> "qdrant.Filter":
    return qdrant.Filter(must=[qdrant.FieldCondition(key="groups", match=qdrant.MatchAny(list(groups)))])

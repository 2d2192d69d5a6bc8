"""LanceDB: a LABEL_LIST index over the groups, filtered before the vectors are searched.

Either by its IVF-HNSW index with refining, or flat over what the filter leaves.
https://docs.lancedb.com/indexing/scalar-index and https://docs.lancedb.com/search/filtering
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import lancedb  # type: ignore[import-not-found]  # in .venv-peers
import numpy as np
import pyarrow as pa  # type: ignore[import-not-found]  # in .venv-peers

from benchmarks.retrieval.corpus import A_DOCUMENT, DIMENSIONS, Corpus, Floats
from benchmarks.retrieval.engines.engine import WANTED, batches, passages, size_of
from benchmarks.retrieval.sharing import Groups

PACKAGE = "lancedb"
FLAT = "flat"
WAYS = {"nprobes 8, ef 64": (8, 64), "nprobes 32, ef 128": (32, 128), "nprobes 128, ef 256": (128, 256)}
A_FRAGMENT = 20_000


class Here:
    efforts: Sequence[str] = (*WAYS, FLAT)

    def __init__(self, corpus: Corpus, groups: list[Groups], place: Path, url: str) -> None:
        self.corpus = corpus
        self.groups = groups
        self.place = place / "lance"
        self.database = lancedb.connect(str(self.place))
        self.table: Any = None

    def build(self, once: Callable[[str, Callable[[], object]], None]) -> None:
        once("stored", self._store)
        self.table = self.database.open_table("passages")
        once("groups indexed", lambda: self.table.create_scalar_index("groups", index_type="LABEL_LIST"))
        once("numbers indexed", lambda: self.table.create_scalar_index("number", index_type="BTREE"))
        once("vectors indexed", self._index)
        once("compacted", lambda: self.table.optimize())

    def meet(self, readers: Sequence[Groups]) -> None:
        pass

    def ask(self, groups: Groups | None, vector: Floats, effort: str) -> list[int]:
        query = self.table.search(vector.astype(np.float16), query_type="vector").distance_type("dot")
        if groups is not None:
            query = query.where(f"array_has_any(groups, [{', '.join(map(str, groups))}])", prefilter=True)
        if effort == FLAT:
            query = query.bypass_vector_index()
        else:
            probes, beam = WAYS[effort]
            query = query.nprobes(probes).ef(beam).refine_factor(2)
        found = query.limit(WANTED).select(["number", "_distance"]).to_arrow()
        return [int(number) for number in found["number"].to_pylist()]

    def give(self, documents: Sequence[int], groups: Sequence[Groups]) -> None:
        """The passages are written anew, with their vectors; then the indexes take them in."""
        numbers = [number for document in documents for number in passages(document)]
        flat = [list(own) for own in groups for _ in range(A_DOCUMENT)]
        rows = _rows(numbers, self.corpus.vectors[numbers], flat)
        merging = self.table.merge_insert("number").when_matched_update_all().when_not_matched_insert_all()
        merging.execute(pa.Table.from_batches([rows]))
        self.table.optimize()

    def bytes(self) -> int:
        return size_of(self.place)

    def facts(self) -> Mapping[str, object]:
        return {"indexes": [f"{index.index_type} of {index.columns[0]}" for index in self.table.list_indices()]}

    def _store(self) -> None:
        self.database.create_table("passages", self._blocks(), schema=SCHEMA, mode="overwrite")

    def _blocks(self) -> "Iterator[pa.RecordBatch]":
        for batch in batches(self.corpus, A_FRAGMENT):
            groups = [list(self.groups[number // A_DOCUMENT]) for number in batch]
            yield _rows(list(batch), self.corpus.vectors[batch.start : batch.stop], groups)

    def _index(self) -> None:
        self.table.create_index(metric="dot", index_type="IVF_HNSW_SQ", m=16, ef_construction=128)


SCHEMA = pa.schema(
    [
        pa.field("number", pa.int32()),
        pa.field("vector", pa.list_(pa.float16(), DIMENSIONS)),
        pa.field("groups", pa.list_(pa.int32())),
    ]
)


def _rows(numbers: list[int], vectors: np.ndarray[Any, Any], groups: list[list[int]]) -> "pa.RecordBatch":
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1), pa.float16())
    columns = [
        pa.array(numbers, pa.int32()),
        pa.FixedSizeListArray.from_arrays(flat, DIMENSIONS),
        pa.array(groups, pa.list_(pa.int32())),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

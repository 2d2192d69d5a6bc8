"""faiss: a graph over half floats, and the same vectors flat; a selector names what the reader may read.

It knows no groups: the application keeps a map of them, and a bitmap for each reader that is made anew whenever
rights change. https://github.com/facebookresearch/faiss/wiki/Setting-search-parameters-for-one-query
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import faiss  # type: ignore[import-not-found]  # in .venv-peers
import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.corpus import DIMENSIONS, Corpus, Floats, passages_of
from benchmarks.retrieval.engines.engine import WANTED, batches
from benchmarks.retrieval.sharing import Groups

PACKAGE = "faiss-cpu"
FLAT = "flat"
GRAPH = "HNSW16,SQfp16"


class Here:
    efforts: Sequence[str] = ("ef 64", "ef 128", "ef 256", "ef 512", FLAT)

    def __init__(self, corpus: Corpus, groups: list[Groups], place: Path, url: str) -> None:
        self.corpus = corpus
        self.groups = groups
        self.file = place / "graph.faiss"
        self.met: Sequence[Groups] = []
        self.allowed: dict[Groups, NDArray[np.uint8]] = {}

    def build(self, once: Callable[[str, Callable[[], object]], None]) -> None:
        once("graph", self._build)
        self.graph = faiss.read_index(str(self.file))
        self.flat = self.graph.storage

    def meet(self, readers: Sequence[Groups]) -> None:
        self.met = readers
        self.allowed = {groups: self._bitmap(groups) for groups in readers}

    def ask(self, groups: Groups | None, vector: Floats, effort: str) -> list[int]:
        selector = None
        if groups is not None:
            bits = self.allowed[groups]
            selector = faiss.IDSelectorBitmap(len(bits) * 8, faiss.swig_ptr(bits))
        if effort == FLAT:
            found = self.flat.search(vector[None], WANTED, params=faiss.SearchParameters(sel=selector))
        else:
            parameters = faiss.SearchParametersHNSW(sel=selector, efSearch=int(effort.removeprefix("ef ")))
            found = self.graph.search(vector[None], WANTED, params=parameters)
        return [int(number) for number in found[1][0] if number >= 0]

    def give(self, documents: Sequence[int], groups: Sequence[Groups]) -> None:
        """The bitmaps of those who are there; an application has one for each of its users."""
        for document, own in zip(documents, groups, strict=True):
            self.groups[document] = tuple(own)
        self.meet(self.met)

    def bytes(self) -> int:
        return self.file.stat().st_size

    def facts(self) -> Mapping[str, object]:
        return {"index": GRAPH, "ef_construct": 128}

    def _build(self) -> None:
        self.graph = faiss.index_factory(DIMENSIONS, GRAPH, faiss.METRIC_INNER_PRODUCT)
        self.graph.hnsw.efConstruction = 128
        for batch in batches(self.corpus):
            block = self.corpus.vectors[batch.start : batch.stop].astype(np.float32)
            if not self.graph.is_trained:
                self.graph.train(block)
            self.graph.add(block)
        faiss.write_index(self.graph, str(self.file))

    def _bitmap(self, groups: Groups) -> NDArray[np.uint8]:
        wanted = set(groups)
        documents = np.array([not wanted.isdisjoint(own) for own in self.groups])
        mask = np.zeros(self.corpus.size, np.bool_)
        mask[passages_of(documents)] = True
        return np.packbits(mask, bitorder="little")

"""llama-index's own store in Postgres: groups as a list in the metadata, asked for by its operator ANY.

Half vectors and its GIN index over the list, as its documentation offers them. Nodes are added before the graph is
made, which is many times faster. Its settings are the beam, or leaving the graph to Postgres ("planner"): with a beam
the store forbids Postgres the index over groups.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg2  # type: ignore[import-not-found, import-untyped, unused-ignore]  # in .venv-peers
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import (  # noqa: TID251  (the peer itself)
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
)
from llama_index.vector_stores.postgres import PGVectorStore  # type: ignore[import-not-found, import-untyped, unused-ignore]

from benchmarks.retrieval.corpus import A_DOCUMENT, DIMENSIONS, Corpus, Floats
from benchmarks.retrieval.engines.engine import WANTED, batches, passages
from benchmarks.retrieval.sharing import Groups

PACKAGE = "llama-index-vector-stores-postgres"
PLANNER = "planner"
BEAMS = (40, 100, 200, 400)
TABLE = "passages"


class Here:
    efforts: Sequence[str] = (*(f"ef {beam}" for beam in BEAMS), PLANNER)

    def __init__(self, corpus: Corpus, groups: list[Groups], place: Path, url: str) -> None:
        self.corpus = corpus
        self.groups = groups
        self.url = url
        self.plain = self._store_with(None)
        self.with_graph = self.plain

    def build(self, once: Callable[[str, Callable[[], object]], None]) -> None:
        once("stored", self._store)
        graph = {"hnsw_m": 16, "hnsw_ef_construction": 128, "hnsw_ef_search": 40}
        self.with_graph = self._store_with(graph | {"hnsw_dist_method": "halfvec_cosine_ops"})
        once("graph", self._first_question)
        once("analyzed", lambda: self._run(f"VACUUM ANALYZE llama.data_{TABLE}"))
        self._first_question()

    def meet(self, readers: Sequence[Groups]) -> None:
        pass

    def ask(self, groups: Groups | None, vector: Floats, effort: str) -> list[int]:
        query = VectorStoreQuery(
            query_embedding=vector.tolist(),
            similarity_top_k=WANTED,
            filters=None if groups is None else _among(groups),
        )
        if effort == PLANNER:
            found = self.plain.query(query)
        else:
            found = self.with_graph.query(query, hnsw_ef_search=int(effort.removeprefix("ef ")))
        return [int(id) for id in found.ids or []]

    def give(self, documents: Sequence[int], groups: Sequence[Groups]) -> None:
        """The store can only delete nodes and add them again."""
        for start in range(0, len(documents), 200):
            part = slice(start, start + 200)
            numbers = [number for document in documents[part] for number in passages(document)]
            flat = {document: own for document, own in zip(documents[part], groups[part], strict=True)}
            self.with_graph.delete_nodes(node_ids=[str(number) for number in numbers])
            self.with_graph.add([self._node(number, flat[number // A_DOCUMENT]) for number in numbers])

    def bytes(self) -> int:
        return int(self._run(f"SELECT pg_total_relation_size('llama.data_{TABLE}')"))

    def facts(self) -> Mapping[str, object]:
        return {"use_halfvec": True, "use_jsonb": True, "m": 16, "ef_construction": 128}

    def _first_question(self) -> None:
        """The store makes its table and its graph at the first use."""
        self.with_graph.query(VectorStoreQuery(query_embedding=self.corpus.queries[0].tolist(), similarity_top_k=1))

    def _store_with(self, graph: dict[str, object] | None) -> "PGVectorStore":
        parts = urlsplit(self.url)
        host = parse_qs(parts.query)["host"][0]
        account = f"{parts.username}:{parts.password}"
        return PGVectorStore.from_params(
            connection_string=f"postgresql+psycopg2://{account}@/{parts.path.strip('/')}?host={host}",
            async_connection_string=f"postgresql+asyncpg://{account}@/{parts.path.strip('/')}?host={host}",
            table_name=TABLE,
            schema_name="llama",
            embed_dim=DIMENSIONS,
            use_halfvec=True,
            use_jsonb=True,
            hnsw_kwargs=graph,
            indexed_metadata_keys={("groups", "text[]")},
        )

    def _store(self) -> None:
        self._run("DROP SCHEMA IF EXISTS llama CASCADE")
        for batch in batches(self.corpus):
            self.plain.add([self._node(number, self.groups[number // A_DOCUMENT]) for number in batch])

    def _node(self, number: int, groups: Groups) -> TextNode:
        vector = self.corpus.vectors[number].astype("float32").tolist()
        named = [str(group) for group in groups]
        return TextNode(id_=str(number), text="", embedding=vector, metadata={"groups": named})

    def _run(self, sql: str) -> int:
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            found = cursor.fetchone()[0] if cursor.description else 0
        connection.close()
        return int(found)


def _among(groups: Groups) -> "MetadataFilters":
    named = [str(group) for group in groups]
    return MetadataFilters(filters=[MetadataFilter(key="groups", value=named, operator=FilterOperator.ANY)])

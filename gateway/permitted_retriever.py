"""The gateway's retrieval for any llama-index program: it cannot be made without a reader."""

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from accounts.reader import Viewers, is_viewers
from connectors.corpus.hits import Hit
from connectors.corpus.search import NO_FILTERS, Filters, Mode
from gateway.retrieval import retrieve


class PermittedRetriever(BaseRetriever):
    """Retrieves what `reader` may read at the moment of each call, and nothing else (P15).

    Scores order the nodes of one call; they say nothing across calls.
    """

    def __init__(
        self, reader: Viewers, *, limit: int = 10, filters: Filters = NO_FILTERS, mode: Mode = "hybrid", **options: Any
    ) -> None:
        if not is_viewers(reader):
            raise TypeError("PermittedRetriever takes a Reader or an Audience.")
        self._reader = reader
        self._limit = limit
        self._filters = filters
        self._mode: Mode = mode
        super().__init__(**options)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = retrieve(self._reader, query_bundle.query_str, limit=self._limit, filters=self._filters, mode=self._mode)
        return [NodeWithScore(node=node_of(hit), score=hit.score) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        from gateway.answering.threads import in_thread

        return await in_thread(self._retrieve, query_bundle)


def node_of(hit: Hit) -> TextNode:
    """The passage as a node; its metadata is what a citation needs."""
    return TextNode(
        id_=str(hit.passage_id),
        text=hit.text,
        start_char_idx=hit.start,
        end_char_idx=hit.end,
        metadata={
            "document": str(hit.document_id),
            "external_id": hit.external_id,
            "title": hit.title,
            "url": hit.url,
            "source": hit.source,
            "heading": hit.heading,
            "page": hit.page,
            "revision": hit.revision,
            "digest": hit.digest,
        },
    )

"""From a reader and a question to permitted passages, in one statement."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import connection
from pgvector import HalfVector

from accounts.models import Directory
from accounts.reader import Viewers, is_viewers
from accounts.statements import rows
from connectors.corpus.breaking_glass import shown
from connectors.corpus.hits import Hit
from connectors.corpus.wall import reading_as

Mode = Literal["hybrid", "vector", "text"]
MAX_QUERY = 8_000  # characters
STATEMENT = """
SELECT p.public_id, d.public_id, d.external_id, d.title, d.url, f.key, f.name, d.text_revision, p.ordinal, p.text,
       p.start, p."end", p.heading, p.page, d.modified_at, d.language,
       encode(p.digest, 'hex'), d.file_metadata || d.metadata, found.similarity, found.keywords, found.score
FROM gatehouse_search(%s, %s::halfvec, gatehouse_lexemes(%s), %s, %s, %s::bigint[], %s, %s) found
JOIN connectors_passage p ON p.id = found.passage
JOIN connectors_document d ON d.id = p.document_id AND d.state = 'live'
JOIN accounts_directory f ON f.id = d.source_id
ORDER BY found.score DESC, found.similarity DESC NULLS LAST, p.id
"""
FIELDS = (
    *("passage_id", "document_id", "external_id", "title", "url", "source", "source_name", "revision", "ordinal"),
    *("text", "start", "end", "heading", "page", "modified_at", "language", "digest", "metadata"),
    *("similarity", "keywords", "score"),
)
METADATA = FIELDS.index("metadata")


class AnySource:
    """Every source the reader may read from."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Narrows a search; never widens it. Sources by key, an unknown one finds nothing; dates of last change."""

    sources: tuple[str, ...] | AnySource = AnySource()
    modified_after: datetime | None = None
    modified_before: datetime | None = None


NO_FILTERS = Filters()


def search(
    reader: Viewers,
    *,
    query: str,
    vector: Sequence[float] | None,
    limit: int = 10,
    mode: Mode = "hybrid",
    filters: Filters = NO_FILTERS,
) -> list[Hit]:
    """The `limit` passages that fit best, of those the reader may read at the start of the statement, best first.

    `vector` is the embedding of the query, unit length; without it the words alone decide.
    """
    if not is_viewers(reader):
        raise TypeError("search takes a Reader or an Audience.")
    some_sources = isinstance(filters.sources, tuple)
    parameters: list[Any] = [
        reader.text,
        HalfVector(list(vector)).to_text() if vector is not None and mode != "text" else None,
        query[:MAX_QUERY].replace("\0", " ") if mode != "vector" else "",
        limit,
        some_sources,
        _source_ids(filters.sources),
        filters.modified_after,
        filters.modified_before,
    ]

    def found() -> list[Hit]:
        with reading_as(reader):
            return [Hit(**dict(zip(FIELDS, _decoded(row), strict=True))) for row in rows(STATEMENT, parameters)]

    return shown(reader, found, lambda hits: {hit.document_id for hit in hits})


def _source_ids(sources: tuple[str, ...] | AnySource) -> list[int]:
    if isinstance(sources, AnySource):
        return []
    return list(Directory.objects.filter(key__in=sources).values_list("id", flat=True))


def _decoded(row: tuple[Any, ...]) -> list[Any]:
    """Django's cursors leave jsonb as text."""
    values = list(row)
    values[METADATA] = json.loads(values[METADATA])
    return values


def ensure_vector_index(dimensions: int) -> None:
    """An approximate index for embeddings of this size, if there is none yet. Not inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS passage_vectors_{int(dimensions)} ON connectors_passagevector "
            f"USING hnsw ((embedding::halfvec({int(dimensions)})) halfvec_cosine_ops) "
            f"WHERE vector_dims(embedding) = {int(dimensions)}"
        )

"""From a reader and a question to permitted passages, in one statement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.conf import settings

from accounts.models import Directory
from accounts.reader import Viewers, is_viewers
from accounts.statements import rows
from connectors.corpus import generations
from connectors.corpus.breaking_glass import shown
from connectors.corpus.hits import Hit, Named, documents_of
from connectors.corpus.wall import reading_as
from connectors.embedding import as_text
from connectors.models import Source

Mode = Literal["hybrid", "vector", "text"]
MAX_QUERY = 8_000  # characters
STATEMENT = """
SELECT p.public_id, d.public_id, d.external_id, d.title, d.url, f.key, f.name, d.text_revision, p.ordinal, p.text,
       p.start, p."end", p.heading, p.page, d.modified_at, d.language,
       encode(p.digest, 'hex'), d.file_metadata || d.metadata, (
           SELECT ARRAY[c.public_id::text, c.title] FROM connectors_document c
           WHERE c.id = d.container_id AND c.state = 'live'
       ), found.similarity, found.keywords, found.score
FROM gatehouse_search(%s, %s, %s::halfvec, %s, %s, %s, %s::jsonb, %s::jsonb) found
JOIN connectors_passage p ON p.id = found.passage
JOIN connectors_document d ON d.id = p.document_id AND d.state = 'live'
JOIN accounts_directory f ON f.id = d.source_id
ORDER BY found.score DESC, found.similarity DESC NULLS LAST, p.id
"""
FIELDS = (
    *("passage_id", "document_id", "external_id", "title", "url", "source", "source_name", "revision", "ordinal"),
    *("text", "start", "end", "heading", "page", "modified_at", "language", "digest", "metadata"),
    *("attached_to", "similarity", "keywords", "score"),
)
METADATA, ATTACHED_TO = FIELDS.index("metadata"), FIELDS.index("attached_to")


class AnySource:
    """Every source the reader may read from."""


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Narrows a search; never widens it. What is empty, or not known to this reader, finds nothing; None is no filter.

    Sources by key, folders by the id their source gives them (with what is below them), types as MIME types, authors
    by name, dates of last change.
    """

    sources: tuple[str, ...] | AnySource = AnySource()
    folders: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    authors: tuple[str, ...] | None = None
    modified_after: datetime | None = None
    modified_before: datetime | None = None

    def as_json(self) -> str:
        """As `gatehouse_search` takes them."""
        found: dict[str, Any] = {}
        if not isinstance(self.sources, AnySource):
            found["sources"] = list(Directory.objects.filter(key__in=self.sources).values_list("id", flat=True))
        if self.folders is not None:
            found["folders"] = list(self.folders)
        if self.types is not None:
            found["types"] = list(self.types)
        if self.authors is not None:
            found["authors"] = [author.lower() for author in self.authors]
        times = {"after": self.modified_after, "before": self.modified_before}
        return json.dumps(found | {name: time.isoformat() for name, time in times.items() if time is not None})


NO_FILTERS = Filters()


def search(
    reader: Viewers,
    *,
    query: str,
    vector: Sequence[float] | None,
    generation: int | None = None,
    limit: int = 10,
    mode: Mode = "hybrid",
    filters: Filters = NO_FILTERS,
    meaning: float | None = None,
) -> list[Hit]:
    """The `limit` passages that fit best, of those the reader may read at the start of the statement, best first.

    `vector` is the embedding of the query, unit length, by the model of `generation` (the active one, if it is not
    said); without it the words alone decide. `meaning` (0..1) is what nearness counts against words: without it, as the
    settings say.
    """
    if not is_viewers(reader):
        raise TypeError("search takes a Reader or an Audience.")
    by_meaning = vector is not None and mode != "text"
    if by_meaning and generation is None:
        active = generations.active()
        generation = active.pk if active is not None else None
    parameters: list[Any] = [
        reader.text,
        generation,
        as_text(vector) if vector is not None and by_meaning else None,
        query[:MAX_QUERY].replace("\0", " ") if mode != "vector" else "",
        limit,
        settings.SEARCH_MEANING if meaning is None else meaning,
        filters.as_json(),
        _by_source(settings.SEARCH_MEANING_BY_KIND if meaning is None else {}),
    ]

    def found() -> list[Hit]:
        with reading_as(reader):
            return [Hit(**dict(zip(FIELDS, _decoded(row), strict=True))) for row in rows(STATEMENT, parameters)]

    return shown(reader, found, documents_of)


def _by_source(meanings: Mapping[str, float]) -> str:
    """What nearness counts in each source of a kind that has a weight of its own."""
    if not meanings:
        return "{}"
    sources = Source.objects.filter(kind__in=meanings).values_list("pk", "kind")
    return json.dumps({str(source): meanings[kind] for source, kind in sources})


def _decoded(row: tuple[Any, ...]) -> list[Any]:
    """Django's cursors leave jsonb as text; a document that is attached to nothing has NULL there."""
    values = list(row)
    values[METADATA] = json.loads(values[METADATA])
    if values[ATTACHED_TO] is not None:
        id, title = values[ATTACHED_TO]
        values[ATTACHED_TO] = Named(id=UUID(id), title=title)
    return values

"""What retrieval returns: passages a reader may read, with the document each belongs to."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Named:
    """A document by its name, for who may read it."""

    id: UUID
    title: str

    def as_json(self) -> dict[str, str]:
        return {"id": str(self.id), "title": self.title}


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One permitted passage. Offsets are Unicode code points into the document's text."""

    passage_id: UUID
    document_id: UUID
    external_id: str
    title: str
    url: str
    source: str  # the source's key
    source_name: str
    revision: int  # of the document's text
    ordinal: int
    text: str
    start: int
    end: int
    heading: str  # "Leave › Parental leave", or ""
    page: int | None
    modified_at: datetime | None
    language: str  # ISO 639-1, or ""
    digest: str  # SHA-256 of the passage's text, hex
    metadata: dict[str, object] = field(default_factory=dict)
    attached_to: Named | None = None
    similarity: float | None = None  # cosine -1..1, None when not yet embedded; never shown
    keywords: float = 0.0  # BM25, 0 when no word matched; never shown
    score: float = 0.0  # fused 0..1, best first; never shown
    newer: tuple[UUID, str] | None = None  # a later version that was found: its document, and its passage's digest

    @property
    def superseded(self) -> bool:
        """An older version of something the reader found as well."""
        return self.newer is not None


def documents_of(hits: Iterable[Hit]) -> set[UUID]:
    """Every document that these name."""
    return {id for hit in hits for id in (hit.document_id, *([hit.attached_to.id] if hit.attached_to else []))}

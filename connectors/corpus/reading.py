"""Documents as a reader sees them. Everything here takes a reader, and asks the database in that statement."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Any
from uuid import UUID

from accounts.addresses import normalised
from accounts.reader import Viewers
from connectors.corpus.breaking_glass import shown
from connectors.corpus.hits import Named
from connectors.models import Document, DocumentText


@dataclass(frozen=True, kw_only=True)
class DocumentView:
    """A document this reader may read."""

    id: UUID
    external_id: str
    title: str
    url: str
    source: str
    source_name: str
    mime: str
    author: str
    created_at: datetime | None
    modified_at: datetime | None
    language: str
    revision: int
    metadata: dict[str, object]
    attached_to: Named | None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "external_id": self.external_id,
            "title": self.title,
            "url": self.url,
            "source": self.source,
            **({"attached_to": self.attached_to.as_json()} if self.attached_to else {}),
        }


@dataclass(frozen=True, kw_only=True)
class TextView:
    """The text of a document. Offsets of headings and pages are Unicode code points."""

    text: str
    headings: list[dict[str, Any]]
    pages: list[dict[str, Any]]
    revision: int


def get_document(reader: Viewers, document_id: UUID) -> DocumentView | None:
    """The document, or None: unknown and unreadable are the same (P14)."""
    named = Document.objects.visible_to(reader).filter(public_id=document_id)
    named = named.select_related("source__directory", "container")
    found = shown(reader, lambda: list(map(_view, named.all())), _ids)
    return found[0] if found else None


def document_text(reader: Viewers, document_id: UUID) -> TextView | None:
    named = DocumentText.objects.visible_to(reader).filter(document__public_id=document_id).select_related("document")
    found = shown(reader, lambda: list(named.all()), lambda rows: [document_id] if rows else [])
    if not found:
        return None
    [row] = found
    return TextView(text=row.text, headings=row.headings, pages=row.pages, revision=row.document.text_revision)


def list_documents(
    reader: Viewers, *, source: str | None = None, after: UUID | None = None, limit: int = 50
) -> list[DocumentView]:
    """Readable documents in the order of their ids, from the one after `after`."""
    rows = Document.objects.visible_to(reader).select_related("source__directory", "container").order_by("public_id")
    if source is not None:
        rows = rows.filter(source__directory__key=source)
    if after is not None:
        rows = rows.filter(public_id__gt=after)
    return shown(reader, lambda: list(map(_view, rows.all()[:limit])), _ids)


def get_documents(reader: Viewers, ids: Collection[UUID]) -> list[DocumentView]:
    """Those of these documents that the reader may read."""
    named = Document.objects.visible_to(reader).filter(public_id__in=ids)
    named = named.select_related("source__directory", "container")
    return shown(reader, lambda: list(map(_view, named.all())), _ids)


def documents_by(reader: Viewers, ids: Collection[UUID], accounts: Mapping[str, Collection[str]]) -> list[DocumentView]:
    """Those of these documents that the reader may read and whose source names one of these as author or owner.

    `accounts`: by the key of a source, ids and addresses of accounts there. What a file says of its author, and what
    people are called, is nobody's word (P3, P13). Addresses are compared as they are in `accounts`.
    """
    named = Document.objects.visible_to(reader).filter(public_id__in=ids, source__directory__key__in=accounts)
    named = named.select_related("source__directory", "container")

    def read() -> list[DocumentView]:
        return [_view(row) for row in named.all() if not _authors(row).isdisjoint(accounts[row.source.key])]

    return shown(reader, read, _ids)


def _authors(row: Document) -> set[str]:
    """As the source has them; of "Ann <ann@example.org>" also the address."""
    named = [row.author, row.metadata.get("owner")]
    told = {each for each in named if isinstance(each, str)}
    return (told | {normalised(parseaddr(each)[1]) for each in told}) - {""}


def attached_to(reader: Viewers, document_id: UUID) -> list[Named]:
    """What is attached to the document, in the order it came."""
    rows = Document.objects.visible_to(reader).filter(container__public_id=document_id).order_by("pk")
    named = rows.values_list("public_id", "title")
    return shown(
        reader,
        lambda: [Named(id=id, title=title) for id, title in named.all()],
        lambda found: [each.id for each in found],
    )


def readable_documents(reader: Viewers, ids: Collection[UUID]) -> set[UUID]:
    """Which of these the reader may read now. Shows nothing of them, so it is no use of break-glass."""
    if not ids:
        return set()
    return set(Document.objects.visible_to(reader).filter(public_id__in=ids).values_list("public_id", flat=True))


def _ids(found: Collection[DocumentView]) -> list[UUID]:
    containers = [document.attached_to.id for document in found if document.attached_to]
    return [*(document.id for document in found), *containers]


def _view(row: Document) -> DocumentView:
    return DocumentView(
        id=row.public_id,
        external_id=row.external_id,
        title=row.title,
        url=row.url,
        source=row.source.key,
        source_name=row.source.name,
        mime=row.mime,
        author=row.author or str(row.file_metadata.get("author", "")),
        created_at=row.created_at,
        modified_at=row.modified_at,
        language=row.language,
        revision=row.text_revision,
        metadata={**row.file_metadata, **row.metadata},
        attached_to=container_of(row),
    )


def container_of(row: Document) -> Named | None:
    """Of a document that was read for somebody together with its container: whoever reads the one reads the other."""
    return Named(id=row.container.public_id, title=row.container.title) if row.container is not None else None

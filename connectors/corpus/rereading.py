"""Contents that are to be read again, above all those that could not be read.

Nobody reads a quarantined document, so nobody is told what it is called (P6, P9): it goes by its id, and by the folder
it stands in for whoever may read that.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from accounts.reader import Reader
from accounts.statements import execute
from connectors.corpus.reach import names_of_scopes
from connectors.corpus.wall import as_owner
from connectors.models import Document, Scope, Source

PAGE = 50

# What is known of a content is forgotten: whatever comes is taken for another one.
FORGET_ALL = """
UPDATE connectors_document SET version = '', content_digest = NULL WHERE source_id = %s AND state <> 'deleted'
"""
# An attachment comes with what it is attached to.
FORGET_THESE = """
WITH RECURSIVE again(id, container_id) AS (
    SELECT id, container_id FROM connectors_document WHERE id = ANY(%s)
    UNION
    SELECT d.id, d.container_id FROM again a JOIN connectors_document d ON d.id = a.container_id
)
UPDATE connectors_document d SET version = '', content_digest = NULL FROM again a WHERE d.id = a.id
"""


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A quarantined document."""

    id: UUID
    place: str  # the name of its folder; empty for whoever may not read that


def set_aside(
    source: Source, reason: str, reader: Reader, *, after: UUID | None = None, limit: int = PAGE
) -> list[SetAside]:
    """What could not be read for this reason, by the ids in order, `after` the last of the page before."""
    found = _quarantined(source).filter(reason=reason).order_by("public_id")
    if after is not None:
        found = found.filter(public_id__gt=after)
    with as_owner():
        page = list(found.values_list("public_id", "scope")[:limit])
    names = _places(reader, {scope for _, scope in page})
    return [SetAside(id=id, place=names.get(scope, "")) for id, scope in page]


def _places(reader: Reader, scopes: Collection[int]) -> dict[int, str]:
    """Names of those of these scopes the reader may read; one made for a document's own lists goes by the one above."""
    found = Scope.objects.visible_to(reader).filter(pk__in=scopes).values_list("pk", "parent", "external_id")
    above = {id: id if external_id is not None else parent for id, parent, external_id in found}
    names = names_of_scopes(reader, {named for named in above.values() if named is not None})
    return {id: names[named] for id, named in above.items() if named in names}


def forget_all(source: Source) -> None:
    """Let every content of the source be fetched and parsed as if it were new. The caller holds the source's lock."""
    execute(FORGET_ALL, [source.pk])


def forget_quarantined(source: Source, *, reason: str | None = None, document: UUID | None = None) -> int:
    """The same for what could not be read: all of it, what has one reason, or one document; how many they are."""
    found = _quarantined(source)
    if reason is not None:
        found = found.filter(reason=reason)
    if document is not None:
        found = found.filter(public_id=document)
    ids = list(found.values_list("pk", flat=True))
    execute(FORGET_THESE, [ids])
    return len(ids)


def _quarantined(source: Source) -> QuerySet[Document]:
    return Document.past_the_guard.filter(source=source, state=Document.State.QUARANTINED)

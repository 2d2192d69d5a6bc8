"""Documents by their passages in order, whole or from the beginning, for who may read them."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from accounts.reader import Viewers
from connectors.corpus.breaking_glass import shown
from connectors.corpus.evidence import hit_of
from connectors.corpus.hits import Hit, documents_of
from connectors.models import Passage


def whole_documents(reader: Viewers, hits: Sequence[Hit], most: int) -> dict[UUID, list[Hit]]:
    """By the id of each hit's document all its passages in order, where they are at most `most`.

    A document that has another text by now is left out: the hits would not fit among its passages.
    """
    if not hits:
        return {}
    revisions = {hit.document_id: hit.revision for hit in hits}
    named = Passage.objects.visible_to(reader).filter(document__public_id__in=revisions, ordinal__lte=most)
    rows = named.select_related("document__source__directory", "document__container").order_by("ordinal")
    found = shown(reader, lambda: list(map(hit_of, rows.all())), documents_of)
    parts: dict[UUID, list[Hit]] = defaultdict(list)
    for each in found:
        if each.revision == revisions[each.document_id]:
            parts[each.document_id].append(each)
    return {document: passages for document, passages in parts.items() if len(passages) <= most}


def beginning(reader: Viewers, document_id: UUID, most: int) -> tuple[list[Hit], int]:
    """The first passages of a document, at most `most`, and how many it has; none of one that is not readable."""
    named = Passage.objects.visible_to(reader).filter(document__public_id=document_id)
    rows = named.select_related("document__source__directory", "document__container").order_by("ordinal")
    of = named.count()
    return shown(reader, lambda: list(map(hit_of, rows.all()[:most])), documents_of), of

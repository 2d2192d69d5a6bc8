"""The passages that stand directly before and after a hit in its document, for who may read it."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Q

from accounts.reader import Viewers
from connectors.corpus.breaking_glass import shown
from connectors.corpus.evidence import hit_of
from connectors.corpus.hits import Hit, documents_of
from connectors.models import Passage

MOST = 50  # hits whose neighbours one statement looks for


def neighbours(reader: Viewers, hits: Sequence[Hit]) -> dict[UUID, list[Hit]]:
    """By the id of each hit, of the first 50, what stands before and after it, in the document's order.

    A passage of a later text than the hit's is not its neighbour: the offsets and the order of both differ.
    """
    hits = hits[:MOST]
    if not hits:
        return {}
    beside = reduce(or_, (Q(document__public_id=hit.document_id, ordinal__in=_places(hit)) for hit in hits))
    beside_it = Passage.objects.visible_to(reader).filter(beside)
    rows = beside_it.select_related("document__source__directory", "document__container")
    found = shown(reader, lambda: list(map(hit_of, rows.all())), documents_of)
    standing = {(each.document_id, each.revision, each.ordinal): each for each in found}
    return {
        hit.passage_id: [
            standing[hit.document_id, hit.revision, place]
            for place in _places(hit)
            if (hit.document_id, hit.revision, place) in standing
        ]
        for hit in hits
    }


def _places(hit: Hit) -> tuple[int, int]:
    return hit.ordinal - 1, hit.ordinal + 1

"""Where the evidence of old answers stands today: the passages that still hold it, for one reader, now."""

from collections.abc import Collection
from uuid import UUID

from accounts.reader import Reader
from connectors.corpus.hits import Hit
from connectors.models import Passage

Pair = tuple[UUID, str]  # a document, and the SHA-256 of a passage's text in hex


def passages_holding(reader: Reader, pairs: Collection[Pair]) -> dict[Pair, Hit]:
    """The passage of each pair, wherever in its document it stands now; unreadable and gone are both missing."""
    if not pairs:
        return {}
    found = (
        Passage.objects.visible_to(reader)
        .filter(
            document__public_id__in={document for document, _ in pairs},
            digest__in={bytes.fromhex(digest) for _, digest in pairs},
        )
        .select_related("document__source__directory")
        .order_by("-ordinal")
    )
    hits = ((hit.document_id, hit.digest, hit) for hit in map(_hit, found))
    return {(document, digest): hit for document, digest, hit in hits if (document, digest) in pairs}


def _hit(passage: Passage) -> Hit:
    document = passage.document
    return Hit(
        passage_id=passage.public_id,
        document_id=document.public_id,
        external_id=document.external_id,
        title=document.title,
        url=document.url,
        source=document.source.key,
        source_name=document.source.name,
        revision=document.text_revision,
        ordinal=passage.ordinal,
        text=passage.text,
        start=passage.start,
        end=passage.end,
        heading=passage.heading,
        page=passage.page,
        modified_at=document.modified_at,
        language=document.language,
        digest=bytes(passage.digest).hex(),
        metadata=document.metadata,
    )

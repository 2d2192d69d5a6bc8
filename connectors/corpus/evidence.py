"""What became of the passages that answers rest on, for one reader, now (P16)."""

from collections.abc import Collection
from typing import Literal
from uuid import UUID

from django.db.models import Q

from accounts.reader import Viewers
from connectors.corpus.breaking_glass import shown
from connectors.corpus.hits import Hit, documents_of
from connectors.corpus.reading import container_of, readable_documents
from connectors.models import Passage

Pair = tuple[UUID, str]  # a document, and the SHA-256 of a passage's text in hex


def holds_evidence(reader: Viewers, pairs: Collection[Pair]) -> dict[Pair, Literal["held", "changed"]]:
    """What became of passages that answers rest on, by document and digest of the passage (SHA-256, hex).

    A pair that is missing from the answer is unreadable or gone. "changed": the document can be read, and its
    text holds these words no longer (P16).
    """
    if not pairs:
        return {}
    documents = {document for document, _ in pairs}
    digests = [bytes.fromhex(digest) for _, digest in pairs]
    # With the first passage of each, so that one statement tells of words and of documents: it is made at every flush.
    present = {
        (document, bytes(digest).hex())
        for document, digest in Passage.objects.visible_to(reader)
        .filter(Q(digest__in=digests) | Q(ordinal=0), document__public_id__in=documents)
        .values_list("document__public_id", "digest")
    }
    readable = {document for document, _ in present}
    if readable != documents:  # one without words may be; all are asked for, since the last check releases (P15)
        readable = readable_documents(reader, documents)
    return {pair: "held" if pair in present else "changed" for pair in pairs if pair[0] in readable}


def passages_holding(reader: Viewers, pairs: Collection[Pair]) -> dict[Pair, Hit]:
    """The passage of each pair, wherever in its document it stands now; unreadable and gone are both missing."""
    if not pairs:
        return {}
    found = (
        Passage.objects.visible_to(reader)
        .filter(
            document__public_id__in={document for document, _ in pairs},
            digest__in={bytes.fromhex(digest) for _, digest in pairs},
        )
        .select_related("document__source__directory", "document__container")
        .order_by("-ordinal")
    )
    hits = shown(reader, lambda: list(map(hit_of, found.all())), documents_of)
    return {pair: hit for hit in hits if (pair := (hit.document_id, hit.digest)) in pairs}


def hit_of(passage: Passage) -> Hit:
    """A passage that was read through the guard, with its document, as a hit that nothing was asked of."""
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
        metadata={**document.file_metadata, **document.metadata},
        attached_to=container_of(document),
    )

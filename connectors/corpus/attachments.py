"""What is attached to documents: documents of their own, under exactly their rights (P9, decision 0021).

The database lets an attachment stand where the document stands that it came in, and hides it while that is hidden; here
attachments are introduced and ended, in the commit of the document's text. The caller holds the directory's lock.

Their ids are made here and stand apart from those of the source: no record names an attachment.
"""

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any

from accounts.statements import execute, rows
from connectors.corpus.waiting import Waiting, wait_for_parser
from connectors.models import Content, Document, DocumentText, Passage
from connectors.parsing import Attachment
from connectors.parsing.cleaning import line
from connectors.parsing.results import MAX_ATTACHED_BYTES, MAX_ATTACHMENTS, TOO_LARGE, TOO_MANY

State = Document.State
DEEPEST = 3  # a file in a mail in a mail in a mail
TOO_DEEP = f"in a message within {DEEPEST} others"
ENDED: dict[str, Any] = {
    "state": State.DELETED,
    "next_scope": None,
    "title": "",
    "url": "",
    "author": "",
    "metadata": {},
    "file_metadata": {},
    "version": "",
    "content_digest": None,
    "reason": "",
}
ANY_TYPE = "application/octet-stream"
BELOW = """
WITH RECURSIVE below(id) AS (
    SELECT id FROM connectors_document WHERE container_id = %s AND state <> 'deleted'
    UNION
    SELECT d.id FROM below b JOIN connectors_document d ON d.container_id = b.id AND d.state <> 'deleted'
)
SELECT id FROM below
"""
DESCRIBE = """
UPDATE connectors_document d
SET url = c.url, author = c.author, created_at = c.created_at, modified_at = c.modified_at
FROM connectors_document c
WHERE c.id = %s AND d.id = ANY(%s)
  AND (d.url, d.author, d.created_at, d.modified_at) IS DISTINCT FROM (c.url, c.author, c.created_at, c.modified_at)
"""
# How deep a document is in others, and how many files, of how many bytes, are beneath the one at the top.
ROOM = """
WITH RECURSIVE above(id, container_id, depth) AS (
    SELECT id, container_id, 0 FROM connectors_document WHERE id = %s
    UNION ALL
    SELECT d.id, d.container_id, a.depth + 1 FROM above a JOIN connectors_document d ON d.id = a.container_id
), below(id, size) AS (
    SELECT a.id, 0::bigint FROM above a WHERE a.container_id IS NULL
    UNION ALL
    SELECT d.id, (d.metadata ->> 'size')::bigint
    FROM below b JOIN connectors_document d ON d.container_id = b.id AND d.state <> 'deleted'
)
SELECT (SELECT max(depth) FROM above), count(*) - 1, sum(size)::bigint FROM below
"""


def replace(document: Document, found: Sequence[Attachment]) -> list[str]:
    """Let these be what is attached to the document. One whose bytes are as they were is not parsed again.

    Returns the names of those for which there is no room, each with the reason.
    """
    wanted = {id_of(document, each): each for each in found}  # the same file twice is one
    living = Document.past_the_guard.filter(container=document).exclude(state=State.DELETED)
    there = {attachment.external_id: attachment for attachment in living.order_by("pk")}
    for id, attachment in there.items():
        if id in wanted:
            _read_again(attachment, wanted[id])
        else:
            end([attachment.pk, *below(attachment.pk)])
    new = {id: each for id, each in wanted.items() if id not in there}
    return _introduce(document, new) if new else []


def _read_again(attachment: Document, found: Attachment) -> None:
    """If what was known of its content has been forgotten."""
    digest = digest_of(found)
    if attachment.content_digest is None or bytes(attachment.content_digest) != digest:
        known = Document.past_the_guard.filter(pk=attachment.pk)
        known.update(content_digest=digest)
        known.filter(state=State.QUARANTINED).update(state=State.PENDING, reason="")
        wait_for_parser([_waiting(attachment, found)])


def _introduce(document: Document, new: dict[str, Attachment]) -> list[str]:
    """Beneath one document at the top is room for so many."""
    [(depth, files, size)] = rows(ROOM, [document.pk])
    made: list[tuple[Document, Attachment]] = []
    left_out: list[str] = []
    for id, each in new.items():
        if depth >= DEEPEST:
            left_out.append(f"{name_of(each)} ({TOO_DEEP})")
        elif files >= MAX_ATTACHMENTS:
            left_out.append(f"{name_of(each)} ({TOO_MANY})")
        elif size + len(each.content) > MAX_ATTACHED_BYTES:
            left_out.append(f"{name_of(each)} ({TOO_LARGE})")
        else:
            files, size = files + 1, size + len(each.content)
            made.append((_document(document, id, each), each))
    Document.past_the_guard.bulk_create(attachment for attachment, _ in made)
    wait_for_parser(_waiting(attachment, each) for attachment, each in made)
    return left_out


def _document(container: Document, id: str, attachment: Attachment) -> Document:
    return Document(
        source_id=container.source_id,
        container=container,
        scope_id=container.scope_id,
        external_id=id,
        title=name_of(attachment),
        url=container.url,
        mime="" if attachment.mime == ANY_TYPE else line(attachment.mime)[:200],
        author=container.author,
        created_at=container.created_at,
        modified_at=container.modified_at,
        metadata={"size": len(attachment.content)},
        content_digest=digest_of(attachment),
    )


def _waiting(document: Document, attachment: Attachment) -> Waiting:
    """Like anything else that came in."""
    digest = digest_of(attachment)
    return Waiting(document=document, data=attachment.content, filename=name_of(attachment), digest=digest)


def describe(document: Document) -> None:
    """What was said of the document holds for what is attached to it: where it is, who wrote it and when."""
    execute(DESCRIBE, [document.pk, below(document.pk)])


def below(document_id: int) -> list[int]:
    """What is attached to the document, to that, and so on."""
    return [id for (id,) in rows(BELOW, [document_id])]


def end(ids: Collection[int]) -> None:
    """These attachments are gone. What stays of each is a row without words: its id is not used again."""
    if ids:
        Content.past_the_guard.filter(document__in=ids).delete()
        DocumentText.past_the_guard.filter(document__in=ids).delete()
        Passage.past_the_guard.filter(document__in=ids).delete()
        Document.past_the_guard.filter(pk__in=ids).update(**ENDED)


def digest_of(attachment: Attachment) -> bytes:
    """SHA-256 of all that its text is made from."""
    said = f"attached\0{attachment.mime}\0{attachment.name}\0".encode("utf-8", "replace")
    return sha256(said + attachment.content).digest()


def id_of(document: Document, attachment: Attachment) -> str:
    """What it is called here: by what it came in, by its bytes, and at the end by its name."""
    return f"{document.external_id}/{digest_of(attachment).hex()[:32]}/{name_of(attachment)}"


def name_of(attachment: Attachment) -> str:
    return line(attachment.name).replace("/", "-")[:300] or "attachment"

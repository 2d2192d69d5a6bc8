"""Documents as they come in, move, change and go. The caller holds the directory's lock.

A known document whose new text is still to be parsed keeps its old text, under the old rights and the new
together; from the commit of the new text exactly the new ones hold.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any
from uuid import uuid4

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from accounts.statements import execute
from connectors.corpus import attachments
from connectors.corpus.attachments import ENDED
from connectors.corpus.placing import Places
from connectors.corpus.waiting import Waiting, wait_for_parser
from connectors.errors import RecordRefused
from connectors.models import Content, Document, DocumentText, Language, Passage, Unfetched
from connectors.parsing import Parsed, clean, guess_language, parse
from connectors.parsing.cleaning import line
from connectors.records import DocumentRecord
from connectors.splitting import Piece, split

State = Document.State
PLAIN = "text/plain"
LEFT_OUT = "attachments_left_out"
INSERT_PASSAGES = """
INSERT INTO connectors_passage
    (public_id, document_id, scope_id, ordinal, text, start, "end", heading, page, digest, words, lexemes,
     configuration)
SELECT u.public_id, d.id, d.scope_id, u.ordinal, u.text, u.start, u."end", u.heading, u.page, u.digest,
       coalesce((SELECT sum(cardinality(l.positions)) FROM unnest(v.lexemes) l), 0), v.lexemes,
       array_position(gatehouse_configurations(), v.configuration)
FROM connectors_document d
CROSS JOIN unnest(%s::uuid[], %s::int[], %s::text[], %s::int[], %s::int[], %s::text[], %s::int[], %s::bytea[])
     AS u(public_id, ordinal, text, start, "end", heading, page, digest)
CROSS JOIN (SELECT %s::regconfig AS configuration) c
CROSS JOIN LATERAL (
    SELECT c.configuration, gatehouse_words(c.configuration, concat_ws(' ', d.title, u.heading, u.text)) AS lexemes
) v
WHERE d.id = %s
"""
INDEX_PASSAGES = """
WITH indexed AS (
    SELECT q.id, v.lexemes, array_position(gatehouse_configurations(), c.configuration) AS configuration,
           coalesce((SELECT sum(cardinality(l.positions)) FROM unnest(v.lexemes) l), 0) AS words
    FROM connectors_passage q
    CROSS JOIN (SELECT %s::regconfig AS configuration) c
    CROSS JOIN LATERAL (SELECT gatehouse_words(c.configuration, concat_ws(' ', %s, q.heading, q.text)) AS lexemes) v
    WHERE q.document_id = %s
), changed AS (
    UPDATE connectors_passage p SET lexemes = i.lexemes, words = i.words, configuration = i.configuration FROM indexed i
    WHERE p.id = i.id AND (p.lexemes, p.configuration) IS DISTINCT FROM (i.lexemes, i.configuration)
    RETURNING p.id
)
INSERT INTO connectors_unembedded (passage_id, queued_at, reason) SELECT c.id, clock_timestamp(), '' FROM changed c
ON CONFLICT (passage_id) DO UPDATE SET queued_at = excluded.queued_at, reason = ''
"""


def not_fetched() -> bytes:
    """Stands for a content that could not be had."""
    raise AssertionError("A content that could not be had is not read.")


class TextNeeded(Exception):
    """The text of this record differs from what is stored; it must be prepared outside the transaction."""

    def __init__(self, record: DocumentRecord, digest: bytes) -> None:
        super().__init__(record.id)
        self.record = record
        self.digest = digest


@dataclass(frozen=True)
class PreparedText:
    """A text parsed and split, and the digest of the content it was made from."""

    digest: bytes
    parsed: Parsed
    pieces: Sequence[Piece]


Texts = dict[bytes, PreparedText]  # by the digest of what each was made from


def prepare(record: DocumentRecord) -> PreparedText:
    """Parse and split the text of a record. Raises `ParseFailed`."""
    text = record.text or ""
    if not text.strip() or record.mime in ("", PLAIN):  # nothing to interpret, so nothing to shut away
        cleaned = clean(text).strip("\n")
        parsed = Parsed(text=cleaned, mime=PLAIN, language=guess_language(cleaned))
    else:
        parsed = parse(text.encode("utf-8", "replace"), filename="", mime=record.mime)
    return prepared_from(digest_of(record), parsed)


def prepared_from(digest: bytes, parsed: Parsed) -> PreparedText:
    return PreparedText(digest, parsed, split(parsed.text, parsed.headings, parsed.pages))


def digest_of(record: DocumentRecord) -> bytes:
    """SHA-256 of what the text will be made from."""
    if isinstance(record.content, bytes):
        return sha256(b"file\0" + record.mime.encode() + b"\0" + record.content).digest()
    return sha256(b"text\0" + record.mime.encode() + b"\0" + (record.text or "").encode("utf-8", "replace")).digest()


def named(source_id: int) -> QuerySet[Document]:
    """All that the source itself has named, deleted or not. What is attached to it has ids of our own."""
    return Document.past_the_guard.filter(source=source_id, container=None)


def living(source_id: int) -> QuerySet[Document]:
    """The documents a source has named, and not deleted; `waiting` tells whether new content is still to come."""
    rows = named(source_id).exclude(state=State.DELETED)
    return rows.annotate(waiting=has_waiting())


def has_waiting() -> "ExpressionWrapper[Any]":
    """New content of the document is still to be parsed, or to be fetched."""
    to_parse = Exists(Content.past_the_guard.filter(document=OuterRef("pk")))
    return ExpressionWrapper(Q(to_parse) | Q(Exists(Unfetched.objects.filter(pk=OuterRef("pk")))), BooleanField())


def is_waiting(document: Document) -> bool:
    return bool(getattr(document, "waiting", False))


def put(
    source_id: int,
    known: Document | None,
    record: DocumentRecord,
    place: int,
    places: Places,
    texts: Texts,
) -> tuple[Document, bool]:
    """Introduce a document or replace what is known of it; says whether anything changed."""
    if record.content is not_fetched:
        return _put_unfetched(source_id, known, record, place, places)
    if known is not None and is_waiting(known):
        _is_fetched(known)
    if record.unreadable:
        return _put_unreadable(source_id, known, record, place, places)
    unread = callable(record.content)
    if unread and (known is None or record.version != known.version):
        raise RecordRefused("content_not_read", "The content of a document could not be read.")
    stored = _stored_digest(known)
    digest = stored if unread else digest_of(record)
    is_text = record.content is None
    same = known is not None and stored == digest
    if is_text and not same and digest not in texts:
        raise TextNeeded(record, digest or b"")

    document = known or Document(source_id=source_id, external_id=record.id, scope_id=places.nobody())
    changed = _describe(document, record, digest)
    if same:
        moved = move(document, place, places, named=True)
        return document, changed or moved
    if is_text:
        document.scope_id, document.next_scope_id = place, None
        publish(document, texts[digest or b""])
        return document, True
    assert isinstance(record.content, bytes)
    _wait_for_text(document, record, place, places)
    return document, True


def _put_unreadable(
    source_id: int, known: Document | None, record: DocumentRecord, place: int, places: Places
) -> tuple[Document, bool]:
    document = known or Document(source_id=source_id, external_id=record.id, scope_id=place)
    before = (document.state, document.reason, document.scope_id)
    changed = _describe(document, record, digest=None)
    document.scope_id, document.next_scope_id = place, None
    if changed or before != (State.QUARANTINED, record.unreadable, place):
        quarantine(document, record.unreadable)
        return document, True
    return document, False


def _put_unfetched(
    source_id: int, known: Document | None, record: DocumentRecord, place: int, places: Places
) -> tuple[Document, bool]:
    """Its newest content could not be had. What is here stays, for those alone who may read both that and the new."""
    document = known or Document(source_id=source_id, external_id=record.id, scope_id=places.nobody())
    version, digest = document.version, _stored_digest(known)
    if known is not None and _forget_content(known):
        version, digest = "", None
    changed = _describe(document, replace(record, version=version or None), digest)
    _await_content(document)
    moved = move(document, place, places, named=True)
    return document, changed or moved


def go_ahead(document: Document, place: int, places: Places) -> None:
    """Its newest content is still to be fetched, and will stand at `place`: what is here is for those who may read
    there too, from this commit on."""
    if document.state != State.HELD and (document.next_scope_id or document.scope_id) == place:
        return
    if _forget_content(document):
        document.version, document.content_digest = "", None
        Document.past_the_guard.filter(pk=document.pk).update(version="", content_digest=None)
    _await_content(document)
    move(document, place, places, named=True)


def _await_content(document: Document) -> None:
    waiting = Unfetched(document_id=document.pk, source_id=document.source_id)
    Unfetched.objects.bulk_create([waiting], ignore_conflicts=True)
    document.waiting = True  # type: ignore[attr-defined]


def _is_fetched(document: Document) -> None:
    """What the document waited for is here. It waits for the parser or for the source, never for both."""
    if Unfetched.objects.filter(pk=document.pk).delete()[0]:
        document.waiting = False  # type: ignore[attr-defined]


def _forget_content(document: Document) -> bool:
    """Let what waits for the parser go: it would become live under the rights of what came after it."""
    return is_waiting(document) and bool(Content.past_the_guard.filter(document=document).delete()[0])


def _describe(document: Document, record: DocumentRecord, digest: bytes | None) -> bool:
    """Write everything about a document but its text and its place."""
    title = record.title or (document.title if not document.titled and document.pk else _from_name(record.id))
    wanted: dict[str, Any] = {
        "title": legible(title),
        "titled": bool(record.title),
        "url": legible(record.url),
        "mime": document.mime if document.pk and not record.mime else record.mime,
        "author": legible(record.author),
        "created_at": record.created_at,
        "modified_at": record.modified_at,
        "metadata": dict(record.metadata),
        "version": record.version or "",
        "content_digest": digest,
        "revision": document.revision if record.revision is None else record.revision,
    }
    stored = _stored_digest(document)
    changed = {
        field
        for field, value in wanted.items()
        if (stored if field == "content_digest" else getattr(document, field)) != value
    }
    if document.pk and not changed:
        return False
    for field, value in wanted.items():
        setattr(document, field, value)
    if not document.pk:
        Document.past_the_guard.bulk_create([document])
        document.waiting = False  # type: ignore[attr-defined]  # as `living` annotates it
    else:
        Document.past_the_guard.filter(pk=document.pk).update(**wanted)
        if "title" in changed:
            index_passages(document)
        if document.text_revision and changed & {"url", "author", "created_at", "modified_at"}:
            attachments.describe(document)
    return True


def _stored_digest(document: Document | None) -> bytes | None:
    return bytes(document.content_digest) if document is not None and document.content_digest is not None else None


def _from_name(external_id: str) -> str:
    stem = PurePosixPath(external_id).stem
    return stem.replace("_", " ").replace("-", " ").strip().capitalize() or external_id


def legible(text: str) -> str:
    """On one line, and nothing in it that is not seen where it is shown: on pages, in prompts, on terminals."""
    return line(storable(text))


def storable(text: str) -> str:
    """Without NUL and lone surrogates, which the database cannot hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _wait_for_text(document: Document, record: DocumentRecord, place: int, places: Places) -> None:
    assert isinstance(record.content, bytes)
    filename = storable(PurePosixPath(record.id).name)
    wait_for_parser([Waiting(document=document, data=record.content, filename=filename, digest=digest_of(record))])
    document.waiting = True  # type: ignore[attr-defined]
    if document.state == State.QUARANTINED:
        document.state, document.reason = State.PENDING, ""
    move(document, place, places, named=True)
    _save_place(document)


def move(document: Document, place: int, places: Places, *, named: bool = False) -> bool:
    """Let a document stand at `place` from this commit on. `named`: the source named it, so it is held no longer."""
    before = (document.scope_id, document.next_scope_id, document.state)
    if document.state == State.HELD and (not named or is_waiting(document)):
        document.next_scope_id = place
        if named:
            document.state = State.LIVE  # and where nobody reads it, until its new text is there
    elif document.state == State.LIVE and is_waiting(document):
        document.scope_id, document.next_scope_id = places.both(document.scope_id, place), place
        if document.scope_id == place:
            document.next_scope_id = None
    else:
        document.scope_id, document.next_scope_id = place, None
        if document.state == State.HELD:
            document.state = State.LIVE
    if (document.scope_id, document.next_scope_id, document.state) == before:
        return False
    _save_place(document)
    return True


def _save_place(document: Document) -> None:
    Document.past_the_guard.filter(pk=document.pk).update(
        scope=document.scope_id,
        next_scope=document.next_scope_id,
        state=document.state,
        reason=document.reason,
    )


def publish(document: Document, prepared: PreparedText, *, held: bool = False) -> None:
    """Make a text live, under the place its document has been given, and drop what it replaces.

    `held`: a listing left the document out, and nobody has said yet what became of it: it stays hidden.
    """
    parsed = prepared.parsed
    if not document.titled and parsed.title.strip():
        document.title = legible(parsed.title)
    document.state, document.reason = State.HELD if held else State.LIVE, ""
    document.language = parsed.language
    document.text_revision += 1
    Document.past_the_guard.filter(pk=document.pk).update(
        scope=document.scope_id,
        next_scope=document.next_scope_id,
        state=document.state,
        reason="",
        title=document.title,
        mime=document.mime or parsed.mime,
        file_metadata=parsed.metadata,
        language=document.language,
        text_revision=document.text_revision,
    )
    DocumentText.past_the_guard.bulk_create(
        [
            DocumentText(
                document=document,
                text=parsed.text,
                headings=[{"level": h.level, "title": h.title, "start": h.start} for h in parsed.headings],
                pages=[{"label": p.label, "number": p.number, "start": p.start, "end": p.end} for p in parsed.pages],
            )
        ],
        update_conflicts=True,
        unique_fields=["document"],
        update_fields=["text", "headings", "pages"],
    )
    _replace_passages(document, prepared.pieces)
    _wait_no_longer(document)
    if parsed.attachments or document.text_revision > 1:
        _replace_attachments(document, parsed)


def _replace_attachments(document: Document, parsed: Parsed) -> None:
    """What is attached comes and goes with the text, and the document tells what was left out."""
    left_out = attachments.replace(document, parsed.attachments)
    if left_out:
        told = ", ".join(filter(None, [parsed.metadata.get(LEFT_OUT), *left_out]))
        metadata = {**parsed.metadata, LEFT_OUT: storable(told)[:1000]}
        Document.past_the_guard.filter(pk=document.pk).update(file_metadata=metadata)


def _replace_passages(document: Document, pieces: Sequence[Piece]) -> None:
    """Keep the rows of passages whose words are the same, with their embeddings; write the others."""
    kept: dict[bytes, list[int]] = defaultdict(list)
    if document.text_revision > 1:  # it had a text before
        for id, digest in Passage.past_the_guard.filter(document=document).values_list("id", "digest"):
            kept[bytes(digest)].append(id)
    new: list[tuple[Piece, bytes]] = []
    moved: list[Passage] = []
    for piece in pieces:
        digest = sha256(piece.text.encode()).digest()
        if kept[digest]:
            moved.append(Passage(id=kept[digest].pop(), **_place_in_text(piece)))
        else:
            new.append((piece, digest))
    Passage.past_the_guard.filter(id__in=[id for ids in kept.values() for id in ids]).delete()
    if moved:
        Passage.past_the_guard.bulk_update(moved, ["ordinal", "start", "end", "heading", "page"], batch_size=500)
    if new:
        columns: list[list[Any]] = [
            [uuid4() for _ in new],
            [p.ordinal for p, _ in new],
            [p.text for p, _ in new],
            [p.start for p, _ in new],
            [p.end for p, _ in new],
            [p.heading_path for p, _ in new],
            [p.page for p, _ in new],
            [digest for _, digest in new],
        ]
        execute(INSERT_PASSAGES, [*columns, text_search_configuration(document.language), document.pk])
    if moved:
        index_passages(document)  # their heading, or the title before it, may be another


def _place_in_text(piece: Piece) -> dict[str, Any]:
    return {
        "ordinal": piece.ordinal,
        "start": piece.start,
        "end": piece.end,
        "heading": piece.heading_path,
        "page": piece.page,
    }


def index_passages(document: Document) -> None:
    """Write the lexemes of title, heading and text, by the language of the document; what changed is embedded anew."""
    execute(INDEX_PASSAGES, [text_search_configuration(document.language), document.title, document.pk])


def text_search_configuration(language: str) -> str:
    return str(Language(language).label) if language in Language.values else "simple"


def quarantine(document: Document, reason: str) -> None:
    """Its content cannot be read: nobody reads the document until there is other content (P6)."""
    _drop_text(document)
    document.state, document.reason = State.QUARANTINED, reason
    if document.next_scope_id is not None:
        document.scope_id, document.next_scope_id = document.next_scope_id, None
    _save_place(document)


def delete(source_id: int, external_id: str, revision: int | None, places: Places) -> bool:
    """The source no longer has it. What stays is a name without words, so that a late record cannot bring it back."""
    document = living(source_id).filter(external_id=external_id).first()
    earlier = named(source_id).filter(external_id=external_id, state=State.DELETED)
    if document is None:
        if revision is not None:  # its record may still come: pages arrive in any order
            earlier.delete()
            gone = Document(source_id=source_id, external_id=external_id, scope_id=places.nobody())
            gone.state, gone.revision = State.DELETED, revision
            Document.past_the_guard.bulk_create([gone])
        return False
    _drop_text(document)
    earlier.delete()
    Document.past_the_guard.filter(pk=document.pk).update(
        **ENDED,
        scope=places.nobody(),
        revision=document.revision if revision is None else revision,
    )
    return True


def hold(documents: QuerySet[Document], places: Places) -> int:
    """Hide documents a listing left out, without deleting them, until a person says which it is."""
    held = 0
    for document in documents.filter(state__in=[State.LIVE, State.PENDING]):
        document.next_scope_id = document.next_scope_id or document.scope_id
        document.scope_id, document.state = places.nobody(), State.HELD
        _save_place(document)
        held += 1
    return held


def _wait_no_longer(document: Document) -> None:
    if getattr(document, "waiting", True):  # whoever did not ask does not know
        Content.past_the_guard.filter(document=document).delete()
        Unfetched.objects.filter(pk=document.pk).delete()
    document.waiting = False  # type: ignore[attr-defined]


def _drop_text(document: Document) -> None:
    """With all that is attached, which came in with it."""
    _wait_no_longer(document)
    DocumentText.past_the_guard.filter(document=document).delete()
    Passage.past_the_guard.filter(document=document).delete()
    if document.text_revision:
        attachments.end(attachments.below(document.pk))

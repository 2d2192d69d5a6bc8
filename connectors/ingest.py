"""From waiting content to text that is found, and from text to vectors.

The rows of `Content` are the work queue: any number of workers share it, each taking one at a time for a while.
Attempts are counted before the work, so that a file that ends its worker is not tried for ever.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from time import monotonic, sleep

from django.db import connection, transaction
from django.utils import timezone

from accounts import principals
from accounts.statements import rows
from connectors import embedding
from connectors.corpus import documents
from connectors.corpus.search import ensure_vector_index
from connectors.models import Content, Document, Passage, PassageVector, Source
from connectors.parsing import ParseFailed, ParserProcess

log = logging.getLogger("gatehouse.ingest")

ATTEMPTS = 3
TAKEN_FOR = timedelta(minutes=5)
RETRY_AFTER = timedelta(seconds=30)
EMBED_BATCH = 64
MAX_DIMENSIONS = 1_300  # of half precision: what an entry of the covering index holds beside its keys
EMBED_LOCK = 0x6A7E_0001
CANNOT_EMBED = "failed"


@dataclass(frozen=True)
class Job:
    """A document's content, taken for a while."""

    document_id: int
    source_id: int
    data: bytes
    digest: bytes
    filename: str
    mime: str
    attempts: int


def drain(source: Source | None = None, *, seconds: float = 3600.0, patient: bool = True) -> int:
    """Parse and embed whatever waits, of one source or of all, until nothing is left or time is up.

    `patient`: wait for a process that is embedding already, rather than leave the rest to it.
    """
    deadline = monotonic() + seconds
    done = parse_waiting(source, deadline)
    while not embed_waiting(deadline) and patient and monotonic() < deadline:
        sleep(0.5)
    return done


def parse_waiting(source: Source | None, deadline: float) -> int:
    done = 0
    with ParserProcess() as parser:
        while monotonic() < deadline and (job := take(source)) is not None:
            work_on(job, parser)
            done += 1
    return done


@transaction.atomic
def take(source: Source | None = None) -> Job | None:
    """The content that has waited longest, if any is due. Attempts are counted here, before the work."""
    waiting = Content.past_the_guard.filter(due_at__lte=timezone.now()).order_by("due_at")
    if source is not None:
        waiting = waiting.filter(document__source=source)
    row = waiting.select_for_update(skip_locked=True, of=("self",)).first()
    if row is None:
        return None
    Content.past_the_guard.filter(pk=row.pk).update(attempts=row.attempts + 1, due_at=timezone.now() + TAKEN_FOR)
    document = Document.past_the_guard.get(pk=row.pk)
    return Job(
        document_id=document.pk,
        source_id=document.source_id,
        data=bytes(row.data),
        digest=bytes(row.digest),
        filename=row.filename,
        mime=document.mime,
        attempts=row.attempts + 1,
    )


def work_on(job: Job, parser: ParserProcess) -> None:
    """Parse outside any transaction, then publish in one."""
    if job.attempts > ATTEMPTS:
        return _set_aside(job, "crashed")
    try:
        parsed = parser.parse(job.data, filename=job.filename, mime=job.mime)
        prepared = documents.prepared_from(job.digest, parsed)
    except ParseFailed as failed:
        if failed.permanent or job.attempts >= ATTEMPTS:
            _set_aside(job, failed.reason)
        else:
            Content.past_the_guard.filter(pk=job.document_id, digest=job.digest).update(
                due_at=timezone.now() + RETRY_AFTER
            )
        return None
    with _still_wanted(job) as document:
        if document is not None:
            held = document.state == Document.State.HELD  # a person has still to say whether it is there
            if not held:
                document.scope_id, document.next_scope_id = document.next_scope_id or document.scope_id, None
            documents.publish(document, prepared, held=held)
    return None


def _set_aside(job: Job, reason: str) -> None:
    with _still_wanted(job) as document:
        if document is not None:
            documents.quarantine(document, reason)


@contextmanager
def _still_wanted(job: Job) -> Iterator[Document | None]:
    """The document, locked, if this content is still the newest of it; None if it was replaced or deleted."""
    with transaction.atomic():
        principals.lock(job.source_id)
        wanted = Content.past_the_guard.filter(pk=job.document_id, digest=job.digest).exists()
        yield Document.past_the_guard.get(pk=job.document_id) if wanted else None


def embed_waiting(deadline: float) -> bool:
    """Give passages their vectors, batch by batch; one process at a time, since it takes every core.

    False: another process is at it.
    """
    if not _alone():
        return False
    try:
        _forget_other_models(embedding.model_name())
        while monotonic() < deadline and (batch := _to_embed()):
            _embed(batch)
    except embedding.EmbeddingFailed as failed:
        log.warning("Passages wait for their vectors and are found by their words alone: %s", failed)
    finally:
        rows("SELECT pg_advisory_unlock(%s)", [EMBED_LOCK])
    return True


@lru_cache(maxsize=1)
def _forget_other_models(model: str) -> None:
    """Vectors of two models are never compared: after a change of model its passages are embedded anew.

    Looked at once a process, since settings change only with a new one.
    """
    other = Passage.past_the_guard.filter(embedding__isnull=False).exclude(embedding_model=model)
    if other.exists():
        PassageVector.past_the_guard.filter(passage__in=other.values("id")).delete()
        other.update(embedding=None, embedding_model="")


def _alone() -> bool:
    return bool(rows("SELECT pg_try_advisory_lock(%s)", [EMBED_LOCK])[0][0])


def _to_embed() -> list[Passage]:
    waiting = Passage.past_the_guard.filter(embedding=None, embedding_model="").order_by("id")
    return list(waiting.select_related("document").only("id", "text", "heading", "document__title")[:EMBED_BATCH])


def _embed(batch: Sequence[Passage]) -> None:
    """Vectors are made outside any transaction. One that cannot be made hides nothing: words still find it (P6)."""
    if embedding.dimensions() > MAX_DIMENSIONS:
        raise embedding.EmbeddingFailed(f"Embeddings of more than {MAX_DIMENSIONS} numbers are not stored.")
    texts = [embedded_text(passage) for passage in batch]
    try:
        vectors: list[list[float] | None] = list(embedding.embed_texts(texts))
    except embedding.EmbeddingFailed as failed:
        if not failed.permanent:
            raise
        vectors = [_embed_alone(text) for text in texts]
    model = embedding.model_name()
    ensure_vector_index(embedding.dimensions())
    with transaction.atomic():
        for passage, vector in zip(batch, vectors, strict=True):
            passage.embedding, passage.embedding_model = vector, model if vector is not None else CANNOT_EMBED
        Passage.past_the_guard.bulk_update(batch, ["embedding", "embedding_model"])
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO connectors_passagevector (passage_id, embedding) "
                "SELECT id, embedding FROM connectors_passage WHERE id = ANY(%s) AND embedding IS NOT NULL "
                "ON CONFLICT (passage_id) DO UPDATE SET embedding = excluded.embedding",
                [[passage.pk for passage in batch]],
            )


def _embed_alone(text: str) -> list[float] | None:
    try:
        return embedding.embed_texts([text])[0]
    except embedding.EmbeddingFailed as failed:
        if not failed.permanent:
            raise
        log.warning("A passage could not be embedded; it is found by its words alone.")
        return None


def embedded_text(passage: Passage) -> str:
    """What stands for a passage in the space of meanings: its document's title, its heading and its words."""
    return "\n".join(part for part in (passage.document.title, passage.heading, passage.text) if part)

"""From waiting content to text that is found.

The rows of `Content` are the work queue: any number of workers share it, each taking one at a time for a while.
Attempts are counted before the work, so that a file that ends its worker is not tried for ever.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep

from django.db import transaction
from django.db.models.functions import Now

from accounts import principals
from connectors import progress, vectors
from connectors.corpus import documents
from connectors.corpus.waiting import sources_in_turn
from connectors.models import Content, Document, Source
from connectors.parsing import ParseFailed, ParserProcess

log = logging.getLogger("gatehouse.ingest")

ATTEMPTS = 3
TAKEN_FOR = timedelta(minutes=5)
RETRY_AFTER = timedelta(seconds=30)


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
    while not vectors.embed_waiting(deadline) and patient and monotonic() < deadline:
        sleep(0.5)
    return done


def parse_waiting(source: Source | None, deadline: float) -> int:
    done, last = 0, 0
    with ParserProcess() as parser:
        while monotonic() < deadline and (job := take(source, last)) is not None:
            work_on(job, parser)
            done, last = done + 1, job.source_id
    return done


@transaction.atomic
def take(source: Source | None = None, last: int = 0) -> Job | None:
    """The content that has waited longest of `source`, else of the source whose turn it is after `last`; None if none
    is due. Attempts are counted here, before the work."""
    for source_id in [source.pk] if source else sources_in_turn(last):
        due = Content.past_the_guard.filter(source_id=source_id, due_at__lte=Now()).order_by("due_at")
        row = due.select_for_update(skip_locked=True).first()
        if row is not None:
            return _taken(row)
    return None


def _taken(row: Content) -> Job:
    Content.past_the_guard.filter(pk=row.pk).update(attempts=row.attempts + 1, due_at=Now() + TAKEN_FOR)
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
            Content.past_the_guard.filter(pk=job.document_id, digest=job.digest).update(due_at=Now() + RETRY_AFTER)
        return None
    with _still_wanted(job) as document:
        if document is not None:
            held = document.state == Document.State.HELD  # a person has still to say whether it is there
            if not held:
                document.scope_id, document.next_scope_id = document.next_scope_id or document.scope_id, None
            documents.publish(document, prepared, held=held)
            progress.note(job.source_id, progress.Kind.PARSED, 1)
    return None


def _set_aside(job: Job, reason: str) -> None:
    with _still_wanted(job) as document:
        if document is not None:
            documents.quarantine(document, reason)
            progress.note(job.source_id, progress.Kind.PARSED, 1)


@contextmanager
def _still_wanted(job: Job) -> Iterator[Document | None]:
    """The document, locked, if this content is still the newest of it; None if it was replaced or deleted."""
    with transaction.atomic():
        principals.lock(job.source_id)
        wanted = Content.past_the_guard.filter(pk=job.document_id, digest=job.digest).exists()
        yield Document.past_the_guard.get(pk=job.document_id) if wanted else None

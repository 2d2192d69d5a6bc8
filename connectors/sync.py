"""Reading a source: lease, pages, each its own commit, and what a complete listing left out.

Postgres knows what is due and who reads it; whoever wakes this loses nothing by forgetting (decision 0003).
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import monotonic, sleep

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts import principals
from connectors import listing, progress
from connectors.adding import connector_of
from connectors.applying import Writing, apply_page, hold_fence
from connectors.corpus import documents, placing
from connectors.corpus.documents import Texts
from connectors.corpus.wall import as_owner
from connectors.errors import RunSuperseded
from connectors.models import Document, Source, SyncRun
from connectors.parsing import ParseFailed
from connectors.records import Checkpoint, Deletion, DocumentRecord, Problem, Record, State
from connectors.sources.base import ConnectorError, SlowDown

log = logging.getLogger("gatehouse.sync")

LEASE = timedelta(seconds=30)
HEARTBEAT = 8.0  # seconds
MAX_BACK_OFF = timedelta(hours=1)
MAX_PROBLEMS = 200  # told on a run
PAGE_BYTES = 64 * 1024 * 1024  # of file contents fetched and held in memory before they are committed
BRAKE_SHARE = 0.3  # of the documents, and more than
BRAKE_COUNT = 20


def due() -> QuerySet[Source]:
    """Sources to be read now that nobody is reading."""
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    return Source.objects.filter(free, enabled=True, next_sync_at__lte=now).order_by("next_sync_at")


def wake(source: Source) -> None:
    """Let the source be read as soon as a worker looks."""
    Source.objects.filter(pk=source.pk, next_sync_at__isnull=False).update(next_sync_at=timezone.now())


def run_now(source: Source, *, patience: float = 600.0) -> SyncRun:
    """Read the source now, after any run that has begun. Raises `ConnectorError` when that one never ends."""
    deadline = monotonic() + patience
    while (run := begin(source)) is None:
        if monotonic() > deadline:
            raise ConnectorError("Another run of this source has not ended; try again later.")
        sleep(0.2)
    return conduct(run)


@transaction.atomic
def begin(source: Source) -> SyncRun | None:
    """Take the lease and start a run, unless somebody else holds it."""
    row = Source.objects.select_for_update().get(pk=source.pk)
    if row.lease_until is not None and row.lease_until > timezone.now():
        return None
    now = timezone.now()
    SyncRun.objects.filter(source=row, state=SyncRun.State.RUNNING).update(
        state=SyncRun.State.FAILED,
        ended_at=now,
        problems=["The run did not come to its end: its worker was ended, or settings were changed. The next goes on."],
    )
    row.fence += 1
    row.lease_until = now + LEASE
    run = SyncRun.objects.create(source=row, fence=row.fence)
    run.whole = listing.begin(row, run.started_at)
    run.save(update_fields=["whole"])
    row.save(update_fields=["fence", "lease_until", "listing_began", "listing_state"])
    return run


def conduct(run: SyncRun) -> SyncRun:
    """Read a source to its end and say on the run how it went."""
    reading = Reading(run)
    try:
        with heartbeat(run):
            reading.read()
        end(run, "")
    except SlowDown as asked:
        end(run, str(asked), again_in=asked.seconds)
    except ConnectorError as error:
        end(run, str(error))
    except RunSuperseded:
        log.warning("A run of %s was superseded.", run.source.key)
    except Exception:
        log.exception("A run of %s failed.", run.source.key)
        end(run, "The run failed for a reason that is in the log of the worker.")
    run.refresh_from_db()
    return run


@dataclass
class Reading:
    """One run through a connector's records."""

    run: SyncRun
    _page: list[Record] = field(default_factory=list)

    def read(self) -> None:
        ended = False
        for record in connector_of(self.run.source).records(listing.since(self.run)):
            ended = isinstance(record, Checkpoint)
            match record:
                case Problem(kind=None):
                    self._tell([record.message])
                case Checkpoint():
                    lets_go = record.complete or record.readers_complete
                    self._commit(None if lets_go else record.state)
                    if lets_go:  # how far it has come is noted with what that means, or not at all
                        self.reconcile(record.state, of_documents=record.complete)
                case _:
                    self._page.append(record)
                    if len(self._page) >= 1000:
                        self._commit()
        if not ended:
            raise ConnectorError("The listing ended without saying so; what it left out is kept.")

    def _commit(self, reached: State | None = None) -> None:
        """Apply what has been read since the last commit, file contents fetched beforehand; in several commits where
        these would be too much in memory at once.

        `reached`: what to go on from after it, noted in the commit of the last of it.
        """
        records, self._page = self._page, []
        known = known_content(self.run.source_id, records)
        ready: list[Record] = []
        texts: Texts = {}
        held = 0
        for record in records:
            if isinstance(record, DocumentRecord):
                fetched = callable(record.content)
                record = _with_content(record, known, texts)
                held += len(record.content) if fetched and isinstance(record.content, bytes) else 0
            ready.append(record)
            if held > PAGE_BYTES:
                self.apply(ready, texts)
                ready, texts, held = [], {}, 0
        self.apply(ready, texts, reached)

    def apply(self, records: list[Record], texts: Texts, reached: State | None = None) -> None:
        """One page in one commit, its outcomes counted on the run."""
        if not records and reached is None:
            return
        page = apply_page(self.run, records, texts, reached)
        progress.note(self.run.source_id, progress.Kind.LISTED, sum(isinstance(r, DocumentRecord) for r in records))
        for name, count in page.counts.items():
            self.run.counts[name] = self.run.counts.get(name, 0) + count
        self._tell(page.problems)

    def _tell(self, problems: list[str]) -> None:
        room = MAX_PROBLEMS - len(self.run.problems)
        self.run.problems.extend(map(documents.storable, problems[: max(room, 0)]))
        self.run.save(update_fields=["counts", "problems"])

    def reconcile(self, reached: State, *, of_documents: bool = True) -> None:
        """What a complete listing did not name is gone; too many documents at once are hidden instead (the brake).

        `of_documents`: the listing is complete of these too, not only of principals and scopes.
        """
        source = self.run.source
        with transaction.atomic():
            principals.lock(source.pk)
            hold_fence(self.run)
            writing = Writing(source)
            gone: list[Deletion] = []
            for id in principals.unnamed(source.pk, listing.named(source, "principal")):
                gone.append(Deletion(kind="principal", id=id))
            for id in writing.places.introduced() - listing.named(source, "scope"):
                gone.append(Deletion(kind="scope", id=id))
            listed = dict(
                documents.living(source.pk).exclude(state=Document.State.HELD).values_list("external_id", "id")
            )
            missing: set[str] = listed.keys() - listing.named(source, "document") if of_documents else set()
            braked = len(missing) > BRAKE_COUNT and len(missing) > BRAKE_SHARE * len(listed)
            if not braked:
                gone += [Deletion(kind="document", id=id) for id in sorted(missing)]
            for deletion in gone:
                writing.apply(deletion)
            if braked:
                unnamed = documents.living(source.pk).filter(id__in=[listed[id] for id in missing])
                held = documents.hold(unnamed, writing.places)
                self.run.problems.append(
                    f"The listing left out {held} of {len(listed)} documents. They are hidden, not deleted, until "
                    "somebody says in the console which it is."
                )
            writing.settle(refuse_cycles=False)
            placing.sweep(source.pk)
            self.run.counts["deleted"] = self.run.counts.get("deleted", 0) + len(gone)
            self.run.save(update_fields=["counts", "problems"])
            listing.note(self.run, (), reached)


def known_content(source_id: int, records: list[Record]) -> dict[str, tuple[str, bytes]]:
    """Version and digest of the stored content of these documents."""
    ids = [record.id for record in records if isinstance(record, DocumentRecord)]
    rows = documents.living(source_id).filter(external_id__in=ids)
    return {row.external_id: (row.version, bytes(row.content_digest or b"")) for row in rows}


def _with_content(record: DocumentRecord, known: dict[str, tuple[str, bytes]], texts: Texts) -> DocumentRecord:
    """The record with its bytes read or its text split, where they differ from what is stored."""
    version, digest = known.get(record.id, ("", b""))
    if callable(record.content):
        if record.version and record.version == version:
            return record
        return _read(record, record.content)
    if record.text is not None and (new := documents.digest_of(record)) != digest:
        try:
            texts[new] = documents.prepare(record)
        except ParseFailed as failed:
            return replace(record, text=None, unreadable=failed.reason)
    return record


def _read(record: DocumentRecord, content: Callable[[], bytes]) -> DocumentRecord:
    try:
        return replace(record, content=content())
    except ConnectorError as error:
        if not error.permanent:
            raise
        return replace(record, content=None, unreadable="unreadable", version=None)  # asked for again in the next run


@transaction.atomic
def end(run: SyncRun, failure: str, *, again_in: float | None = None) -> None:
    """Give the lease back and say when the source is due again: later and later after failures, or when it asked."""
    source = Source.objects.select_for_update().get(pk=run.source_id)
    if source.fence != run.fence:
        return
    now, failure = timezone.now(), documents.storable(failure)
    source.lease_until = None
    if again_in is not None:
        run.problems.append(failure)
        wait = min(timedelta(seconds=again_in), listing.WHOLE_EVERY)
    elif failure:
        run.problems.append(failure)
        source.failures += 1
        wait = min(timedelta(seconds=source.interval) * 2 ** min(source.failures - 1, 10), MAX_BACK_OFF)
    else:
        source.failures = 0
        listing.ended(source, run)
        wait = timedelta(seconds=source.interval)
    if source.next_sync_at is not None and source.next_sync_at <= run.started_at:
        source.next_sync_at = now + wait
    source.save()
    run.state = SyncRun.State.FAILED if failure else SyncRun.State.SUCCEEDED
    run.ended_at = now
    run.save()


@contextmanager
def heartbeat(run: SyncRun) -> Iterator[None]:
    """Keep the lease while a run lives, from a thread with a connection of its own."""
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(HEARTBEAT):
            try:
                Source.objects.filter(pk=run.source_id, fence=run.fence, lease_until__isnull=False).update(
                    lease_until=timezone.now() + LEASE
                )
            except Exception:
                log.exception("A lease could not be kept; the run goes on while nobody else takes it.")
                connection.close()
        connection.close()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@as_owner()
def release_held(source: Source) -> int:
    """A person says that documents a listing left out are still there.

    One whose new text waits stays where nobody reads it until then: its next place is that of the new text.
    """
    principals.lock(source.pk)
    held = documents.living(source.pk).filter(state=Document.State.HELD, next_scope__isnull=False)
    waiting = held.filter(documents.has_waiting()).update(state=Document.State.LIVE)
    return waiting + held.update(state=Document.State.LIVE, scope=F("next_scope"), next_scope=None)


@as_owner()
def delete_held(source: Source) -> int:
    """A person says that documents a listing left out are gone."""
    principals.lock(source.pk)
    writing = Writing(source)
    held = documents.living(source.pk).filter(state=Document.State.HELD).values_list("external_id", flat=True)
    for id in list(held):
        writing.apply(Deletion(kind="document", id=id))
    return len(held)

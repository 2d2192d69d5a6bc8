"""Reading a source: lease, pages, each its own commit, and what a complete listing left out.

Postgres knows what is due and who reads it; whoever wakes this loses nothing by forgetting (decision 0003).
"""

import logging
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic, sleep

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from accounts import principals
from accounts.statements import database_now
from connectors import listing, progress
from connectors.adding import connector_of
from connectors.applying import Ahead, Writing, apply_page, hold_fence
from connectors.corpus import documents, placing
from connectors.corpus.documents import Texts
from connectors.corpus.wall import as_owner
from connectors.errors import RunSuperseded
from connectors.fetching import Fetching, Known, document_of, known_content, parted
from connectors.models import Document, Source, SyncRun
from connectors.records import Checkpoint, Deletion, DocumentRecord, Problem, Record, State
from connectors.sources.base import ConnectorError, SlowDown

log = logging.getLogger("gatehouse.sync")

LEASE = timedelta(seconds=30)
HEARTBEAT = 8.0  # seconds
MAX_BACK_OFF = timedelta(hours=1)
MAX_PROBLEMS = 200  # told on a run
PAGE = 1_000  # records a commit, where they may be committed apart
PAGE_BYTES = 64 * 1024 * 1024  # of file contents fetched and held in memory before they are committed
SECONDS_OF_FETCHING = 10.0  # before what was fetched is committed
LONGEST_PAGE = 512 * 1024 * 1024  # bytes of records, about, that are held in memory between two checkpoints
RECORD_BYTES = 2_000  # of these, for each record beside its content
BRAKE_SHARE = 0.3  # of the documents, and more than
BRAKE_COUNT = 20
FREE = Q(lease_until=None) | Q(lease_until__lte=Now())
CUT_SHORT = (
    "The run did not come to its end: its worker was ended, the source was paused, or settings were changed. "
    "The next goes on."
)
READERS_LATE = (
    "The connector named who reads after more documents than can be held back until that is known. It must name "
    "readers first, or yield a Checkpoint between."
)
PAGE_TOO_LONG = (
    "The connector named readers and documents for too long without a Checkpoint. It must yield one after the readers, "
    "and then one for each thousand documents or so."
)


def due() -> QuerySet[Source]:
    """Sources to be read now that nobody is reading. Whose clock is right is the database's to say."""
    return Source.objects.filter(FREE, enabled=True, next_sync_at__lte=Now()).order_by("next_sync_at")


def wake(source: Source) -> None:
    """Let the source be read as soon as a worker looks."""
    Source.objects.filter(pk=source.pk, next_sync_at__isnull=False).update(next_sync_at=Now())


def run_now(source: Source, *, patience: float = 600.0) -> SyncRun:
    """Read the source now, after any run that has begun. Raises `ConnectorError` when that one never ends."""
    deadline = monotonic() + patience
    while (run := begin(source)) is None:
        if not Source.objects.filter(pk=source.pk).exists():
            raise ConnectorError("The source was deleted.", permanent=True)
        if monotonic() > deadline:
            raise ConnectorError("Another run of this source has not ended; try again later.")
        sleep(0.2)
    return conduct(run)


@transaction.atomic
def begin(source: Source) -> SyncRun | None:
    """Take the lease and start a run, unless somebody else holds it, or the source is gone. A run that lost it may be
    committing: that is waited for, and it was its last commit."""
    if not Source.objects.filter(FREE, pk=source.pk).exists():
        return None
    principals.lock(source.pk)
    row = Source.objects.select_for_update().filter(FREE, pk=source.pk).first()
    if row is None:
        return None
    now = database_now()
    SyncRun.objects.filter(source=row, state=SyncRun.State.RUNNING).update(
        state=SyncRun.State.FAILED, ended_at=now, problems=[CUT_SHORT]
    )
    row.fence += 1
    row.lease_until = now + LEASE
    run = SyncRun.objects.create(source=row, fence=row.fence)
    run.started_at = now
    run.whole = listing.begin(row, now)
    run.save(update_fields=["started_at", "whole"])
    row.save(update_fields=["fence", "lease_until", "listing_began", "listing_state"])
    return run


def conduct(run: SyncRun) -> SyncRun:
    """Read a source to its end and say on the run how it went. One whose source was deleted meanwhile just ends."""
    reading = Reading(run)
    try:
        with heartbeat(run, reading.lost):
            reading.read()
        end(run, "", missed=reading.fetching.missed)
    except SlowDown as asked:
        end(run, str(asked), again_in=asked.seconds)
    except ConnectorError as error:
        end(run, str(error))
    except RunSuperseded:
        log.info("A run of source %s commits no more.", run.source_id)
        _cut_short(run)
    except Exception:
        if Source.objects.filter(pk=run.source_id).exists():
            log.exception("A run of source %s failed.", run.source_id)
            end(run, "The run failed for a reason that is in the log of the worker.")
    try:
        run.refresh_from_db()
    except SyncRun.DoesNotExist:
        run.state = SyncRun.State.FAILED
        run.problems.append("The source was deleted.")
    return run


def _cut_short(run: SyncRun) -> None:
    """Nobody begins a run of a source that was paused, so that this one says itself that it is over."""
    under_way = SyncRun.objects.filter(pk=run.pk, state=SyncRun.State.RUNNING)
    under_way.update(state=SyncRun.State.FAILED, ended_at=Now(), problems=[*run.problems, CUT_SHORT])


@dataclass
class Reading:
    """One run through a connector's records. `lost`: set when another run may have begun, or the source is gone."""

    run: SyncRun
    lost: threading.Event = field(default_factory=threading.Event)
    _page: list[Record] = field(default_factory=list)
    _weight: int = 0  # of the page, about, in bytes
    _names_readers: bool = False
    _is_cut: bool = False

    def __post_init__(self) -> None:
        self.fetching = Fetching(self.run)

    def read(self) -> None:
        ended = False
        for record in connector_of(self.run.source).records(listing.since(self.run)):
            self._hold()
            ended = isinstance(record, Checkpoint)
            match record:
                case Problem(kind=None):
                    self._tell([record.message])
                case Checkpoint():
                    lets_go = record.complete or record.readers_complete
                    self._commit(None if lets_go else record.state)
                    self._names_readers = self._is_cut = False
                    if lets_go:  # how far it has come is noted with what that means, or not at all
                        self.reconcile(record.state, of_documents=record.complete)
                case _:
                    self._take(record)
        if not ended:
            raise ConnectorError("The listing ended without saying so; what it left out is kept.")
        if self.fetching.left:
            left = (
                f"The contents of {self.fetching.left} documents, which could not be had before, are asked for later."
            )
            self._tell([left])

    def _hold(self) -> None:
        if self.lost.is_set():
            raise RunSuperseded("Another run of this source has begun, or it was paused or deleted; this one stops.")

    def _take(self, record: Record) -> None:
        """Pages are cut by the connector, who knows what belongs together: half of a change of readers may let in whom
        neither side of it does. Too long a page is cut here only where nothing of it says who reads."""
        names_readers = document_of(record) is None
        if names_readers and self._is_cut:
            raise ConnectorError(READERS_LATE, permanent=True)
        self._page.append(record)
        self._names_readers |= names_readers
        self._weight += _weight(record)
        if self._weight <= LONGEST_PAGE:
            return
        if self._names_readers:
            raise ConnectorError(PAGE_TOO_LONG, permanent=True)
        self._commit()
        self._is_cut = True

    def _commit(self, reached: State | None = None) -> None:
        """Apply what has been read since the last commit: who reads what in one commit, then the documents whose
        content is fetched or split beforehand, in as many as it takes.

        `reached`: what to go on from after it, noted in the commit of the last of it.
        """
        page, self._page, self._weight = self._page, [], 0
        known: dict[str, tuple[str, bytes]] = {}
        is_long = len(page) > PAGE
        for part in _parts(page):
            known |= known_content(self.run.source_id, part)
            if is_long:  # those that go elsewhere are narrowed before anything is widened
                known_ones = [each for each in part if isinstance(each, DocumentRecord) and each.id in known]
                self.apply([Ahead(each) for each in known_ones], {})
        first, then = parted(page, known, apart=is_long)
        self.apply(first, {}, None if then else reached)
        if then:
            self._follow(then, known, reached)

    def _follow(self, following: Sequence[Sequence[Record]], known: Known, reached: State | None) -> None:
        """Contents, and what is said of their documents after them. A commit never parts what is said of one document.
        What was had before a failure is kept."""
        ready: list[Record] = []
        texts: Texts = {}
        held, began = 0, monotonic()
        try:
            for records in following:
                if held > PAGE_BYTES or len(ready) >= PAGE or monotonic() > began + SECONDS_OF_FETCHING:
                    self.apply(ready, texts)
                    ready, texts, held, began = [], {}, 0, monotonic()
                self._hold()
                had = [self._with_content(record, known, texts) for record in records]
                held += sum(_bytes(record) for record in had)
                ready += had
        except ConnectorError:
            self.apply(ready, texts)
            raise
        self.apply(ready, texts, reached)

    def _with_content(self, record: Record, known: Known, texts: Texts) -> Record:
        if not isinstance(record, DocumentRecord):
            return record
        return self.fetching.with_content(record, known, texts)

    def apply(self, records: Sequence[Record | Ahead], texts: Texts, reached: State | None = None) -> None:
        """A page, or a part of it, in one commit; its outcomes are counted on the run."""
        if not records and reached is None:
            return
        page = apply_page(self.run, records, texts, reached)
        progress.note(self.run.source_id, progress.Kind.LISTED, sum(isinstance(r, DocumentRecord) for r in records))
        for name, count in page.counts.items():
            self.run.counts[name] = self.run.counts.get(name, 0) + count
        told, self.fetching.problems = self.fetching.problems, []
        self._tell([*page.problems, *told])

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


def _parts(page: Sequence[Record]) -> Iterator[Sequence[Record]]:
    return (page[start : start + PAGE] for start in range(0, len(page), PAGE))


def _weight(record: Record) -> int:
    text = record.text if isinstance(record, DocumentRecord) else None
    return RECORD_BYTES + len(text or "") + _bytes(record)


def _bytes(record: Record) -> int:
    content = record.content if isinstance(record, DocumentRecord) else None
    return len(content) if isinstance(content, bytes) else 0


@transaction.atomic
def end(run: SyncRun, failure: str, *, again_in: float | None = None, missed: Collection[str] = ()) -> None:
    """Give the lease back and say when the source is due again: later and later after failures, or when it asked.

    `missed`: documents whose content could not be had in a run that otherwise ended well.
    """
    source = Source.objects.select_for_update().filter(pk=run.source_id, fence=run.fence).first()
    if source is None:
        _cut_short(run)
        return
    now, failure = database_now(), documents.storable(failure)
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
        listing.missed(run, missed)
        wait = timedelta(seconds=source.interval)
    if source.next_sync_at is not None and source.next_sync_at <= run.started_at:
        source.next_sync_at = now + wait
    source.save()
    run.state = SyncRun.State.FAILED if failure else SyncRun.State.SUCCEEDED
    run.ended_at = now
    run.save()


@contextmanager
def heartbeat(run: SyncRun, lost: threading.Event) -> Iterator[None]:
    """Keep the lease while a run lives, from a thread with a connection of its own; `lost` is set when it is gone."""
    stopped = threading.Event()

    def beat() -> None:
        held = False
        while not stopped.wait(HEARTBEAT):
            try:
                source = Source.objects.filter(pk=run.source_id)
                if source.filter(fence=run.fence, lease_until__isnull=False).update(lease_until=Now() + LEASE):
                    held = True
                elif held or source.exists():
                    lost.set()
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

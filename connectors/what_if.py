"""What a change would do to who reads what, found by making it and taking it back.

Records are applied by the very code that applies them, under the lock of their source, in one transaction that is
never committed. Nothing is parsed in it, and of a document's content only counts, if anything, whether it is another
one.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, ClassVar, TypeAlias

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from psycopg import errors

from accounts import principals
from accounts.models import Membership, Principal
from accounts.statements import execute
from connectors.adding import connector_of
from connectors.applying import Appliable, Outcome, apply_record, hide
from connectors.corpus import comparing, documents
from connectors.corpus.comparing import Difference
from connectors.corpus.wall import as_owner
from connectors.errors import RecordRefused, RunSuperseded
from connectors.lightening import Lightening
from connectors.models import Listed, Source, SyncRun
from connectors.parsing import ParseFailed
from connectors.records import (
    Checkpoint,
    DocumentRecord,
    Entry,
    Kind,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
)
from connectors.sources.base import ConnectorError
from connectors.strict_json import InvalidJSON, loads
from connectors.sync import MAX_PROBLEMS, Reading
from connectors.wire import ReadersUnreadable, record_of

MOST_PUSHED = 10_000  # records
MOST_LISTED = 100_000  # records
PAGE = 1_000  # records
SECONDS = 20.0  # for which writers of the source may have to wait
LOCK_SECONDS = 5.0  # for which it waits for them

PAUSED = "The source is paused: nobody may read any of it, before or after."
TOO_OLD = "The source's permissions are too old: nobody may read any of it, before or after."
BUSY = "Somebody else is writing to this source just now. Ask again shortly."
CHANGED_MEANWHILE = "The source was changed while this was asked. Ask again."


class CannotTell(Exception):
    """What would change cannot be said; the message tells why. Nothing was changed."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """Something whose list of readers or members was sent and cannot be understood: it is hidden (P4)."""

    kind: Kind
    id: str
    message: str


Change: TypeAlias = Appliable | Unreadable


@dataclass(frozen=True, kw_only=True)
class Result:
    """How the records would fare, by state, with what could not be done in words; and who would gain and lose what."""

    records: int
    counts: Mapping[str, int]
    problems: tuple[str, ...]
    difference: Difference


# --- what is to be tried ------------------------------------------------------------------------------


@dataclass
class Plan(ABC):
    """Records that are ready to be tried, and what is told of them."""

    compares_files: ClassVar[bool]
    source: Source
    records: int = 0
    named: list[str] = field(default_factory=list)  # ids, by whoever asks
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lightening = Lightening(self.source, self.compares_files)

    @abstractmethod
    def apply(self) -> None:
        """Make the change, in the transaction of the caller, who holds the lock of the source."""

    def tell(self, *problems: str) -> None:
        self.problems += problems[: max(MAX_PROBLEMS - len(self.problems), 0)]


@dataclass
class Push(Plan):
    """Records one by one, as the push API would take them.

    Whoever asks has made them up, and may not be a reader: nothing told of them depends on what a document says, is
    called or otherwise holds by now, so that nobody has their guess confirmed (P9, P12).
    """

    compares_files = False
    changes: list[Change] = field(default_factory=list)

    @classmethod
    def of(cls, source: Source, changes: Iterable[Change], problems: Iterable[str] = ()) -> "Push":
        """Raises `CannotTell` for too many."""
        push = cls(source)
        push.tell(*problems)
        wanted = list(changes)
        push.records = len(wanted)
        push.named = [change.id for change in wanted]
        if push.records > MOST_PUSHED:
            raise CannotTell(f"At most {MOST_PUSHED:,} records can be tried at once.")
        push.lightening.look_at([each for each in wanted if isinstance(each, DocumentRecord)])
        for change in wanted:
            push._take(change)
        return push

    def _take(self, change: Change) -> None:
        if isinstance(change, Unreadable):
            self.changes.append(change)
            return
        try:
            light: Any = self.lightening.light(change)
        except ParseFailed as failed:
            self._refused(change.id, failed.message)
        else:
            self.changes.append(light)

    def apply(self) -> None:
        for change in self.changes:
            if isinstance(change, Unreadable):
                hide(self.source, change.kind, change.id)
                self._refused(change.id, change.message)
                continue
            was_known = isinstance(change, DocumentRecord) and self._knows(change.id)
            try:
                outcome = apply_record(self.source, change, self.lightening.texts)
            except RecordRefused as refused:
                self._refused(change.id, refused.message)
            else:
                self.counts[_fate(change, outcome, was_known=was_known)] += 1

    def _knows(self, id: str) -> bool:
        return documents.living(self.source.pk).filter(external_id=id).exists()

    def _refused(self, id: str, message: str) -> None:
        self.counts["refused"] += 1
        self.tell(f"{id}: {message}")


def _fate(change: Appliable, outcome: Outcome, *, was_known: bool) -> str:
    """In a word. That a document or a scope is as the record has it is not told: it would tell what they hold."""
    if outcome.state == "stale":
        return "stale"
    if isinstance(change, DocumentRecord):
        return "known" if was_known else outcome.state
    return outcome.state if outcome.changed or isinstance(change, ScopeRecord) else "unchanged"


@dataclass
class Sync(Plan):
    """What a sync would apply now, page by page, and what a complete listing leaves out."""

    compares_files = True
    pages: list[list[Record]] = field(default_factory=list)
    complete: bool = False
    readers_complete: bool = False

    @classmethod
    def of(cls, source: Source) -> "Sync":
        """Read the source, but no file of it. Raises `CannotTell` when it cannot be read or is too large."""
        sync = cls(source)
        try:
            sync._read()
        except ConnectorError as error:
            raise CannotTell(str(error)) from None
        return sync

    def _read(self) -> None:
        ended, page = False, list[Record]()
        for record in connector_of(self.source).records(None):
            ended = isinstance(record, Checkpoint)
            match record:
                case Problem(kind=None):
                    self.tell(record.message)
                case Checkpoint():
                    self._close(page)
                    page, self.complete, self.readers_complete = [], record.complete, record.readers_complete
                case _:
                    page.append(record)
            if len(page) >= PAGE:
                self._close(page)
                page = []
        if not ended:
            raise ConnectorError("The listing ended without saying so.")

    def _close(self, page: list[Record]) -> None:
        self.records += len(page)
        if self.records > MOST_LISTED:
            raise CannotTell(f"The source lists more than {MOST_LISTED:,} records, which cannot be tried at once.")
        self.lightening.look_at(page)
        self.pages.append([self._light(record) for record in page])

    def _light(self, record: Record) -> Record:
        try:
            return self.lightening.light(record)
        except ParseFailed as failed:
            assert isinstance(record, DocumentRecord)
            return self.lightening.light(replace(record, text=None, unreadable=failed.reason))

    def apply(self) -> None:
        fence = Source.objects.values_list("fence", flat=True).get(pk=self.source.pk)
        run = SyncRun.objects.create(source=self.source, fence=fence)
        Listed.objects.filter(source_id=self.source.pk).delete()  # of a run under way; taken back with all else
        reading = Reading(run)
        for page in self.pages:
            reading.apply(page, self.lightening.texts)
        if self.complete or self.readers_complete:
            reading.reconcile({}, of_documents=self.complete)
        self.counts += Counter(run.counts)
        self.tell(*run.problems)
        self._verify_permissions()

    def _verify_permissions(self) -> None:
        """A run that saw everything makes permissions fresh (P7). Those that are fresh are left alone, unlocked."""
        limited = Source.objects.filter(pk=self.source.pk, max_permission_age__isnull=False)
        limited.exclude(permissions_verified_at__gt=Now() - F("max_permission_age")).update(
            permissions_verified_at=Now()
        )


def changes_from(lines: Iterable[bytes], *, most: int = MOST_PUSHED) -> tuple[list[Change], list[str]]:
    """The records of JSON Lines as the batch API takes them, and which lines are none. Raises `CannotTell`."""
    changes: list[Change] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(changes) + len(problems) >= most:
            raise CannotTell(f"At most {most:,} records can be tried at once.")
        try:
            changes.append(record_of(loads(line)))
        except ReadersUnreadable as unreadable:
            message = f"line {number}: {unreadable.message}"
            changes.append(Unreadable(kind=unreadable.kind, id=unreadable.id, message=message))
        except InvalidJSON as invalid:
            problems.append(f"Line {number}: {invalid.message}")
    return changes, problems


def membership(source: Source, *, group: str, member: str, joins: bool) -> PrincipalRecord:
    """The record by which this member would join or leave this group of the source. Raises `CannotTell`."""
    living = Principal.objects.filter(directory=source.pk, deleted_at=None, introduced=True)
    row = living.filter(external_id=group, kind=Principal.Kind.GROUP).first()
    if row is None:
        raise CannotTell(f"The source knows no group {group!r}.")
    members = Membership.objects.filter(group=row).values_list("member__external_id", "until")
    entries = {id: Entry(id=id, until=until) for id, until in members}
    if joins == (member in entries):
        raise CannotTell(f"{member!r} is {'already' if joins else 'not'} a member of {group!r} itself.")
    if joins:
        if not living.filter(external_id=member).exists():
            raise CannotTell(f"The source knows nobody and no group {member!r}.")
        entries[member] = Entry(id=member)
    else:
        del entries[member]
    return PrincipalRecord(
        id=group, kind="group", name=row.name, members=tuple(entries.values()), external=row.external
    )


# --- the trial ----------------------------------------------------------------------------------------


@contextmanager
def tried(plan: Plan, *, seconds: float = SECONDS, people: int = 1_000, documents: int = 100) -> Iterator[Result]:
    """Apply the plan and compare, within the block; all is taken back at its end.

    Inside, `what_if_gained` and `what_if_lost` (user_id, document) can be asked for all pairs. The result names the
    first `people` and of each the first `documents`. Raises `CannotTell`.
    """
    with _in_words(seconds), as_owner(), _taken_back(), _within(seconds):
        principals.lock(plan.source.pk)
        if plan.lightening.is_outdated():
            raise CannotTell(CHANGED_MEANWHILE)
        comparing.note(plan.source.pk, after=False)
        plan.apply()
        comparing.note(plan.source.pk, after=True)
        difference = comparing.difference(people=people, documents=documents)
        yield Result(
            records=plan.records,
            counts=dict(plan.counts),
            problems=(*_hidden_anyway(plan.source), *plan.problems),
            difference=difference,
        )


def _hidden_anyway(source: Source) -> Iterator[str]:
    row = Source.objects.filter(pk=source.pk)
    fresh = row.filter(max_permission_age=None) | row.filter(
        permissions_verified_at__gt=Now() - F("max_permission_age")
    )
    if row.filter(enabled=False).exists():
        yield PAUSED
    elif not fresh.exists():
        yield TOO_OLD


@contextmanager
def _taken_back() -> Iterator[None]:
    """A transaction that does not commit, whatever happens in it."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Bounds on what others may have to wait for: no statement begins after its time, and each ends by then too."""
    deadline = monotonic() + seconds
    execute(
        "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true), "
        "set_config('jit', 'off', true)",
        [f"{int(seconds * 1000)}ms", f"{int(LOCK_SECONDS * 1000)}ms"],
    )

    def in_time(run: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        if monotonic() > deadline and not str(sql).startswith(("ROLLBACK", "RELEASE")):
            raise CannotTell(too_long(seconds))
        return run(sql, params, many, context)

    with connection.execute_wrapper(in_time):
        yield


@contextmanager
def _in_words(seconds: float) -> Iterator[None]:
    try:
        yield
    except RunSuperseded:
        raise CannotTell(CHANGED_MEANWHILE) from None
    except OperationalError as error:
        match error.__cause__:
            case errors.QueryCanceled():
                raise CannotTell(too_long(seconds)) from None
            case errors.LockNotAvailable() | errors.DeadlockDetected():
                raise CannotTell(BUSY) from None
            case _:
                raise


def too_long(seconds: float) -> str:
    return (
        f"Comparing took longer than {seconds:g} seconds, for which writers of the source wait, and was given up. "
        "Try fewer records, or allow more time on the command line."
    )

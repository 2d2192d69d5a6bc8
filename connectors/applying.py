"""Records become rows: one record a transaction for the push door, one page a transaction for a sync.

Raw facts are written in the order of the records; what follows from them (closure, links, effective conditions)
is brought up to date once, before the commit. Nothing here calls a source, a parser or a model (P15).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Literal, assert_never

from django.db import transaction
from django.db.models import Max, Q

from accounts import principals
from connectors import listing
from connectors.corpus import documents
from connectors.corpus.documents import TextNeeded, Texts
from connectors.corpus.placing import Places
from connectors.corpus.wall import as_owner
from connectors.errors import RecordRefused, RunSuperseded
from connectors.models import AclEntry, Document, Scope, Source, SyncRun
from connectors.records import (
    RESERVED_IDS,
    AccessRecord,
    Deletion,
    DocumentRecord,
    Kind,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
    State,
)

Became = Literal["live", "pending", "quarantined", "stale", "unknown", "deleted", "accepted"]
Appliable = PrincipalRecord | ScopeRecord | DocumentRecord | AccessRecord | Deletion


@dataclass(frozen=True)
class Ahead:
    """A document whose content is still to be fetched: what its record says of readers narrows what is here at once."""

    record: DocumentRecord


@dataclass(frozen=True)
class Outcome:
    """What became of a record."""

    id: str
    state: Became
    changed: bool = True


def apply_record(source: Source, record: Appliable, prepared: Texts | None = None) -> Outcome:
    """Apply one pushed record, or refuse it and change nothing. Raises `RecordRefused`."""
    if _reserved(record):
        with as_owner():
            principals.lock(source.pk)
            Writing(source).misused(record.id)
        raise RecordRefused("reserved_id", f'"{record.id}" is reserved: a source cannot introduce it.')
    texts: Texts = {} if prepared is None else prepared
    while True:
        try:
            with as_owner():
                principals.lock(source.pk)
                writing = Writing(source, texts)
                outcome = writing.apply(record)
                writing.settle(refuse_cycles=True)
                return outcome
        except TextNeeded as needed:  # split outside the transaction, then try again
            texts[needed.digest] = documents.prepare(needed.record)


@dataclass
class Page:
    """What a page of a sync did: its outcomes counted, and what it could not do, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def apply_page(run: SyncRun, records: Sequence[Record | Ahead], texts: Texts, reached: State | None = None) -> Page:
    """Apply a page, or a part of it, in one commit. A record that cannot be applied hides what it names; the rest goes
    on (P4).

    `texts` holds those texts that are known to be new; one that turns out to be missing is split, and the page
    applied from its beginning. `reached`: what to go on from after it, noted in the same commit.
    """
    while True:
        page = Page()
        try:
            with transaction.atomic():
                principals.lock(run.source_id)
                hold_fence(run)
                writing = Writing(run.source, texts)
                writing.remember(records)
                for record in records:
                    if isinstance(record, Appliable):
                        _apply_or_hide(writing, record, page)
                    elif isinstance(record, Ahead):
                        _go_ahead_or_hide(writing, record.record)
                    elif isinstance(record, Problem) and record.kind is not None:
                        writing.hide(record.kind, record.id)
                        page.counts["refused"] += 1
                        page.problems.append(record.message)
                writing.settle(refuse_cycles=False)
                listing.note(run, [each for each in records if not isinstance(each, Ahead)], reached)
                return page
        except TextNeeded as needed:
            texts[needed.digest] = documents.prepare(needed.record)


def _apply_or_hide(writing: "Writing", record: Appliable, page: Page) -> None:
    try:
        if _reserved(record):
            writing.misused(record.id)
            raise RecordRefused("reserved_id", f'"{record.id}" is reserved: a source cannot introduce it.')
        with transaction.atomic():
            outcome = writing.apply(record)
    except RecordRefused as refused:
        writing.forget()  # what was made for it is gone with the savepoint
        if not isinstance(record, Deletion):
            writing.hide(kind_of(record), record.id)
        page.counts["refused"] += 1
        page.problems.append(refused.message)
    else:
        page.counts[outcome.state if outcome.changed else "unchanged"] += 1


def _go_ahead_or_hide(writing: "Writing", record: DocumentRecord) -> None:
    """What comes of it is told when the record itself is applied."""
    try:
        with transaction.atomic():
            writing.go_ahead(record)
    except RecordRefused:
        writing.forget()
        writing.hide("document", record.id)


def hold_fence(run: SyncRun) -> None:
    """Refuse to write for a run after a later one has begun."""
    if not Source.objects.filter(pk=run.source_id, fence=run.fence).exists():
        raise RunSuperseded("A later run of this source has begun; this one stops.")


def hide(source: Source, kind: Kind, id: str) -> None:
    """Who may read this was sent and could not be read: nobody may, until it is sent again (P4)."""
    with as_owner():
        principals.lock(source.pk)
        writing = Writing(source)
        writing.hide(kind, id)
        writing.settle(refuse_cycles=False)


def kind_of(record: Appliable) -> Kind:
    """What a record is about."""
    match record:
        case PrincipalRecord():
            return "principal"
        case ScopeRecord():
            return "scope"
        case DocumentRecord():
            return "document"
        case _:
            return record.kind


def _reserved(record: Record) -> bool:
    return isinstance(record, PrincipalRecord) and record.id in RESERVED_IDS


@dataclass
class Writing:
    """One transaction's work on one source, whose lock it holds."""

    source: Source
    texts: Texts = field(default_factory=dict)
    touched: principals.Touched = field(default_factory=principals.Touched)
    _known: dict[str, Document | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.places = Places(self.source.pk)

    def settle(self, *, refuse_cycles: bool) -> None:
        principals.settle(self.touched)
        self.places.settle(refuse_cycles=refuse_cycles)

    def remember(self, records: Iterable[Record | Ahead]) -> None:
        """Load the documents of a page at once; of the others it is known that there are none."""
        about = (record.record if isinstance(record, Ahead) else record for record in records)
        ids = [record.id for record in about if isinstance(record, DocumentRecord)]
        found = documents.living(self.source.pk).filter(external_id__in=ids)
        self._known = dict.fromkeys(ids) | {document.external_id: document for document in found}

    def forget(self) -> None:
        """What was looked up, made or changed may have been rolled back, or moved by others of this transaction."""
        self.places.forget()
        self._known.clear()

    def _living(self, id: str) -> Document | None:
        """The document as this transaction has left it."""
        if id not in self._known:
            self._known[id] = documents.living(self.source.pk).filter(external_id=id).first()
        return self._known[id]

    def apply(self, record: Appliable) -> Outcome:
        return Outcome(record.id, "stale", changed=False) if self._is_stale(record) else self._write(record)

    def go_ahead(self, record: DocumentRecord) -> None:
        document = self._living(record.id)
        if document is not None and not self._is_stale(record):
            documents.go_ahead(document, self.places.of(record.scope, record.access), self.places)

    def _is_stale(self, record: Appliable) -> bool:
        if record.revision is None:
            return False
        last = self._last_revision(record)
        return last is not None and record.revision < last

    @singledispatchmethod
    def _write(self, record: Appliable) -> Outcome:
        raise TypeError(f"{type(record).__name__} is not a record.")

    @_write.register
    def _principal(self, record: PrincipalRecord) -> Outcome:
        changed = principals.put(
            self.source.pk,
            record.id,
            kind=record.kind,
            name=record.name,
            email=record.email or "",
            members=principals.with_ends((entry.id, entry.until) for entry in record.members),
            external=record.external,
            revision=record.revision,
            touched=self.touched,
        )
        return Outcome(record.id, "accepted", changed)

    @_write.register
    def _scope(self, record: ScopeRecord) -> Outcome:
        return self._write_scope(record.id, record.parent, record, name=record.name)

    def _write_scope(
        self, id: str, parent: str | None, record: ScopeRecord | AccessRecord, *, name: str | None
    ) -> Outcome:
        scope = Scope.past_the_guard.get(pk=self.places.named(id))
        wanted = {
            "parent_id": self.places.named(parent) if parent is not None else None,
            "inherits": record.access.inherits,
            "own_acl_id": None if record.access.problem else self.places.own_acl(record.access),
            "introduced": True,
            "revision": scope.revision if record.revision is None else record.revision,
            "name": scope.name if name is None else name,
        }
        changed = {field for field, value in wanted.items() if getattr(scope, field) != value}
        if changed:
            Scope.past_the_guard.filter(pk=scope.pk).update(**wanted)
        if changed - {"name", "revision"}:
            self.places.changed.add(scope.pk)
        return Outcome(id, "accepted", bool(changed))

    @_write.register
    def _document(self, record: DocumentRecord) -> Outcome:
        place = self.places.of(record.scope, record.access)
        known = self._living(record.id)
        document, changed = documents.put(self.source.pk, known, record, place, self.places, self.texts)
        self._known[record.id] = document
        became: Became = "pending" if documents.is_waiting(document) else _stated(document)
        return Outcome(record.id, became, changed)

    @_write.register
    def _access(self, record: AccessRecord) -> Outcome:
        if record.kind == "scope":
            if not Scope.past_the_guard.filter(source=self.source, external_id=record.id, introduced=True).exists():
                return Outcome(record.id, "unknown", changed=False)
            return self._write_scope(record.id, record.place, record, name=None)
        document = self._living(record.id)
        if document is None:
            return Outcome(record.id, "unknown", changed=False)
        place = self.places.of(record.place, record.access)
        if record.version is not None and record.version != document.version:  # these rights are not of what is stored
            place = self.places.both(document.next_scope_id or document.scope_id, place)
        moved = documents.move(document, place, self.places)
        if record.revision is not None:
            document.revision = record.revision
            Document.past_the_guard.filter(pk=document.pk).update(revision=record.revision)
        return Outcome(record.id, _stated(document), moved)

    @_write.register
    def _deletion(self, record: Deletion) -> Outcome:
        match record.kind:
            case "principal":
                gone = principals.delete(self.source.pk, record.id, revision=record.revision, touched=self.touched)
            case "scope":
                gone = self._delete_scope(record)
            case "document":
                self._known.pop(record.id, None)
                gone = documents.delete(self.source.pk, record.id, record.revision, self.places)
            case _:
                assert_never(record.kind)
        return Outcome(record.id, "deleted", gone)

    def _delete_scope(self, record: Deletion) -> bool:
        """What stands in it or inherits from it is readable by nobody, until the source introduces it again."""
        scope = Scope.past_the_guard.filter(source=self.source, external_id=record.id).first()
        if record.revision is not None and scope is None:  # its record may still come
            scope = Scope.past_the_guard.get(pk=self.places.named(record.id))
        if scope is None:
            return False
        revision = scope.revision if record.revision is None else record.revision
        Scope.past_the_guard.filter(pk=scope.pk).update(
            introduced=False, own_acl=None, parent=None, name="", revision=revision
        )
        self.places.changed.add(scope.pk)
        return scope.introduced

    def _last_revision(self, record: Appliable) -> int | None:
        kind = kind_of(record)
        if kind == "principal":
            return principals.last_revision(self.source.pk, record.id)
        scopes = Scope.past_the_guard.filter(source=self.source)
        rows = scopes if kind == "scope" else documents.named(self.source.pk)
        last: int | None = rows.filter(external_id=record.id).aggregate(last=Max("revision"))["last"]
        return last

    def hide(self, kind: Kind, id: str) -> None:
        """A change of this is known and what it is now is not: nobody is admitted by it (P4)."""
        if kind == "principal" and id in RESERVED_IDS:
            self.misused(id)  # `conceal` would end what the gateway itself means by it
        elif kind == "principal":
            principals.conceal(self.source.pk, id, touched=self.touched)
        elif kind == "scope":
            self._close([self.places.named(id)])
        else:
            document = self._living(id)
            if document is not None:
                documents.move(document, self.places.nobody(), self.places)

    def misused(self, reserved_id: str) -> None:
        """A source means something of its own by a reserved id: every list that names it is closed (P3)."""
        meant = principals.misuse(self.source.pk, reserved_id, self.touched)
        naming = AclEntry.objects.filter(principal=meant, acl__source=self.source).values("acl")
        closed = Scope.past_the_guard.filter(source=self.source, own_acl__in=naming)
        self._close(list(closed.filter(external_id__isnull=False).values_list("id", flat=True)))
        own = closed.filter(external_id=None).values("id")
        for document in documents.living(self.source.pk).filter(Q(scope__in=own) | Q(next_scope__in=own)):
            documents.move(document, self.places.nobody(), self.places)
        self.forget()
        self.settle(refuse_cycles=False)

    def _close(self, scope_ids: list[int]) -> None:
        Scope.past_the_guard.filter(id__in=scope_ids).update(own_acl=None)
        self.places.changed.update(scope_ids)


def _stated(document: Document) -> Became:
    match document.state:
        case Document.State.LIVE:
            return "live"
        case Document.State.QUARANTINED:
            return "quarantined"
        case _:
            return "pending"

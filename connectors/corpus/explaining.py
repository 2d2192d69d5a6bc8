"""Why a person may or may not read a document, now or at a time that is past (decision 0015).

For the present the guard decides, as it does for everybody who reads; the chain comes from the history. Should the
two differ, the explanation says so: it is a defect.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from accounts.reader import Reader
from connectors.corpus import history
from connectors.corpus.circumstances import DENY, GRANTS, Circumstances, Entry
from connectors.corpus.explanation import Clause, Explanation, Named, Place, Reason, Step, listed, spoken
from connectors.corpus.history import Bearings, Edge
from connectors.corpus.wall import as_owner
from connectors.models import Document

SHOWN = 10  # entries of a list
TRIES = 3  # facts may change between the guard's statement and the history's


class Unknown(Exception):
    """There never was such a document."""


class OutsideTheHistory(Exception):
    """Nothing is known of that time; the message says why."""


@dataclass(frozen=True)
class Origin:
    """The source that a document is from, or was: by its row, and by its key, which may be another's by now (P3)."""

    id: int
    key: str


def explain(user_id: int, document: UUID, at: datetime | None = None) -> Explanation:
    """Whether this person may read the document, and why. Raises `Unknown`, `OutsideTheHistory`."""
    if at is not None:
        return _from_history(user_id, document, at)
    for _ in range(TRIES):
        served = Document.objects.visible_to(Reader(user_id)).filter(public_id=document).exists()
        explanation = _from_history(user_id, document, None, served)
        if not explanation.disagrees:
            break
    return explanation


def _known(bearings: Bearings) -> int:
    """The row that the document has, or had."""
    if bearings.document is None:
        raise Unknown
    return bearings.document


def _require_past(at: datetime, bearings: Bearings) -> None:
    if at < bearings.begins:
        raise OutsideTheHistory(f"The history begins at {spoken(bearings.begins)}.")
    if at > bearings.now:
        raise OutsideTheHistory("That time has not come yet.")


def origin_of(document: UUID) -> Origin:
    """Raises `Unknown`."""
    with as_owner():
        source_id = history.last_known("document", _known(history.bearings(document)))["source"]
        return Origin(id=source_id, key=history.last_known("directory", source_id)["key"])


def document_named(source_key: str, external_id: str, at: datetime | None = None) -> UUID:
    """The document a source calls this, or called this at that time. Raises `Unknown`."""
    with as_owner():
        found = history.document_by_external_id(source_key, external_id, at)
        if found is None:
            raise Unknown
        return UUID(history.last_known("document", found)["public"])


def _from_history(user_id: int, document: UUID, at: datetime | None, served: bool | None = None) -> Explanation:
    with as_owner():
        bearings = history.bearings(document)
        _known(bearings)
        if at is not None:
            _require_past(at, bearings)
        so = Circumstances.of(user_id, bearings, at)
        told = Telling(so)
        admitted = so.admitted
        return Explanation(
            document=document,
            source=so.source_key,
            at=so.now,
            admitted=admitted,
            reasons=(*(told.why_admitted() if admitted else told.why_denied()), *told.attached()),
            accounts=tuple(map(told.named, so.accounts)),
            clauses=tuple(told.clauses()),
            places=tuple(map(told.place, so.path)),
            state=so.document["state"] if so.document else "",
            glass=so.glass,
            served=admitted if served is None else served,
        )


@dataclass(frozen=True)
class Telling:
    """Circumstances in words."""

    so: Circumstances

    # --- names --------------------------------------------------------------------------------------

    @cached_property
    def _keys(self) -> dict[int, str]:
        """Of the directories of whoever has to be named."""
        ids = {state["directory"] for state in self.so.principals.values() if "directory" in state}
        others = history.latest("directory", ids - {self.so.source_id}, self.so.at)
        return {self.so.source_id: self.so.source_key} | {id: state["key"] for id, state in others.items()}

    def named(self, principal: int) -> Named:
        state = self.so.principals.get(principal, {"kind": "unknown", "id": "gone"})
        external_id = state["id"] if "directory" in state or state["kind"] == "everyone" else "the person's own"
        source_id = state.get("directory")
        return Named(
            kind=state["kind"],
            external_id=external_id,
            name=state.get("name", ""),
            source=self._keys.get(source_id) if source_id is not None else None,
            source_id=source_id,
        )

    def names(self, entries: Iterable[Entry]) -> tuple[Named, ...]:
        return tuple(self.named(entry.principal) for entry in list(entries)[:SHOWN])

    def steps(self, principal: int, ways: dict[int, Edge | None]) -> tuple[Step, ...]:
        return tuple(Step(principal=self.named(id), until=until) for id, until in self.so.way_to(principal, ways))

    # --- the chain ----------------------------------------------------------------------------------

    def clauses(self) -> Iterator[Clause]:
        """Each clause of the condition in force: grants, restrictions, and the deny set if there is one."""
        for number, entries in sorted(self._clauses.items(), key=lambda clause: (clause[0] == DENY, clause[0])):
            if number == DENY and not entries:
                continue
            met = self.so.met(entries)
            yield Clause(
                kind="deny" if number == DENY else "grants" if number == GRANTS else "restriction",
                met=bool(met),
                path=self.steps(met[0].principal, self.so.ways) if met else (),
                until=met[0].until if met else None,
                entries=len(entries),
                some=self.names(entries),
                scopes=tuple(self._from_scopes(number, met[:1] or entries)),
            )

    @cached_property
    def _clauses(self) -> dict[int, list[Entry]]:
        acl = self.so.acl_of(self.so.document["scope"]) if self.so.document else None
        return self.so.clauses(acl) if acl is not None else {}

    def _from_scopes(self, number: int, entries: Iterable[Entry]) -> Iterator[int]:
        """The scopes on the way whose own lists hold one of these entries in a clause of this kind."""
        wanted = {entry.principal for entry in entries}
        for scope in self.so.path:
            own: int = self.so.scopes[scope].get("own", 0)
            found = (entry for entry in self.so.entries.get(own, ()) if entry.principal in wanted)
            if any(entry.clause == number or min(entry.clause, number) > GRANTS for entry in found):
                yield scope

    def place(self, scope: int) -> Place:
        state = self.so.scopes[scope]
        own = state.get("own")
        lists = self.so.clauses(own) if own is not None else {}
        return Place(
            scope=scope,
            made_here="id" not in state,
            introduced=state["introduced"],
            inherits=state["inherits"],
            known=own is not None,
            grants=self.names(lists.get(GRANTS, ())),
            restrictions=tuple(self.names(entries) for number, entries in lists.items() if number > GRANTS),
            deny=self.names(lists.get(DENY, ())),
        )

    # --- the reasons --------------------------------------------------------------------------------

    def attached(self) -> Iterator[Reason]:
        if self.so.document is not None and self.so.containers:
            container = history.last_known("document", next(iter(self.so.containers)))
            yield Reason("P9", f"It is attached to document {container['public']}, and has exactly its readers.")

    def why_admitted(self) -> Iterator[Reason]:
        so = self.so
        assert so.document is not None
        if not so.admits(so.document["scope"]):
            numbers = ", ".join(map(str, so.glass))
            yield Reason("P12", f"Break-glass number {numbers} lets the person in, beside the lists.")
            return
        for clause in self.clauses():
            if clause.kind == "deny":
                yield Reason("P4", "The person has an account in this source, and is in nothing that is denied.")
                continue
            what = "granted to" if clause.kind == "grants" else "restricted to"
            yield Reason("P4", f"It is {what} {clause.path[-1].principal}, which the person holds.")
            if len(clause.path) > 1:
                yield Reason("P2", " → ".join(map(str, clause.path)))
            if clause.scopes and so.document["scope"] not in clause.scopes:
                yield Reason("P5", f"The list is that of scope {clause.scopes[0]}, above.")

    def why_denied(self) -> Iterator[Reason]:
        so = self.so
        if so.person is None:
            yield Reason("P1", "There was no such person.")
        elif not so.is_active:
            yield Reason("P1", "The person is not active, or their address is not verified.")
        if so.document is None:
            yield Reason("P6", "There was no such document.")
            return
        if not so.is_live:
            yield Reason("P6", f"The document is not live: it is {so.document['state']}.")
        yield from self._why_the_source_is_closed()
        if not so.admits(so.document["scope"]):
            yield from self._why_not_by_lists()

    def _why_the_source_is_closed(self) -> Iterator[Reason]:
        if self.so.source is None:
            yield Reason("P6", "There was no such source.")
        elif not self.so.source["enabled"]:
            yield Reason("P7", "The source is paused.")
        elif not self.so.is_fresh:
            yield Reason("P7", "The permissions of the source are older than it allows.")

    def _why_not_by_lists(self) -> Iterator[Reason]:
        if not self._clauses:
            yield self._why_no_list()
            return
        if self._clauses[DENY]:
            yield from self._why_denied_by(self._clauses[DENY])
        for number, entries in self._clauses.items():
            if number != DENY and not self.so.met(entries):
                yield from self._why_unmet(number, entries)

    def _why_no_list(self) -> Reason:
        """The first thing on the way up that leaves the list of readers unknown."""
        assert self.so.document is not None
        scopes = list(self.so.inherited_from(self.so.document["scope"]))
        for scope in scopes:
            state = self.so.scopes[scope]
            if not state["introduced"] and "id" in state:
                return Reason("P5", f"Scope {scope} has not been introduced by its source, or is deleted.")
            if "own" not in state:
                return Reason("P4", f"A list of scope {scope} is not known: it could not be read, or was never sent.")
        return Reason(
            "P5", f"The list above scope {scopes[-1]} is not known: a scope is on a cycle, or waits for another."
        )

    def _why_denied_by(self, entries: list[Entry]) -> Iterator[Reason]:
        met = self.so.met(entries)
        unknown = self.so.unknown(entries)
        if met:
            way = " → ".join(map(str, self.steps(met[0].principal, self.so.ways)))
            yield Reason("P4", f"The person is denied: {way}.")
        if unknown:
            names = listed(map(self.named, unknown[:SHOWN]), len(unknown))
            yield Reason(
                "P4", f"The deny set names {names}, whom the source has not introduced: it hides from everyone."
            )
        if not self.so.recognises:
            yield Reason("P4", "There is a deny set, and the person has no account in this source to judge it by.")

    def _why_unmet(self, number: int, entries: list[Entry]) -> Iterator[Reason]:
        yield from self._what_ended(entries)
        yield from self._what_was_replaced(entries)
        if number == GRANTS:
            text = f"Granted to {listed(self.names(entries), len(entries))}; the person holds none of it."
            yield Reason("P4", text if entries else "Nobody is granted anything here.")
        else:
            yield Reason(
                "P4", f"Restricted to {listed(self.names(entries), len(entries))}; the person holds none of it."
            )
            above = [scope for scope in self._from_scopes(number, entries) if scope != self.so.path[0]]
            if above:
                yield Reason(
                    "P5", f"The restriction is that of scope {above[0]}, above; restrictions narrow all below."
                )
        if self.so.person and self.so.person["external"] and self.so.everyone in {entry.principal for entry in entries}:
            yield Reason("P2", "The person is marked external and does not hold everyone.")
        if not self.so.recognises:
            yield Reason("P13", "No account of this source is linked to the person.")

    def _what_ended(self, entries: Iterable[Entry]) -> Iterator[Reason]:
        """The first thing whose end is why an entry is not met (P17)."""
        for entry in entries:
            if entry.principal not in self.so.ways_ever:
                continue
            if not self.so.lasts(entry):
                yield Reason("P17", f"The grant to {self.named(entry.principal)} ended {_spoken(entry.until)}.")
                return
            for step in self.steps(entry.principal, self.so.ways_ever):
                if step.until is not None and step.until <= self.so.now:
                    yield Reason("P17", f"The membership in {step.principal} ended {_spoken(step.until)}.")
                    return

    def _what_was_replaced(self, entries: Iterable[Entry]) -> Iterator[Reason]:
        """A list names what was deleted since, and the person holds what is called the same (P3)."""
        held = {(state.get("directory"), state["id"]) for id, state in self._held.items()}
        for entry in entries:
            state = self.so.principals.get(entry.principal)
            if state is not None and state["deleted"] and (state.get("directory"), state["id"]) in held:
                name = self.named(entry.principal)
                yield Reason("P3", f"The list names {name} that was deleted; the one of today is another.")
                return

    @cached_property
    def _held(self) -> dict[int, history.State]:
        return {id: state for id, state in self.so.principals.items() if id in self.so.ways and not state["deleted"]}


def _spoken(until: datetime | None) -> str:
    return spoken(until) if until is not None else ""

"""All that bears on one person and one document at one time, from the history; and what follows from it.

This judges the rules once more, in plain Python over what was remembered, for a time that is past. For the present
it is compared with the guard, which alone decides what is served.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from connectors.corpus import history
from connectors.corpus.history import Bearings, Edge, Kind, State, moment

DENY, GRANTS = 0, 1
Ways = dict[int, Edge | None]  # each principal held, by the last step of the shortest way to it


@dataclass(frozen=True)
class Entry:
    """A principal in a clause: 0 the deny set, 1 the grants, 2 and up the restrictions."""

    clause: int
    principal: int
    until: datetime | None


@dataclass(frozen=True)
class Circumstances:
    """What was so at `now` as far as the history told it at `at` (None: all of it)."""

    person: State | None  # None: there was no such person
    document: State | None  # None: there was no such document
    document_id: int
    containers: Collection[int]  # what it was attached to, what that was attached to, and so on
    source: State | None
    source_id: int
    source_key: str
    everyone: int
    at: datetime | None
    now: datetime
    accounts: Collection[int]
    glasses: dict[int, State]

    @classmethod
    def of(cls, user_id: int, bearings: Bearings, at: datetime | None) -> "Circumstances":
        assert bearings.document is not None
        first = history.latest_of([("user", user_id), ("document", bearings.document)], at)
        document = first.get(("document", bearings.document))
        source_id = (document or history.last_known("document", bearings.document))["source"]
        source = history.latest_of([("source", source_id), ("directory", source_id)], at)
        key = source.get(("directory", source_id)) or history.last_known("directory", source_id)
        accounts, glasses = history.about(user_id, at)
        return cls(
            person=first.get(("user", user_id)),
            document=document,
            document_id=bearings.document,
            containers=history.containers(bearings.document, at),
            source=source.get(("source", source_id)),
            source_id=source_id,
            source_key=key["key"],
            everyone=bearings.everyone,
            at=at,
            now=at or bearings.now,
            accounts=accounts,
            glasses=glasses,
        )

    # --- the person ---------------------------------------------------------------------------------

    @property
    def is_active(self) -> bool:
        return self.person is not None and self.person["active"]

    @cached_property
    def own(self) -> list[int]:
        """The person's own principals, accounts first: what all others follow from (P2)."""
        if self.person is None:
            return []
        return [*self.accounts, self.person["principal"], *([] if self.person["external"] else [self.everyone])]

    @cached_property
    def ways(self) -> Ways:
        """Every principal the person held (P2, P17)."""
        return ways_up(self.own, self._edges, self.lasts)

    @cached_property
    def ways_ever(self) -> Ways:
        """The same if nothing had ended."""
        return ways_up(self.own, self._edges, lambda edge: True)

    @cached_property
    def _edges(self) -> list[Edge]:
        return history.edges(self.own, self.at)

    def lasts(self, what: Edge | Entry) -> bool:
        return what.until is None or what.until > self.now

    def way_to(self, principal: int, ways: Ways) -> list[tuple[int, datetime | None]]:
        """From one's own principal to this one: each with the end of the membership that leads to it."""
        steps: list[tuple[int, datetime | None]] = []
        edge = ways[principal]
        while edge is not None:
            steps.append((edge.group, edge.until))
            principal = edge.member
            edge = ways[principal]
        return [(principal, None), *reversed(steps)]

    # --- the source ---------------------------------------------------------------------------------

    @property
    def is_fresh(self) -> bool:
        """Its permissions were seen complete no longer ago than it allows (P7)."""
        if self.source is None:
            return False
        age, verified = self.source.get("age"), self.source.get("verified")
        if age is None:
            return True
        ends = moment(verified + age) if verified is not None else None
        return ends is not None and ends > self.now

    @cached_property
    def recognises(self) -> bool:
        """Whether the source knows the person by an account (P4)."""
        return any(
            self.principals[id].get("directory") == self.source_id for id in self.accounts if id in self.principals
        )

    # --- scopes and conditions ----------------------------------------------------------------------

    @cached_property
    def scopes(self) -> dict[int, State]:
        """The document's scope and all above it."""
        return history.scopes_above(self.document["scope"], self.at) if self.document else {}

    @cached_property
    def path(self) -> list[int]:
        """These scopes from the document's on, up the parents; then what it stood in as well."""
        if self.document is None:
            return []
        found: dict[int, None] = {}
        waiting = deque([self.document["scope"]])
        while waiting:
            at = waiting.popleft()
            while at is not None and at not in found and at in self.scopes:
                found[at] = None
                if "also" in self.scopes[at]:
                    waiting.append(self.scopes[at]["also"])
                at = self.scopes[at].get("parent")
        return list(found)

    @cached_property
    def conditions(self) -> dict[tuple[Kind, int], Any]:
        """The conditions of these scopes, their own and those in force, with their entries."""
        ids = {state[field] for state in self.scopes.values() for field in ("own", "acl") if field in state}
        kinds: tuple[Kind, Kind] = ("acl", "entries")
        return history.latest_of([(kind, id) for id in ids for kind in kinds], self.at)

    @cached_property
    def entries(self) -> dict[int, list[Entry]]:
        """The entries of each condition, in the order of their clauses."""
        return {
            acl: [Entry(clause, principal, moment(until)) for clause, principal, until in found]
            for (kind, acl), found in self.conditions.items()
            if kind == "entries"
        }

    def clauses(self, acl: int) -> dict[int, list[Entry]]:
        """The deny set, the grants and each restriction, by their number."""
        found: dict[int, list[Entry]] = {number: [] for number in range(self.conditions["acl", acl]["clauses"] + 1)}
        for entry in self.entries.get(acl, ()):
            found[entry.clause].append(entry)
        return found

    def met(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of these entries that the person held, by the shortest way first."""
        held = [entry for entry in entries if entry.principal in self.ways and self.lasts(entry)]
        return sorted(held, key=lambda entry: len(self.way_to(entry.principal, self.ways)))

    def unknown(self, entries: Iterable[Entry]) -> list[int]:
        """Those of these entries that named nobody the source had introduced and still had."""
        return [entry.principal for entry in entries if not self._is_known(entry.principal)]

    def _is_known(self, principal: int) -> bool:
        state = self.principals.get(principal)
        return state is not None and state["introduced"] and not state["deleted"]

    @cached_property
    def principals(self) -> dict[int, State]:
        """Whoever has a part in it: accounts, what they could lead to, and all that the lists name."""
        listed = {entry.principal for entries in self.entries.values() for entry in entries}
        return history.latest("principal", {*self.accounts, *self.ways_ever, *listed}, self.at)

    # --- what follows -------------------------------------------------------------------------------

    @property
    def is_live(self) -> bool:
        return self.document is not None and self.document["state"] == "live"

    @property
    def is_open(self) -> bool:
        """What comes before any list: the person is active, the document live, its source enabled and fresh."""
        return self.is_active and self.is_live and self.source is not None and self.source["enabled"] and self.is_fresh

    @property
    def admitted(self) -> bool:
        if self.document is None or not self.is_open:
            return False
        return self.readable(self.document["scope"]) or bool(self.glass_on_document)

    def admits(self, scope: int) -> bool:
        """Whether the condition in force for this scope admitted the person (P4)."""
        acl = self.acl_of(scope)
        if acl is None:
            return False
        clauses = self.clauses(acl)
        if any(not self.met(entries) for number, entries in clauses.items() if number != DENY):
            return False
        if not self.conditions["acl", acl]["denies"]:
            return True
        return self.recognises and not self.met(clauses[DENY]) and not self.unknown(clauses[DENY])

    def acl_of(self, scope: int) -> int | None:
        acl: int | None = self.scopes[scope].get("acl") if scope in self.scopes else None
        return acl

    def readable(self, scope: int) -> bool:
        """Admitted, or let in by break-glass on it or above; what stands in two scopes needs both."""
        if self.admits(scope) or self.glass_on(scope):
            return True
        also = self.scopes[scope].get("also") if self.acl_of(scope) is not None else None
        if also is None:
            return False
        both: tuple[int, int] = (self.scopes[scope]["parent"], also)
        return any(map(self.glass_on, both)) and all(self.admits(each) or self.glass_on(each) for each in both)

    # --- break-glass (P12) --------------------------------------------------------------------------

    @property
    def glass(self) -> tuple[int, ...]:
        """What is in force for the document or for where it stands."""
        if self.document is None:
            return ()
        scope = self.document["scope"]
        stands = self.scopes.get(scope, {})
        around = [scope, *((stands["parent"], stands["also"]) if stands.get("also") else ())]
        return tuple(sorted({*self.glass_on_document, *(glass for each in around for glass in self.glass_on(each))}))

    @property
    def glass_on_document(self) -> list[int]:
        """For it, or for what it is attached to (P9). It opens nothing under a list that is not known."""
        if self.document is None or self.acl_of(self.document["scope"]) is None:
            return []
        opened = {self.document_id, *self.containers}
        return [id for id, glass in self._in_force() if glass.get("document") in opened]

    def glass_on(self, scope: int) -> list[int]:
        """What is in force for this scope or one that it inherits from."""
        if self.acl_of(scope) is None:
            return []
        above = set(self.inherited_from(scope))
        return [id for id, glass in self._in_force() if glass.get("scope") in above]

    def inherited_from(self, scope: int) -> Iterator[int]:
        """This scope and those it takes its readers from, until one that is detached, or a cycle closes."""
        seen: set[int] = set()
        at: int | None = scope
        while at is not None and at not in seen and at in self.scopes:
            seen.add(at)
            yield at
            state = self.scopes[at]
            at = state.get("parent") if state["inherits"] and "also" not in state else None

    def _in_force(self) -> Iterator[tuple[int, State]]:
        for id, glass in self.glasses.items():
            until = moment(glass["until"])
            if until is not None and until > self.now:
                yield id, glass


def ways_up(own: Iterable[int], edges: Iterable[Edge], leads: Callable[[Edge], bool]) -> Ways:
    """Every principal that these lead to, over any number of steps, each by the fewest."""
    above: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        if leads(edge):
            above[edge.member].append(edge)
    ways: Ways = dict.fromkeys(own)
    waiting = deque(ways)
    while waiting:
        for edge in above[waiting.popleft()]:
            if edge.group not in ways:
                ways[edge.group] = edge
                waiting.append(edge.group)
    return ways

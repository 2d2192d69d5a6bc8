"""An explanation as plain values: the decision, the rules that made it, and the chain from a person to a document.

Nothing here says a word of the document or of what it stands in: scopes and documents go by number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

ClauseKind = Literal["grants", "restriction", "deny"]


@dataclass(frozen=True, kw_only=True)
class Named:
    """A principal as its source called it then. Accounts have no name here: people's names are not remembered."""

    kind: str
    external_id: str
    name: str
    source: str | None  # the key; None for everyone in the organisation
    source_id: int | None  # of its row: a key may be used again (P3)

    def __str__(self) -> str:
        called = self.name or self.external_id
        if self.kind == "everyone":
            return called
        if self.kind == "unknown":
            return f"{called} ({self.source}, not introduced)"
        kind = "account" if self.kind == "user" else "group"
        return f"{kind} {called} ({self.source})" if self.source else called

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "id": self.external_id, "name": self.name, "source": self.source}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One principal on the way from a person to an entry, and until when the one before it is in it."""

    principal: Named
    until: datetime | None = None

    def __str__(self) -> str:
        return f"{self.principal}" + (f", until {spoken(self.until)}" if self.until else "")

    def as_json(self) -> dict[str, Any]:
        return {**self.principal.as_json(), "until": self.until}


@dataclass(frozen=True, kw_only=True)
class Clause:
    """A clause of the condition that holds for the document, and how the person meets it, if they do."""

    kind: ClauseKind
    met: bool
    path: tuple[Step, ...]  # from the person's account, or what else is their own, to the entry; the shortest
    until: datetime | None  # when the entry that is met ends
    entries: int
    some: tuple[Named, ...]  # the first of the entries
    scopes: tuple[int, ...]  # whose own lists bring it, as far as that can be told

    def as_json(self) -> dict[str, Any]:
        return {
            "clause": self.kind,
            "met": self.met,
            "path": [step.as_json() for step in self.path],
            "until": self.until,
            "entries": self.entries,
            "some": [entry.as_json() for entry in self.some],
            "scopes": list(self.scopes),
        }


@dataclass(frozen=True, kw_only=True)
class Place:
    """A scope on the way up from the document, with the lists of its own. `known`: they were read completely."""

    scope: int
    made_here: bool  # by the gateway, for documents with lists of their own
    introduced: bool
    inherits: bool
    known: bool
    grants: tuple[Named, ...]
    restrictions: tuple[tuple[Named, ...], ...]
    deny: tuple[Named, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "number": self.scope,
            "of_the_document": self.made_here,
            "introduced": self.introduced,
            "inherits": self.inherits,
            "known": self.known,
            "grants": [each.as_json() for each in self.grants],
            "restrictions": [[each.as_json() for each in clause] for clause in self.restrictions],
            "deny": [each.as_json() for each in self.deny],
        }


@dataclass(frozen=True)
class Reason:
    """A rule that decides, and what it finds."""

    rule: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Whether a person could read a document at a time, and why. The first reason's rule is the one that decides."""

    document: UUID
    source: str  # the key
    at: datetime
    admitted: bool
    reasons: tuple[Reason, ...]
    accounts: tuple[Named, ...]
    clauses: tuple[Clause, ...]
    places: tuple[Place, ...]
    state: str  # of the document; "" when there was none
    glass: tuple[int, ...]  # break-glass in force for it
    served: bool  # what the guard itself decides; for a past time, the same as `admitted`

    @property
    def disagrees(self) -> bool:
        """What is served is not what the facts lead to: a defect, to be reported."""
        return self.admitted != self.served

    @property
    def decision(self) -> Literal["allowed", "denied"]:
        return "allowed" if self.served else "denied"

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(reason.rule for reason in self.reasons))

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "at": self.at,
            "decision": self.decision,
            "rules": list(self.rules),
            "reasons": [{"rule": reason.rule, "text": reason.text} for reason in self.reasons],
            "accounts": [account.as_json() for account in self.accounts],
            "clauses": [clause.as_json() for clause in self.clauses],
            "scopes": [place.as_json() for place in self.places],
            "state": self.state,
            "break_glass": list(self.glass),
            "agrees": not self.disagrees,
        }


def spoken(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def listed(names: Iterable[Named], count: int) -> str:
    """ "a, b and 3 more"."""
    shown = list(map(str, names))
    more = count - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "") if shown else "nobody"

"""Conditions on a reader as plain values, and how they combine (P4, P5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TypeAlias

from accounts.principals import with_ends

Ends: TypeAlias = Mapping[int, datetime | None]  # principal → when its entry ends; None: never


@dataclass(frozen=True)
class Condition:
    """A reader must be in the grants, in every restriction and in nothing denied. Principals are row ids.

    Restrictions carry ends only where a grant became one; those a source sends never end (P17).
    """

    grants: frozenset[tuple[int, datetime | None]] = frozenset()
    restrictions: frozenset[frozenset[tuple[int, datetime | None]]] = frozenset()
    deny: frozenset[int] = frozenset()

    @classmethod
    def of(cls, grants: Ends, restrictions: Iterable[Iterable[int]] = (), deny: Iterable[int] = ()) -> "Condition":
        return cls(
            frozenset(grants.items()),
            frozenset(frozenset((principal, None) for principal in clause) for clause in restrictions),
            frozenset(deny),
        )

    @property
    def is_alone(self) -> bool:
        """Asks for nothing but one of the grants."""
        return not self.restrictions and not self.deny

    def under(self, parent: "Condition") -> "Condition":
        """The effective condition of an inheriting scope: grants united, all restrictions, denies united (P5)."""
        return Condition(
            frozenset(with_ends(self.grants | parent.grants).items()),
            self.restrictions | parent.restrictions,
            self.deny | parent.deny,
        )

    def and_also(self, other: "Condition") -> "Condition":
        """Admits exactly those whom both admit."""
        return Condition(self.grants, self.restrictions | other.restrictions | {other.grants}, self.deny | other.deny)

    @property
    def digest(self) -> bytes:
        """SHA-256 over a canonical form: equal conditions are one row."""
        clauses = [sorted((p, None) for p in self.deny), canonical(self.grants)]
        clauses += sorted(map(canonical, self.restrictions), key=repr)
        return sha256(repr(clauses).encode()).digest()

    def entries(self) -> Iterable[tuple[int, int, datetime | None]]:
        """(clause, principal, end) as they are stored: 0 the deny set, 1 the grants, 2 and up the restrictions."""
        yield from ((0, principal, None) for principal in self.deny)
        yield from ((1, principal, end) for principal, end in self.grants)
        for number, clause in enumerate(sorted(self.restrictions, key=lambda c: repr(canonical(c))), start=2):
            yield from ((number, principal, end) for principal, end in clause)


def canonical(entries: Iterable[tuple[int, datetime | None]]) -> list[tuple[int, str | None]]:
    return sorted(
        ((principal, end.timestamp().hex() if end else None) for principal, end in entries), key=lambda e: e[0]
    )

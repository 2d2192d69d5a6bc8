"""One world on both sides: operations are done to the gateway and to the oracle, and every surface is looked at."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from accounts.reader import Audience
from tests.leakproof.expectation import Expectation, Readable, clock, stamped
from tests.leakproof.ground import Ground
from tests.leakproof.product import Product
from tests.leakproof.shelf import Shelf
from tests.leakproof.surfaces import BY_NAME, SURFACES, Surface, View, Wrong

Operation = dict[str, Any]
Expected = Mapping[str, frozenset[UUID]]  # which documents each viewer may read, by the id outside
NONE: frozenset[UUID] = frozenset()
NEAR = timedelta(seconds=5)  # an end this close is waited for; farther ones are for another year


@dataclass(frozen=True)
class Difference:
    """One decision on which the gateway and the rules do not agree."""

    surface: str
    viewer: str
    source: str
    document: str
    expected: bool

    def __str__(self) -> str:
        what = "may read and is not shown" if self.expected else "MAY NOT READ AND IS SHOWN"
        return f"{self.viewer} {what} {self.source}/{self.document} by: {self.surface}"


@dataclass(frozen=True)
class Look:
    """Which documents a viewer is asked about at which surface."""

    viewer: str
    surface: str
    asked: tuple[UUID, ...]


@dataclass
class Seen:
    """What came of looking: decisions made, those at a boundary, and those that differ."""

    decisions: int = 0
    boundary: int = 0
    surfaces: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


class Stage:
    """`before` and `now`: what the rules said of the state before the last operation, and say of this one."""

    def __init__(self, ground: Ground) -> None:
        ground.renew()
        self.product = Product()
        self.expectation = Expectation()
        self.shelf = Shelf()
        self.readable: Readable = {}
        self.before: Expected = {}
        self.now: Expected = {}
        self.moment = clock()
        self.asked: dict[tuple[str, str], set[UUID]] = defaultdict(set)  # of this state, by viewer and surface

    def step(self, operation: Operation) -> bool:
        """Do one operation on both sides; False if it makes no sense here."""
        if not self.expectation.knows_all_of(operation):
            return False
        self.moment = clock()
        told = stamped(self._with_its_end(operation), self.moment)
        self.product.apply(told)
        self.expectation.apply(told, self.moment)
        return True

    def _with_its_end(self, operation: Operation) -> Operation:
        if operation["do"] != "wait":
            return operation
        end = self.expectation.next_end(self.moment)
        soon = end is not None and end - self.moment < NEAR
        return operation | {"moment": (end if end is not None and soon else self.moment).isoformat()}

    @property
    def pending(self) -> bool:
        """Whether something ends by itself in a moment."""
        end = self.expectation.next_end(clock())
        return end is not None and end - clock() < NEAR

    def settle(self) -> None:
        """See what there is now, and what the rules say of it."""
        self.asked.clear()
        self.shelf.refresh(self.product.people.values())
        self.moment = clock()
        self.readable = self.expectation.readable(self.moment)
        self.before, self.now = self.now, self._by_id(self.readable)

    def _by_id(self, readable: Readable) -> Expected:
        current = self.shelf.current
        return {viewer: frozenset(current[key] for key in keys if key in current) for viewer, keys in readable.items()}

    def missing(self) -> list[Difference]:
        """Documents that may be read by the rules and that the gateway does not even have."""
        return [
            Difference("the gateway's documents", viewer, *key, True)
            for viewer, keys in self.readable.items()
            for key in keys
            if key not in self.shelf.current
        ]

    def flipped(self, viewer: str) -> frozenset[UUID]:
        """Documents of which the rules said something else of this viewer before the last operation."""
        if viewer not in self.before:
            return NONE
        return self.before[viewer] ^ self.now[viewer]

    def view(self, viewer: str) -> View:
        several = self.expectation.audiences.get(viewer)
        if several is not None:
            asker, *others = (self.product.reader(name) for name in several.members)
            return View(Audience(asker, frozenset(others), several.unidentified, several.outside), self.shelf)
        reader = self.product.reader(viewer)
        return View(reader, self.shelf, secret=self.product.secrets.get(viewer, ""))

    def everything(self) -> list[Look]:
        """Every viewer, every surface, every document there ever was."""
        ids = tuple(self.shelf.items)
        return [
            Look(viewer, surface.name, ids)
            for viewer in self.expectation.viewers()
            for surface in SURFACES
            if surface.serves(self.view(viewer))
        ]

    def look(self, looks: Iterable[Look]) -> Seen:
        seen = Seen()
        flipped = {viewer: self.flipped(viewer) for viewer in self.expectation.viewers()}
        judged = [self._judged(look, seen, flipped[look.viewer]) for look in looks]
        differences = [difference for found in judged for difference in found]
        unsure = self._unsure() if differences else {}
        seen.differences += [
            self._difference(*found) for found in differences if found[2] not in unsure.get(found[1], NONE)
        ]
        return seen

    def _judged(self, look: Look, seen: Seen, flipped: Collection[UUID]) -> list[tuple[str, str, UUID]]:
        surface = BY_NAME[look.surface]
        try:
            shown = surface.shown(self.view(look.viewer), look.asked)
        except Wrong as wrong:
            seen.differences.append(Difference(f"{look.surface}: {wrong}", look.viewer, "?", "?", True))
            return []
        expected = self.now[look.viewer]
        new = set(look.asked) - self.asked[look.viewer, look.surface]  # a decision of a state counts once
        self.asked[look.viewer, look.surface] |= new
        seen.decisions += len(new)
        seen.surfaces[look.surface] += len(new)
        seen.boundary += sum(id in flipped for id in new)
        leaked = shown - expected  # also what nobody asked about
        denied = self._left_out(surface, look, expected) - shown
        return [(look.surface, look.viewer, id) for id in sorted(leaked | denied)]

    def _left_out(self, surface: Surface, look: Look, expected: frozenset[UUID]) -> set[UUID]:
        """What must be shown here: of all that may be read, or of what was asked about."""
        return set(expected if surface.whole else expected.intersection(look.asked))

    def _unsure(self) -> Expected:
        """Documents whose answer changed by the clock while we looked."""
        end = self.expectation.next_end(self.moment)
        if end is None or end > clock():
            return {}
        later = self._by_id(self.expectation.readable(clock()))
        return {viewer: self.now[viewer] ^ later[viewer] for viewer in later}

    def _difference(self, surface: str, viewer: str, id: UUID) -> Difference:
        item = self.shelf.items.get(id)
        source, document = item.key if item is not None else ("?", str(id))
        return Difference(surface, viewer, source, document, id in self.now[viewer])


def reader_of(expectation: Expectation, viewer: str) -> Any:
    """As the oracle names a person or token."""
    token = expectation.tokens.get(viewer)
    return viewer if token is None else token.reader

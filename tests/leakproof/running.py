"""A differential run: random operations, each chosen for what it turns, and the surfaces asked after each."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.leakproof import top_down
from tests.leakproof.expectation import Expectation, Readable, clock, stamped
from tests.leakproof.ground import Ground
from tests.leakproof.staging import NEAR, Difference, Look, Operation, Stage, reader_of
from tests.leakproof.surfaces import BY_NAME, SURFACES
from tests.leakproof.worlds import Making

STATES = 100  # of one world
CANDIDATES = 5  # operations thought through before one is done
FEW, MANY = 12, 50  # turned decisions: an operation that turns more is no better, and in the end worse
SHARE = 0.27  # of decisions that are at a boundary, wanted
RATIO = 2  # documents asked about that were not turned, for each that was
RARELY = 0.15  # of the looks, those that take the surfaces in which cost much
EXPLAINED = 6  # decisions of a state whose rules are asked for
WHOLE = [surface for surface in SURFACES if surface.whole and not surface.rarely]


@dataclass
class Tally:
    """What a run has done so far."""

    worlds: int = 0
    states: int = 0
    decisions: int = 0
    boundary: int = 0
    compared: int = 0  # decisions of the two evaluators with each other
    surfaces: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    allowed: Counter[str] = field(default_factory=Counter)  # by the rule that was decisive
    denied: Counter[str] = field(default_factory=Counter)

    @property
    def share(self) -> float:
        return self.boundary / max(self.decisions, 1)


@dataclass(frozen=True)
class Failure:
    """Operations from an empty database after which the gateway and the rules do not agree."""

    operations: list[Operation]
    differences: list[Difference]


class EvaluatorsDiffer(Exception):
    """The two evaluators of the rules do not agree: the oracle itself is wrong."""


@dataclass
class Run:
    """`seed` decides everything but the clock."""

    ground: Ground
    seed: int
    wanted: int  # decisions
    tally: Tally = field(default_factory=Tally)
    tell: Callable[[Tally], None] = lambda tally: None

    def until_done(self) -> Failure | None:
        """Worlds until enough has been decided, or the first difference."""
        while self.tally.decisions < self.wanted:
            failure = self._world(random.Random(f"{self.seed}/{self.tally.worlds}"))
            self.tally.worlds += 1
            if failure is not None:
                return failure
            self.tell(self.tally)
        return None

    def _world(self, chance: random.Random) -> Failure | None:
        stage, done = Stage(self.ground), list[Operation]()
        for looks in self._life(stage, done, chance):
            if (failure := self._looked(stage, looks, done)) is not None:
                return failure
            if self.tally.decisions >= self.wanted:
                break
        return None

    def _life(self, stage: Stage, done: list[Operation], chance: random.Random) -> Iterator[list[Look]]:
        """One world from its beginning on: what to look at, again and again. `done` grows by each operation."""
        making, asking = Making(chance), Asking(stage, self.tally, chance)
        for operation in making.beginning():
            stage.step(operation)
            done.append(operation)
        stage.settle()
        yield from asking.of_a_new_world()
        for _ in range(STATES):
            operation = {"do": "wait"} if stage.pending else chosen(making, stage, chance)
            done.append(operation)
            stage.step(operation)
            making.note(operation)
            stage.settle()
            self.tally.states += 1
            self.tally.operations[operation["do"]] += 1
            yield from asking.of_this_state()
            explain(stage, self.tally, chance)
        yield from asking.of_a_world_that_ends()

    def _looked(self, stage: Stage, looks: list[Look], done: list[Operation]) -> Failure | None:
        seen = stage.look(looks)
        self.tally.decisions += seen.decisions
        self.tally.boundary += seen.boundary
        self.tally.surfaces.update(seen.surfaces)
        differences = [*stage.missing(), *seen.differences]
        return Failure(done, differences) if differences else None


def chosen(making: Making, stage: Stage, chance: random.Random) -> Operation:
    """One of several random operations; those that turn a few decisions are likelier."""
    candidates = [making.operation(stage.expectation) for _ in range(CANDIDATES)]
    weights = [worth(turned(stage.expectation, stage.readable, each)) for each in candidates]
    return chance.choices(candidates, weights)[0]


def worth(count: int) -> int:
    """How likely an operation is done that turns so many decisions: small steps are wanted, one after the other."""
    return 2 + (min(count, FEW) if count <= MANY else 1)


def turned(expectation: Expectation, before: Readable, operation: Operation) -> int:
    """How many pairs of viewer and document an operation would turn, at once or when what it says ends soon."""
    now = clock()
    ends = '"soon"' in json.dumps(operation)
    after = expectation.copy()
    if not after.knows_all_of(operation):
        return 0
    after.apply(stamped(operation, now), now)
    then = after.readable(now + NEAR if ends else now)
    return sum(len(before[viewer] ^ then[viewer]) for viewer in before)


@dataclass
class Asking:
    """Which decisions to ask about: all that were turned, on all surfaces, and some that were not."""

    stage: Stage
    tally: Tally
    chance: random.Random

    def of_a_new_world(self) -> Iterator[list[Look]]:
        """The list of each viewer: no decision is at a boundary yet."""
        yield [self._whole(viewer, "list") for viewer in self.stage.expectation.viewers()]

    def of_this_state(self) -> Iterator[list[Look]]:
        viewers = self.stage.expectation.viewers()
        yield [look for viewer in viewers for look in self._turned(viewer)]
        if self.tally.share > SHARE and self.chance.random() < 0.5:
            surface = self.chance.choice(WHOLE).name
            yield [look for viewer in viewers for look in self._at(viewer, surface)]
        if self.tally.share > SHARE + 0.01 and not self.stage.pending:
            yield [look for look in self.stage.everything() if not BY_NAME[look.surface].one_by_one]

    def of_a_world_that_ends(self) -> Iterator[list[Look]]:
        if self.tally.share > SHARE - 0.01:
            yield [look for look in self.stage.everything() if not BY_NAME[look.surface].rarely]

    def _turned(self, viewer: str) -> Iterator[Look]:
        flipped = self.stage.flipped(viewer)
        if not flipped:
            return
        still = [id for id in self.stage.shelf.items if id not in flipped]
        rarely = self.chance.random() < RARELY
        for surface in SURFACES:
            if surface.serves(self.stage.view(viewer)) and (rarely or not surface.rarely):
                wanted = len(flipped) * (1 if surface.one_by_one else RATIO)
                others = self.chance.sample(still, min(wanted, len(still)))
                yield Look(viewer, surface.name, (*sorted(flipped), *others))

    def _at(self, viewer: str, surface: str) -> Iterator[Look]:
        if BY_NAME[surface].serves(self.stage.view(viewer)):
            yield self._whole(viewer, surface)

    def _whole(self, viewer: str, surface: str) -> Look:
        return Look(viewer, surface, tuple(self.stage.shelf.items))


def explain(stage: Stage, tally: Tally, chance: random.Random) -> None:
    """Ask the other evaluator about some decisions, and by which rules they were made."""
    expectation, world, now = stage.expectation, stage.expectation.world, stage.moment
    turned = [(viewer, id) for viewer in expectation.viewers() for id in sorted(stage.flipped(viewer))]
    others = [(viewer, id) for viewer in expectation.viewers() for id in stage.shelf.current.values()]
    for viewer, id in [each for some in (turned, others) for each in chance.sample(some, min(EXPLAINED, len(some)))]:
        key = stage.shelf.items[id].key
        if viewer in expectation.audiences:
            explain_audience(stage, tally, viewer, key)
            continue
        token = expectation.tokens.get(viewer)
        if token is not None and token.ended:
            tally.denied["P11"] += 1
            continue
        reader = reader_of(expectation, viewer)
        verdict = top_down.may_read(world, reader, key, now)
        tally.compared += 1
        if verdict.allowed != (key in stage.readable[viewer]):
            raise EvaluatorsDiffer(f"{viewer} {key}: top-down says {verdict}")
        counted = tally.allowed if verdict.allowed else tally.denied
        counted.update(top_down.decisive_rules(world, reader, key, now))


def explain_audience(stage: Stage, tally: Tally, viewer: str, key: tuple[str, str]) -> None:
    """P10 is decisive where one member may read and all together may not, and where nobody is left out by it."""
    several = stage.expectation.audiences[viewer]
    alone = [key in stage.readable[member] for member in several.members]
    if key in stage.readable[viewer]:
        tally.allowed["P10"] += several.unidentified
    else:
        tally.denied["P10"] += any(alone)

"""Pairs of worlds, one after the other: each is made, asked everything and taken back."""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from django.db import connection, transaction
from django.utils import timezone

from accounts.statements import execute, rows
from connectors.embedding import QueryMemory, embed_texts
from tests.security.walkers import session, token
from tests.security.walking import Asked, Credential
from tests.twins.asking import HIDDEN, KNOWN, Names, knows_tokens, requests, uses_meaning
from tests.twins.comparing import Answer, Tally, Window, answers
from tests.twins.defects import OF_THE_DEFECTS, broken
from tests.twins.forcing import Forced, Nearest
from tests.twins.hiding import NOBODY, Hiding, id_of_hidden
from tests.twins.sameness import Dice
from tests.twins.worlds import Known, World, embed

SIDES = ("one", "other")
EVERY_FORCED, EVERY_CROWDED, EVERY_THOROUGH, EVERY_STAFF = 10, 8, 97, 9  # of so many pairs one is
# What the planner chooses depends on how much there is, hidden rows included: the other world gets plans of its own.
PLANS = (
    *("hashjoin", "mergejoin", "nestloop", "indexscan", "indexonlyscan", "bitmapscan", "seqscan"),
    *("hashagg", "sort", "material", "memoize", "incremental_sort", "presorted_aggregate"),
)


@contextmanager
def taken_back() -> Iterator[None]:
    """A transaction that is never committed; what insists on being the outermost one is told that it is."""
    outermost = transaction.atomic()
    outermost._from_testcase = True  # type: ignore[attr-defined]  # as Django's own TestCase does
    with outermost:
        try:
            yield
        finally:
            transaction.set_rollback(True)


@dataclass
class Pair:
    """Two worlds that Ann cannot tell apart."""

    number: int
    seed: int
    defect: Callable[[], None] = lambda: None
    only: tuple[str, ...] = ("",)  # addresses that begin so

    def __post_init__(self) -> None:
        chance = random.Random(f"pair {self.seed} {self.number}")
        self.known_seed = chance.getrandbits(48)
        self.forced = self.number % EVERY_FORCED == EVERY_FORCED - 1
        self.thorough = self.number % EVERY_THOROUGH == EVERY_THOROUGH // 2
        self.staff = self.number % EVERY_STAFF == EVERY_STAFF - 1
        crowded = self.forced or self.number % EVERY_CROWDED == EVERY_CROWDED - 1
        self.known = Known(
            self.known_seed, crowded, copies=chance.randrange(1, 3) if self.forced else 0, staff=self.staff
        )
        self.narrow = chance.random() < 0.3  # the token reads one source only
        self.plans = [plan for plan in PLANS if chance.random() < 0.3]
        self.texts = self.known.texts()
        self.dice = Dice(timezone.now())

    def compare(self, tally: Tally) -> None:
        """Ask everything in both worlds, and add what came of it."""
        # A question is embedded anew whenever it is asked, as the first time: the library draws ids meanwhile.
        with self.dice.thrown(), patch("connectors.embedding.remembered", QueryMemory(0)):
            worlds = [self._asked_everything(side) for side in SIDES]
        for one, other in zip(*(world.answers for world in worlds), strict=True):
            tally.add(one, other)
        if self.forced:
            tally.add_forced(*(world.nearest for world in worlds))
        tally.pairs += 1

    def _asked_everything(self, side: str) -> "Told":
        with transaction_of_a_world():
            world = self.built(side)
            self.defect()
            nearest = Forced(self.known).nearest(world.ann.pk) if self.forced else []
            if side == SIDES[1]:
                self._plan_otherwise()
            return Told([self._asked(world, kind) for kind in ("session", "token")], nearest)

    def built(self, side: str) -> World:
        world = World(self.dice, self.texts)
        hiding = Hiding(side, self.known, much=40 if self.forced else 0)
        hiding.do(-1, world)
        for number, step in enumerate(self.known.steps):
            self.dice.seed("known", self.known_seed, number)
            step(world)
            hiding.do(number, world)
        self.dice.seed("vectors")
        embed(self.known.jitter, hiding.nearer, NOBODY, hiding.chance)
        return world

    def credential(self, world: World, kind: str) -> Credential:
        self.dice.seed(kind)
        if kind == "session":
            return session(world.ann)
        sources = [world.sources["docs"]] if self.narrow else None
        return token(world.ann, "read", "ask", sources=sources, hours=1000)

    def _asked(self, world: World, kind: str) -> list[Answer]:
        door = Window(self.credential(world, kind))
        return answers(door, self.wanted(kind), self.dice, kind)

    def wanted(self, kind: str) -> Iterator[Asked]:
        chance = random.Random(f"asking {kind} {self.known_seed}")
        for asked in requests(self.names(), chance, thorough=self.thorough, staff=self.staff):
            if not asked.route.startswith(self.only):
                continue
            told_elsewhere = kind == "token" and not self.thorough and not knows_tokens(asked)
            if not told_elsewhere and not (self.forced and uses_meaning(asked)):
                yield asked

    def names(self) -> dict[str, Names]:
        known = rows(
            "SELECT d.public_id, p.public_id, d.external_id, c.id, q.id FROM connectors_document d "
            "JOIN connectors_passage p ON p.document_id = d.id AND p.ordinal = 0 "
            "CROSS JOIN gateway_question q JOIN gateway_conversation c ON c.id = q.conversation_id "
            "JOIN accounts_user u ON u.id = c.owner_id AND u.email = 'ann@example.org' "
            "WHERE d.external_id = %s AND d.source_id = (SELECT id FROM accounts_directory WHERE key = 'docs')",
            [self.known.documents[0][1].id],
        )[0]
        document, passage, external_id, conversation, question = map(str, known)
        return {
            KNOWN: Names(document, passage, conversation, question, external_id, "plans", "ann", "docs"),
            HIDDEN: self._hidden("one"),
            "hidden by the other": self._hidden("other"),
            "nothing": Names(),
        }

    def _hidden(self, side: str) -> Names:
        ids = {
            kind: str(id_of_hidden(self.known_seed, side, kind))
            for kind in ("document", "passage", "conversation", "question")
        }
        return Names(**ids, external_id=ids["document"], scope=f"closed {side}", source=f"vault-{side}")

    def _plan_otherwise(self) -> None:
        for plan in self.plans:
            execute(f"SET LOCAL enable_{plan} = off")


@dataclass(frozen=True)
class Told:
    """What one world answered: to a session and to a token; and, where it was forced, by nearness alone."""

    answers: list[list[Answer]]
    nearest: list[Nearest]


@contextmanager
def transaction_of_a_world() -> Iterator[None]:
    """Taken back at the end, with all that was asked."""
    if not connection.in_atomic_block:
        with taken_back():
            yield
        return
    before = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(before)
        transaction.set_rollback(False)


def warm() -> None:
    """Load what is loaded on first use: it draws ids of its own."""
    embed_texts(["warm"])


def run(seed: int, numbers: Iterable[int], tally: Tally, tell: Callable[[Tally], None] = lambda tally: None) -> Tally:
    """These pairs of the run with this seed; it ends at the first that can be told apart."""
    warm()
    for number in numbers:
        Pair(number, seed).compare(tally)
        tell(tally)
        if tally.differences or tally.wrong:
            break
    return tally


def until_found(name: str, seed: int, most: int) -> int:
    """How many pairs it takes to notice this defect; 0 if it goes unnoticed."""
    warm()
    with broken(name) as spoil:
        for number in range(most):
            tally = Tally()
            Pair(number, seed, spoil, OF_THE_DEFECTS).compare(tally)
            if tally.differences:
                return number + 1
    return 0

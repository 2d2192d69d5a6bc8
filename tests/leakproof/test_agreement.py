"""The two evaluators of the oracle agree on random worlds, and every rule decides there both ways."""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.leakproof import fixpoint, top_down
from tests.leakproof.model import Reader, World

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PEOPLE = [f"p{number}" for number in range(6)]
GROUPS = [f"g{number}" for number in range(6)]
SCOPES = [f"s{number}" for number in range(6)]
DOCUMENTS = [f"d{number}" for number in range(6)]
SOURCES = ["docs", "wiki"]
SEEDS = 200


class Chance:
    """A random world, and random operations on it."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.world = World()
        self.now = NOW
        self.readers: list[Reader] = []
        for name in PEOPLE:
            flags = [self.chance(share) for share in (0.95, 0.2, 0.95)]
            self.world.add_user(name, f"{name}@x", verified=flags[0], external=flags[1], active=flags[2])
        for source in SOURCES:
            self.world.add_source(source, vouches=self.chance(0.9), max_age=None)
        for source in SOURCES:
            records = [*map(self.account, PEOPLE), *map(self.group, GROUPS), *map(self.scope, SCOPES)]
            self.world.page(source, records + list(map(self.document, DOCUMENTS)), self.now)

    def some(self, ids: list[str], most: int) -> list[str]:
        return self.dice.sample(ids, self.dice.randint(0, most))

    def named(self, most: int) -> list[Any]:
        return self.some([*PEOPLE, *GROUPS, *GROUPS, "everyone", "*"], most) + ["nobody"] * self.chance(0.02)

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def ending(self, most: int) -> list[Any]:
        hours = self.dice.randint(-2, 4)
        return [{"id": id, "until": self.now + hours * HOUR} if self.chance(0.15) else id for id in self.named(most)]

    def lists(self) -> dict[str, Any]:
        lists: dict[str, Any] = {"grants": self.ending(4), "inherits": self.chance(0.8)}
        if self.chance(0.2):
            lists["restrictions"] = [[*self.named(4), self.dice.choice(["everyone", "*", "g0"])]]
        if self.chance(0.2):
            lists["deny"] = self.named(2)
        return lists | {"unreadable": self.chance(0.02)}

    def account(self, id: str) -> dict[str, Any]:
        email = f"{self.dice.choice(PEOPLE) if self.chance(0.1) else id}@x"
        return {"type": "principal", "id": id, "kind": "user", "email": email, "external": self.chance(0.3)}

    def group(self, id: str) -> dict[str, Any]:
        kind = "user" if self.chance(0.05) else "group"
        id = self.dice.choice(["everyone", "*"]) if self.chance(0.01) else id
        members = self.ending(3)
        return {"type": "principal", "id": id, "kind": kind, "members": members, "unreadable": self.chance(0.03)}

    def scope(self, id: str) -> dict[str, Any]:
        above = SCOPES if self.chance(0.1) else SCOPES[: SCOPES.index(id)]
        parent = "unknown" if self.chance(0.03) else self.dice.choice([*above, None])
        return {"type": "scope", "id": id, "parent": parent, **self.lists()}

    def document(self, id: str) -> dict[str, Any]:
        field = self.dice.choice(["text", "text", "content_base64"])
        scope = "unknown" if self.chance(0.03) else self.dice.choice([*SCOPES, None])
        text = f"{self.dice.randint(0, 3)}"
        return {"type": "document", "id": id, "scope": scope, field: text, **self.lists()}

    def access(self) -> dict[str, Any]:
        whole = self.scope(self.dice.choice(SCOPES)) if self.chance(0.5) else self.document(self.dice.choice(DOCUMENTS))
        return {**whole, "kind": whole["type"], "type": "access"}

    def deletion(self) -> dict[str, Any]:
        kind, ids = self.dice.choice(
            [("principal", PEOPLE + GROUPS), ("scope", SCOPES), ("document", DOCUMENTS), ("document", DOCUMENTS)]
        )
        return {"type": "deletion", "kind": kind, "id": self.dice.choice(ids)}

    def record(self) -> dict[str, Any]:
        makers: list[Callable[[], dict[str, Any]]] = [
            lambda: self.account(self.dice.choice(PEOPLE)),
            lambda: self.group(self.dice.choice(GROUPS)),
            lambda: self.group(self.dice.choice(GROUPS)),
            lambda: self.scope(self.dice.choice(SCOPES)),
            lambda: self.document(self.dice.choice(DOCUMENTS)),
            self.access,
            self.access,
            self.deletion,
        ]
        record = self.dice.choice(makers)()
        return record | ({"revision": self.dice.randint(1, 9)} if self.chance(0.2) else {})

    def change(self) -> None:
        source = self.dice.choice(SOURCES)
        if self.chance(0.6):
            self.world.push(source, self.record(), self.now)
        elif self.chance(0.5):
            self.world.page(source, [self.record() for _ in range(4)], self.now)
        else:
            with suppress(KeyError, ValueError):
                self.operate(source)

    def operate(self, source: str) -> None:
        world, person, document = self.world, self.dice.choice(PEOPLE), self.dice.choice(DOCUMENTS)
        until = self.now + self.dice.randint(-1, 5) * HOUR
        operations: list[Callable[[], object]] = [
            lambda: world.set_active(person, self.chance(0.9)),
            lambda: world.set_external(person, self.chance(0.3)),
            lambda: world.change_address(person, f"{self.dice.choice([person, *PEOPLE])}@x", self.chance(0.9)),
            lambda: world.pause(source),
            lambda: world.resume(source),
            lambda: world.set_vouching(source, self.chance(0.8)),
            lambda: world.set_max_age(source, self.dice.choice([None, 2 * HOUR])),
            lambda: world.verified(source, self.now),
            lambda: world.revoke_link(source, person, person),
            lambda: world.confirm_address(f"{self.dice.choice(PEOPLE)}@x", person),
            lambda: world.parsed(source, document),
            lambda: world.hold(source, document),
            lambda: world.release(source, document),
            lambda: world.quarantine(source, document),
            lambda: world.break_glass(person, document=(source, document), until=until, now=self.now),
            lambda: world.break_glass(person, scope=(source, "s0"), until=until, now=self.now),
            lambda: world.break_glass(person, scope=(source, self.dice.choice(SCOPES)), until=until, now=self.now),
            lambda: world.end_glass(self.dice.choice([*world.glasses, 0])),
            lambda: self.readers.append(world.reads(person, self.some(SOURCES, 2))),
            lambda: self.make_again(source),
        ]
        self.now += self.dice.randint(0, 1) * HOUR / 3
        self.dice.choice(operations)()
        if self.chance(0.5):  # what hides much does not last
            world.resume(source)
            world.parsed(source, document)
            world.set_active(person, True)

    def make_again(self, source: str) -> None:
        self.world.delete_source(source)
        self.world.add_source(source)

    def documents(self) -> Iterator[tuple[str, str]]:
        for source in self.world.sources.values():
            for id in source.documents:
                yield source.key, id


def disagreements(chance: Chance) -> list[object]:
    """Decisions in which the two evaluators differ."""
    readers = [*map(Reader, PEOPLE), *chance.readers]
    state = fixpoint.State(chance.world, chance.now)
    found: list[object] = []
    for reader in readers:
        may = {key for key in chance.documents() if top_down.allows(chance.world, reader, key, chance.now)}
        if may != state.of(reader):
            found.append((reader, may ^ state.of(reader)))
    for unidentified in (False, True):
        audience = chance.dice.sample(readers, 2)
        asked = (chance.world, audience, unidentified, False, chance.now)
        if top_down.readable_by_all(*asked) != fixpoint.readable_by_all(*asked):
            found.append((audience, unidentified))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_the_two_evaluators_agree_on_random_worlds(seed: int) -> None:
    for number in range(12):
        chance = Chance(1000 * seed + number)
        for step in range(30):
            assert disagreements(chance) == [], (seed, number, step)
            chance.change()


def test_in_random_worlds_every_mechanism_decides_something() -> None:
    """With any mechanism off the evaluators would disagree, so that they agree says something about each."""
    decided: dict[bool, set[str]] = {True: set(), False: set()}
    for seed in range(SEEDS):
        chance = Chance(seed)
        for _ in range(30):
            chance.change()
        for reader in [*map(Reader, PEOPLE), *chance.readers]:
            for key in chance.documents():
                allowed = top_down.allows(chance.world, reader, key, chance.now)
                decided[allowed] |= top_down.decisive_mechanisms(chance.world, reader, key, chance.now)
    assert decided[True] | decided[False] == set(top_down.MECHANISMS)
    assert {mechanism.split()[0] for mechanism in decided[False]} == set(top_down.RULES)
    assert {mechanism.split()[0] for mechanism in decided[True]} == set(top_down.RULES) - {"P1"}

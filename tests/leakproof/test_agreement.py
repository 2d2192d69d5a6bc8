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


class Chance:
    """A random world, and random operations on it."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.world = World()
        self.now = NOW
        self.readers: list[Reader] = []
        for name in PEOPLE:
            flags = [self.dice.random() < share for share in (0.9, 0.2, 0.9)]
            self.world.add_user(name, f"{name}@x", verified=flags[0], external=flags[1], active=flags[2])
        for source in SOURCES:
            self.world.add_source(source, vouches=self.dice.random() < 0.9, max_age=None)
        records = [self.account(id) for id in PEOPLE] + [self.group() for _ in GROUPS]
        records += [self.scope() for _ in SCOPES] + [self.document() for _ in DOCUMENTS]
        for source in SOURCES:
            self.world.page(source, records, self.now)

    def some(self, ids: list[str], most: int) -> list[str]:
        return self.dice.sample(ids, self.dice.randint(0, most))

    def named(self, most: int) -> list[Any]:
        return self.some([*PEOPLE, *GROUPS, "everyone", "*", "nobody"], most)

    def ending(self, most: int) -> list[Any]:
        hours = self.dice.randint(-2, 4)
        ended = self.dice.random() < 0.15
        return [{"id": id, "until": self.now + hours * HOUR} if ended else id for id in self.named(most)]

    def lists(self) -> dict[str, Any]:
        lists: dict[str, Any] = {"grants": self.ending(3), "inherits": self.dice.random() < 0.8}
        if self.dice.random() < 0.2:
            lists["restrictions"] = [[*self.named(4), "everyone"]]
        if self.dice.random() < 0.2:
            lists["deny"] = self.named(2)
        return lists | {"unreadable": self.dice.random() < 0.04}

    def account(self, id: str) -> dict[str, Any]:
        email = f"{self.dice.choice(PEOPLE) if self.dice.random() < 0.1 else id}@x"
        return {"type": "principal", "id": id, "kind": "user", "email": email, "external": self.dice.random() < 0.3}

    def group(self) -> dict[str, Any]:
        kind = "user" if self.dice.random() < 0.05 else "group"
        unreadable = self.dice.random() < 0.05
        id = self.dice.choice([*GROUPS * 5, "everyone", "*"])
        return {"type": "principal", "id": id, "kind": kind, "members": self.ending(3), "unreadable": unreadable}

    def scope(self) -> dict[str, Any]:
        parent = self.dice.choice([*SCOPES, "unknown", None, None])
        return {"type": "scope", "id": self.dice.choice(SCOPES), "parent": parent, **self.lists()}

    def document(self) -> dict[str, Any]:
        field = self.dice.choice(["text", "text", "content_base64"])
        scope = self.dice.choice([*SCOPES, *SCOPES, "unknown", None])
        text = f"{self.dice.randint(0, 3)}"
        return {"type": "document", "id": self.dice.choice(DOCUMENTS), "scope": scope, field: text, **self.lists()}

    def access(self) -> dict[str, Any]:
        kind, ids, place = self.dice.choice([("scope", SCOPES, "parent"), ("document", DOCUMENTS, "scope")])
        known = {"type": "access", "kind": kind, "id": self.dice.choice(ids), place: self.dice.choice([*SCOPES, None])}
        return {**known, **self.lists()}

    def deletion(self) -> dict[str, Any]:
        kind, ids = self.dice.choice(
            [("principal", PEOPLE + GROUPS), ("scope", SCOPES), ("document", DOCUMENTS), ("document", DOCUMENTS)]
        )
        return {"type": "deletion", "kind": kind, "id": self.dice.choice(ids)}

    def record(self) -> dict[str, Any]:
        makers = [self.group, self.scope, self.document, self.access, self.deletion]
        makers.append(lambda: self.account(self.dice.choice(PEOPLE)))
        record = self.dice.choice(makers)()
        return record | ({"revision": self.dice.randint(1, 9)} if self.dice.random() < 0.2 else {})

    def change(self) -> None:
        source = self.dice.choice(SOURCES)
        if self.dice.random() < 0.6:
            self.world.push(source, self.record(), self.now)
        elif self.dice.random() < 0.5:
            self.world.page(source, [self.record() for _ in range(4)], self.now)
        else:
            with suppress(KeyError, ValueError):
                self.operate(source)

    def operate(self, source: str) -> None:
        world, person, document = self.world, self.dice.choice(PEOPLE), self.dice.choice(DOCUMENTS)
        until = self.now + self.dice.randint(-1, 5) * HOUR
        operations: list[Callable[[], object]] = [
            lambda: world.set_active(person, self.dice.random() < 0.8),
            lambda: world.set_external(person, self.dice.random() < 0.3),
            lambda: world.change_address(person, f"{self.dice.choice(PEOPLE)}@x", self.dice.random() < 0.9),
            lambda: world.pause(source),
            lambda: world.resume(source),
            lambda: world.set_vouching(source, self.dice.random() < 0.8),
            lambda: world.set_max_age(source, self.dice.choice([None, 2 * HOUR])),
            lambda: world.verified(source, self.now),
            lambda: world.revoke_link(source, person, person),
            lambda: world.confirm_address(f"{self.dice.choice(PEOPLE)}@x", person),
            lambda: world.parsed(source, document),
            lambda: world.hold(source, document),
            lambda: world.release(source, document),
            lambda: world.quarantine(source, document),
            lambda: world.break_glass(person, document=(source, document), until=until, now=self.now),
            lambda: world.break_glass(person, scope=(source, self.dice.choice(SCOPES)), until=until, now=self.now),
            lambda: world.end_glass(self.dice.choice([*world.glasses, 0])),
            lambda: self.readers.append(world.reads(person, self.some(SOURCES, 2))),
            lambda: self.make_again(source),
        ]
        self.now += self.dice.randint(0, 1) * HOUR / 3
        self.dice.choice(operations)()

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
        may = {key for key in chance.documents() if top_down.may_read(chance.world, reader, key, chance.now).allowed}
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


def test_in_random_worlds_every_rule_decides_both_ways() -> None:
    decided: dict[bool, set[str]] = {True: set(), False: set()}
    for seed in range(60):
        chance = Chance(seed)
        for _ in range(40):
            chance.change()
        for reader in [*map(Reader, PEOPLE), *chance.readers]:
            for key in chance.documents():
                allowed = top_down.may_read(chance.world, reader, key, chance.now).allowed
                decided[allowed] |= top_down.decisive_rules(chance.world, reader, key, chance.now)
    assert decided[False] == set(top_down.RULES)
    assert decided[True] == set(top_down.RULES) - {"P1"}

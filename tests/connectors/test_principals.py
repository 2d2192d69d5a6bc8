"""The closure over groups equals a recomputation from the edges, whatever order they came and went in."""

import random
from collections import defaultdict

import pytest

from accounts.models import Closure, Membership, Principal
from accounts.principals import closure_differences
from accounts.statements import rows
from tests.cast import World

pytestmark = pytest.mark.django_db


def recomputed() -> set[tuple[int, int]]:
    """Every (holder, group) pair that the edges between groups lead to, by plain search."""
    above: dict[int, set[int]] = defaultdict(set)
    for member, group, kind in Membership.objects.values_list("member", "group", "member__kind"):
        if kind != Principal.Kind.USER:
            above[member].add(group)
    pairs: set[tuple[int, int]] = set()
    for start in list(above):
        waiting, seen = list(above[start]), set()
        while waiting:
            group = waiting.pop()
            if group not in seen:
                seen.add(group)
                waiting.extend(above.get(group, ()))
        pairs |= {(start, group) for group in seen if group != start}
    return pairs


def stored() -> set[tuple[int, int]]:
    return set(Closure.objects.values_list("holder", "group"))


@pytest.mark.parametrize("seed", range(4))
def test_the_closure_follows_random_changes(seed: int) -> None:
    chance = random.Random(seed)
    world = World.of("ann", "bob")
    names = [f"g{number}" for number in range(8)]
    for _ in range(40):
        name = chance.choice(names)
        if chance.random() < 0.2:
            world.delete("principal", name)
        else:
            members = chance.sample([*names, "ann", "bob", "*", "everyone"], chance.randint(0, 4))
            world.group(name, *members)
        assert stored() == recomputed()
        assert closure_differences() == 0


def test_people_are_not_in_the_closure() -> None:
    world = World.of("ann")
    world.group("team", "ann")
    world.group("staff", "team")
    people = Principal.objects.filter(kind=Principal.Kind.USER)
    assert not Closure.objects.filter(holder__in=people).exists()


def test_a_name_that_turns_out_to_be_a_person_leaves_the_closure() -> None:
    world = World.of("ann")
    world.group("team", "bob")
    world.group("staff", "team")
    world.join("bob")
    world.document("plan", grants=["staff"])
    assert world.readers("plan") == {"bob"}
    assert stored() == recomputed()


def test_a_person_who_is_not_active_holds_nothing() -> None:
    world = World.of("ann")
    ann = world.people["ann"]
    assert rows("SELECT count(*) FROM gatehouse_principals(%s)", [ann.pk])[0][0] > 0
    ann.is_active = False
    ann.save()
    assert rows("SELECT count(*) FROM gatehouse_principals(%s)", [ann.pk])[0][0] == 0

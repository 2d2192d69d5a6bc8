"""The closure over groups equals a recomputation from the edges, whatever order they came and went in."""

import random
from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Closure, Membership, Principal
from accounts.principals import closure_differences
from accounts.statements import rows
from connectors.applying import apply_page
from connectors.models import SyncRun
from connectors.records import Deletion, Entry, PrincipalRecord
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


@pytest.mark.parametrize("seed", range(3))
def test_the_closure_follows_changes_that_are_committed_together(seed: int) -> None:
    """Whole pages of changed groups, some of them limited in time, cycles and people who came late among them."""
    chance = random.Random(seed)
    world = World.of("ann")
    run = SyncRun.objects.create(source=world.source, fence=world.source.fence)
    names = [f"g{number}" for number in range(9)]
    ends = [None, *(timezone.now() + timedelta(days=days) for days in (1, 2, 3))]
    for _ in range(25):
        apply_page(run, [some_change(chance, names, ends) for _ in range(chance.randint(1, 5))], {})
        assert stored() == recomputed()
        assert closure_differences() == 0


def some_change(chance: random.Random, names: list[str], ends: list[datetime | None]) -> PrincipalRecord | Deletion:
    name = chance.choice(names)
    if chance.random() < 0.2:
        return Deletion(kind="principal", id=name)
    if chance.random() < 0.15:
        return PrincipalRecord(id=name, kind="user", external=chance.random() < 0.5)
    members = chance.sample([*names, "ann", "*", "everyone"], chance.randint(0, 4))
    entries = tuple(Entry(id=member, until=chance.choice(ends)) for member in members)
    return PrincipalRecord(id=name, kind="group", members=entries)


def test_a_group_sent_again_as_it_is_changes_nothing() -> None:
    world = World.of("ann")
    world.group("team", "ann", "late")
    before = list(Membership.objects.order_by("id").values())
    world.group("team", "ann", "late")
    assert list(Membership.objects.order_by("id").values()) == before


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

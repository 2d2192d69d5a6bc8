"""What is stored twice is equal, and a difference is seen."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Closure, Membership
from accounts.statements import execute
from connectors.corpus import soundness
from connectors.models import Scope
from tests.cast import World, until

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = World.of("ann", "bob")
    world.group("team", "ann")
    world.group("staff", until(timezone.now() + timedelta(days=1), "team"))
    world.folder("f", ["staff"], restrictions=[["ann", "bob"]])
    world.folder("g", parent="f", deny=["bob"])
    world.document("plan", "g", grants=["bob"])
    return world


def test_a_world_that_came_through_the_door_is_sound(world: World) -> None:
    assert soundness.findings() == []


def test_a_row_that_opens_is_seen(world: World) -> None:
    Closure.objects.update(until=None)
    assert "closure" in soundness.findings()[0]


def test_a_scope_that_opens_is_seen(world: World) -> None:
    wider = Scope.past_the_guard.get(external_id="f").acl_id
    Scope.past_the_guard.filter(external_id="g").update(acl=wider)
    assert "scopes" in soundness.findings()[0]


def test_what_was_changed_behind_the_history_is_seen(world: World) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE accounts_membership DISABLE TRIGGER USER")
    Membership.objects.filter(until__isnull=False).update(until=None)
    assert "history" in soundness.findings()[-1]

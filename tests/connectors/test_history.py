"""Every fact that rights are made of is remembered, at once, and nobody changes the memory."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.db.utils import IntegrityError
from django.utils import timezone

from accounts import identity, provisioning
from accounts.models import IdentityLink, User
from accounts.statements import execute, rows
from connectors import adding
from connectors.applying import hide
from connectors.corpus import history
from connectors.corpus.breaking_glass import break_glass, end
from connectors.corpus.wall import reading_as
from connectors.models import BreakGlass, Document, Source
from tests.cast import World, until
from tests.connectors.remembering import later

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


def opened(world: World) -> BreakGlass:
    plan = Document.past_the_guard.get(external_id="plan").public_id
    tomorrow = timezone.now() + timedelta(days=1)
    return break_glass(
        user=world.people["bob"], given_by=world.people["ann"], reason="Audit.", until=tomorrow, document=plan
    )


CHANGES: dict[str, tuple[str, Callable[[World], Any]]] = {
    "a member more": ("membership", lambda world: world.group("team", "ann", "bob")),
    "a member less": ("membership", lambda world: world.group("team")),
    "an end of a membership": ("membership", lambda world: world.group("team", until(timezone.now(), "ann"))),
    "a link that is revoked": (
        "link",
        lambda world: identity.revoke(IdentityLink.objects.get(user=world.people["ann"])),
    ),
    "a person who joins": ("user", lambda world: world.join("carol")),
    "a person who is deactivated": ("user", lambda world: provisioning.deactivate(world.people["ann"])),
    "a person who turns out to be external": ("user", lambda world: User.objects.update(external=True)),
    "a principal that is deleted": ("principal", lambda world: world.delete("principal", "team")),
    "a principal nobody introduced": ("principal", lambda world: world.folder("f", ["nobody yet"])),
    "a source more": ("source", lambda world: adding.add_source("more", kind="push")),
    "a source that is paused": ("source", lambda world: adding.pause(world.source)),
    "a source that is verified": (
        "source",
        lambda world: Source.objects.update(permissions_verified_at=timezone.now()),
    ),
    "a source that is deleted": ("directory", lambda world: adding.delete_source(world.source)),
    "a folder's list": ("scope", lambda world: world.folder("f", ["bob"])),
    "a folder's list that is new": ("entries", lambda world: world.folder("f", ["bob"])),
    "a folder that is detached": ("scope", lambda world: world.folder("g", parent="f", inherits=False)),
    "a folder that is hidden": ("scope", lambda world: hide(world.source, "scope", "f")),
    "a document that moves": ("document", lambda world: world.reshare("document", "plan", "f")),
    "a document more": ("document", lambda world: world.document("more", "f")),
    "a document that is deleted": ("document", lambda world: world.delete("document", "plan")),
    "break-glass": ("glass", opened),
    "break-glass that is ended": ("glass", lambda world: end(opened(world))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_remembered_in_its_transaction(world: World, change: str) -> None:
    kind, make = CHANGES[change]
    before = later()
    make(world)
    remembered = {kind for (kind,) in rows("SELECT kind FROM connectors_history WHERE at > %s", [before])}
    assert kind in remembered
    assert history.differences() == 0


UNCHANGED: dict[str, Callable[[World], Any]] = {
    "a source's lease": lambda world: Source.objects.update(lease_until=timezone.now()),
    "a sign-in": lambda world: User.objects.update(last_login=timezone.now()),
    "a title": lambda world: Document.past_the_guard.update(title="Another"),
    "the same list": lambda world: world.folder("g", parent="f", deny=["bob"]),
    "the same group": lambda world: world.group("team", "ann"),
}


@pytest.mark.parametrize("deed", UNCHANGED)
def test_what_gives_nobody_a_right_is_not_remembered(world: World, deed: str) -> None:
    before = later()
    UNCHANGED[deed](world)
    assert rows("SELECT kind, state FROM connectors_history WHERE at > %s", [before]) == []


def test_all_that_a_transaction_does_has_one_moment(world: World) -> None:
    before = later()
    with transaction.atomic():
        world.folder("f", ["bob"])
        world.delete("document", "plan")
        with pytest.raises(ZeroDivisionError):
            undone(world)
        provisioning.deactivate(world.people["ann"])
    moments = rows("SELECT count(DISTINCT at), count(DISTINCT kind) FROM connectors_history WHERE at > %s", [before])
    assert moments[0][0] == 1
    assert moments[0][1] > 3
    assert history.differences() == 0


@transaction.atomic
def undone(world: World) -> None:
    world.group("team")
    raise ZeroDivisionError


@pytest.mark.parametrize("forged", ["2001-01-01 00:00:00+00", "2999-01-01 00:00:00+00"])
def test_a_moment_outside_the_transaction_is_not_believed(world: World, forged: str) -> None:
    before = later()
    rows("SELECT set_config('gatehouse.moment', %s, true)", [forged])
    world.group("team")
    assert rows("SELECT count(*) FROM connectors_history WHERE at > %s AND at <= clock_timestamp()", [before])[0][0]
    assert not rows("SELECT FROM connectors_history WHERE at::text = %s", [forged])


@pytest.mark.parametrize(
    "change",
    ["UPDATE connectors_history SET state = NULL", "DELETE FROM connectors_history", "TRUNCATE connectors_history"],
)
def test_the_memory_is_not_changed(world: World, change: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        execute(change)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM connectors_history",
        "SELECT FROM connectors_history_facts",
        "INSERT INTO connectors_history (at, kind, subject) VALUES (now(), 'user', 1)",
        "SELECT gatehouse_remember_the_end('user')",
    ],
)
def test_whoever_serves_the_web_neither_reads_nor_writes_it(world: World, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), reading_as(world.reader("ann")):
        execute(statement)


def test_what_the_web_changes_is_remembered_all_the_same(world: World) -> None:
    before = later()
    with reading_as(world.reader("ann")):
        User.objects.filter(pk=world.people["bob"].pk).update(is_active=False)
    assert rows("SELECT kind FROM connectors_history WHERE at > %s", [before]) == [("user",)]


def test_a_table_of_the_session_is_not_taken_for_the_history(world: World) -> None:
    execute("CREATE TEMPORARY TABLE connectors_history (at timestamptz, kind text, subject bigint, state jsonb)")
    world.group("team")
    execute("DROP TABLE pg_temp.connectors_history")
    assert history.differences() == 0


def test_a_fact_that_is_not_as_remembered_is_seen(world: World) -> None:
    execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is left to be checked stands in the way of the next statement
    execute("ALTER TABLE accounts_membership DISABLE TRIGGER USER")
    execute("DELETE FROM accounts_membership WHERE until IS NOT NULL")
    assert history.differences() == 1


def test_the_memory_outlives_what_it_tells_of(world: World) -> None:
    plan = Document.past_the_guard.get(external_id="plan")
    before = later()
    adding.delete_source(world.source)
    assert history.bearings(plan.public_id).document == plan.pk
    assert history.document_by_external_id("docs", "plan", before) == plan.pk
    assert history.latest("document", [plan.pk], before)[plan.pk]["state"] == "live"
    assert history.latest("document", [plan.pk], None) == {}


def test_a_name_means_what_it_meant_then(world: World) -> None:
    first = Document.past_the_guard.get(external_id="plan").pk
    before = later()
    world.delete("document", "plan")
    between = later()
    world.document("plan", "f")
    second = Document.past_the_guard.get(external_id="plan", state="live").pk
    assert first != second
    assert history.document_by_external_id("docs", "plan", before) == first
    assert history.document_by_external_id("docs", "plan", between) == first
    assert history.document_by_external_id("docs", "plan", None) == second
    assert history.document_by_external_id("docs", "another", None) is None


@pytest.mark.django_db(transaction=True)
def test_an_emptied_table_is_remembered_as_empty() -> None:
    world = World.of("ann")
    world.document("plan", grants=["ann"])
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE connectors_document CASCADE")
    assert history.differences() == 0


@pytest.mark.django_db(transaction=True)
def test_the_later_writer_of_a_fact_has_the_last_word() -> None:
    """A transaction that began earlier and wrote later: its moment is the earlier one, its word stands."""
    world = World.of("ann", "bob")
    bob = world.people["bob"]
    with transaction.atomic():
        world.group("team", "ann")  # takes the moment
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [bob.pk])
        finally:
            other.close()
        User.objects.filter(pk=bob.pk).update(is_active=True)
    assert history.latest("user", [bob.pk], None)[bob.pk]["active"] is True
    assert history.latest("user", [bob.pk], timezone.now())[bob.pk]["active"] is True
    assert history.differences() == 0


def test_members_are_found_over_any_number_of_steps(world: World) -> None:
    ann = IdentityLink.objects.get(user=world.people["ann"]).account_id
    steps = {(edge.member, edge.group): edge.until for edge in history.edges([ann], None)}
    assert sum(end is not None for end in steps.values()) == 1
    assert len(steps) == 3  # everyone of the source, team, and staff by team

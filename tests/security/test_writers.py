"""Writers against writers: whatever the order of their statements, the outcome is that of one after the other.

Both commit for real, on connections of their own. Afterwards what is stored twice equals what it is computed
from, and who may read what is what one of the two serial orders leads to.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from accounts import identity, principals, provisioning
from accounts.models import AddressClaim, IdentityLink, User
from connectors import adding
from connectors.applying import apply_page
from connectors.corpus import soundness
from connectors.models import Source, SyncRun
from connectors.records import ScopeRecord
from tests.cast import World, access, person
from tests.security.turns import Run, Schedule, interleavings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pooled")]

Act = Callable[[World], Any]

# What looks around before it takes the lock can be interrupted in hundreds of ways: SWITCHES=3 tries nearly all.
SWITCHES = int(os.environ.get("SWITCHES", "1"))


@dataclass(frozen=True)
class Pair:
    """Two changes of one world, made at the same time."""

    given: Act
    one: Act
    other: Act
    switches: int | None = None  # None: every order; else those with at most so many needless switches


@dataclass(frozen=True)
class Outcome:
    """Who may read each document, and which of the two was refused."""

    readers: tuple[tuple[str, frozenset[str]], ...]
    errors: tuple[str, ...]


# --- the pairs ----------------------------------------------------------------------------------------


def chain(*edges: str, document: str = "d") -> Act:
    """Groups a to d, Ann in a; "ab" puts a into b. The document is for `document`."""

    def given(world: World) -> None:
        world.group("a", "ann", *into(edges, "a"))
        for group in "bcd":
            world.group(group, *into(edges, group))
        world.document("plan", grants=[document])

    return given


def into(edges: tuple[str, ...], group: str) -> list[str]:
    return [edge[0] for edge in edges if edge[1] == group]


def members(group: str, *names: str) -> Act:
    return lambda world: world.group(group, *names)


def folders(world: World) -> None:
    world.folder("x", ["ann"])
    world.folder("y", ["bob"])
    world.folder("z", ["carol"], parent="y")
    world.document("plan", "x")
    world.document("page", "z")


def folders_and_a_group(world: World) -> None:
    folders(world)
    world.group("a", "ann")


def folder(name: str, *grants: str, **lists: Any) -> Act:
    return lambda world: world.folder(name, grants, **lists)


def shared(name: str, place: str | None, *grants: str, **lists: Any) -> Act:
    return lambda world: world.reshare("document", name, place, grants, **lists)


def document(name: str, place: str | None, *grants: str, text: str = "") -> Act:
    return lambda world: world.document(name, place, grants, text=text)


def account(name: str, email: str | None = "") -> Act:
    return lambda world: world.account(name, email=email)


def deleted(kind: Any, name: str) -> Act:
    return lambda world: world.delete(kind, name)


def address(name: str, email: str) -> Act:
    return lambda world: provisioning.change_address(world.people[name], email, verified=True)


def revoked(name: str) -> Act:
    links = IdentityLink.objects.select_related("account")
    return lambda world: identity.revoke(links.get(user=world.people[name], ended_at=None))


def vouching(vouches: bool) -> Act:
    return lambda world: identity.set_vouching(world.source.directory, vouches=vouches)


def confirmed(email: str, name: str) -> Act:
    return lambda world: identity.confirm_address(email, world.people[name])


def joining(world: World) -> None:
    world.people["dora"] = person("dora")


def for_ann(world: World) -> None:
    world.document("plan", grants=["ann"])
    world.document("page", grants=["second"])


def nobody_linked(world: World) -> None:
    for_ann(world)
    world.account("ann", email=None)


def nobody_vouches(world: World) -> None:
    for_ann(world)
    identity.set_vouching(world.source.directory, vouches=False)


def page(world: World) -> None:
    run = SyncRun.objects.create(source=world.source, fence=world.source.fence)
    lists = (("x", "bob"), ("y", "carol"))
    apply_page(run, [ScopeRecord(id=id, name=id, parent=None, access=access([name])) for id, name in lists], {})


MEMBERSHIPS = {
    "add and add": Pair(chain("cd"), members("b", "a"), members("c", "b")),
    "add and remove": Pair(chain("ab", "cd"), members("b"), members("c", "b")),
    "remove and remove": Pair(chain("ab", "bc", "cd"), members("b"), members("c")),
    "remove at both ends": Pair(chain("ab", "bc", "cd"), members("b"), members("d")),
    "two ways in, both removed": Pair(chain("ab", "bd", "ac", "cd"), members("b"), members("c")),
    "a cycle closed and opened": Pair(chain("ab", "bc"), members("a", "ann", "c"), members("b")),
    "one group twice": Pair(chain("ab", "bd"), members("b"), members("b", "a", "bob")),
    "a group deleted and put in another": Pair(chain("ab"), deleted("principal", "b"), members("d", "b")),
    "a group made that was named before": Pair(
        lambda world: world.document("plan", grants=["new"]), members("new", "ann"), members("d", "new")
    ),
}
LINKS = {
    "a link revoked, the account sent": Pair(for_ann, revoked("ann"), account("ann")),
    "a link revoked, the account without an address": Pair(for_ann, revoked("ann"), account("ann", None)),
    "an account made and made again": Pair(for_ann, account("second", "ann@example.org"), account("second", None)),
    "vouching ended, an account made": Pair(for_ann, vouching(False), account("second", "ann@example.org")),
    "vouching begun, an account made": Pair(nobody_vouches, vouching(True), account("second", "ann@example.org")),
    "an address confirmed for another, its account sent": Pair(
        for_ann, confirmed("ann@example.org", "bob"), account("second", "ann@example.org"), SWITCHES
    ),
    "an address confirmed for another, a link revoked": Pair(
        for_ann, confirmed("ann@example.org", "bob"), revoked("ann"), SWITCHES
    ),
}
ADDRESSES = {
    "an address given up, an account made with it": Pair(
        for_ann, address("ann", "other@example.org"), account("second", "ann@example.org"), SWITCHES
    ),
    "an address given up that linked nothing yet, an account made with it": Pair(
        nobody_linked, address("ann", "other@example.org"), account("second", "ann@example.org"), SWITCHES
    ),
    "an address taken that linked nothing yet, an account made with it": Pair(
        nobody_linked, address("ann", "other@example.org"), account("second", "other@example.org"), SWITCHES
    ),
    "an address taken, an account made with it": Pair(
        for_ann, address("ann", "other@example.org"), account("second", "other@example.org"), SWITCHES
    ),
    "an address given up, its account sent": Pair(
        for_ann, address("ann", "other@example.org"), account("ann"), SWITCHES
    ),
    "a person made, an account made": Pair(for_ann, joining, account("second", "dora@example.org"), SWITCHES),
}
SCOPES = {
    "two parents that close a cycle": Pair(folders, folder("x", parent="z"), folder("y", parent="x")),
    "a folder and the one above it": Pair(folders, folder("y", "ann"), folder("z", "bob", parent="y")),
    "a folder moved, the new parent shared": Pair(folders, folder("z", parent="x"), folder("x", "bob")),
    "a folder detached, its parent shared": Pair(
        folders, folder("z", "carol", parent="y", inherits=False), folder("y", "ann")
    ),
    "a folder deleted, another moved into it": Pair(folders, deleted("scope", "x"), folder("z", parent="x")),
    "a folder shared with a group that is deleted": Pair(
        folders_and_a_group,
        folder("y", "a"),
        deleted("principal", "a"),
    ),
    "a page of a sync, a push": Pair(folders, page, folder("x", "carol", parent="y")),
}
DOCUMENTS = {
    "a folder shared, a document moved into it": Pair(folders, folder("y", "ann"), shared("plan", "y")),
    "a folder closed, a document moved out of it": Pair(folders, folder("x", "bob"), shared("plan", "z", "ann")),
    "moved and moved": Pair(folders, shared("plan", "y"), shared("plan", "z", "ann", inherits=False)),
    "sent and deleted": Pair(folders, document("plan", "y", text="What is new."), deleted("document", "plan")),
    "made and deleted": Pair(folders, document("new", "y"), deleted("document", "new")),
    "sent and sent": Pair(folders, document("plan", "y", text="One."), document("plan", "z", text="Another.")),
    "sent and moved": Pair(folders, document("plan", "x", text="What is new."), shared("plan", "z")),
    "made and made": Pair(folders, document("new", "x"), document("new", "y")),
}


def gone(world: World) -> None:
    adding.delete_source(world.source)


SOURCES = {
    "a source deleted, a document sent": Pair(folders, gone, document("plan", "y", text="What is new.")),
    "a source deleted, a folder shared": Pair(folders, gone, folder("x", "bob")),
    "a source deleted, a group changed": Pair(chain("ab", "bd"), gone, members("b", "bob")),
    "a source deleted, an account sent": Pair(for_ann, gone, account("second", "ann@example.org")),
    "a source deleted, vouching ended": Pair(for_ann, gone, vouching(False)),
}
PAIRS = {
    f"{kind}: {name}": pair
    for kind, pairs in (
        ("memberships", MEMBERSHIPS),
        ("links", LINKS),
        ("addresses", ADDRESSES),
        ("scopes", SCOPES),
        ("documents", DOCUMENTS),
        ("sources", SOURCES),
    )
    for name, pair in pairs.items()
}


# --- the runs -------------------------------------------------------------------------------------------


def world_of(pair: Pair) -> World:
    """A world made anew, with nothing of the one before."""
    for source in Source.objects.all():
        adding.delete_source(source)
    AddressClaim.objects.all().delete()
    User.objects.all().delete()
    world = World.of("ann", "bob", "carol")
    pair.given(world)
    return world


def outcome(world: World, errors: tuple[str, ...]) -> Outcome:
    read = {name: world.reads(name) for name in world.people}
    documents = sorted(set().union(*read.values()))
    readers = ((document, frozenset(name for name in read if document in read[name])) for document in documents)
    return Outcome(tuple(readers), errors)


def in_turn(pair: Pair, *, reverse: bool) -> Outcome:
    """One after the other, each to its end."""
    world = world_of(pair)
    errors = []
    for act in (pair.other, pair.one) if reverse else (pair.one, pair.other):
        try:
            act(world)
            errors.append("")
        except Exception as error:
            errors.append(type(error).__name__)
    return outcome(world, tuple(reversed(errors)) if reverse else tuple(errors))


def faults(pair: Pair) -> tuple[list[str], int]:
    """What went wrong in which order of the steps, and how many orders there were."""
    serial = {in_turn(pair, reverse=False), in_turn(pair, reverse=True)}
    worlds: list[World] = []

    def run(schedule: Schedule) -> Run:
        world = world_of(pair)
        worlds.append(world)
        return Run([lambda: pair.one(world), lambda: pair.other(world)], schedule).conduct()

    found = []
    for done in interleavings(run, switches=pair.switches):
        order = "".join(str(step.chosen) for step in done.steps)
        found += [f"{order}: {finding}" for finding in soundness.findings()]
        if (result := outcome(worlds[-1], done.errors)) not in serial:
            found.append(f"{order}: {result} is none of {serial}")
    return found, len(worlds)


@pytest.mark.parametrize("name", PAIRS)
def test_the_outcome_is_that_of_one_after_the_other(name: str) -> None:
    found, orders = faults(PAIRS[name])
    print(f"{name}: {orders} orders")
    assert found == []
    assert orders >= 2


UNSOUND_WITHOUT_A_LOCK = (
    "memberships: add and add",
    "memberships: add and remove",
    "scopes: two parents that close a cycle",
    "scopes: a folder moved, the new parent shared",
)


@pytest.mark.parametrize("name", UNSOUND_WITHOUT_A_LOCK)
def test_without_the_lock_there_is_an_order_that_goes_wrong(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side of it: these runs see what the lock is for."""
    monkeypatch.setattr(principals, "lock", lambda directory_id: None)
    found, orders = faults(replace(PAIRS[name], switches=1))
    print(f"{name}: {len(found)} faults in {orders} orders; {found[:1]}")
    assert found

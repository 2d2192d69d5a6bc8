"""Why a person may or may not read a document, now and then; and that the reasons lead where the guard stands."""

import itertools
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts import identity, provisioning
from accounts.models import Directory, IdentityLink, User
from accounts.reader import Reader
from accounts.statements import execute
from connectors import adding
from connectors.applying import hide
from connectors.corpus import explaining, reach
from connectors.corpus.breaking_glass import break_glass, end
from connectors.corpus.explaining import OutsideTheHistory, Unknown, explain
from connectors.corpus.explanation import Explanation
from connectors.corpus.wall import reading_as
from connectors.models import BreakGlass, Document, Scope, Source
from connectors.records import Entry
from tests.cast import World, person, until
from tests.connectors.remembering import later
from tests.security.revoking import NAME, document, ways

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
EVERY_SOURCE = Directory.objects.all()
WAYS = ways("canary")


def id_of(name: str) -> UUID:
    return Document.past_the_guard.filter(external_id=name).order_by("-pk")[0].public_id


def why(world: World, name: str, document: str, at: datetime | None = None) -> Explanation:
    explanation = explain(world.people[name].pk, id_of(document), at)
    assert not explanation.disagrees
    assert explanation.reasons
    return explanation


# --- every way in which a right is lost -----------------------------------------------------------------

RULES = {
    "a group": "P4",
    "a group that is deleted": "P4",
    "a group in a group": "P4",
    "a group in a group in a group": "P4",
    "a folder's list": "P4",
    "a folder that denies": "P4",
    "a folder in between that is detached": "P4",
    "a folder in between that is restricted": "P4",
    "a folder that is deleted": "P5",
    "another folder": "P5",
    "the document's own list": "P4",
    "the document, sent again for others": "P4",
    "everyone": "P4",
    "a link an administrator ends": "P4",
    "an account without the address": "P4",
    "an account that is deleted": "P4",
    "a person who is deactivated": "P1",
    "a person who is made inactive": "P1",
    "a person whose address is in doubt": "P1",
    "a source that is paused": "P7",
    "a document that is deleted": "P6",
}


@pytest.mark.parametrize("way", RULES)
def test_what_was_lost_is_explained_and_what_was_had_is_not_forgotten(way: str) -> None:
    world = World.of("ann", "bob")
    WAYS[way].give(world)
    before = later()
    assert why(world, "ann", NAME).decision == "allowed"
    WAYS[way].take(world)
    now = why(world, "ann", NAME)
    assert (now.decision, now.rules[0]) == ("denied", RULES[way])
    then = why(world, "ann", NAME, before)
    assert then.decision == "allowed"
    assert then.rules[0] == "P4"


def test_a_document_of_a_source_that_is_gone_is_still_explained() -> None:
    world = World.of("ann")
    WAYS["the document's own list"].give(world)
    id = id_of(NAME)
    before = later()
    adding.delete_source(world.source)
    now, then = explain(world.people["ann"].pk, id), explain(world.people["ann"].pk, id, before)
    assert (now.decision, now.rules[0], now.source) == ("denied", "P6", "docs")
    assert (then.decision, then.source) == ("allowed", "docs")


def test_every_way_is_explained() -> None:
    assert set(WAYS) - set(RULES) == {"a source that is deleted"}


# --- the chain ------------------------------------------------------------------------------------------


def texts(explanation: Explanation, rule: str) -> str:
    return " ".join(reason.text for reason in explanation.reasons if reason.rule == rule)


def test_the_chain_names_the_account_the_groups_and_the_scopes() -> None:
    world = World.of("ann")
    tomorrow = timezone.now() + timedelta(days=1)
    world.group("team", "ann")
    world.group("staff", until(tomorrow, "team"))
    world.folder("top", ["staff", "boss"])
    world.folder("page", parent="top", restrictions=[["team", "other"]])
    world.document("plan", "page")
    found = why(world, "ann", "plan")
    top, page = (Scope.past_the_guard.get(external_id=id).pk for id in ("top", "page"))
    assert [account.external_id for account in found.accounts] == ["ann"]
    assert [place.scope for place in found.places] == [page, top]
    grants, restriction = found.clauses
    assert [step.principal.external_id for step in grants.path] == ["ann", "team", "staff"]
    assert [step.until for step in grants.path] == [None, None, tomorrow]
    assert (grants.kind, grants.entries, grants.scopes) == ("grants", 2, (top,))
    assert (restriction.kind, restriction.met, restriction.scopes) == ("restriction", True, (page,))
    assert texts(found, "P5") == f"The list is that of scope {top}, above."
    assert "account ann (docs) → group team (docs) → group staff (docs), until " in texts(found, "P2")


def test_of_two_ways_the_shorter_is_told() -> None:
    world = World.of("ann")
    world.group("a", "ann")
    world.group("b", "a")
    world.group("c", "b", "ann")
    world.document("plan", grants=["c"])
    [grants] = why(world, "ann", "plan").clauses
    assert [step.principal.external_id for step in grants.path] == ["ann", "c"]


def test_groups_in_a_ring_are_no_endless_way() -> None:
    world = World.of("ann", "bob")
    world.group("a", "ann", "c")
    world.group("b", "a")
    world.group("c", "b")
    world.document("plan", grants=["c"])
    assert why(world, "ann", "plan").decision == "allowed"
    assert why(world, "bob", "plan").decision == "denied"


def test_scopes_in_a_ring_admit_nobody() -> None:
    world = World.of("ann")
    world.folder("a", ["ann"])
    world.folder("b", ["ann"], parent="a")
    world.document("plan", "b")
    ids = dict(Scope.past_the_guard.values_list("external_id", "pk"))
    Scope.past_the_guard.filter(pk=ids["a"]).update(parent=ids["b"], acl=None)
    Scope.past_the_guard.filter(pk=ids["b"]).update(acl=None)
    assert why(world, "ann", "plan").rules == ("P5",)


def test_ends_are_judged_by_the_time_that_is_asked_about() -> None:
    world = World.of("ann")
    soon = timezone.now() + timedelta(milliseconds=300)
    world.group("team", until(soon, "ann"))
    world.document("by group", grants=["team"])
    world.document("by grant", grants=[until(soon, "ann")])
    before = later()
    while timezone.now() <= soon:
        time.sleep(0.05)
    assert why(world, "ann", "by group").rules[0] == "P17"
    assert "The grant to account ann (docs) ended" in texts(why(world, "ann", "by grant"), "P17")
    for name in ("by group", "by grant"):
        assert why(world, "ann", name, before).decision == "allowed"
        assert why(world, "ann", name, soon).decision == "denied", "an end is no longer in force at its time"


def test_a_group_that_was_replaced_is_named_as_such() -> None:
    world = World.of("ann")
    world.group("team", "ann")
    world.folder("f", ["team"])
    world.document("plan", "f")
    world.delete("principal", "team")
    world.group("team", "ann")
    assert why(world, "ann", "plan").rules[0] == "P3"


def test_other_reasons_are_told() -> None:
    world = World.of("ann", "bob")
    outsider = person("eve", external=True)
    world.people["eve"] = outsider
    world.folder("hidden", ["ann"])
    hide(world.source, "scope", "hidden")
    world.document("in hidden", "hidden")
    world.document("for nobody", "hidden", inherits=False)
    world.document("for all", grants=["everyone"])
    world.document("deny unknown", grants=["ann"], deny=["who"])
    assert "not known" in texts(why(world, "ann", "in hidden"), "P4")
    assert "Nobody is granted" in texts(why(world, "ann", "for nobody"), "P4")
    assert "external" in texts(why(world, "eve", "for all"), "P2")
    assert "No account" in texts(why(world, "eve", "for all"), "P13")
    assert "has not introduced" in texts(why(world, "ann", "deny unknown"), "P4")
    world.document("deny bob", grants=["everyone"], deny=["bob"])
    assert "no account in this source" in texts(why(world, "eve", "deny bob"), "P4")
    assert "denied: account bob" in texts(why(world, "bob", "deny bob"), "P4")
    Source.objects.update(permissions_verified_at=timezone.now() - HOUR, max_permission_age=timedelta(minutes=1))
    assert why(world, "ann", "for all").rules == ("P7",)


def test_break_glass_is_told_and_remembered() -> None:
    world = World.of("ann", "bob")
    world.folder("f", ["bob"])
    world.folder("g", parent="f")
    world.document("plan", "g")
    tomorrow = timezone.now() + timedelta(days=1)
    glass = break_glass(
        user=world.people["ann"], given_by=world.people["bob"], reason="Audit.", until=tomorrow, scope=("docs", "f")
    )
    during = later()
    found = why(world, "ann", "plan")
    assert (found.rules, found.glass) == (("P12",), (glass.pk,))
    end(glass)
    assert why(world, "ann", "plan").decision == "denied"
    assert why(world, "ann", "plan", during).rules == ("P12",)


def test_break_glass_above_what_is_detached_is_not_named() -> None:
    world = World.of("ann", "bob")
    world.folder("f", ["bob"])
    world.folder("g", ["bob"], parent="f", inherits=False)
    world.document("plan", "g")
    tomorrow = timezone.now() + timedelta(days=1)
    given: dict[str, Any] = {
        "user": world.people["ann"],
        "given_by": world.people["bob"],
        "reason": "Audit.",
        "until": tomorrow,
    }
    break_glass(**given, scope=("docs", "f"))
    found = why(world, "ann", "plan")
    assert (found.decision, found.glass) == ("denied", ())
    glass = break_glass(**given, document=id_of("plan"))
    found = why(world, "ann", "plan")
    assert (found.decision, found.glass) == ("allowed", (glass.pk,))


def test_whoever_serves_the_web_explains_as_well() -> None:
    world = World.of("ann", "bob")
    WAYS["a folder's list"].give(world)
    before, ann, bob = later(), world.people["ann"].pk, world.people["bob"].pk
    id = id_of(NAME)
    with reading_as(Reader(bob)):
        assert explain(ann, id).decision == explain(ann, id, before).decision == "allowed"
        assert explain(bob, id).decision == "denied"
        assert explaining.document_named("docs", NAME) == id
        assert reach.readers_of(id).people == (ann,)
        assert [found.id for found in reach.documents_of(ann, EVERY_SOURCE)] == [id]
        assert reach.titles(Reader(bob), [id]) == {}
        assert reach.titles(Reader(ann), [id])[id].external_id == NAME


def test_what_never_was_cannot_be_explained() -> None:
    world = World.of("ann")
    document("x", grants=["ann"])(world)
    with pytest.raises(Unknown):
        explain(world.people["ann"].pk, uuid4())
    with pytest.raises(Unknown):
        explaining.document_named("docs", "another")
    for hours in (-10_000, 1):
        with pytest.raises(OutsideTheHistory):
            explain(world.people["ann"].pk, id_of(NAME), timezone.now() + hours * HOUR)
    assert explaining.document_named("docs", NAME) == id_of(NAME)
    nobody = explain(987_654, id_of(NAME))
    assert (nobody.decision, nobody.rules[0]) == ("denied", "P1")


def test_a_document_is_nothing_before_it_came() -> None:
    world = World.of("ann")
    before = later()
    document("x", grants=["ann"])(world)
    assert why(world, "ann", NAME, before).rules == ("P6",)


def test_a_guard_that_says_something_else_is_told_of() -> None:
    """Were a row of the condition lost behind the history's back, the explanation would not repeat the guard."""
    world = World.of("ann")
    document("x", grants=["ann"])(world)
    account = IdentityLink.objects.get().account
    User.objects.filter(pk=world.people["ann"].pk).update(principal=account)  # what the guard holds stays the same
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("ALTER TABLE accounts_identitylink DISABLE TRIGGER USER")
    execute("ALTER TABLE connectors_source DISABLE TRIGGER USER")
    Source.objects.update(enabled=False)
    found = explain(world.people["ann"].pk, id_of(NAME))
    assert found.disagrees
    assert found.decision == "denied", "what is told is what is served"


# --- random worlds --------------------------------------------------------------------------------------

NAMES = ("ann", "bob", "eve", "joe")
GROUPS = ("g0", "g1", "g2", "g3")
FOLDERS = ("f0", "f1", "f2", "f3")
DOCUMENTS = ("d0", "d1", "d2", "d3", "d4")
LISTED = (*NAMES, *GROUPS, "everyone", "*", "unknown")


class Chance:
    """Random deeds through the real entry points."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.world = World.of(*NAMES[:3])
        self.world.people["joe"] = person("joe", external=True)

    def some(self, of: tuple[str, ...] = LISTED, most: int = 3) -> list[str]:
        return self.random.sample(of, self.random.randint(0, most))

    def entries(self, of: tuple[str, ...]) -> list[str | Entry]:
        ends = (None, None, timezone.now() + HOUR, timezone.now() - HOUR)
        return [until(moment, name) if (moment := self.random.choice(ends)) else name for name in self.some(of)]

    def lists(self) -> dict[str, Any]:
        chance = self.random.random
        return {
            "grants": self.entries(LISTED),
            "restrictions": [self.some() for _ in range(self.random.choice((0, 0, 1, 2)))],
            "deny": self.some(most=1) if chance() < 0.3 else [],
            "inherits": chance() < 0.8,
        }

    def one(self, of: tuple[str, ...]) -> str:
        return self.random.choice(of)

    def maybe(self, of: tuple[str, ...]) -> str | None:
        return self.random.choice((None, *of))

    def deed(self) -> None:
        try:
            self.random.choice(self.deeds())()
        except Exception as refused:
            if type(refused).__name__ not in ("RecordRefused", "NoGlass"):
                raise

    def deeds(self) -> list[Callable[[], Any]]:
        world, person = self.world, self.world.people[self.one(NAMES)]
        active = self.random.random() < 0.7
        return [
            *[lambda: world.group(self.one(GROUPS), *self.entries((*NAMES, *GROUPS, "everyone", "*")))] * 4,
            *[lambda: world.folder(self.one(FOLDERS), parent=self.maybe(FOLDERS), **self.lists())] * 4,
            *[lambda: world.document(self.one(DOCUMENTS), self.maybe(FOLDERS), **self.lists())] * 3,
            lambda: world.reshare("document", self.one(DOCUMENTS), self.maybe(FOLDERS), **self.lists()),
            lambda: world.document(self.one(DOCUMENTS), self.one(FOLDERS)),
            lambda: world.delete("principal", self.one((*GROUPS, *NAMES))),
            lambda: world.delete("scope", self.one(FOLDERS)),
            lambda: world.delete("document", self.one(DOCUMENTS)),
            lambda: hide(world.source, "scope", self.one(FOLDERS)),
            lambda: hide(world.source, "principal", self.one(GROUPS)),
            lambda: world.account(self.one(NAMES), external=active),
            lambda: User.objects.filter(pk=person.pk).update(is_active=active),
            lambda: User.objects.filter(pk=person.pk).update(external=not active),
            lambda: Source.objects.update(enabled=active),
            lambda: Source.objects.update(max_permission_age=None if active else HOUR),
            lambda: Source.objects.update(permissions_verified_at=timezone.now() - (0 if active else 2) * HOUR),
            *[partial(identity.revoke, link) for link in IdentityLink.objects.filter(ended_at=None)[:1]],
            *[partial(end, glass) for glass in BreakGlass.objects.filter(ended_at=None)[:1]],
            lambda: self.glass(document=id_of(self.one(DOCUMENTS))),
            lambda: self.glass(scope=("docs", self.one(FOLDERS))),
        ]

    def glass(self, **what: Any) -> None:
        given_by, user = self.random.sample(sorted(self.world.people), 2)
        people = self.world.people
        tomorrow = timezone.now() + timedelta(days=1)
        break_glass(user=people[user], given_by=people[given_by], reason="Audit.", until=tomorrow, **what)


def guarded(world: World) -> dict[tuple[str, UUID], bool]:
    """What the guard says of everybody and everything."""
    ids = list(Document.past_the_guard.values_list("public_id", flat=True))
    reads = {
        name: {found.id for found in reach.documents_of(user.pk, EVERY_SOURCE)} for name, user in world.people.items()
    }
    return {(name, id): id in reads[name] for name, id in itertools.product(world.people, ids)}


@pytest.mark.parametrize("seed", range(4))
def test_explanations_say_what_the_guard_says_and_said(seed: int) -> None:
    chance = Chance(seed)
    for name in GROUPS:
        chance.world.group(name, *chance.entries(NAMES))
    for name in DOCUMENTS:
        chance.world.document(name, **chance.lists())
    told: list[tuple[datetime, dict[tuple[str, UUID], bool]]] = []
    for _ in range(5):
        for _ in range(6):
            later()
            chance.deed()
        expected = guarded(chance.world)
        told.append((later(), expected))
        for (name, id), served in expected.items():
            found = explain(chance.world.people[name].pk, id)
            assert not found.disagrees, found
            assert (found.served, bool(found.reasons)) == (served, True), found
    assert {served for _, expected in told for served in expected.values()} == {True, False}
    for at, expected in told:
        for (name, id), served in expected.items():
            found = explain(chance.world.people[name].pk, id, at)
            assert found.admitted == served, found


# --- what a person reads, and who reads a document --------------------------------------------------------


def test_pages_of_readers_and_of_documents_are_what_the_guard_says() -> None:
    world = World.of("ann", "bob")
    world.people["eve"] = person("eve")
    world.people["joe"] = person("joe", external=True)
    world.group("team", "ann")
    world.group("staff", "team")
    world.folder("f", ["staff"], restrictions=[["ann", "bob"]])
    world.document("for staff", "f")
    world.document("for all", grants=["everyone"])
    world.document("for none")
    world.document("for others", grants=["bob"], deny=["ann"])
    break_glass(
        user=world.people["joe"],
        given_by=world.people["ann"],
        reason="Audit.",
        until=timezone.now() + HOUR,
        document=id_of("for others"),
    )
    expected = guarded(world)
    for name in ("for staff", "for all", "for none", "for others"):
        wanted = [user.pk for person, user in world.people.items() if expected[person, id_of(name)]]
        assert list(reach.readers_of(id_of(name)).people) == sorted(wanted)
        assert every_reader(id_of(name), limit=1) == sorted(wanted)
    assert reach.readers_of(uuid4()).people == ()
    for person_name, user in world.people.items():
        ids = sorted(id for (who, id), served in expected.items() if served and who == person_name)
        assert [found.id for found in reach.documents_of(user.pk, EVERY_SOURCE)] == ids
        assert every_document(user.pk, limit=1) == ids


def every_reader(id: UUID, *, limit: int) -> list[int]:
    found: list[int] = []
    after = 0
    while True:
        page = reach.readers_of(id, after=after, limit=limit)
        assert len(page.people) <= limit
        found += page.people
        if page.after is None:
            return found
        after = page.after


def every_document(user_id: int, *, limit: int) -> list[UUID]:
    found: list[UUID] = []
    while page := reach.documents_of(user_id, EVERY_SOURCE, after=found[-1] if found else None, limit=limit):
        found += [each.id for each in page]
    return found


def test_a_page_of_a_document_that_few_may_read_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.of("ann")
    for number in range(12):
        person(f"p{number}")
    world.document("restricted", grants=["everyone"], restrictions=[["ann"]])
    ann = world.people["ann"].pk
    pages = []
    after: int | None = 0
    while after is not None:
        page = reach.readers_of(id_of("restricted"), after=after, limit=2)
        pages.append(page.people)
        after = page.after
    assert [id for page in pages for id in page] == [ann]
    assert len(pages) == 2, "a page examines so many and no more"
    provisioning.deactivate(world.people["ann"])
    assert every_reader(id_of("restricted"), limit=2) == []

"""What if: who would gain and who would lose what, told without changing anything."""

import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any, ClassVar

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts import principals
from accounts.models import User
from accounts.statements import rows
from connectors import adding, ingest, sync, what_if
from connectors.applying import Appliable, apply_record
from connectors.corpus.breaking_glass import break_glass
from connectors.corpus.reading import list_documents
from connectors.errors import RecordRefused
from connectors.models import Document, Source
from connectors.records import (
    AccessRecord,
    Checkpoint,
    Deletion,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    Record,
    Records,
    ScopeRecord,
    State,
)
from connectors.sources import registry
from connectors.sources.base import Connector
from connectors.what_if import CannotTell, Change, Push, Result, Sync, changes_from, tried
from tests.cast import World, access, person, until

pytestmark = pytest.mark.django_db

ALL = 1_000_000
Changes = dict[str, tuple[set[str], set[str]]]  # by name: the documents gained and lost


def told(source: Source, *changes: Change, problems: Sequence[str] = ()) -> Result:
    """What these records would do; nothing else may differ afterwards."""
    before = everything()
    with tried(Push.of(source, changes, problems), documents=ALL) as result:
        pass
    assert everything() == before
    return result


def would(world: World, *changes: Change) -> Changes:
    return by_name(told(world.source, *changes))


def by_name(result: Result) -> Changes:
    ids = {d.public_id: d.external_id for d in Document.past_the_guard.all()}
    return {
        person.email.partition("@")[0]: (
            {ids[id] for id in person.gained_documents} | set(person.new_documents),
            {ids[id] for id in person.lost_documents},
        )
        for person in result.difference.people
    }


def everything() -> dict[str, Any]:
    """Every row of every table, by what it is made of."""
    tables = [name for (name,) in rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")]
    return {name: rows(f'SELECT t::text FROM "{name}" t ORDER BY 1') for name in tables}


@pytest.fixture
def world() -> World:
    """Ann and Bob in the office, Bob in legal too; a folder, one below it for legal, and Carl who is in nothing."""
    world = World.of("ann", "bob", "carl")
    world.group("office", "ann", "bob")
    world.group("staff", "office")
    world.group("legal", "bob")
    world.folder("shelf", ["staff"])
    world.folder("cases", parent="shelf", restrictions=[["legal"]])
    world.folder("attic", ["carl"])
    world.document("handbook", "shelf")
    world.document("case", "cases")
    world.document("diary", grants=["carl"])
    return world


CASES: dict[str, tuple[list[Appliable], Changes]] = {
    "a member leaves a group": (
        [PrincipalRecord(id="office", kind="group", members=(Entry(id="bob"),))],
        {"ann": (set(), {"handbook"})},
    ),
    "a member joins a group": (
        [PrincipalRecord(id="legal", kind="group", members=(Entry(id="bob"), Entry(id="ann")))],
        {"ann": ({"case"}, set())},
    ),
    "a nested group is removed": (
        [PrincipalRecord(id="staff", kind="group", members=(Entry(id="carl"),))],
        {
            "ann": (set(), {"handbook"}),
            "bob": (set(), {"handbook", "case"}),
            "carl": ({"handbook"}, set()),
        },
    ),
    "a group is deleted": (
        [Deletion(kind="principal", id="office")],
        {"ann": (set(), {"handbook"}), "bob": (set(), {"handbook", "case"})},
    ),
    "an account is deleted": (
        [Deletion(kind="principal", id="carl")],
        {"carl": (set(), {"diary"})},
    ),
    "a folder is shared anew": (
        [AccessRecord(kind="scope", id="shelf", access=access(["carl", "legal"]))],
        {"ann": (set(), {"handbook"}), "carl": ({"handbook"}, set())},
    ),
    "a restriction is added": (
        [ScopeRecord(id="shelf", name="shelf", access=access(["staff"], restrictions=[["legal"]]))],
        {"ann": (set(), {"handbook"})},
    ),
    "a deny is added": (
        [ScopeRecord(id="shelf", name="shelf", access=access(["staff"], deny=["legal"]))],
        {"bob": (set(), {"handbook", "case"})},
    ),
    "a deny of somebody unknown hides": (
        [ScopeRecord(id="shelf", name="shelf", access=access(["staff"], deny=["nobody yet"]))],
        {"ann": (set(), {"handbook"}), "bob": (set(), {"handbook", "case"})},
    ),
    "a folder is moved": (
        [AccessRecord(kind="scope", id="cases", place="attic", access=access())],
        {"bob": (set(), {"case"}), "carl": ({"case"}, set())},
    ),
    "a document is moved": (
        [AccessRecord(kind="document", id="handbook", place="attic", access=access())],
        {
            "ann": (set(), {"handbook"}),
            "bob": (set(), {"handbook"}),
            "carl": ({"handbook"}, set()),
        },
    ),
    "a document is deleted": (
        [Deletion(kind="document", id="handbook")],
        {"ann": (set(), {"handbook"}), "bob": (set(), {"handbook"})},
    ),
    "a folder is deleted": (
        [Deletion(kind="scope", id="shelf")],
        {"ann": (set(), {"handbook"}), "bob": (set(), {"handbook", "case"})},
    ),
    "a document is deleted and made again": (
        [Deletion(kind="document", id="diary"), DocumentRecord(id="diary", title="Diary", scope="attic", text="New.")],
        {"carl": ({"diary"}, {"diary"})},
    ),
    "a new document": (
        [DocumentRecord(id="menu", title="Menu", text="Soup.", access=access(["everyone"]))],
        {"ann": ({"menu"}, set()), "bob": ({"menu"}, set()), "carl": ({"menu"}, set())},
    ),
    "a document with other words": (
        [DocumentRecord(id="handbook", title="Handbook", scope="shelf", text="Other words.")],
        {},
    ),
    "a grant that has ended": (
        [AccessRecord(kind="scope", id="shelf", access=access([until(timezone.now() - timedelta(days=1), "staff")]))],
        {"ann": (set(), {"handbook"}), "bob": (set(), {"handbook", "case"})},
    ),
    "a membership that will end": (
        [
            PrincipalRecord(
                id="office",
                kind="group",
                members=(until(timezone.now() + timedelta(days=1), "ann"), Entry(id="bob")),
            )
        ],
        {},
    ),
    "what another record takes back": (
        [
            PrincipalRecord(id="office", kind="group", members=()),
            PrincipalRecord(id="office", kind="group", members=(Entry(id="ann"), Entry(id="bob"))),
        ],
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_gains_and_losses_are_told_and_are_what_happens_then(world: World, case: str) -> None:
    changes, expected = CASES[case]
    assert would(world, *changes) == expected
    before = {name: world.reads(name) for name in world.people}
    for change in changes:
        world.push(change)
    for name in world.people:
        gained, lost = expected.get(name, (set(), set()))
        assert world.reads(name) == (before[name] - lost) | gained


def test_totals_count_people_and_documents(world: World) -> None:
    found = told(world.source, Deletion(kind="scope", id="shelf"), *CASES["a new document"][0]).difference
    assert (found.people_changed, found.people_gaining, found.people_losing) == (3, 3, 2)
    assert (found.documents_gained, found.documents_new, found.documents_lost) == (1, 1, 2)
    assert [(p.email, p.lost, p.gained, p.gained_new, p.once_parsed) for p in found.people] == [
        ("bob@example.org", 2, 1, 1, 0),
        ("ann@example.org", 1, 1, 1, 0),
        ("carl@example.org", 0, 1, 1, 0),
    ]


def test_the_first_people_and_documents_are_named_and_all_are_counted(world: World) -> None:
    gone = Deletion(kind="scope", id="shelf")
    with tried(Push.of(world.source, [gone]), people=1, documents=1) as result:
        pass
    (bob,) = result.difference.people
    assert (result.difference.people_changed, bob.lost, len(bob.lost_documents)) == (2, 2, 1)


def test_somebody_who_is_not_active_gains_and_loses_nothing(world: World) -> None:
    User.objects.filter(email="ann@example.org").update(is_active=False)
    assert would(world, Deletion(kind="document", id="handbook")) == {"bob": (set(), {"handbook"})}


def test_break_glass_is_not_lost_with_a_right_and_is_lost_with_the_document(world: World) -> None:
    carol = person("carol")
    case = Document.past_the_guard.get(external_id="case").public_id
    later = timezone.now() + timedelta(hours=1)
    break_glass(user=carol, given_by=world.people["ann"], reason="An audit.", until=later, document=case)
    break_glass(user=world.people["bob"], given_by=carol, reason="An audit.", until=later, scope=("docs", "shelf"))
    moved = AccessRecord(kind="document", id="case", place="attic", access=access())
    assert would(world, moved) == {"bob": (set(), {"case"}), "carl": ({"case"}, set())}
    gone = Deletion(kind="document", id="case")
    assert would(world, gone) == {"bob": (set(), {"case"}), "carol": (set(), {"case"})}
    assert would(world, PrincipalRecord(id="staff", kind="group")) == {"ann": (set(), {"handbook"})}


# --- what cannot be applied ---------------------------------------------------------------------------


def test_a_cycle_that_is_pushed_is_told_as_refused_and_changes_nothing(world: World) -> None:
    result = told(world.source, ScopeRecord(id="shelf", name="shelf", parent="cases", access=access(["staff"])))
    assert by_name(result) == {}
    assert result.problems == ("shelf: A scope cannot be below itself. Nothing was changed.",)
    assert result.counts == {"refused": 1}


def test_a_reserved_id_closes_what_names_it(world: World) -> None:
    world.document("menu", grants=["*"])
    world.account("carl", external=True)
    result = told(world.source, PrincipalRecord(id="*", kind="group"))
    assert by_name(result) == {"ann": (set(), {"menu"}), "bob": (set(), {"menu"})}
    assert result.counts == {"refused": 1}


def test_a_list_that_cannot_be_read_hides_what_it_is_about(world: World) -> None:
    line = {"type": "access", "kind": "scope", "id": "shelf", "grants": "staff"}
    changes, problems = changes_from([json.dumps(line).encode()])
    result = told(world.source, *changes, problems=problems)
    assert by_name(result) == {"ann": (set(), {"handbook"}), "bob": (set(), {"handbook", "case"})}
    assert result.counts == {"refused": 1}
    assert "line 1: The field 'grants' must be a list." in result.problems[0]


def test_lines_that_are_no_records_are_told_by_their_number(world: World) -> None:
    changes, problems = changes_from([b'{"type": "deletion", "kind": "document", "id": "diary"}', b"", b"{", b"{}"])
    assert changes == [Deletion(kind="document", id="diary")]
    assert [problem[:7] for problem in problems] == ["Line 3:", "Line 4:"]
    assert told(world.source, *changes, problems=problems).problems == tuple(problems)


def test_an_older_revision_is_told_as_stale(world: World) -> None:
    world.push(ScopeRecord(id="shelf", name="shelf", access=access(["staff"]), revision=7))
    result = told(world.source, ScopeRecord(id="shelf", name="shelf", revision=6))
    assert (result.counts, by_name(result)) == ({"stale": 1}, {})


def test_too_many_records_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "MOST_PUSHED", 1)
    deletion = Deletion(kind="document", id="diary")
    with pytest.raises(CannotTell, match="At most 1 records"):
        Push.of(world.source, [deletion, deletion])
    with pytest.raises(CannotTell, match="At most 1 records"):
        changes_from([b"{", b"{"], most=1)


def test_a_text_that_cannot_be_parsed_is_refused_as_the_push_refuses_it(world: World) -> None:
    broken = DocumentRecord(id="handbook", title="", scope="attic", text="%PDF-1.7 broken", mime="application/pdf")
    result = told(world.source, broken)
    assert (result.counts, by_name(result)) == ({"refused": 1}, {})


# --- files --------------------------------------------------------------------------------------------


def file(id: str, scope: str, content: bytes) -> DocumentRecord:
    return DocumentRecord(id=id, title=id, scope=scope, mime="text/plain", content=content)


def test_a_new_file_is_told_as_gained_once_it_is_parsed(world: World) -> None:
    result = told(world.source, file("plan", "attic", b"The plan."))
    assert by_name(result) == {"carl": ({"plan"}, set())}
    (carl,) = result.difference.people
    assert (carl.gained, carl.gained_new, carl.once_parsed) == (1, 1, 1)
    assert result.counts == {"pending": 1}


def test_a_file_that_moves_with_other_content_is_lost_at_once_and_gained_once_parsed(world: World) -> None:
    world.push(file("plan", "attic", b"The plan."))
    ingest.parse_waiting(world.source, monotonic() + 60)
    result = told(world.source, file("plan", "shelf", b"Another plan."))
    assert by_name(result) == {
        "ann": ({"plan"}, set()),
        "bob": ({"plan"}, set()),
        "carl": (set(), {"plan"}),
    }
    assert {person.email: person.once_parsed for person in result.difference.people}["ann@example.org"] == 1


def scan(scope: str, content: bytes = b"%PDF-1.7 broken") -> DocumentRecord:
    return DocumentRecord(id="scan", title="Scan", scope=scope, mime="application/pdf", content=content)


@pytest.mark.parametrize("place", ["attic", "shelf"])
def test_what_a_document_holds_is_not_told_by_guessing_it(world: World, place: str) -> None:
    """Whoever asks need not be a reader of it (P9, P12)."""
    note = DocumentRecord(id="note", title="Note", scope="attic", text="Yes.", author="Ann", metadata={"mood": "good"})
    world.push(note)
    world.push(file("plan", "attic", b"The plan."))
    world.push(scan("attic"))
    ingest.parse_waiting(world.source, monotonic() + 60)
    assert Document.past_the_guard.get(external_id="scan").state == "quarantined"
    note = replace(note, scope=place)
    guesses = (
        (note, replace(note, text="No.")),
        (note, replace(note, title="Another")),
        (note, replace(note, author="")),
        (note, replace(note, metadata={})),
        (file("plan", place, b"The plan."), file("plan", place, b"Another plan.")),
        (scan(place), scan(place, b"%PDF-1.7 another")),
    )
    for right, wrong in guesses:
        found = told(world.source, right)
        assert found.counts == {"known": 1}
        assert told(world.source, wrong) == found


def test_what_a_folder_is_called_is_not_told_by_guessing_it(world: World) -> None:
    right, wrong = (ScopeRecord(id="shelf", name=name, access=access(["staff"])) for name in ("shelf", "board"))
    assert told(world.source, right) == told(world.source, wrong)


# --- a sync -------------------------------------------------------------------------------------------

PEOPLE = """
people:
  ann: {name: Ann, email: ann@example.org}
  bob: {name: Bob, email: bob@example.org}
groups:
  staff: {members: [ann, bob]}
  legal: {members: [ann]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "company"
    (root / "legal").mkdir(parents=True)
    (root / "people.yaml").write_text(PEOPLE)
    (root / ".access.yaml").write_text("grants: [staff]\n")
    (root / "handbook.md").write_text("# Handbook\n\nThe office opens at eight.\n")
    (root / "legal" / ".access.yaml").write_text("restrictions: [[legal]]\n")
    (root / "legal" / "case.md").write_text("# The case\n\nThe walrus settled in May.\n")
    return root


@pytest.fixture
def company(folder: Path) -> World:
    """The folder as a source that is not read yet, with Ann and Bob who can sign in."""
    source = adding.add_source("company", kind="folder", settings={"path": str(folder)}, vouches_for_emails=True)
    world = World.of("ann", "bob", key="beside")
    return World(source, world.people)


def synced(world: World) -> None:
    sync.run_now(Source.objects.get(pk=world.source.pk))
    ingest.parse_waiting(None, monotonic() + 60)


def sync_would(world: World) -> tuple[Changes, Result]:
    before = everything()
    with tried(Sync.of(Source.objects.get(pk=world.source.pk)), documents=ALL) as result:
        pass
    assert everything() == before
    return by_name(result), result


def test_the_first_sync_brings_everything_once_it_is_parsed(company: World) -> None:
    found, result = sync_would(company)
    assert found == {"ann": ({"handbook.md", "legal/case.md"}, set()), "bob": ({"handbook.md"}, set())}
    assert all(person.once_parsed == person.gained for person in result.difference.people)
    synced(company)
    assert sync_would(company)[0] == {}


def test_a_sync_is_told_with_what_its_complete_listing_leaves_out(company: World, folder: Path) -> None:
    synced(company)
    (folder / "legal" / "case.md").unlink()
    (folder / "notes.md").write_text("# Notes\n\nNew.\n")
    (folder / ".access.yaml").write_text("grants: [ann]\n")
    expected: Changes = {"ann": ({"notes.md"}, {"legal/case.md"}), "bob": (set(), {"handbook.md"})}
    found, result = sync_would(company)
    assert found == expected
    assert result.counts["deleted"] == 1
    synced(company)
    assert company.reads("ann") == {"handbook.md", "notes.md"}
    assert company.reads("bob") == set()


def test_a_sync_that_the_brake_would_stop_is_told_as_that(company: World, folder: Path) -> None:
    for number in range(30):
        (folder / f"note-{number}.txt").write_text(f"Note number {number}.")
    synced(company)
    for path in folder.glob("note-*.txt"):
        path.unlink()
    found, result = sync_would(company)
    assert len(found["ann"][1]) == len(found["bob"][1]) == 30
    assert "hidden, not deleted" in result.problems[-1]


def test_a_list_that_the_connector_cannot_read_is_told_and_hides(company: World, folder: Path) -> None:
    synced(company)
    (folder / "legal" / ".access.yaml").write_text("grants: [staff\n")
    found, result = sync_would(company)
    assert found == {"ann": (set(), {"legal/case.md"})}
    assert any("legal/.access.yaml" in problem for problem in result.problems)


def test_what_a_sync_finds_unchanged_only_moves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.KINDS, "rolled", Rolled)
    people = [PrincipalRecord(id=each, kind="user", email=f"{each}@example.org") for each in world.people]
    folders = [ScopeRecord(id=f"of {each}", name="f", access=access([each])) for each in world.people]
    monkeypatch.setattr(Rolled, "listing", [*people, *folders, file("plan", "of ann", b"The plan."), scan("of ann")])
    company = World(adding.add_source("rolled", kind="rolled", vouches_for_emails=True), world.people)
    synced(company)
    monkeypatch.setattr(Rolled, "listing", [*people, *folders, file("plan", "of bob", b"The plan."), scan("of bob")])
    found, result = sync_would(company)
    assert found == {"ann": (set(), {"plan"}), "bob": ({"plan"}, set())}
    assert {person.once_parsed for person in result.difference.people} == {0}


def test_a_sync_makes_old_permissions_fresh_again(company: World) -> None:
    synced(company)
    Source.objects.filter(pk=company.source.pk).update(permissions_verified_at=timezone.now() - timedelta(days=3))
    assert company.reads("bob") == set()
    assert sync_would(company)[0] == {"ann": ({"handbook.md", "legal/case.md"}, set()), "bob": ({"handbook.md"}, set())}


def test_a_source_that_cannot_be_read_or_is_too_large_is_told_in_words(
    company: World, world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotTell, match="pushes its records"):
        Sync.of(world.source)
    monkeypatch.setattr(what_if, "MOST_LISTED", 2)
    with pytest.raises(CannotTell, match="more than 2 records"):
        Sync.of(company.source)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(CannotTell):
        Sync.of(company.source)


def test_a_paused_source_is_said_to_be_paused(world: World) -> None:
    adding.pause(world.source)
    result = told(world.source, Deletion(kind="document", id="handbook"))
    assert (by_name(result), result.problems) == ({}, (what_if.PAUSED,))


# --- a simple change of a group -------------------------------------------------------------------------


def test_joining_and_leaving_a_group_is_a_record_of_the_whole_group(world: World) -> None:
    joins = what_if.membership(world.source, group="legal", member="ann", joins=True)
    assert would(world, joins) == {"ann": ({"case"}, set())}
    leaves = what_if.membership(world.source, group="office", member="bob", joins=False)
    assert leaves.members == (Entry(id="ann"),)
    assert would(world, leaves) == {"bob": (set(), {"handbook", "case"})}


@pytest.mark.parametrize(
    ("group", "member", "joins", "words"),
    [
        ("nobody's", "ann", True, "knows no group"),
        ("ann", "bob", True, "knows no group"),
        ("*", "bob", True, "knows no group"),
        ("legal", "bob", True, "already a member"),
        ("legal", "ann", False, "not a member"),
        ("staff", "ann", False, "not a member"),
        ("legal", "nobody", True, "knows nobody"),
    ],
)
def test_a_membership_that_makes_no_sense_is_refused(
    world: World, group: str, member: str, joins: bool, words: str
) -> None:
    with pytest.raises(CannotTell, match=words):
        what_if.membership(world.source, group=group, member=member, joins=joins)


# --- bounds, and others meanwhile -------------------------------------------------------------------------


def test_a_comparison_that_takes_too_long_is_given_up_in_words(world: World) -> None:
    before = everything()
    with pytest.raises(CannotTell, match="took longer than"), tried(Push.of(world.source, []), seconds=0.001):
        pass
    with (
        pytest.raises(CannotTell, match=r"took longer than 0\.2 seconds"),
        tried(Push.of(world.source, []), seconds=0.2),
    ):
        rows("SELECT pg_sleep(5)")
    assert everything() == before
    assert would(world, Deletion(kind="document", id="diary")) == {"carl": (set(), {"diary"})}


def test_a_document_that_changes_while_it_is_asked_is_told(world: World) -> None:
    plan = Push.of(world.source, [DocumentRecord(id="diary", title="Diary", scope="shelf", text="Mine.")])
    world.document("diary", grants=["carl"], text="Other words.")
    with pytest.raises(CannotTell, match="changed while this was asked"), tried(plan):
        pass


@dataclass(eq=False)
class Elsewhere(Thread):
    """Work on a connection of its own, meanwhile; `done` holds what it returned."""

    work: Callable[[], object]

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.done: list[object] = []

    def run(self) -> None:
        try:
            self.done.append(self.work())
        finally:
            connection.close()

    def ended(self) -> list[object]:
        self.join(timeout=30)
        return self.done


@pytest.mark.django_db(transaction=True)
def test_a_push_waits_for_the_comparison_and_then_applies(world: World) -> None:
    push = Elsewhere(lambda: apply_record(world.source, Deletion(kind="document", id="diary")).state)
    with tried(Push.of(world.source, [Deletion(kind="document", id="handbook")])):
        push.start()
        sleep(0.3)
        assert push.is_alive()
        assert not push.done
    assert push.ended() == ["deleted"]
    assert world.reads("carl") == set()
    assert world.reads("ann") == {"handbook"}


@pytest.mark.django_db(transaction=True)
def test_a_source_that_is_being_written_to_is_told_in_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "LOCK_SECONDS", 0.2)
    plan = Push.of(world.source, [])

    def asked() -> str:
        with pytest.raises(CannotTell) as caught, tried(plan):
            pass
        return str(caught.value)

    question = Elsewhere(asked)
    with transaction.atomic():
        principals.lock(world.source.pk)
        question.start()
        assert question.ended() == [what_if.BUSY]


# --- at random ------------------------------------------------------------------------------------------


@dataclass
class Dice:
    """Records at random about a small world, drawn so that they often meet."""

    random: random.Random
    people = ("ann", "bob", "carl", "dora")
    groups = ("g0", "g1", "g2", "g3")
    scopes = ("s0", "s1", "s2", "s3", "s4")
    documents = tuple(f"d{number}" for number in range(8))

    def record(self) -> Appliable:
        kinds = (self.group, self.group, self.scope, self.scope, self.document, self.document, self.moved, self.deleted)
        return self.random.choice(kinds)()

    def some(self, names: Sequence[str], most: int) -> list[str]:
        return self.random.sample(names, self.random.randint(0, most))

    def entries(self, names: Sequence[str], most: int) -> list[str | Entry]:
        past = timezone.now() - timedelta(days=1)
        return [until(past, name) if self.random.random() < 0.1 else name for name in self.some(names, most)]

    def group(self) -> Appliable:
        members = self.entries((*self.people, *self.groups, "everyone"), 3)
        entries = tuple(each if isinstance(each, Entry) else Entry(id=each) for each in members)
        return PrincipalRecord(id=self.random.choice(self.groups), kind="group", members=entries)

    def lists(self) -> Any:
        principals = (*self.people, *self.groups, "everyone", "unknown")
        return access(
            self.entries(principals, 3),
            restrictions=[self.some(principals, 3)] if self.random.random() < 0.2 else [],
            deny=self.some(principals, 1) if self.random.random() < 0.2 else [],
            inherits=self.random.random() < 0.8,
        )

    def scope(self) -> Appliable:
        parent = self.random.choice((None, *self.scopes))
        return ScopeRecord(id=self.random.choice(self.scopes), name="s", parent=parent, access=self.lists())

    def document(self) -> Appliable:
        return DocumentRecord(
            id=self.random.choice(self.documents),
            title="d",
            scope=self.random.choice((None, *self.scopes)),
            text=self.random.choice(("One.", "Two.")),
            access=self.lists() if self.random.random() < 0.3 else access(),
        )

    def moved(self) -> Appliable:
        lists = self.lists() if self.random.random() < 0.5 else access()
        if self.random.random() < 0.5:
            id = self.random.choice(self.documents)
            return AccessRecord(kind="document", id=id, place=self.random.choice(self.scopes), access=lists)
        parent = self.random.choice((None, *self.scopes))
        return AccessRecord(kind="scope", id=self.random.choice(self.scopes), place=parent, access=lists)

    def deleted(self) -> Appliable:
        kind = self.random.choice(("principal", "scope", "document", "document"))
        names = {"principal": (*self.people, *self.groups), "scope": self.scopes, "document": self.documents}[kind]
        return Deletion(kind=kind, id=self.random.choice(names))  # type: ignore[arg-type]


def reads_by_id(world: World) -> dict[str, dict[str, str]]:
    """What each person reads: our ids of documents, by the source's."""
    return {
        name: {d.external_id: str(d.id) for d in list_documents(world.reader(name), limit=1000)}
        for name in world.people
    }


def expect(result: Result, before: dict[str, dict[str, str]], after: dict[str, dict[str, str]]) -> int:
    """That the result is the difference between the two; returns for how many people there was one."""
    people = {person.email.partition("@")[0]: person for person in result.difference.people}
    for name in before:
        gained = {id: key for key, id in after[name].items() if id not in before[name].values()}
        lost = {id for id in before[name].values() if id not in after[name].values()}
        person = people.get(name)
        if person is None:
            assert not (gained or lost)
            continue
        known = {str(id) for id in person.gained_documents}
        assert {str(id) for id in person.lost_documents} == lost
        assert known <= gained.keys()
        assert {key for id, key in gained.items() if id not in known} == set(person.new_documents)
        assert (person.gained, person.lost) == (len(gained), len(lost))
    return len(people)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_told_of_pushes_at_random_is_what_happens(seed: int) -> None:
    dice = Dice(random.Random(seed))
    world = World.of(*dice.people)
    for id in dice.scopes:
        world.folder(id, dice.some(dice.people, 3))
    for id in dice.documents:
        world.document(id, dice.random.choice(dice.scopes), text="One.")
    changed = 0
    for _ in range(8):
        records = [dice.record() for _ in range(dice.random.randint(1, 5))]
        result = told(world.source, *records)
        before = reads_by_id(world)
        for record in records:
            with suppress(RecordRefused):
                world.push(record)
        changed += expect(result, before, reads_by_id(world))
    assert changed > 5  # there was something to tell


class Rolled(Connector):
    """A source that lists what the dice gave, all of it each time."""

    listing: ClassVar[list[Record]] = []

    def records(self, since: State | None) -> Records:
        for number, record in enumerate(self.listing, start=1):
            yield record
            if number % 5 == 0:
                yield Checkpoint()
        yield Checkpoint(complete=True)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_told_of_a_sync_at_random_is_what_happens(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.KINDS, "rolled", Rolled)
    dice = Dice(random.Random(seed))
    beside = World.of(*dice.people, key="beside")
    world = World(adding.add_source("rolled", kind="rolled", vouches_for_emails=True), beside.people)
    changed = 0
    for _ in range(6):
        people = [PrincipalRecord(id=each, kind="user", email=f"{each}@example.org") for each in dice.people]
        makers = (
            dice.group,
            dice.group,
            dice.scope,
            dice.scope,
            dice.scope,
            dice.document,
            dice.document,
            dice.document,
        )
        monkeypatch.setattr(Rolled, "listing", [*people, *(dice.random.choice(makers)() for _ in range(24))])
        _, result = sync_would(world)
        before = reads_by_id(world)
        sync.run_now(Source.objects.get(pk=world.source.pk))
        changed += expect(result, before, reads_by_id(world))
    assert changed > 5

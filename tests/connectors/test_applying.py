"""Pages of a pulled source: one commit each, and what cannot be applied hides what it names."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Principal
from connectors import ingest, sync
from connectors.adding import add_source
from connectors.applying import Page, apply_page, hide
from connectors.corpus.reading import document_text, list_documents
from connectors.models import SyncRun
from connectors.records import (
    Access,
    AccessRecord,
    Deletion,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
)
from tests.cast import World, access

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(tmp_path: Path) -> World:
    source = add_source("wiki", kind="folder", settings={"path": str(tmp_path)}, vouches_for_emails=True)
    source.max_permission_age = None
    source.save()
    world = World(source)
    for name in ("ann", "bob"):
        world.join(name)
    return world


@pytest.fixture
def run(world: World) -> SyncRun:
    run = sync.begin(world.source)
    assert run is not None
    return run


def page(run: SyncRun, *records: Record) -> Page:
    return apply_page(run, records, {})


def document(id: str, scope: str, text: str = "Words.") -> DocumentRecord:
    return DocumentRecord(id=id, title=id, scope=scope, text=text)


def scope(id: str, *grants: str, parent: str | None = None) -> ScopeRecord:
    return ScopeRecord(id=id, name=id, parent=parent, access=access(grants))


def test_a_page_names_things_in_any_order(world: World, run: SyncRun) -> None:
    page(
        run,
        document("d", "f"),
        scope("f", "team"),
        PrincipalRecord(id="team", kind="group", members=(Entry(id="ann"),)),
    )
    assert world.readers("d") == {"ann"}


def test_a_page_that_comes_twice_changes_nothing(world: World, run: SyncRun) -> None:
    records: list[Record] = [scope("f", "ann"), document("d", "f")]
    page(run, *records)
    assert page(run, *records).counts == {"unchanged": 2}


def test_a_document_named_twice_in_a_page_is_what_was_said_last(world: World, run: SyncRun) -> None:
    page(run, scope("f", "ann"), document("d", "f", "First."), document("d", "f", "Second."))
    page(run, document("d", "f", "Third."), document("d", "f", "Second."))
    (found,) = list_documents(world.reader("ann"))
    text = document_text(world.reader("ann"), found.id)
    assert text is not None
    assert text.text == "Second."


def test_a_cycle_in_a_page_is_kept_and_admits_nobody_until_it_ends(world: World, run: SyncRun) -> None:
    page(run, scope("a", "ann", parent="b"), scope("b", "ann", parent="a"), scope("c", "ann", parent="b"))
    page(run, document("in-a", "a"), document("in-c", "c"))
    page(run, ScopeRecord(id="d", parent="a", access=access(["ann"], inherits=False)), document("in-d", "d"))
    assert world.reads("ann") == set()
    page(run, scope("b", "ann"))
    assert world.reads("ann") == {"in-a", "in-c", "in-d"}


def test_a_record_that_cannot_be_applied_hides_what_it_names_and_the_rest_goes_on(world: World, run: SyncRun) -> None:
    page(run, scope("f", "everyone"), document("d", "f"))
    assert world.readers("d") == {"ann", "bob"}
    done = page(run, PrincipalRecord(id="everyone", kind="group"), scope("g", "ann"), document("e", "g"))
    assert done.counts["refused"] == 1
    assert "reserved" in done.problems[0]
    assert (world.readers("d"), world.readers("e")) == (set(), {"ann"})


def test_content_that_was_not_read_hides_its_document(world: World, run: SyncRun) -> None:
    page(run, scope("f", "ann"), document("d", "f"))
    unread = DocumentRecord(id="d", title="d", scope="new-scope", content=lambda: b"", version="2")
    done = page(run, unread, scope("new-scope", "ann"), document("e", "new-scope"))
    assert done.counts["refused"] == 1
    assert world.reads("ann") == {"e"}


def test_readers_that_could_not_be_listed_admit_nobody(world: World, run: SyncRun) -> None:
    page(run, scope("f", "ann"), document("d", "f"), document("e", "f"))
    page(run, AccessRecord(kind="document", id="d", place="f", access=Access(problem="403 Forbidden")))
    assert world.reads("ann") == {"e"}


def test_lost_rights_and_new_ones_of_one_page_are_in_force_together(world: World, run: SyncRun) -> None:
    page(run, scope("f", "ann"), document("d", "f"))
    page(run, scope("f", "bob"), Deletion(kind="principal", id="ann"), document("d", "f", "New words."))
    assert world.readers("d") == {"bob"}


def test_a_document_deleted_and_sent_again_in_one_page_is_a_new_one(world: World, run: SyncRun) -> None:
    page(run, scope("f", "ann"), document("d", "f"))
    before = list_documents(world.reader("ann"))[0].id
    page(run, Deletion(kind="document", id="d"), document("d", "f"))
    (after,) = list_documents(world.reader("ann"))
    assert after.id != before


def test_records_about_one_document_apply_in_their_order(world: World, run: SyncRun) -> None:
    page(run, scope("f", "ann"), scope("g", "bob"), document("d", "f"))
    elsewhere = AccessRecord(kind="document", id="d", place="g")
    page(run, elsewhere, document("d", "f"))
    assert world.readers("d") == {"ann"}
    page(run, document("d", "f"), elsewhere)
    assert world.readers("d") == {"bob"}
    refused = DocumentRecord(id="d", title="d", scope="f", content=lambda: b"", version="2")
    page(run, refused, document("d", "f"))
    assert world.readers("d") == {"ann"}


def test_deleted_and_introduced_again_in_one_page_a_group_is_a_new_one(world: World, run: SyncRun) -> None:
    team = PrincipalRecord(id="team", kind="group", members=(Entry(id="ann"),))
    page(run, team, scope("f", "team"), document("d", "f"))
    page(run, Deletion(kind="principal", id="team"), team)
    assert world.readers("d") == set()
    page(run, Deletion(kind="scope", id="f"), scope("f", "team"))
    assert world.readers("d") == {"ann"}


def test_a_group_that_only_lost_a_person_counts_as_changed(run: SyncRun) -> None:
    people = [PrincipalRecord(id=name, kind="user", external=False) for name in ("ann", "bob")]
    both = PrincipalRecord(id="staff", kind="group", members=(Entry(id="ann"), Entry(id="bob")))
    page(run, *people, both)
    assert page(run, replace(both, members=(Entry(id="ann"),))).counts == {"accepted": 1}
    assert page(run, replace(both, members=(Entry(id="ann"),))).counts == {"unchanged": 1}


def test_what_could_not_be_understood_admits_nobody_until_it_is_sent_again(world: World, run: SyncRun) -> None:
    team = PrincipalRecord(id="team", kind="group", members=(Entry(id="ann"),))
    page(run, team, scope("room", "team"), scope("open", "ann", "bob"), document("d", "room"), document("e", "open"))
    assert world.reads("ann") == {"d", "e"}
    unclear = Problem(message="Not understood.", kind="principal", id="team")
    done = page(run, unclear, Problem(message="Nor this.", kind="document", id="e"), document("f", "open"))
    assert (done.problems, done.counts["refused"]) == (["Not understood.", "Nor this."], 2)
    assert (world.reads("ann"), world.reads("bob")) == ({"f"}, {"f"})
    page(run, Problem(message="Nor this.", kind="scope", id="open"), team, document("e", "open"))
    assert (world.reads("ann"), world.reads("bob")) == ({"d"}, set())
    page(run, scope("open", "ann", "bob"))
    assert (world.reads("ann"), world.reads("bob")) == ({"d", "e", "f"}, {"e", "f"})


def versioned(version: str, place: str, text: str = "Words.", **fields: Any) -> DocumentRecord:
    return DocumentRecord(id="d", title="d", scope=place, text=text, version=version, **fields)


def moved(version: str | None, place: str) -> AccessRecord:
    return AccessRecord(kind="document", id="d", place=place, version=version)


def test_rights_of_another_version_than_the_stored_one_only_take_away(world: World, run: SyncRun) -> None:
    page(run, scope("a", "ann"), scope("both", "ann", "bob"), scope("b", "bob"), versioned("1", "a"))
    page(run, moved("2", "both"))
    assert world.readers("d") == {"ann"}
    assert page(run, moved("2", "both")).counts == {"unchanged": 1}
    page(run, moved("3", "b"))
    assert world.readers("d") == set()
    page(run, moved("4", "both"))
    assert world.readers("d") == {"ann"}
    page(run, versioned("4", "both", "Other words."))
    assert world.readers("d") == {"ann", "bob"}


@pytest.mark.parametrize("version", [None, "1"], ids=["of whatever is stored", "of what is stored"])
def test_rights_of_the_stored_version_are_its_rights(world: World, run: SyncRun, version: str | None) -> None:
    page(run, scope("a", "ann"), scope("both", "ann", "bob"), versioned("1", "a"), moved("2", "both"))
    page(run, moved(version, "both"))
    assert world.readers("d") == {"ann", "bob"}


def test_rights_of_a_third_version_bind_the_one_that_waits_as_well(world: World, run: SyncRun) -> None:
    waiting = DocumentRecord(id="d", title="d", scope="both", content=b"New words.", mime="text/plain", version="2")
    page(run, scope("a", "ann"), scope("both", "ann", "bob"), scope("b", "bob"), versioned("1", "a"), waiting)
    assert world.readers("d") == {"ann"}
    page(run, moved("3", "b"))
    assert world.readers("d") == set()
    ingest.parse_waiting(None, time.monotonic() + 60)
    assert world.readers("d") == {"bob"}
    page(run, moved("2", "both"))
    assert world.readers("d") == {"ann", "bob"}


@pytest.mark.parametrize("reserved", ["everyone", "*"])
def test_a_reserved_id_that_could_not_be_understood_hides_what_names_it(
    world: World, run: SyncRun, reserved: str
) -> None:
    page(run, scope("f", reserved), document("d", "f"), scope("g", "ann"), document("e", "g"))
    assert world.readers("d") == {"ann", "bob"}
    hide(world.source, "principal", reserved)
    assert (world.readers("d"), world.readers("e")) == (set(), {"ann"})
    page(run, scope("f", "bob"))
    assert world.readers("d") == {"bob"}
    everyone = Principal.objects.get(directory=world.source.pk, kind="everyone")
    assert everyone.introduced  # what the gateway means by it, living or not, is not for a source to say


def test_what_a_document_is_called_is_on_one_line_and_holds_nothing_unseen(world: World) -> None:
    called, address = "Leave\x1b[2J \u202eplan\r\n\U000e0041of May", "https://example.org/\x1b]8;;a\u200b"
    world.push(DocumentRecord(id="d", title=called, author=called, url=address, text="Text.", access=access(["ann"])))
    (shown,) = list_documents(world.reader("ann"))
    assert (shown.title, shown.author, shown.url) == ("Leave[2J plan of May",) * 2 + ("https://example.org/]8;;a",)

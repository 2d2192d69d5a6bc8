"""How far a source has been read: runs that are interrupted, that read what changed, and that read everything anew."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Principal, User
from accounts.reader import Reader
from connectors import adding, listing, sync
from connectors.corpus.reading import list_documents
from connectors.kit.scripted import Scripted, in_turn, scripted
from connectors.models import Document, Listed, Source, SyncRun
from connectors.records import (
    Access,
    AccessRecord,
    Checkpoint,
    Deletion,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    Problem,
    ScopeRecord,
)
from connectors.sources import registry
from connectors.sources.base import ConnectorError, SlowDown
from tests.cast import person

pytestmark = pytest.mark.django_db

Make = Callable[..., tuple[Source, type[Scripted]]]
ANN = PrincipalRecord(id="ann", kind="user", email="ann@example.org", external=False)
ROOT = ScopeRecord(id="root", access=Access(grants=(Entry(id="ann"),)))
AWAY = ConnectorError("The system is away.")


def note(name: str) -> DocumentRecord:
    return DocumentRecord(id=name, title=name, scope="root", text=f"The note of {name}.")


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    def made(*runs: list[object]) -> tuple[Source, type[Scripted]]:
        kind = scripted(in_turn(*runs))  # type: ignore[arg-type]
        monkeypatch.setitem(registry.KINDS, "scripted", kind)
        return adding.add_source("company", kind="scripted", vouches_for_emails=True), kind

    return made


def ran(source: Source) -> SyncRun:
    run = sync.run_now(source)
    source.refresh_from_db()
    return run


@pytest.fixture(autouse=True)
def ann() -> User:
    return person("ann")


def read_by_ann() -> set[str]:
    ann = User.objects.get(email="ann@example.org")
    return {document.external_id for document in list_documents(Reader(ann.pk))}


def test_an_interrupted_listing_is_gone_on_with_and_then_tells_what_is_gone(make: Make) -> None:
    first = [ANN, ROOT, note("a"), note("b"), Checkpoint(state={"page": 1}, complete=True)]
    cut = [ANN, ROOT, note("a"), Checkpoint(state={"page": 5}), note("c"), AWAY]
    rest = [note("d"), Checkpoint(state={"page": 9}, complete=True)]
    source, kind = make(first, cut, rest)
    ran(source)
    listing.read_whole(source)

    assert ran(source).state == "failed"
    assert read_by_ann() == {"a", "b"}, "nothing counts as gone, and a page without its end is not kept"
    went_on = ran(source)

    assert kind.asked == [None, None, {"page": 5}]
    assert went_on.state == "succeeded" and went_on.whole
    assert read_by_ann() == {"a", "d"}, "a was named before the interruption, b by nobody"
    assert Principal.objects.get(external_id="ann").deleted_at is None
    assert source.checkpoint == {"page": 9}
    assert not Listed.objects.exists()


def test_permissions_are_as_old_as_the_listing_that_was_gone_on_with(make: Make) -> None:
    source, _ = make([ANN, ROOT, Checkpoint(state={"page": 1}), AWAY], [Checkpoint(state={"page": 2}, complete=True)])
    began = ran(source).started_at
    ran(source)

    assert source.permissions_verified_at == source.listed_at == began


def test_what_changed_is_gone_on_from_the_last_page_that_was_committed(make: Make) -> None:
    source, kind = make(
        [ANN, ROOT, note("a"), Checkpoint(state={"at": 1}, complete=True)],
        [note("b"), Checkpoint(state={"at": 2}), note("c"), AWAY],
        [note("c"), Checkpoint(state={"at": 3})],
    )
    assert ran(source).whole
    ran(source)
    last = ran(source)

    assert kind.asked == [None, {"at": 1}, {"at": 2}]
    assert not last.whole and last.state == "succeeded"
    assert read_by_ann() == {"a", "b", "c"}
    assert source.checkpoint == {"at": 3}
    assert source.permissions_verified_at == last.started_at


def test_once_a_day_everything_is_listed_so_that_what_no_change_told_of_is_found(make: Make) -> None:
    source, kind = make(
        [ANN, ROOT, note("a"), note("b"), Checkpoint(state={"at": 1}, complete=True)],
        [Checkpoint(state={"at": 2})],
        [ANN, ROOT, note("b"), Checkpoint(state={"at": 3}, complete=True)],
    )
    ran(source)
    ran(source)
    assert read_by_ann() == {"a", "b"}
    Source.objects.update(listed_at=timezone.now() - timedelta(hours=25))
    ran(source)

    assert kind.asked == [None, {"at": 1}, None]
    assert read_by_ann() == {"b"}


def test_a_listing_that_stands_still_for_a_day_begins_anew(make: Make) -> None:
    source, kind = make([ANN, Checkpoint(state={"page": 1}), AWAY], [ANN, Checkpoint(state={"page": 2}, complete=True)])
    ran(source)
    Source.objects.update(listing_began=timezone.now() - timedelta(hours=25))
    ran(source)

    assert kind.asked == [None, None]


def test_a_listing_without_a_state_begins_anew(make: Make) -> None:
    source, kind = make([ANN, ROOT, note("a"), Checkpoint(), AWAY], [ANN, ROOT, Checkpoint(complete=True)])
    ran(source)
    assert Document.past_the_guard.filter(state="live").exists()
    assert read_by_ann() == set(), "the permissions of a source that was never read to its end are not known (P7)"
    ran(source)

    assert kind.asked == [None, None]
    assert not Document.past_the_guard.filter(state="live").exists()


def test_a_listing_that_does_not_say_it_is_complete_lets_nothing_go(make: Make) -> None:
    source, _ = make(
        [ANN, ROOT, note("a"), Checkpoint(state={"at": 1}, complete=True)], [ANN, ROOT, Checkpoint(state={"at": 2})]
    )
    ran(source)
    listing.read_whole(source)
    ran(source)

    assert read_by_ann() == {"a"}


def test_where_all_readers_were_named_scopes_go_and_documents_stay(make: Make) -> None:
    attic = ScopeRecord(id="attic", access=ROOT.access)
    old = replace(note("b"), scope="attic")
    source, _ = make(
        [ANN, ROOT, attic, note("a"), old, Checkpoint(state={"at": 1}, complete=True)],
        [ANN, ROOT, Checkpoint(state={"at": 2}, readers_complete=True)],
    )
    ran(source)
    assert read_by_ann() == {"a", "b"}
    listing.read_whole(source)
    ran(source)

    assert read_by_ann() == {"a"}
    assert Document.past_the_guard.filter(state="live").count() == 2
    assert source.checkpoint == {"at": 2}


def test_a_document_of_which_only_its_place_is_told_is_named(make: Make) -> None:
    still = AccessRecord(kind="document", id="a", place="root")
    source, _ = make(
        [ANN, ROOT, note("a"), note("b"), Checkpoint(state={"at": 1}, complete=True)],
        [ANN, ROOT, still, Checkpoint(state={"at": 2}, complete=True)],
    )
    ran(source)
    listing.read_whole(source)
    ran(source)

    assert read_by_ann() == {"a"}


def test_a_deletion_that_is_told_needs_no_whole_listing(make: Make) -> None:
    source, _ = make(
        [ANN, ROOT, note("a"), note("b"), Checkpoint(state={"at": 1}, complete=True)],
        [Deletion(kind="document", id="a"), Checkpoint(state={"at": 2})],
    )
    ran(source)
    ran(source)

    assert read_by_ann() == {"b"}


def test_a_source_that_wants_to_be_left_alone_is_and_that_is_no_failure(make: Make) -> None:
    source, kind = make(
        [ANN, ROOT, note("a"), Checkpoint(state={"page": 1}), SlowDown("api.example.com/x", 1800)],
        [Checkpoint(state={"page": 2}, complete=True)],
    )
    before = timezone.now()
    run = ran(source)

    assert run.state == "failed"
    assert run.problems == ["api.example.com/x asks to be left alone for 1800 seconds; the run goes on after that."]
    assert source.failures == 0
    assert source.next_sync_at is not None
    assert timedelta(seconds=1795) < source.next_sync_at - before < timedelta(seconds=1900)
    assert ran(source).state == "succeeded"
    assert kind.asked == [None, {"page": 1}]


def test_ids_of_one_listing_are_not_those_of_another_source(make: Make) -> None:
    source, _ = make([ANN, ROOT, note("a"), Checkpoint(state={"at": 1}), AWAY])
    ran(source)
    other = adding.add_source("other", kind="scripted")
    listing.begin(other, timezone.now())

    assert listing.named(source, "document") == {"a"}
    assert listing.named(other, "document") == set()
    adding.delete_source(source)
    assert not Listed.objects.exists()


def test_the_brake_asks_a_person_after_a_listing_that_was_gone_on_with(make: Make) -> None:
    many = [note(f"n{number}") for number in range(30)]
    source, _ = make(
        [ANN, ROOT, *many, Checkpoint(state={"page": 1}, complete=True)],
        [ANN, ROOT, many[0], Checkpoint(state={"page": 2}), AWAY],
        [many[1], Checkpoint(state={"page": 3}, complete=True)],
    )
    ran(source)
    listing.read_whole(source)
    ran(source)
    run = ran(source)

    assert "left out 28 of 30 documents" in run.problems[0]
    assert Document.past_the_guard.filter(state="held").count() == 28


def test_a_run_that_ends_before_it_lets_go_what_was_not_named_does_so_the_next_time(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = [ANN, ROOT, note("a"), note("b"), Checkpoint(state={"at": 1}, complete=True)]
    less = [ANN, ROOT, note("b"), Checkpoint(state={"page": 1}), Checkpoint(state={"at": 2}, complete=True)]
    source, kind = make(everything, less, [Checkpoint(state={"at": 2}, complete=True)])
    ran(source)
    listing.read_whole(source)
    with monkeypatch.context() as broken:
        broken.setattr("connectors.corpus.placing.sweep", lambda *_: 1 / 0)
        assert ran(source).state == "failed"
    assert read_by_ann() == {"a", "b"}
    ran(source)

    assert kind.asked == [None, None, {"page": 1}]
    assert read_by_ann() == {"b"}


def test_a_run_of_changes_that_names_everything_lets_go_the_rest_and_is_no_whole_one(make: Make) -> None:
    source, kind = make(
        [ANN, ROOT, note("a"), Checkpoint(state={"at": 1}, complete=True)],
        [ANN, ROOT, note("b"), Checkpoint(state={"at": 2}, complete=True)],
    )
    listed_at = ran(source).started_at
    run = ran(source)

    assert kind.asked == [None, {"at": 1}] and not run.whole
    assert read_by_ann() == {"b"}
    assert source.listed_at == listed_at, "once a day everything is read from its beginning all the same"


def test_what_no_database_holds_does_not_keep_a_run_from_ending(make: Make) -> None:
    source, _ = make([Problem(message="a\0b\ud800"), ConnectorError("It says: \0 \ud800.")])
    run = ran(source)

    assert run.state == "failed"
    assert run.problems == ["ab?", "It says:  ?."]
    assert source.lease_until is None and source.failures == 1

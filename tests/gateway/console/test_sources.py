"""What staff see of a source: its state in words and its counts, and nothing of its documents."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from connectors.corpus import documents
from connectors.corpus.counting import documents_by_state
from connectors.corpus.placing import Places
from connectors.models import Document, Source, SyncRun
from connectors.progress import condition_of
from gateway.console.sources import Count, counts_of, findings_of
from gateway.models import AuditEvent
from tests.cast import World

HTMX = {"HX-Request": "true"}


def run_of(source: Source, state: str = "succeeded", **more: object) -> SyncRun:
    return SyncRun.objects.create(source=source, fence=1, state=state, **more)


def words_for(world: World, run: SyncRun | None = None, **changes: object) -> str:
    Source.objects.filter(pk=world.source.pk).update(**changes)
    return condition_of(Source.objects.get(pk=world.source.pk), run).text


def test_the_condition_names_what_hides_the_source_first(world: World) -> None:
    failed, fine = run_of(world.source, "failed"), run_of(world.source)
    day, now = timedelta(hours=24), timezone.now()
    assert words_for(world) == "Waits for what is pushed to it"
    assert words_for(world, next_sync_at=now) == "Waits for its first sync"
    assert words_for(world, fine) == "Up to date"
    assert words_for(world, failed) == "The last run failed"
    assert words_for(world, run_of(world.source, "running")) == "Syncing now"
    assert words_for(world, run_of(world.source, problems=["One."])) == "Up to date, with problems"
    too_old = "Hidden from everyone: its permissions are too old"
    assert words_for(world, fine, max_permission_age=day) == too_old
    assert words_for(world, failed) == "Hidden from everyone: no run has come to its end yet"
    assert words_for(world, run_of(world.source, "running")) == "Hidden from everyone: its first sync goes on"
    assert words_for(world) == "Waits for its first sync"
    assert words_for(world, fine, permissions_verified_at=now - day) == too_old
    assert words_for(world, fine, permissions_verified_at=now) == "Up to date"
    assert words_for(world, failed, enabled=False) == "Paused: hidden from everyone"


def test_documents_are_counted_with_the_reason_in_words(world: World) -> None:
    world.document("broken", grants=["ann"])
    Document.past_the_guard.filter(external_id="broken").update(state="quarantined", reason="encrypted")
    assert counts_of(documents_by_state(world.source)) == [
        Count(state="live", reason="", count=1),
        Count(state="quarantined", reason="The file is protected by a password; store an unprotected copy.", count=1),
    ]


def test_a_run_tells_what_it_counted_and_no_zeros(world: World) -> None:
    assert findings_of(run_of(world.source, counts={"documents": 3, "set_aside": 2, "deleted": 0})) == [
        ("documents", 3),
        ("set aside", 2),
    ]
    assert findings_of(None) == []


@pytest.mark.parametrize(
    "address", ["/console/", "/console/sources/docs/", "/console/runs/", "/console/people/", "/console/audit/"]
)
def test_no_page_of_the_console_holds_titles_or_texts(world: World, console: Client, address: str) -> None:
    run_of(world.source)
    page = console.get(address).content.decode().lower()
    assert "zeppelin" not in page


def test_a_staff_reader_finds_no_document_by_being_staff(world: World, console: Client) -> None:
    id = Document.past_the_guard.get().public_id
    assert console.get(f"/documents/{id}/").status_code == 404


def test_pausing_hides_at_once_and_resuming_shows_again(world: World, carol: User, console: Client) -> None:
    card = console.post("/console/sources/docs/pause/", headers=HTMX).content.decode()
    assert "Paused: hidden from everyone" in card
    assert "<html" not in card
    assert world.reads("ann") == set()
    console.post("/console/sources/docs/resume/", headers=HTMX)
    assert world.reads("ann") == {"zeppelin plan"}
    trail = AuditEvent.objects.values_list("kind", "user_id", "details")
    assert list(trail) == [
        ("source.paused", carol.pk, {"source": "docs"}),
        ("source.resumed", carol.pk, {"source": "docs"}),
    ]


def test_sync_now_makes_the_source_due_and_is_audited(world: World, console: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    Source.objects.update(next_sync_at=later)
    assert console.post("/console/sources/docs/sync/").headers["Location"] == "/console/sources/docs/"
    due = Source.objects.get().next_sync_at
    assert due is not None
    assert due < later
    assert AuditEvent.objects.get().kind == "source.sync_requested"


def test_an_unknown_source_is_not_there(console: Client) -> None:
    assert console.get("/console/sources/nothing/").status_code == 404
    assert console.post("/console/sources/nothing/pause/").status_code == 404


def test_runs_can_be_narrowed_to_one_source(world: World, console: Client) -> None:
    run_of(world.source, "failed", problems=["people.yaml, line 3: 'membres' is not a key."])
    assert b"people.yaml, line 3" in console.get("/console/runs/?source=docs").content
    assert b"No run yet." in console.get("/console/runs/?source=other").content


@pytest.mark.parametrize(
    ("word", "readers", "kind"), [("keep", {"ann"}, "held_kept"), ("delete", set(), "held_deleted")]
)
def test_a_person_says_whether_documents_a_listing_left_out_are_gone(
    world: World, console: Client, word: str, readers: set[str], kind: str
) -> None:
    world.document("left-out", grants=["ann"])
    with transaction.atomic():
        documents.hold(documents.living(world.source.pk).filter(external_id="left-out"), Places(world.source.pk))
    assert world.readers("left-out") == set()
    assert "no longer lists 1 document." in console.get("/console/").content.decode()
    console.post(f"/console/sources/{world.source.key}/held/{word}/")
    assert world.readers("left-out") == readers
    assert AuditEvent.objects.order_by("-id")[0].kind == f"source.{kind}"
    assert "no longer lists" not in console.get("/console/").content.decode()

"""The page of one source: its progress, what could not be read, and reading it again. No names and no texts (P12)."""

from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from connectors import adding
from connectors.models import Document, Source, SyncRun, Unembedded
from connectors.records import DocumentRecord
from gateway.console import one_source
from gateway.models import AuditEvent
from tests.cast import World, access

PAGE = "/console/sources/docs/"
HTMX = {"HX-Request": "true"}


def broken(world: World, name: str, *, scope: str | None = None, grants: tuple[str, ...] = ("ann",)) -> str:
    """A document that could not be read; its id outside."""
    lists = access(grants) if scope is None else access()
    world.push(DocumentRecord(id=name, title=f"The {name}", scope=scope, text="x", access=lists))
    Document.past_the_guard.filter(external_id=name).update(state="quarantined", reason="encrypted")
    return str(Document.past_the_guard.get(external_id=name).public_id)


def shown(console: Client, address: str = PAGE, **more: object) -> str:
    answer = console.get(address, **more)  # type: ignore[arg-type]
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_the_page_tells_how_far_it_has_come_and_what_it_waits_for(world: World, console: Client) -> None:
    page = shown(console)
    assert "Its records are pushed: there is nothing to read." in page
    assert "what was sent last stays in force" in page
    assert "1 documents" in page
    assert "zeppelin" not in page.lower()


def test_what_changes_by_itself_is_fetched_without_the_rest_of_the_page(world: World, console: Client) -> None:
    assert "every 2s" in shown(console, f"{PAGE}progress/", headers=HTMX)  # a passage waits for its vector
    Unembedded.objects.all().delete()
    fragment = shown(console, f"{PAGE}progress/", headers=HTMX)
    assert fragment.startswith('<div id="progress"')
    assert "every 10s" in fragment
    SyncRun.objects.create(source=world.source, fence=1)
    assert "every 2s" in shown(console, f"{PAGE}progress/", headers=HTMX)
    assert console.get(f"{PAGE}progress/").headers["Location"] == PAGE


def test_the_overview_still_fetches_the_card_by_that_address(world: World, console: Client) -> None:
    card = shown(console, headers=HTMX)
    assert card.startswith("<section")
    assert "<html" not in card


def test_a_run_that_goes_on_tells_its_pace_on_card_and_page(world: World, console: Client) -> None:
    Source.objects.update(permissions_verified_at="2026-01-01T00:00:00Z")
    SyncRun.objects.create(source=world.source, fence=1)
    for page in (shown(console), shown(console, "/console/")):
        assert "0 of about 1 documents" in page
        assert "no pace can be told yet" in page


def test_what_could_not_be_read_is_counted_by_reason_and_listed_by_id(world: World, console: Client) -> None:
    id = broken(world, "contract")
    page = shown(console)
    assert "The file is protected by a password; store an unprotected copy." in page
    listed = shown(console, f"{PAGE}quarantined/?reason=encrypted")
    assert id in listed
    for hidden in ("contract", "The contract"):
        assert hidden not in page
        assert hidden not in listed
    assert "Nothing." in shown(console, f"{PAGE}quarantined/?reason=empty")


def test_the_folder_is_named_to_whoever_may_read_it_and_the_document_to_nobody(world: World, console: Client) -> None:
    world.folder("plans", grants=["ann", "carol"])
    broken(world, "contract", scope="plans")
    assert "in plans" not in shown(console, f"{PAGE}quarantined/?reason=encrypted")
    world.account("carol")
    listed = shown(console, f"{PAGE}quarantined/?reason=encrypted")
    assert "in plans" in listed
    assert "contract" not in listed


def test_what_has_readers_of_its_own_is_placed_only_for_these(world: World, console: Client) -> None:
    world.account("carol")
    world.folder("plans", grants=["carol"])
    lists = access(restrictions=[["ann"]])
    world.push(DocumentRecord(id="contract", title="The contract", scope="plans", text="x", access=lists))
    Document.past_the_guard.filter(external_id="contract").update(state="quarantined", reason="encrypted")
    assert "in plans" not in shown(console, f"{PAGE}quarantined/?reason=encrypted")


def test_many_are_listed_page_by_page(world: World, console: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.console.one_source.PAGE", 2)
    ids = sorted(broken(world, f"contract {number}") for number in range(3))
    first = shown(console, f"{PAGE}quarantined/?reason=encrypted")
    assert [id in first for id in ids] == [True, True, False]
    assert f"after={ids[1]}" in first
    second = shown(console, f"{PAGE}quarantined/?reason=encrypted&after={ids[1]}")
    assert [id in second for id in ids] == [False, False, True]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "2 documents will be read again when they are pushed again"),
        ({"reason": "encrypted"}, "2 documents will be read again"),
        ({"reason": "empty"}, "There is nothing left of that to try again."),
        ({"reason": "encrypted\0"}, "2 documents"),
        ({"document": "{id}"}, "1 document will be read again"),
        ({"document": str(uuid4())}, "There is nothing left of that to try again."),
    ],
    ids=["all", "of a reason", "of another", "with what no text holds", "one", "an unknown one"],
)
def test_a_retry_says_what_it_will_do(world: World, console: Client, asked: dict[str, str], told: str) -> None:
    id = broken(world, "contract")
    broken(world, "offer")
    typed = {name: value.format(id=id) for name, value in asked.items()}
    page = console.post(f"{PAGE}retry/", typed, follow=True)
    assert told in page.content.decode()
    assert AuditEvent.objects.get().kind == "source.retried"


def test_a_retry_of_what_is_no_id_is_refused(world: World, console: Client) -> None:
    assert console.post(f"{PAGE}retry/", {"document": "contract"}).status_code == 404
    assert console.get(f"{PAGE}quarantined/?reason=encrypted&after=contract").status_code == 404


def test_a_document_that_can_be_read_is_not_forgotten_by_a_retry(world: World, console: Client) -> None:
    before = Document.past_the_guard.values_list("public_id", "content_digest").get()
    page = console.post(f"{PAGE}retry/", {"document": str(before[0])}, follow=True).content.decode()
    assert "There is nothing left of that to try again." in page
    assert Document.past_the_guard.values_list("public_id", "content_digest").get() == before


@pytest.mark.parametrize(("typed", "word"), [({}, "no"), ({"contents": "yes"}, "yes")], ids=["listing", "contents"])
def test_reading_anew_is_asked_for_and_audited(
    world: World, console: Client, carol: User, typed: dict[str, str], word: str
) -> None:
    page = console.post(f"{PAGE}anew/", typed, follow=True).content.decode()
    assert ("with all contents" in page) == (word == "yes")
    event = AuditEvent.objects.get()
    assert (event.kind, event.user_id) == ("source.read_anew", carol.pk)
    assert event.details == {"source": "docs", "contents": word}
    forgotten = Document.past_the_guard.get().content_digest is None
    assert forgotten == (word == "yes")
    assert world.reads("ann") == {"zeppelin plan"}


def test_a_dry_run_tells_who_would_gain_what_and_names_nothing_new(
    world: World, console: Client, tmp_path: Path
) -> None:
    (tmp_path / ".access.yaml").write_text("grants: [ann]\n")
    (tmp_path / "people.yaml").write_text("people:\n  ann: {name: Ann, email: ann@example.org}\n")
    (tmp_path / "walrus.md").write_text("# Walrus\n")
    adding.add_source("files", kind="folder", settings={"path": str(tmp_path)}, vouches_for_emails=True)
    Source.objects.update(permissions_verified_at="2999-01-01T00:00:00Z")
    page = " ".join(console.post("/console/sources/files/dry-run/").content.decode().split())
    assert "ann@example.org" in page
    assert "1 of these new" in page
    assert "walrus" not in page.lower()
    assert Document.past_the_guard.filter(source__directory__key="files").count() == 0
    assert AuditEvent.objects.get().kind == "what_if.asked"


def test_a_dry_run_that_cannot_be_made_says_why(world: World, console: Client) -> None:
    page = console.post(f"{PAGE}dry-run/").content.decode()
    assert "there is nothing to read" in page


def test_one_dry_run_is_made_at_a_time(world: World, console: Client) -> None:
    with one_source.reading:
        assert "Another dry run is being made." in console.post(f"{PAGE}dry-run/").content.decode()
    assert "Another dry run" not in console.post(f"{PAGE}dry-run/").content.decode()


def test_the_addresses_that_wake_a_sync_are_shown(world: World, console: Client) -> None:
    adding.add_source("code", kind="github", settings={"organization": "acme"})
    page = shown(console, "/console/sources/code/")
    assert "/api/v1/sources/code/webhook" in page
    assert "/api/v1/sources/code/notify" in page
    assert "/notify" not in shown(console)


def test_a_source_whose_kind_is_gone_still_has_a_page(world: World, console: Client) -> None:
    Source.objects.update(kind="wiki", next_sync_at="2026-01-01T00:00:00Z")
    assert "no worker has taken it" in shown(console)

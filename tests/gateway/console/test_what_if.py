"""The console's page for a change that is not made yet: counts and ids, and titles of what one may read oneself."""

import json
from collections.abc import Mapping

import pytest
from django.test import Client

from accounts.models import User
from connectors.models import Document
from gateway.models import AuditEvent
from tests.cast import World

PAGE = "/console/what-if/"


def asked(console: Client, **fields: str) -> str:
    response = console.post(PAGE, {"source": "docs", **fields})
    assert response.status_code == 200
    return response.content.decode()


def records(*lines: Mapping[str, object]) -> str:
    return "\n".join(map(json.dumps, lines))


def test_a_change_of_a_group_is_shown_by_ids_and_counts_and_audited(world: World, carol: User, console: Client) -> None:
    world.document("press", grants=["publishing"])
    press = Document.past_the_guard.get(external_id="press")
    page = asked(console, member="ann", change="leaves", group="editors")
    assert "<strong>1</strong> person would lose <strong>1</strong> document between them" in page
    assert "ann@example.org" in page
    assert str(press.public_id) in page
    assert "Press" not in page
    assert world.reads("ann") == {"zeppelin plan", "press"}
    event = AuditEvent.objects.get()
    assert (event.kind, event.user_id) == ("what_if.asked", carol.pk)
    assert (event.details["source"], event.details["documents"]) == ("docs", [str(press.public_id)])


def test_a_title_is_shown_only_to_who_may_read_the_document(world: World, console: Client) -> None:
    world.join("carol")
    world.document("press", grants=["ann", "carol"])
    deletions = [{"type": "deletion", "kind": "document", "id": id} for id in ("press", "zeppelin plan")]
    page = asked(console, records=records(*deletions))
    assert "Press" in page
    assert "Zeppelin" not in page
    hidden = Document.past_the_guard.get(external_id="zeppelin plan").public_id
    assert str(hidden) in page
    assert f"/documents/{hidden}/" not in page


def test_records_are_taken_as_the_batch_takes_them(world: World, console: Client) -> None:
    lines = [
        {"type": "principal", "kind": "group", "id": "editors", "members": ["charlie"]},
        {"type": "document", "id": "menu", "title": "Menu", "text": "Soup.", "grants": ["publishing"]},
    ]
    page = asked(console, records=records(*lines) + "\n{broken")
    assert "Line 3: This is not JSON" in page
    assert "menu" in page
    assert "charlie@example.org" in page
    assert world.reads("charlie") == set()
    assert Document.past_the_guard.count() == 1


def test_a_change_that_does_nothing_says_so(world: World, console: Client) -> None:
    page = asked(console, records=records({"type": "deletion", "kind": "document", "id": "nothing"}))
    assert "Nobody would gain or lose a document." in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"member": "ann", "change": "joins", "group": "nobody"}, "The source knows no group"),
        ({"member": "ann", "change": "joins", "group": "editors"}, "already a member"),
        ({"member": "", "change": "joins", "group": "editors"}, "This field is required."),
        ({"member": "ann", "change": "burns", "group": "editors"}, "Select a valid choice."),
        ({"records": ""}, "This field is required."),
        ({"records": "{}", "source": "elsewhere"}, "Choose a source."),
        ({"records": "{}\n" * 1001}, "At most 1,000 records"),
    ],
    ids=["no group", "member already", "no member", "no such change", "no records", "no source", "too many"],
)
def test_what_cannot_be_told_is_said_on_the_page(
    world: World, console: Client, fields: dict[str, str], words: str
) -> None:
    assert words in asked(console, **fields)
    assert not AuditEvent.objects.exists()


def test_the_page_is_for_staff_and_its_forms_are_its_own(world: World, carol: User, console: Client) -> None:
    assert "What would change?" in console.get(PAGE).content.decode()
    stranger = Client()
    stranger.force_login(world.people["ann"])
    assert stranger.get(PAGE).status_code == stranger.post(PAGE).status_code == 404
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(carol)
    assert forged.post(PAGE, {"source": "docs", "records": "{}"}).status_code == 403

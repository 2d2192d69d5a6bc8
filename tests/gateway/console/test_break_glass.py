"""Break-glass on the console: given to another, shown with every use, ended (P12)."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils.html import escape

from accounts.models import User
from connectors.corpus.reading import get_document
from connectors.models import BreakGlass, Document
from gateway.models import AuditEvent
from tests.cast import World

PATH = "/console/break-glass/"


@pytest.fixture
def plan(world: World) -> UUID:
    return Document.past_the_guard.get(source=world.source).public_id


def form(plan: UUID, **changed: Any) -> dict[str, Any]:
    filled = {"person": "charlie@example.org", "document": plan, "reason": "An incident.", "hours": 2}
    return filled | changed


def test_one_administrator_opens_a_document_to_another_person(world: World, console: Client, plan: UUID) -> None:
    answer = console.post(PATH, form(plan), follow=True)
    assert answer.status_code == 200
    assert world.reads("charlie") == {"zeppelin plan"}
    page = answer.content.decode()
    for shown in ("Charlie", str(plan), "An incident.", "carol@example.org", "Not used."):
        assert shown in page
    assert "Zeppelin Plan" not in page


def test_every_use_is_shown_and_the_end_is_at_once(world: World, console: Client, carol: User, plan: UUID) -> None:
    console.post(PATH, form(plan))
    assert get_document(world.reader("charlie"), plan) is not None
    assert f"</time> {plan}" in console.get(PATH).content.decode()
    glass = BreakGlass.objects.get()
    console.post(f"{PATH}{glass.pk}/end/")
    assert world.reads("charlie") == set()
    assert "End now" not in console.get(PATH).content.decode()
    kinds = ["break_glass.given", "break_glass.used", "break_glass.ended"]
    assert list(AuditEvent.objects.order_by("pk").values_list("kind", flat=True)) == kinds
    assert list(AuditEvent.objects.order_by("pk").values_list("user_id", flat=True)) == [
        carol.pk,
        world.people["charlie"].pk,
        carol.pk,
    ]


def test_a_scope_is_named_by_its_source_and_its_id(world: World, console: Client, plan: UUID) -> None:
    world.folder("closed", ["ann"])
    world.document("below", "closed")
    console.post(PATH, form(plan, document="", source="docs", scope="closed"))
    assert world.reads("charlie") == {"below"}
    assert "scope closed of docs" in console.get(PATH).content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"person": "carol@example.org"}, "Nobody opens a document for themselves."),
        ({"person": "nobody@example.org"}, "Nobody here has this address."),
        ({"document": ""}, "Name a document or a scope."),
        ({"document": UUID(int=7)}, "There is no such document."),
        ({"scope": "closed"}, "A scope is named by its source and its id there."),
        ({"reason": ""}, "This field is required."),
        ({"hours": 1000}, "less than or equal to 72"),
    ],
    ids=["oneself", "unknown person", "nothing", "unknown document", "scope without source", "no reason", "too long"],
)
def test_what_cannot_be_given_is_said(
    console: Client, world: World, plan: UUID, wrong: dict[str, Any], said: str
) -> None:
    answer = console.post(PATH, form(plan) | wrong)
    assert answer.status_code == 200
    assert escape(said) in answer.content.decode()
    assert not BreakGlass.objects.exists()


def test_to_others_there_is_no_such_page(world: World) -> None:
    browser = Client()
    browser.force_login(world.people["ann"])
    for answer in (browser.get(PATH), browser.post(PATH), browser.post(f"{PATH}1/end/")):
        assert answer.status_code == 404

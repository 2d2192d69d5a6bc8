"""Break-glass on the console: given to another, shown with every use, ended (P12)."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils.html import escape

from accounts.models import User
from connectors.adding import delete_source
from connectors.corpus.reading import get_document
from connectors.models import BreakGlass, Document
from gateway.console.break_glass import last_uses
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


def test_uses_are_counted_and_all_of_them_are_in_the_audit(
    world: World, console: Client, plan: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.console.break_glass.USES", 2)
    for name in ("charlie", "dora"):
        world.join(name)
        console.post(PATH, form(plan, person=f"{name}@example.org"))
    for name in ("charlie", "charlie", "charlie", "dora"):
        get_document(world.reader(name), plan)
    page = console.get(PATH).content.decode()
    assert page.count(f"</time> {plan}") == 2 + 1
    assert "Used 3 times, last on" in page
    assert "Used 1 time, last on" in page
    address = f"/console/audit/?break_glass={BreakGlass.objects.get(user=world.people['charlie']).pk}"
    assert page.count("All are in the audit") == page.count(f'href="{address}"') == 1
    audit = console.get(address).content.decode()
    assert audit.count(f"read documents by break-glass: {plan}") == 3
    assert "let a person read something by break-glass: charlie@example.org" in audit
    assert "dora@example.org" not in audit
    assert console.get("/console/audit/?break_glass=x").status_code == 404


def test_only_uses_that_are_shown_are_read(
    world: World, console: Client, plan: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.console.break_glass.USES", 2)
    console.post(PATH, form(plan))
    for _ in range(4):
        get_document(world.reader("charlie"), plan)
    assert len(last_uses(list(BreakGlass.objects.all()))) == 2


def test_the_audit_tells_what_was_opened_and_until_when_after_all_of_it_is_gone(
    world: World, console: Client, plan: UUID
) -> None:
    world.folder("closed", ["ann"])
    console.post(PATH, form(plan))
    console.post(PATH, form(plan, document="", source="docs", scope="closed"))
    ends = [glass.until.isoformat() for glass in BreakGlass.objects.order_by("pk")]
    delete_source(world.source)
    assert not BreakGlass.objects.exists()
    told = [event.details for event in AuditEvent.objects.filter(kind="break_glass.given")]
    assert [details["until"] for details in told] == ends
    assert [(each["source"], each.get("document"), each.get("scope")) for each in told] == [
        ("docs", str(plan), None),
        ("docs", None, "closed"),
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

"""The console's pages for auditors: why, what, and who; and nothing of a document they may not read."""

from uuid import UUID

import pytest
from django.test import Client

from accounts.models import User
from connectors.models import Document
from gateway.models import AuditEvent
from tests.cast import World, person
from tests.connectors.remembering import later

ACCESS = "/console/access/"


@pytest.fixture
def vera(db: None) -> User:
    """Audits, and does not run the system."""
    return person("vera", is_auditor=True)


@pytest.fixture
def auditor(vera: User) -> Client:
    client = Client()
    client.force_login(vera)
    return client


@pytest.fixture
def plan(world: World) -> UUID:
    return Document.past_the_guard.get(external_id="zeppelin plan").public_id


def page(auditor: Client, address: str) -> str:
    answer = auditor.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def question(plan: UUID, name: str = "ann", at: str = "") -> str:
    return f"{ACCESS}?user={name}@example.org&document={plan}&at={at}"


def test_a_decision_is_explained_without_a_word_of_the_document(auditor: Client, plan: UUID) -> None:
    allowed, denied = page(auditor, question(plan)), page(auditor, question(plan, "charlie"))
    assert "Allowed" in allowed
    assert "account ann (docs)" in allowed
    assert "Denied" in denied
    for found in (allowed, denied, page(auditor, f"{ACCESS}documents/?user=ann@example.org")):
        assert "zeppelin" not in found.lower()
        assert "silver" not in found


def test_who_may_read_it_themselves_sees_its_title(auditor: Client, world: World, plan: UUID) -> None:
    world.join("vera")
    world.reshare("document", "zeppelin plan", None, ["ann", "vera"])
    assert "Zeppelin Plan" in page(auditor, question(plan))
    assert "Zeppelin Plan" in page(auditor, f"{ACCESS}documents/?user=ann@example.org")


def test_a_time_that_is_past_is_asked_about(auditor: Client, world: World, plan: UUID) -> None:
    before = later()
    world.reshare("document", "zeppelin plan", None, ["charlie"])
    at = before.strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert "could</" not in page(auditor, question(plan))
    assert "could read" in " ".join(page(auditor, question(plan, at=at)).split())
    assert "may not" in page(auditor, question(plan))
    assert "The history begins at" in page(auditor, question(plan, at="2001-01-01T00:00"))


def test_what_and_who_are_listed_and_lead_to_why(auditor: Client, world: World, plan: UUID) -> None:
    documents = page(auditor, f"{ACCESS}documents/?user=ann@example.org")
    people = page(auditor, f"{ACCESS}readers/{plan}/")
    assert str(plan) in documents
    assert "ann@example.org" in people
    assert "charlie@example.org" not in people
    for found in (documents, people):
        assert f"?user=ann%40example.org&amp;document={plan}" in found


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("?user=nobody@example.org&document=0b5c1b6a-1f4e-4c52-9a52-5f4d3c0f5b11", "no person with this address"),
        ("?user=%00&document=0b5c1b6a-1f4e-4c52-9a52-5f4d3c0f5b11", "Null characters are not allowed"),
        ("?user=ann@example.org&document=0b5c1b6a-1f4e-4c52-9a52-5f4d3c0f5b11", "there never was"),
        ("?user=ann@example.org&document=x", "not the id of a document"),
        ("?user=ann@example.org", "This field is required"),
    ],
)
def test_what_cannot_be_answered_is_said(auditor: Client, plan: UUID, query: str, says: str) -> None:
    assert says in page(auditor, ACCESS + query)


@pytest.mark.parametrize(
    "address",
    ["documents/?user=x@example.org", "documents/?user=ann@example.org&after=x", f"readers/{UUID(int=7)}/"],
)
def test_what_is_unknown_is_not_there(auditor: Client, plan: UUID, address: str) -> None:
    assert auditor.get(ACCESS + address).status_code == 404


@pytest.mark.parametrize("after", ["x", "-1", "0", "99999999999999999999", "%00"])
def test_a_mark_nobody_gave_out_is_not_there(auditor: Client, plan: UUID, after: str) -> None:
    assert auditor.get(f"{ACCESS}readers/{plan}/?after={after}").status_code == 404


def test_every_question_is_audited(auditor: Client, vera: User, plan: UUID) -> None:
    page(auditor, ACCESS)
    page(auditor, question(plan))
    page(auditor, f"{ACCESS}documents/?user=ann@example.org")
    page(auditor, f"{ACCESS}readers/{plan}/")
    kinds = ["access.explained", "access.documents_listed", "access.readers_listed"]
    assert list(AuditEvent.objects.values_list("kind", "user_id")) == [(kind, vera.pk) for kind in kinds]


def test_the_console_of_an_auditor_is_these_pages_alone(auditor: Client, console: Client, plan: UUID) -> None:
    """Running the system is not auditing it, nor the other way round."""
    assert ACCESS in page(auditor, "/questions/")
    assert "/console/people/" not in page(auditor, ACCESS)
    assert auditor.get("/console/people/").status_code == 404
    assert ACCESS not in page(console, "/console/")
    for address in (ACCESS, question(plan), f"{ACCESS}documents/?user=ann@example.org", f"{ACCESS}readers/{plan}/"):
        assert console.get(address).status_code == 404


def test_the_audit_says_what_was_asked(auditor: Client, console: Client, plan: UUID) -> None:
    page(auditor, question(plan))
    found = page(console, "/console/audit/")
    assert "asked why somebody may read a document" in found
    assert "ann@example.org" in found

"""Documents that readers say are out of date, and answers that were objected to."""

import json
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from accounts.models import User
from accounts.reader import Reader
from connectors.applying import apply_record
from connectors.corpus.reading import list_documents
from connectors.records import Access, DocumentRecord, Entry
from gateway import conversations, reporting
from gateway.answering.asking import answer
from gateway.models import AuditEvent, Feedback, Report
from tests.gateway.library import LEAVE, Library

SAID = "Since May it is thirty weeks."
WEEKS = "How many weeks of parental leave do employees in Germany receive?"


@pytest.fixture
def library(db: None) -> Library:
    library = Library()
    for name in ("ann", "bob", "eve"):
        library.person(name)
    put(library, readers=("ann", "bob"))
    return library


def put(library: Library, *, readers: tuple[str, ...], author: str = "bob", owner: str = "") -> None:
    access = Access(grants=tuple(Entry(id=reader) for reader in readers))
    metadata = {"owner": owner} if owner else {}
    record = DocumentRecord(
        id="leave", title="Parental leave", text=LEAVE, access=access, author=author, metadata=metadata
    )
    apply_record(library.source, record)


def user(name: str) -> User:
    return User.objects.get(email=f"{name}@example.com")


def reader(name: str) -> Reader:
    return Reader(user(name).pk)


def signed_in(name: str) -> Client:
    client = Client()
    client.force_login(user(name))
    return client


def document() -> UUID:
    [found] = list_documents(reader("ann"))
    return found.id


def told(name: str) -> list[str]:
    return [each.text for each in reporting.on_ones_own(reader(name))]


def test_a_report_reaches_whom_the_source_names_as_author_and_nobody_else(library: Library) -> None:
    assert reporting.report(reader("ann"), document(), f" {SAID} ") is True
    assert told("bob") == [SAID]
    assert told("ann") == told("eve") == []
    [event] = AuditEvent.objects.filter(kind="document.reported")
    assert event.details["document"] == str(document())
    assert SAID not in repr(event.details)


@pytest.mark.parametrize(
    ("author", "owner", "reached"),
    [
        ("bob@example.com", "", True),
        ("Bob <Bob@Example.com>", "", True),
        ("", "bob", True),
        ("Bob", "", False),
        ("bob@example.com.evil.example", "", False),
        ("", "", False),
    ],
    ids=["address", "name-and-address", "owner", "another-id", "another-address", "nobody"],
)
def test_the_author_is_an_account_by_its_id_or_address_and_never_by_its_name(
    library: Library, author: str, owner: str, reached: bool
) -> None:
    put(library, readers=("ann", "bob"), author=author, owner=owner)
    reporting.report(reader("ann"), document(), SAID)
    assert told("bob") == ([SAID] if reached else [])


def test_an_author_who_lost_the_document_is_told_nothing_of_it(library: Library) -> None:
    reporting.report(reader("ann"), document(), SAID)
    [before] = reporting.on_ones_own(reader("bob"))
    put(library, readers=("ann",))
    assert told("bob") == []
    assert signed_in("bob").post(f"/reports/{before.id}/done/").status_code == 404
    assert SAID not in signed_in("bob").get("/me/").content.decode()
    assert Report.objects.get().done_at is None


def test_an_account_of_the_same_id_in_another_source_is_another(library: Library) -> None:
    other = Library("other")
    apply_record(
        other.source,
        DocumentRecord(id="x", title="X", text="X", access=Access(grants=(Entry(id="everyone"),)), author="bob"),
    )
    [theirs] = [each for each in list_documents(reader("ann")) if each.source == "other"]
    reporting.report(reader("ann"), theirs.id, SAID)
    assert told("bob") == []


def test_what_cannot_be_read_cannot_be_reported_nor_told_from_nothing(library: Library) -> None:
    eve = signed_in("eve")
    for address in ("/api/v1/documents/{}/reports", "/documents/{}/report/"):
        foreign, unknown = (
            eve.post(address.format(id), json.dumps({"text": SAID}), content_type="application/json")
            for id in (document(), uuid4())
        )
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
        assert foreign.headers == unknown.headers
    assert not Report.objects.exists()


def test_a_person_reports_by_page_and_program_and_says_it_anew(library: Library) -> None:
    ann, address = signed_in("ann"), f"/documents/{document()}/"
    assert ann.post(f"{address}report/", {"text": "First \0 words"}).headers["Location"] == address
    body = json.dumps({"text": SAID})
    assert ann.post(f"/api/v1{address}reports", body, content_type="application/json").status_code == 204
    assert [each.text for each in Report.objects.all()] == [SAID]
    assert SAID in ann.get(address).content.decode()
    assert SAID not in signed_in("bob").get(address).content.decode()
    bob = signed_in("bob")
    page = bob.get("/me/").content.decode()
    assert "Reported on your documents" in page
    assert SAID in page
    report = Report.objects.get()
    assert ann.post(f"/reports/{report.pk}/done/").status_code == 404
    bob.post(f"/reports/{report.pk}/done/")
    report.refresh_from_db()
    assert report.done_by == user("bob")
    assert told("bob") == []
    assert reporting.report(reader("ann"), document(), "Again.") is True
    assert told("bob") == ["Again."]


def test_staff_see_how_many_wait_and_which_only_where_they_may_read(library: Library) -> None:
    User.objects.filter(email="eve@example.com").update(is_staff=True)
    reporting.report(reader("ann"), document(), SAID)
    report = Report.objects.get()
    eve = signed_in("eve")
    page = eve.get("/console/reports/").content.decode()
    assert reporting.open_by_source() == [("Library", 1)]
    assert "Library" in page
    assert "Parental leave" not in page
    assert SAID not in page
    assert str(document()) not in page
    assert eve.post(f"/console/reports/{report.pk}/done/").status_code == 404
    put(library, readers=("ann", "bob", "eve"))
    page = eve.get("/console/reports/").content.decode()
    assert "Parental leave" in page
    assert SAID in page
    eve.post(f"/console/reports/{report.pk}/done/")
    assert reporting.open_by_source() == []
    assert signed_in("ann").get("/console/reports/").status_code == 404


def test_the_reason_of_an_objection_is_kept_counted_and_if_it_is_about_rights_audited(library: Library) -> None:
    done = async_to_sync(answer)(reader("ann"), WEEKS, door="test")
    ann = signed_in("ann")
    form = {"verdict": "down", "reason": "out_of_date", "comment": SAID}
    ann.post(f"/questions/{done.question_id}/feedback/", form)
    assert (Feedback.objects.get().reason, Feedback.objects.get().comment) == ("out_of_date", SAID)
    assert reporting.objections() == [("It is out of date", 1)]
    address = f"/api/v1/questions/{done.question_id}/feedback"

    def said(**body: str) -> int:
        return ann.post(address, json.dumps(body), content_type="application/json").status_code

    assert said(verdict="down", reason="not_for_me") == 204
    assert Feedback.objects.get().reason == "not_for_me"
    assert AuditEvent.objects.get(kind="answer.objected").details == {"question": str(done.question_id)}
    assert said(verdict="down", reason="ugly") == 400
    assert said(verdict="up", reason="wrong") == 204
    assert Feedback.objects.get().reason == ""
    assert conversations.give_feedback(reader("bob"), done.question_id, "down", reason="wrong") is False

"""Auditors ask why; nobody else finds the address, and no auditor learns a title by asking."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from connectors.adding import add_source, delete_source
from connectors.models import Document, Source
from gateway.models import AuditEvent
from tests.connectors.remembering import later
from tests.gateway.api.conftest import person
from tests.gateway.api.programs import Issue, Program, Pusher

pytestmark = pytest.mark.django_db

CANARIES = (b"Canary", b"canary", b"sings")


@pytest.fixture
def vera(db: None) -> User:
    """The auditor, who reads nothing by it and does not run the system."""
    return person("vera", is_auditor=True)


@pytest.fixture
def auditor(vera: User, program: Issue) -> Program:
    return program(vera, "admin")


@pytest.fixture
def secret(push: Pusher, ann: User) -> UUID:
    """A document of Ann's."""
    push.account(ann)
    push.group("team", "ann")
    push.put("scopes", "canary/plans", name="Canary plans", grants=["team"])
    push.put("documents", "canary/7", scope="canary/plans", title="Titled Canary", text="The bird sings at noon.")
    return Document.past_the_guard.get(external_id="canary/7").public_id


def explained(auditor: Program, document: UUID, user: str = "ann", **more: str) -> Any:
    query = "&".join(f"{name}={value}" for name, value in more.items())
    answer = auditor.get(f"access/explain?user={user}@example.com&document={document}&{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_decision_the_rules_and_the_chain_are_told(auditor: Program, secret: UUID, bob: User) -> None:
    found = explained(auditor, secret)
    assert (found["user"], found["decision"], found["rules"][0]) == ("ann@example.com", "allowed", "P4")
    assert [step["id"] for step in found["clauses"][0]["path"]] == ["ann", "team"]
    assert found["accounts"] == [{"kind": "user", "id": "ann", "name": "", "source": "wiki"}]
    assert len(found["scopes"]) == 1
    assert found["agrees"] is True
    other = explained(auditor, secret, "bob")
    assert (other["decision"], other["rules"]) == ("denied", ["P4", "P13"])


def test_it_is_told_without_a_word_of_the_document(auditor: Program, secret: UUID) -> None:
    answers = [
        auditor.get(f"access/explain?user=ann@example.com&document={secret}"),
        auditor.get("access/documents?user=ann@example.com"),
        auditor.get(f"access/readers?document={secret}"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert not [word for word in CANARIES if word in answer.content]
    assert answers[0].json()["document"] == {
        "id": str(secret),
        "external_id": None,
        "title": None,
        "url": None,
        "source": "wiki",
    }
    assert [each["id"] for each in answers[1].json()["results"]] == [str(secret)]
    assert answers[2].json()["results"] == [{"email": "ann@example.com", "name": "Ann"}]


def test_an_auditor_who_may_read_it_sees_what_it_is_called(
    auditor: Program, secret: UUID, vera: User, push: Pusher
) -> None:
    push.account(vera)
    push.group("team", "ann", "vera")
    found = explained(auditor, secret)
    assert (found["document"]["title"], found["scopes"][0]["name"]) == ("Titled Canary", "Canary plans")
    [listed] = auditor.get("access/documents?user=ann@example.com").json()["results"]
    assert listed["external_id"] == "canary/7"
    people = auditor.get(f"access/readers?document={secret}").json()["results"]
    assert {each["name"] for each in people} == {"Ann", "Vera"}


def test_what_was_is_told_with_the_answers_that_were_got(
    auditor: Program, secret: UUID, ann: User, push: Pusher, program: Issue
) -> None:
    asked = program(ann, "ask").post("ask", {"question": "When does the bird sing?"}).json()
    assert asked["status"] == "answered"
    before = later()
    push.group("team")
    [answer] = explained(auditor, secret)["answers"]
    assert (answer["question"], answer["shown"]) == (asked["id"], True)
    at = before.isoformat().replace("+00:00", "Z")
    then, now = explained(auditor, secret, at=at), explained(auditor, secret)
    assert (then["decision"], now["decision"]) == ("allowed", "denied")
    assert datetime.fromisoformat(then["at"]) == before
    program(ann, "ask").delete(f"conversations/{asked['conversation']}")
    [answer] = explained(auditor, secret)["answers"]
    assert (answer["question"], answer["shown"]) == (asked["id"], False)


def test_a_document_that_is_gone_is_still_explained(auditor: Program, secret: UUID, wiki: Source) -> None:
    delete_source(wiki)
    assert explained(auditor, secret)["rules"] == ["P6"]


def test_every_question_is_audited_before_it_is_answered(auditor: Program, secret: UUID, vera: User) -> None:
    explained(auditor, secret)
    auditor.get("access/documents?user=ann@example.com")
    auditor.get(f"access/readers?document={secret}")
    auditor.get(f"access/explain?user=ann@example.com&document={uuid4()}")
    trail = list(AuditEvent.objects.filter(kind__startswith="access.").values_list("kind", "user_id"))
    kinds = ["access.explained", "access.documents_listed", "access.readers_listed", "access.explained"]
    assert trail == [(kind, vera.pk) for kind in kinds]
    details = AuditEvent.objects.filter(kind="access.explained").order_by("id")[0].details
    assert (details["person"], details["document"], details["at"]) == ("ann@example.com", str(secret), "")


PATHS = (
    "access/explain?user=ann@example.com&document={}",
    "access/documents?user=ann@example.com",
    "access/readers?document={}",
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.partition("?")[0])
def test_others_find_nothing_there(path: str, secret: UUID, root: User, ann: User, program: Issue) -> None:
    """Running the system is not auditing it."""
    address = path.format(secret)
    nothing = program(root, "admin").get("nothing/here")
    for who in (root, ann):
        answer = program(who, "admin").get(address)
        assert (answer.status_code, answer.content) == (404, nothing.content)
        browser = Client()
        browser.force_login(who)
        assert browser.get(f"/api/v1/{address}").status_code == 404
    assert Client().get(f"/api/v1/{address}").status_code == 401
    assert program(ann, "read").get(address).status_code == 403
    assert not AuditEvent.objects.filter(kind__startswith="access.").exists()


def test_an_auditor_needs_no_token(vera: User, secret: UUID) -> None:
    browser = Client()
    browser.force_login(vera)
    assert browser.get(f"/api/v1/{PATHS[0].format(secret)}").json()["decision"] == "allowed"


def test_a_token_without_the_verb_is_refused(vera: User, secret: UUID, program: Issue) -> None:
    assert program(vera, "read").get(PATHS[0].format(secret)).status_code == 403


def test_a_token_tells_of_its_own_sources_alone(vera: User, secret: UUID, wiki: Source) -> None:
    other = add_source("other", kind="push")
    answers = []
    for source in (other, wiki):
        _, held = tokens.issue(
            vera, verbs=["admin"], directories=[source.directory], all_sources=False, expires_at=None
        )
        answers.append([Program(held).get(path.format(secret)) for path in PATHS])
    assert [answer.status_code for answer in answers[0]] == [404, 200, 404]
    assert answers[0][1].json()["results"] == []
    assert [answer.status_code for answer in answers[1]] == [200, 200, 200]
    assert len(answers[1][1].json()["results"]) == 1


def test_a_token_does_not_tell_of_accounts_in_other_sources(
    secret: UUID, ann: User, vera: User, root: User, wiki: Source, program: Issue
) -> None:
    other = add_source("other", kind="push", vouches_for_emails=True)
    Pusher(program(root, "ingest", sources=[other]), "other").account(ann)
    for limits, expected in ((None, {"other", "wiki"}), ([wiki], {"wiki"})):
        found = explained(program(vera, "admin", sources=limits), secret)
        assert {account["source"] for account in found["accounts"]} == expected


def test_a_token_does_not_count_what_is_in_other_sources(
    secret: UUID, vera: User, root: User, push: Pusher, program: Issue
) -> None:
    other = add_source("other", kind="push")
    path = "access/documents?user=ann@example.com"
    for number in range(60):
        push.put("documents", f"d{number}", grants=["ann"], title="A title", text="Some text.")
    limited = program(vera, "admin", sources=[other])
    assert limited.get(path).json() == {"results": [], "next_cursor": None}
    pushed = Pusher(program(root, "ingest", sources=[other]), "other")
    for number in range(60):
        pushed.put("documents", f"d{number}", grants=["everyone"], title="A title", text="Some text.")
    assert [len(page) for page in pages(limited, path)] == [50, 10]


@pytest.mark.parametrize("at", ["2999-01-01T00:00:00Z", "2001-01-01T00:00:00Z"])
def test_to_a_token_a_document_of_another_source_is_like_none_at_any_time(
    secret: UUID, vera: User, program: Issue, at: str
) -> None:
    limited = program(vera, "admin", sources=[add_source("other", kind="push")])
    foreign, unknown = (
        limited.get(f"access/explain?user=ann@example.com&document={id}&at={at}") for id in (secret, uuid4())
    )
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


def test_a_token_does_not_tell_of_a_source_that_had_the_same_key(
    secret: UUID, vera: User, wiki: Source, program: Issue
) -> None:
    delete_source(wiki)
    limited = program(vera, "admin", sources=[add_source("wiki", kind="push")])
    for path in (PATHS[0], PATHS[2]):
        assert limited.get(path.format(secret)).status_code == 404


UNKNOWN = [
    "access/explain?user=nobody@example.com&document={id}",
    "access/explain?user=ann@example.com&document={other}",
    "access/explain?user=ann@example.com&document=canary/7",
    "access/documents?user=nobody@example.com",
    "access/documents?user=%00",
    "access/readers?document={other}",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_what_is_unknown_is_not_there(auditor: Program, secret: UUID, path: str) -> None:
    assert auditor.get(path.format(id=secret, other=uuid4())).status_code == 404


REFUSED = {
    "access/explain?user=ann@example.com": "field_missing",
    "access/explain?document={id}": "field_missing",
    "access/documents": "field_missing",
    "access/readers": "field_missing",
    "access/explain?user=ann@example.com&document={id}&at=yesterday": "field_invalid",
    "access/explain?user=ann@example.com&document={id}&at=2001-01-01T00:00:00Z": "time_invalid",
    "access/explain?user=ann@example.com&document={id}&at={tomorrow}": "time_invalid",
    "access/explain?user=ann@example.com&document={id}&why=x": "field_unknown",
    "access/documents?user=ann@example.com&cursor=x": "cursor_invalid",
    "access/readers?document={id}&cursor=LTE": "cursor_invalid",
}


@pytest.mark.parametrize("path", REFUSED)
def test_what_makes_no_sense_is_refused(auditor: Program, secret: UUID, path: str) -> None:
    tomorrow = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = auditor.get(path.format(id=secret, tomorrow=tomorrow))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, REFUSED[path])


def test_pages_follow_one_another(auditor: Program, secret: UUID, push: Pusher) -> None:
    for number in range(60):
        push.put("documents", f"d{number}", grants=["ann"], title="A title", text="Some text.")
    for number in range(60):
        person(f"p{number:02}")
    push.put("documents", "for all", grants=["everyone"], title="A title", text="Some text.")
    everyones = Document.past_the_guard.get(external_id="for all").public_id
    assert [len(page) for page in pages(auditor, "access/documents?user=ann@example.com")] == [50, 12]
    people = pages(auditor, f"access/readers?document={everyones}")
    assert [len(page) for page in people] == [50, User.objects.count() - 50]


def pages(auditor: Program, path: str) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = auditor.get(path + (f"&cursor={cursor}" if cursor else "")).json()
        found.append(page["results"])
        cursor = page["next_cursor"]
    return found

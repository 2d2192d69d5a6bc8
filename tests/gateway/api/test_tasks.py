"""Summaries and facts as programs ask for them."""

from uuid import uuid4

import pytest

from accounts.models import User
from gateway.models import Question
from tests.gateway.api.programs import Issue, Program, Pusher
from tests.gateway.api.test_over_asgi import called

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "The nightly backup starts at half past two and is kept for 35 days.\n\nOwner: Dana Reed."


@pytest.fixture
def asker(ann: User, push: Pusher, program: Issue) -> Program:
    push.put("documents", "backup", title="Backups", text=TEXT, grants=[push.account(ann)])
    return program(ann, "ask", "read")


def document(asker: Program) -> str:
    [found] = asker.get("documents").json()["results"]
    return str(found["id"])


def test_a_document_is_summed_up_in_the_shape_of_an_answer(asker: Program) -> None:
    told = asker.post("summaries", {"document": document(asker)}).json()
    assert told["sentences"][0]["text"] == "The nightly backup starts at half past two and is kept for 35 days."
    assert told["citations"][0]["document"]["title"] == "Backups"
    assert (told["status"], told["model"], told["notice"]["code"]) == ("answered", "extractive", "picked")
    again = asker.post("summaries", {"query": "backup", "conversation": told["conversation"]}).json()
    assert again["conversation"] == told["conversation"]
    assert again["answer"] == told["answer"]


def test_a_summary_comes_as_events_where_these_are_wanted(asker: Program) -> None:
    answer = called(asker, "POST", "summaries", {"document": document(asker), "stream": True})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert "event: sentence" in answer.text
    assert "event: done" in answer.text


def test_facts_are_told_with_their_place_and_meaning(asker: Program) -> None:
    id = document(asker)
    of_document = asker.post("facts", {"document": id}).json()
    assert [(each["kind"], each["value"], each["number"], each["unit"]) for each in of_document["facts"]] == [
        ("amount", "35 days", "35", "day"),
        ("person", "Dana Reed", None, None),
    ]
    assert asker.post("facts", {"query": "backup"}).json() == of_document
    assert asker.post("facts", {"query": "backup", "sources": []}).json()["facts"] == []


@pytest.mark.parametrize("path", ["summaries", "facts"])
def test_unknown_and_foreign_documents_are_one_404(asker: Program, mallory: User, program: Issue, path: str) -> None:
    stranger = program(mallory, "ask", "read")
    foreign = stranger.post(path, {"document": document(asker)})
    unknown = stranger.post(path, {"document": str(uuid4())})
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert stranger.post(path, {"document": "no id"}).content == unknown.content
    assert not Question.objects.exists()


@pytest.mark.parametrize("path", ["summaries", "facts"])
@pytest.mark.parametrize(
    "body",
    [{}, {"document": str(uuid4()), "query": "x"}, {"document": str(uuid4()), "sources": ["wiki"]}, {"query": " "}],
    ids=["nothing", "both", "a document and sources", "blanks"],
)
def test_what_names_neither_one_nor_the_other_is_refused(asker: Program, path: str, body: dict[str, object]) -> None:
    refused = asker.post(path, body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "field_invalid")


def test_the_verb_is_judged_first(ann: User, program: Issue) -> None:
    assert program(ann, "read").post("summaries", {}).json()["error"]["code"] == "verb_missing"
    assert program(ann, "ask").post("facts", {}).json()["error"]["code"] == "verb_missing"

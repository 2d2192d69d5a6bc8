"""Conversations as programs list, name, keep and forget them."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from gateway.api.conversations import PAGE
from gateway.api.cursors import cursor_after
from gateway.models import Conversation, Question
from tests.gateway.api.programs import Issue, Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def asker(ann: User, program: Issue) -> Program:
    return program(ann, "ask")


def ask(person: User, text: str, *, days_ago: int = 0) -> Conversation:
    conversation = Conversation.objects.create(owner=person)
    question = Question.objects.create(conversation=conversation, text=text, door="test")
    Question.objects.filter(pk=question.pk).update(asked_at=timezone.now() - timedelta(days=days_ago))
    return conversation


def test_conversations_are_listed_page_by_page_the_one_last_asked_in_first(ann: User, asker: Program) -> None:
    for number in range(PAGE + 1):
        ask(ann, f"Question {number:02}?", days_ago=number)
    first = asker.get("conversations").json()
    assert [each["title"] for each in first["results"]] == [f"Question {number:02}?" for number in range(PAGE)]
    last = asker.get(f"conversations?cursor={first['next_cursor']}").json()
    assert [each["title"] for each in last["results"]] == [f"Question {PAGE:02}?"]
    assert last["next_cursor"] is None


@pytest.mark.parametrize("mark", ["yesterday", "2026-01-01 00:00:00", "2026-01-01T00:00:00+00:00"])
def test_a_cursor_that_was_never_given_out_is_refused(asker: Program, mark: str) -> None:
    answer = asker.get(f"conversations?cursor={cursor_after(mark)}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "cursor_invalid")


def test_a_conversation_is_found_named_kept_as_a_file_and_forgotten(ann: User, bob: User, asker: Program) -> None:
    ask(bob, "And what does Bob ask about leave?")
    id = ask(ann, "How long is <parental> leave?").pk
    ask(ann, "Who is Dana?")
    assert [each["id"] for each in asker.get("conversations?search=LEAVE").json()["results"]] == [str(id)]
    named = asker.call("patch", f"conversations/{id}", {"title": "Leave"}).json()
    assert (named["id"], named["title"]) == (str(id), "Leave")
    assert asker.get(f"conversations/{id}").json()["title"] == "Leave"
    file = asker.get(f"conversations/{id}/markdown")
    assert file.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert file.content.decode().startswith("# Leave\n\n## How long is \\<parental\\> leave?\n\n")
    assert asker.call("patch", f"conversations/{id}", {"title": "x" * 201}).status_code == 400
    assert asker.call("patch", f"conversations/{uuid4()}", {"title": "Leave"}).status_code == 404
    assert asker.delete("conversations").status_code == 204
    assert asker.get("conversations").json()["results"] == []
    assert Conversation.objects.get().owner == bob


def test_a_token_that_may_not_ask_sees_no_conversation(ann: User, program: Issue) -> None:
    id = ask(ann, "How long is leave?").pk
    reading = program(ann, "read")
    for path in ("conversations", f"conversations/{id}", f"conversations/{id}/shares", "shared", f"shared/{id}"):
        assert reading.get(path).status_code == 403

"""`POST ask`: a cited answer, whole or as it comes, and what is kept of it."""

import json
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from tests.gateway.api.programs import Issue, Program, Pusher
from tests.gateway.api.test_over_asgi import called

pytestmark = pytest.mark.django_db

QUESTION = "How many days of annual leave do employees have?"
TEXT = "Employees have thirty days of annual leave per year. Leave is requested in the portal."


@pytest.fixture
def asker(push: Pusher, ann: User, program: Issue) -> Program:
    push.account(ann)
    push.put("documents", "leave", title="Annual leave", grants=["ann"], text=TEXT)
    return program(ann, "read", "ask")


def asked(program: Program, **body: Any) -> dict[str, Any]:
    answer = program.post("ask", {"question": QUESTION, **body})
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_an_answer_cites_the_passages_it_rests_on(asker: Program) -> None:
    answer = asked(asker)
    assert answer.keys() == {
        *("id", "conversation", "status", "answer", "sentences", "citations", "language", "model"),
        *("missing", "notice", "holds_for", "general", "options"),
    }
    assert answer["status"] == "answered"
    assert "thirty days" in answer["sentences"][0]["text"]
    assert answer["sentences"][0]["citations"] == [1]
    [citation] = answer["citations"]
    assert citation.keys() == {"n", "document", "passage"}
    text = asker.get(f"documents/{citation['document']['id']}/text").json()["text"]
    passage = citation["passage"]
    assert text[passage["start"] : passage["end"]] == passage["text"]


def test_a_stranger_is_told_the_same_whether_something_is_hidden_or_not(
    asker: Program, mallory: User, program: Issue
) -> None:
    stranger = program(mallory, "ask")
    hidden = asked(stranger)
    nothing = asked(stranger, question="What is the melting point of unobtainium?")
    for answer in (hidden, nothing):
        del answer["id"], answer["conversation"]
    assert hidden["status"] == "not_found"
    assert hidden == nothing


def test_the_part_of_a_question_that_is_not_found_is_named_then_and_later(asker: Program) -> None:
    answer = asked(asker, question=f"{QUESTION[:-1]}, and who won the football match on Sunday?")
    missing = {
        "parts": ["who won the football match on Sunday"],
        "message": "I did not find: who won the football match on Sunday.",
    }
    assert (answer["status"], answer["missing"]) == ("partial", missing)
    assert "thirty days" in answer["answer"]
    [kept] = asker.get(f"conversations/{answer['conversation']}").json()["questions"]
    assert (kept["status"], kept["missing"]) == ("partial", missing)
    assert asked(asker)["missing"] is None


def test_filters_narrow_what_an_answer_rests_on(asker: Program) -> None:
    assert asked(asker, sources=["nosuch"])["status"] == "not_found"
    assert asked(asker, filters={"source": "wiki"})["status"] == "answered"


@pytest.mark.parametrize("question", ["", "  ", "a" * 8_001, "a" * 100_000])
@pytest.mark.parametrize("stream", [False, True])
def test_a_question_nobody_can_answer_is_400(question: str, stream: bool, asker: Program) -> None:
    answer = asker.post("ask", {"question": question, "stream": stream})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["error"]["code"] == "question_invalid"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "field_missing"),
        ({"question": 1}, "field_invalid"),
        ({"question": "a", "stream": "yes"}, "field_invalid"),
        ({"question": "a", "conversation": 7}, "field_invalid"),
        ({"question": "a", "user": "root"}, "field_unknown"),
        ({"question": "a", "filters": {"user": "root"}}, "field_unknown"),
    ],
)
def test_what_cannot_be_meant_is_refused(body: dict[str, Any], code: str, asker: Program) -> None:
    answer = asker.post("ask", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_a_conversation_is_one_person_s_own(asker: Program, mallory: User, program: Issue) -> None:
    mine = asked(asker)
    assert asked(asker, conversation=mine["conversation"])["conversation"] == mine["conversation"]
    stranger = program(mallory, "ask")
    foreign = stranger.post("ask", {"question": QUESTION, "conversation": mine["conversation"]})
    assert foreign.status_code == 404
    for unknown in (str(uuid4()), "nothing"):
        answer = stranger.post("ask", {"question": QUESTION, "conversation": unknown})
        assert (answer.status_code, answer.content) == (404, foreign.content)
    for method, path in (
        ("get", f"conversations/{mine['conversation']}"),
        ("post", f"questions/{mine['id']}/feedback"),
    ):
        foreign = stranger.call(method, path, {"verdict": "up"} if method == "post" else None)
        unknown_path = path.replace(mine["conversation"], str(uuid4())).replace(mine["id"], str(uuid4()))
        unknown = stranger.call(method, unknown_path, {"verdict": "up"} if method == "post" else None)
        assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
        assert foreign.status_code == 404
    assert stranger.delete(f"conversations/{mine['conversation']}").status_code == 404
    assert stranger.get("conversations").json()["results"] == []
    assert len(asker.get("conversations").json()["results"]) == 1


def test_an_old_answer_is_shown_as_it_may_be_shown_now(asker: Program, push: Pusher) -> None:
    mine = asked(asker)
    path = f"conversations/{mine['conversation']}"
    [shown] = asker.get(path).json()["questions"]
    assert shown["question"] == QUESTION
    assert [each["text"] for each in shown["sentences"]] == [each["text"] for each in mine["sentences"]]
    assert [each["document"]["title"] for each in shown["citations"]] == ["Annual leave"]
    push.put("documents", "leave", title="Annual leave", grants=[], text=TEXT)
    withheld = asker.get(path)
    [shown] = withheld.json()["questions"]
    assert {each["state"] for each in shown["sentences"]} == {"withheld"}
    assert shown["citations"] == []
    assert b"thirty" not in withheld.content
    assert asker.delete(path).status_code == 204
    assert asker.get(path).status_code == 404
    assert asker.delete(path).status_code == 404


def test_feedback_is_taken_and_may_be_changed(asker: Program) -> None:
    path = f"questions/{asked(asker)['id']}/feedback"
    assert asker.post(path, {"verdict": "up"}).status_code == 204
    assert asker.post(path, {"verdict": "down", "comment": "Too short."}).status_code == 204
    for body in ({}, {"verdict": "sideways"}, {"verdict": "up", "comment": "a" * 2_001}, {"verdict": "up", "stars": 5}):
        assert asker.post(path, body).status_code == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("body", "headers"), [({"stream": True}, {}), ({}, {"Accept": "text/event-stream"})])
def test_an_answer_streams_as_events(body: dict[str, Any], headers: dict[str, str], asker: Program) -> None:
    answer = called(asker, "POST", "ask", {"question": QUESTION, **body}, **headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Cache-Control"] == "no-store"
    events = [read_event(block) for block in answer.text.split("\n\n") if block and not block.startswith(":")]
    names = [name for name, _ in events]
    assert names[0] == "retrieved"
    assert names[-1] == "done"
    assert names.index("citation") < names.index("sentence"), "a sentence's citations are known when it comes"
    done = events[-1][1]
    assert [data["text"] for name, data in events if name == "sentence"] == [each["text"] for each in done["sentences"]]
    assert next(data["document"] for name, data in events if name == "citation") == done["citations"][0]["document"]
    assert (events[0][1]["id"], events[0][1]["conversation"]) == (done["id"], done["conversation"])
    assert done.keys() == asked(asker).keys()


def read_event(block: str) -> tuple[str, dict[str, Any]]:
    name, data = block.split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))

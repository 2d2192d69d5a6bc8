"""Asking from the page: as a stream, without scripts, and with what cannot be asked."""

import json
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from accounts.models import User
from gateway.answering.asking import LONGEST_QUESTION
from gateway.models import Conversation, Question
from tests.cast import World
from tests.gateway.portal.browsing import signed_in

QUESTION = "How long does parental leave last?"


Events = list[tuple[str, dict[str, Any]]]


@async_to_sync
async def streamed(person: User, **form: str) -> tuple[Any, Events]:
    """What a script gets that asks: the response, and its events if it streams."""
    client = AsyncClient()
    await client.aforce_login(person)
    response: Any = await client.post("/ask/", form, headers={"Accept": "text/event-stream"})
    if not response.streaming:
        return response, []
    return response, events_in(b"".join([part async for part in response.streaming_content]).decode())


def events_in(text: str) -> Events:
    frames = [frame.split("\n") for frame in text.split("\n\n") if frame.startswith("event: ")]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in frames]


def test_an_answer_streams_with_its_citations_before_its_sentences(world: World) -> None:
    response, events = streamed(world.people["ann"], question=QUESTION)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert (response.headers["Cache-Control"], response.headers["X-Accel-Buffering"]) == ("no-store", "no")
    names = [name for name, _ in events]
    assert (names[0], names[-1]) == ("retrieved", "done")
    assert names.index("citation") < names.index("sentence")
    cited = dict(events)["citation"]
    assert cited["title"] == "Leave"
    assert cited["href"].startswith(f"/documents/{cited['document']['id']}/?start=")
    assert "twelve weeks" in dict(events)["sentence"]["text"]


def test_the_answer_is_made_of_what_the_asker_may_read(world: World) -> None:
    _, events = streamed(world.people["charlie"], question="What is the aubergine budget?")
    assert [name for name, _ in events] == ["retrieved", "done"]
    assert events[-1][1]["status"] == "not_found"
    assert "million" not in json.dumps(events)


@pytest.mark.parametrize("question", ["", "   ", "x" * (LONGEST_QUESTION + 1)], ids=["empty", "blank", "long"])
def test_what_cannot_be_asked_is_answered_with_a_sentence(world: World, question: str) -> None:
    response, _ = streamed(world.people["ann"], question=question)
    assert response.status_code == 400
    error = json.loads(response.content)["error"]
    assert error["code"] == "question_invalid"
    assert error["message"].endswith(".")


@pytest.mark.parametrize("conversation", ["6f1c2a8e-0000-4000-8000-000000000001", "no id at all"])
def test_an_unknown_conversation_is_not_there(world: World, conversation: str) -> None:
    response, _ = streamed(world.people["ann"], question=QUESTION, conversation=conversation)
    assert response.status_code == 404


def test_a_foreign_conversation_is_like_an_unknown_one(world: World) -> None:
    bobs = Conversation.objects.create(owner=world.people["bob"])
    foreign, _ = streamed(world.people["ann"], question=QUESTION, conversation=str(bobs.pk))
    unknown, _ = streamed(world.people["ann"], question=QUESTION, conversation=str(uuid4()))
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


def test_a_follow_up_stays_in_its_conversation(world: World) -> None:
    _, [(_, first), *_] = streamed(world.people["ann"], question=QUESTION)
    form = {"question": "And who is asked?", "conversation": first["conversation"]}
    _, [(_, second), *_] = streamed(world.people["ann"], **form)
    assert second["conversation"] == first["conversation"]
    assert Question.objects.filter(conversation=first["conversation"]).count() == 2


def test_the_part_that_is_not_found_is_named_in_the_stream_and_on_the_page_of_the_answer(world: World) -> None:
    _, events = streamed(world.people["ann"], question=f"{QUESTION[:-1]}, and who won the football match on Sunday?")
    done = dict(events)["done"]
    message = "I did not find: who won the football match on Sunday."
    assert (done["status"], done["missing"]["message"]) == ("partial", message)
    page = signed_in(world.people["ann"]).get(done["page"]).content.decode()
    assert message in page
    assert "was left out" not in page


def test_without_scripts_the_form_leads_to_the_answer(world: World) -> None:
    page = signed_in(world.people["ann"]).post("/ask/", {"question": QUESTION}, follow=True)
    assert page.redirect_chain[0][0].startswith("/questions/")
    assert b"twelve weeks" in page.content
    assert b"#passage" in page.content


def test_without_scripts_a_question_that_cannot_be_asked_is_kept(world: World) -> None:
    long = "why " * 2_001
    page = signed_in(world.people["ann"]).post("/ask/", {"question": long})
    assert page.status_code == 400
    assert long.strip() in page.content.decode()
    assert b'role="alert"' in page.content


def test_a_question_with_markup_is_shown_as_it_was_written(world: World) -> None:
    page = signed_in(world.people["ann"]).post("/ask/", {"question": "<script>alert(1)</script>?"}, follow=True)
    assert b"<script>alert(1)" not in page.content
    assert b"&lt;script&gt;alert(1)" in page.content


def test_the_first_page_lists_own_questions_only(world: World) -> None:
    signed_in(world.people["ann"]).post("/ask/", {"question": QUESTION})
    assert QUESTION in signed_in(world.people["ann"]).get("/").content.decode()
    assert QUESTION not in signed_in(world.people["bob"]).get("/").content.decode()


def test_a_form_of_another_site_asks_nothing(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people["ann"])
    answer = client.post("/ask/", {"question": QUESTION}, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    assert not Question.objects.exists()

"""Stored answers: the asker's alone, and checked again each time they are shown."""

from datetime import timedelta
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from gateway.models import Conversation, Feedback, Question
from gateway.portal.questions import PAGE
from tests.cast import World
from tests.gateway.portal.browsing import signed_in


def asked(browser: Client) -> str:
    """The address of an answer about parental leave."""
    return str(browser.post("/ask/", {"question": "How long does parental leave last?"}).headers["Location"])


def test_a_foreign_question_is_like_an_unknown_one(world: World) -> None:
    address = asked(signed_in(world.people["ann"]))
    stranger = signed_in(world.people["charlie"])
    for suffix in ("", "feedback/"):
        foreign, unknown = stranger.get(address + suffix), stranger.get(f"/questions/{uuid4()}/{suffix}")
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
        assert foreign.headers == unknown.headers
    assert stranger.post(address + "feedback/", {"verdict": "up"}).status_code == 404
    assert not Feedback.objects.exists()


def test_a_sentence_whose_source_was_lost_is_withheld_and_says_so_to_its_owner(world: World) -> None:
    browser = signed_in(world.people["ann"])
    address = asked(browser)
    assert b"twelve weeks" in browser.get(address).content
    world.reshare("document", "leave", None, ["bob"])
    page = browser.get(address).content
    assert b"A sentence is withheld: you may no longer read its source." in page
    assert b"twelve weeks" not in page
    assert b"Leave</a>" not in page


def test_a_sentence_whose_source_changed_is_marked(world: World) -> None:
    browser = signed_in(world.people["ann"])
    address = asked(browser)
    world.document("leave", grants=["ann"], text="Parental leave lasts fourteen weeks.")
    page = browser.get(address).content
    assert b"twelve weeks" in page
    assert b"changed at the source" in page


def test_feedback_is_kept_and_thanked_for(world: World) -> None:
    browser = signed_in(world.people["ann"])
    address = asked(browser)
    form = {"verdict": "down", "comment": " Not for Portugal. "}
    answer = browser.post(address + "feedback/", form, headers={"HX-Request": "true"})
    assert b"Thank you" in answer.content
    given = Feedback.objects.get()
    assert (given.verdict, given.comment) == ("down", "Not for Portugal.")
    assert browser.post(address + "feedback/", {"verdict": "up"}).headers["Location"] == address


def test_older_questions_are_a_page_away(world: World) -> None:
    conversation = Conversation.objects.create(owner=world.people["ann"])
    for number in range(PAGE + 1):
        question = Question.objects.create(conversation=conversation, text=f"Question {number:02}?", door="portal")
        Question.objects.filter(pk=question.pk).update(asked_at=timezone.now() - timedelta(days=number))
    browser = signed_in(world.people["ann"])
    first = browser.get("/questions/")
    assert f"Question {PAGE:02}?" not in first.content.decode()
    second = browser.get("/questions/", {"before": first.context["older"]}).content.decode()
    assert f"Question {PAGE:02}?" in second
    assert f"Question {PAGE - 1:02}?" not in second


def test_a_page_that_names_no_moment_is_the_first(world: World) -> None:
    browser = signed_in(world.people["ann"])
    for before in ("yesterday", "2026-01-01T00:00:00", "9" * 5_000):
        assert browser.get("/questions/", {"before": before}).status_code == 200

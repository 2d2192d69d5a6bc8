"""The pages of one's own conversations: a list, one read in order, files, and forgetting."""

from uuid import UUID, uuid4

import pytest
from django.test import Client

from gateway.models import Conversation, Question
from tests.cast import World
from tests.gateway.portal.browsing import signed_in

QUESTION = "How long does parental leave last?"


def asked(browser: Client, question: str = QUESTION, conversation: UUID | None = None) -> Question:
    browser.post("/ask/", {"question": question, "conversation": conversation or ""})
    return Question.objects.latest("asked_at")


def test_a_conversation_is_read_in_order_and_gone_on_with(world: World) -> None:
    browser = signed_in(world.people["ann"])
    first = asked(browser)
    asked(browser, "And whom do I ask about leave?", first.conversation_id)
    address = f"/conversations/{first.conversation_id}/"
    page = browser.get(address).content.decode()
    assert page.index(QUESTION) < page.index("twelve weeks") < page.index("And whom do I ask")
    assert f'name="conversation" value="{first.conversation_id}"' in page
    again = asked(browser, "And in Portugal?", first.conversation_id)
    assert again.conversation_id == first.conversation_id
    assert "And in Portugal?" in browser.get(address).content.decode()
    assert address in browser.get(f"/questions/{first.pk}/").content.decode()


def test_what_was_lost_is_withheld_on_the_page_and_in_the_files(world: World) -> None:
    browser = signed_in(world.people["ann"])
    id = asked(browser).conversation_id
    addresses = [f"/conversations/{id}/{view}" for view in ("", "markdown/", "json/")]
    for address in addresses:
        assert "twelve weeks" in browser.get(address).content.decode()
    world.reshare("document", "leave", None, ["bob"])
    for address in addresses:
        shown = browser.get(address).content.decode()
        assert "twelve weeks" not in shown
        assert "withheld" in shown
    assert browser.get(addresses[1]).headers["Content-Disposition"] == 'attachment; filename="conversation.md"'
    assert browser.get(addresses[2]).json()["questions"][0]["sentences"][0]["state"] == "withheld"


def test_a_conversation_is_found_renamed_and_deleted(world: World) -> None:
    browser = signed_in(world.people["ann"])
    id = asked(browser).conversation_id
    assert QUESTION in browser.get("/conversations/", {"search": "parental"}).content.decode()
    assert QUESTION not in browser.get("/conversations/", {"search": "aubergine"}).content.decode()
    browser.post(f"/conversations/{id}/title/", {"title": "Leave \0 for two"})
    assert "Leave for two" in browser.get("/conversations/").content.decode()
    assert browser.post(f"/conversations/{id}/delete/").headers["Location"] == "/conversations/"
    assert browser.get(f"/conversations/{id}/").status_code == 404
    asked(browser)
    browser.post("/conversations/delete/")
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("view", ["", "markdown/", "json/"])
def test_a_foreign_conversation_is_like_an_unknown_one(world: World, view: str) -> None:
    theirs = asked(signed_in(world.people["ann"])).conversation_id
    stranger = signed_in(world.people["charlie"])
    foreign, unknown = (stranger.get(f"/conversations/{id}/{view}") for id in (theirs, uuid4()))
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert foreign.headers == unknown.headers
    for verb in ("title/", "delete/"):
        assert stranger.post(f"/conversations/{theirs}/{verb}", {"title": "Mine"}).status_code == 404
    assert Conversation.objects.get().title == ""

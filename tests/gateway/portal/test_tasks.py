"""A document, and what was found for a question, in short and as a table, on pages."""

from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from accounts.reader import Reader
from gateway.answering.asking import answer
from gateway.models import Question
from tests.cast import World
from tests.gateway.portal.browsing import document_id, signed_in

QUESTION = "How long does parental leave last?"
DATED = "Parental leave lasts twelve weeks.\n\nOwner: Dana Reed.\n\nIt was agreed on 3 May 2026 for 40 euros a day."


@pytest.fixture
def browser(world: World) -> Client:
    world.document("leave", grants=["ann"], text=DATED)
    return signed_in(world.people["ann"])


@pytest.mark.django_db(transaction=True)
def test_a_document_is_summed_up_on_a_page_of_its_own(world: World, browser: Client) -> None:
    answered = browser.post(f"/documents/{document_id(world, 'ann', 'leave')}/summary/")
    page = browser.get(answered.headers["location"]).content.decode()
    assert "Parental leave lasts twelve weeks." in page
    assert "picked from what was read, word for word" in page
    assert "Ask this again" not in page
    assert Question.objects.get().text == "Summary of a document"


@pytest.mark.django_db(transaction=True)
def test_what_was_found_is_summed_up_in_the_conversation_it_was_found_in(world: World, browser: Client) -> None:
    done = async_to_sync(answer)(Reader(world.people["ann"].pk), QUESTION, door="portal")
    page = browser.get(f"/questions/{done.question_id}/").content.decode()
    assert f'action="/questions/{done.question_id}/summary/"' in page
    assert f'href="/questions/{done.question_id}/facts/"' in page
    answered = browser.post(f"/questions/{done.question_id}/summary/")
    assert "Parental leave lasts twelve weeks." in browser.get(answered.headers["location"]).content.decode()
    assert Question.objects.filter(conversation=done.conversation_id).count() == 2


def test_facts_are_a_table_and_a_file(world: World, browser: Client) -> None:
    address = f"/documents/{document_id(world, 'ann', 'leave')}/facts/"
    page = browser.get(address).content.decode()
    for told in ("Dana Reed", "3 May 2026", "2026-05-03", "40 euros", "40 EUR"):
        assert told in page
    file = browser.get(f"{address}csv/")
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert b"date,,3 May 2026,2026-05-03,,,It was agreed on 3 May 2026 for 40 euros a day.," in file.content


@pytest.mark.django_db(transaction=True)
def test_the_facts_of_what_was_found_are_those_of_the_readers_own_question(world: World, browser: Client) -> None:
    done = async_to_sync(answer)(Reader(world.people["ann"].pk), QUESTION, door="portal")
    assert "3 May 2026" in browser.get(f"/questions/{done.question_id}/facts/").content.decode()
    assert b"3 May 2026" in browser.get(f"/questions/{done.question_id}/facts/csv/").content
    world.reshare("document", "leave", None, ["bob"])
    assert "None were found." in browser.get(f"/questions/{done.question_id}/facts/").content.decode()
    stranger = signed_in(world.people["charlie"])
    assert stranger.get(f"/questions/{done.question_id}/facts/").status_code == 404
    assert stranger.post(f"/questions/{done.question_id}/summary/").status_code == 404


@pytest.mark.parametrize(("method", "page"), [("post", "summary/"), ("get", "facts/"), ("get", "facts/csv/")])
def test_foreign_and_unknown_are_told_alike(world: World, browser: Client, method: str, page: str) -> None:
    stranger = signed_in(world.people["charlie"])
    foreign = getattr(stranger, method)(f"/documents/{document_id(world, 'ann', 'leave')}/{page}")
    unknown = getattr(stranger, method)(f"/documents/{uuid4()}/{page}")
    assert (foreign.status_code, foreign.content, foreign.headers) == (404, unknown.content, unknown.headers)
    assert not Question.objects.exists()

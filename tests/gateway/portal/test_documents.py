"""The document page: for its readers, with the cited passage marked; for all others nothing is there."""

from uuid import uuid4

import pytest
from django.test import Client

from connectors.corpus.reading import list_documents
from gateway.portal.document_text import Passage, blocks
from gateway.portal.documents import original_at, without_title
from tests.cast import World
from tests.connectors.mails import mail, parse, send
from tests.gateway.portal.browsing import document_id, signed_in


def test_a_reader_sees_the_text_with_the_passage_marked(world: World) -> None:
    address = f"/documents/{document_id(world, 'ann', 'leave')}/"
    page = signed_in(world.people["ann"]).get(address, {"start": 0, "end": 14}).content.decode()
    assert '<mark id="passage">Parental leave</mark> lasts twelve weeks.' in page
    assert "Ask Dana &lt;dana@example.org&gt;." in page


def test_numbers_beyond_the_text_mark_nothing(world: World) -> None:
    address = f"/documents/{document_id(world, 'ann', 'leave')}/"
    answer = signed_in(world.people["ann"]).get(address, {"start": 0, "end": 10_000})
    assert answer.status_code == 200
    assert b"<mark" not in answer.content


def test_foreign_and_unknown_cannot_be_told_apart(world: World) -> None:
    browser = signed_in(world.people["charlie"])
    foreign = browser.get(f"/documents/{document_id(world, 'ann', 'leave')}/?start=0&end=5")
    unknown = browser.get(f"/documents/{uuid4()}/?start=0&end=5")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert foreign.headers == unknown.headers


def test_a_mail_lists_what_is_attached_to_it_and_a_file_names_its_mail(world: World) -> None:
    send(world, mail("Q3 <numbers>", ("figures.txt", b"The walrus.")), grants=["ann"])
    parse()
    browser = signed_in(world.people["ann"])
    own = f"/documents/{document_id(world, 'ann', 'mail')}/"
    page = browser.get(own).content.decode()
    (attachment,) = [d for d in list_documents(world.reader("ann")) if d.attached_to]
    assert f'<a class="text-link break-words" href="/documents/{attachment.id}/">figures.txt</a>' in page
    page = browser.get(f"/documents/{attachment.id}/").content.decode()
    assert f'Attached to <a class="text-link" href="{own}">Q3 &lt;numbers&gt;</a>' in page
    stranger = signed_in(world.people["charlie"])
    assert stranger.get(f"/documents/{attachment.id}/").status_code == 404


def test_a_reader_who_is_removed_finds_nothing_there(world: World) -> None:
    browser = signed_in(world.people["ann"])
    address = f"/documents/{document_id(world, 'ann', 'leave')}/"
    assert browser.get(address).status_code == 200
    world.reshare("document", "leave", None, ["bob"])
    assert browser.get(address).status_code == 404


def test_signing_in_comes_first(world: World) -> None:
    answer = Client().get(f"/documents/{uuid4()}/")
    assert answer.headers["Location"].startswith("/sign-in/?next=/documents/")


WRONG = (
    *("javascript:alert(1)", "data:text/html,x", "https://", "http://[", "", "/relative"),
    *("https://evil.example\\@good.example/", "https://good.example\u202e/", "https://good .example/"),
)


@pytest.mark.parametrize("url", WRONG)
def test_only_web_addresses_are_linked(url: str) -> None:
    assert original_at(url) is None


def test_the_host_of_the_original_is_shown_in_full() -> None:
    assert original_at("https://good.example@evil.example:8443/x") == {
        "url": "https://good.example@evil.example:8443/x",
        "host": "good.example@evil.example:8443",
    }


def test_the_title_is_not_said_twice_but_a_mark_in_it_stays() -> None:
    text = "Leave\n\nTwelve weeks."
    headings = [{"level": 1, "title": "Leave", "start": 0}]
    plain, marked = (
        blocks(text, (0, len(text)), headings=headings, pages=[], passage=passage) for passage in (None, Passage(0, 5))
    )
    assert [block.html for block in without_title(plain, "Leave")] == ["Twelve weeks."]
    assert len(without_title(plain, "Absence")) == 2
    assert len(without_title(marked, "Leave")) == 2
    assert without_title([], "Leave") == []

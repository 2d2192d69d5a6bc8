"""A conversation as a person follows it: what was left out, going on days later, sharing it, and a report."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from connectors.records import DocumentRecord
from tests.browser.test_asking_in_a_browser import QUESTION, sign_in, watched
from tests.cast import World, access
from tests.doubles import ModelServer

pytestmark = [
    pytest.mark.browser,
    # whitenoise reads files synchronously, which Django remarks on when an asynchronous server asks for them
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators"),
]

LASTS = "Parental leave lasts twelve weeks at full pay."
INVENTED = "It is ninety-nine weeks for the crew of the Zeppelin."
PATIENCE = 60_000  # milliseconds


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator("[data-answer]")).to_contain_text("twelve weeks", timeout=PATIENCE)


def test_a_person_sees_what_was_left_out_asks_on_shares_and_reports(
    page: Page, server: str, settings: Settings
) -> None:
    world = World.of("ann", "bob")
    text = f"{LASTS}\n\nAsk Dana for the form."
    world.push(DocumentRecord(id="handbook", title="Handbook", text=text, author="ann", access=access(["ann"])))
    asked_for, complaints = watched(page)
    double = ModelServer(lambda prompt: [f"{LASTS} [1] {INVENTED} [1]"])
    with double.running():
        settings.LLM_BASE_URL, settings.LLM_MODEL = double.url, "double-1"
        sign_in(page, "ann@example.org")
        ask(page, QUESTION)
        expect(page.get_by_text("1 sentence was left out")).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text(INVENTED)).to_have_count(0)
        page.get_by_role("link", name="Show what was left out").click()
        expect(page.locator("s").filter(has_text=INVENTED)).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text("Not supported by what was read; do not rely on it.")).to_be_visible()

        page.get_by_role("link", name="Conversations").click()
        page.locator("main").get_by_role("link", name=QUESTION).click()
        page.locator("summary").filter(has_text="Share").click()
        page.get_by_label("E-mail address of the person").fill("bob@example.org")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Take back from bob@example.org")).to_be_visible(timeout=PATIENCE)
        page.wait_for_load_state()
        address = page.url
        ask(page, "And who pays for it?")
        page.reload()
        expect(page.get_by_role("heading", name="And who pays for it?")).to_be_visible()
        assert page.url == address

        page.get_by_role("link", name="Out of date?").first.click()
        page.get_by_text("Report this document as out of date").click()
        page.get_by_label("What is no longer true?").fill("Since May it is thirty weeks.")
        page.get_by_role("button", name="Report").click()
        expect(page.get_by_text("Thank you.")).to_be_visible(timeout=PATIENCE)

        world.reshare("document", "handbook", None, ["bob"])
        page.goto(address)
        expect(page.get_by_text("A sentence is withheld: you may no longer read its source.").first).to_be_visible()
        expect(page.get_by_text("1 sentence was left out")).to_have_count(0)
        expect(page.get_by_text("Zeppelin")).to_have_count(0)
    assert [url for url in asked_for if not url.startswith(server)] == []
    assert complaints == []


@pytest.mark.parametrize("address", ["/conversations/", "/conversations/?search=leave"])
def test_no_page_of_conversations_is_wider_than_a_phone(page: Page, address: str) -> None:
    World.of("ann")
    sign_in(page, "ann@example.org")
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

"""The whole path as a person takes it: sign in, ask, open the cited passage; and what a lost right does to it."""

import pytest
from playwright.sync_api import Page, expect

from tests.cast import PASSWORD, World

pytestmark = [
    pytest.mark.browser,
    # whitenoise reads files synchronously, which Django remarks on when an asynchronous server asks for them
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators"),
]

QUESTION = "How long does parental leave last?"
FILLER = "Nothing about it is said in this paragraph.\n\n" * 60
HOSTILE = (
    '<img src="https://evil.example/a.png"> ![](https://evil.example/b.png) <script>fetch("//evil.example")</script>'
)


def sign_in(page: Page, email: str) -> None:
    page.goto("/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Your question")).to_be_visible()
    page.wait_for_load_state()  # before its scripts have run, Enter in the question is a new line


def watched(page: Page) -> tuple[list[str], list[str]]:
    """The addresses the page asks for, and what the browser complains about, as they come."""
    asked_for: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked_for.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return asked_for, complaints


def test_a_person_signs_in_asks_and_opens_the_cited_passage(page: Page, server: str) -> None:
    world = World.of("ann")
    text = f"{FILLER}Parental leave lasts twelve weeks at full pay. {HOSTILE}\n\n{FILLER}"
    world.document("handbook", grants=["ann"], text=text)
    asked_for, complaints = watched(page)

    sign_in(page, "ann@example.org")
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    answer = page.locator("[data-answer]")
    expect(answer).to_contain_text("twelve weeks", timeout=60_000)
    expect(answer).to_have_attribute("aria-busy", "false")
    expect(page.get_by_role("link", name="Handbook", exact=True)).to_be_visible()
    expect(page.locator("#recent")).to_contain_text(QUESTION)

    page.get_by_role("button", name="Yes", exact=True).click()
    expect(page.get_by_text("Your approval was noted.")).to_be_visible()
    stored = page.get_by_role("link", name="Open this answer's own page").get_attribute("href")

    answer.locator(".chip").first.click()
    passage = page.locator("mark").filter(has_text="twelve weeks")
    expect(passage).to_be_in_viewport()
    expect(page.get_by_text('<img src="https://evil.example/a.png">')).to_be_visible()

    world.reshare("document", "handbook", None, [])
    assert page.reload() is not None
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.goto(str(stored))
    expect(page.get_by_text("A sentence is withheld: you may no longer read its source.").first).to_be_visible()
    expect(page.get_by_text("twelve weeks")).to_have_count(0)

    assert [url for url in asked_for if not url.startswith(server)] == []
    assert [complaint for complaint in complaints if "404" not in complaint] == []


def test_the_part_of_a_question_that_was_not_found_is_named_below_the_answer_then_and_later(page: Page) -> None:
    World.of("ann").document("handbook", grants=["ann"], text="Parental leave lasts twelve weeks at full pay.")
    sign_in(page, "ann@example.org")
    page.get_by_label("Your question").fill(f"{QUESTION[:-1]}, and who won the football match on Sunday?")
    page.keyboard.press("Enter")
    expect(page.locator("[data-answer]")).to_contain_text("twelve weeks", timeout=60_000)
    missing = page.get_by_text("I did not find: who won the football match on Sunday.").and_(page.locator(".notice"))
    expect(missing).to_be_visible()
    expect(page.get_by_text("was left out")).to_have_count(0)
    page.get_by_role("link", name="Open this answer's own page").click()
    expect(missing).to_be_visible()


def test_the_keyboard_reaches_the_content_and_the_colours_are_remembered(page: Page) -> None:
    World.of("ann")
    sign_in(page, "ann@example.org")
    page.reload()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    toggle = page.get_by_role("button", name="Dark colours")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    toggle.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(toggle).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("address", ["/", "/questions/", "/me/"])
def test_no_page_is_wider_than_a_phone(page: Page, address: str) -> None:
    World.of("ann")
    sign_in(page, "ann@example.org")
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_long_word_makes_no_page_wider_than_a_phone(page: Page) -> None:
    World.of("ann")
    sign_in(page, "ann@example.org")
    page.get_by_label("Your question").fill("x" * 400)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not found in what you can read", exact=True)).to_be_visible(timeout=60_000)
    own = page.get_by_role("link", name="Open this answer's own page").get_attribute("href")
    for address in (None, own, "/questions/", "/conversations/", "/"):
        if address:
            page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), address

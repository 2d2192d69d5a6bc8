"""A document in short and as a table, as a person asks for them: from its page, and from an answer."""

import pytest
from playwright.sync_api import Page, expect

from connectors.records import DocumentRecord
from tests.browser.test_asking_in_a_browser import QUESTION, sign_in, watched
from tests.cast import World, access

pytestmark = [
    pytest.mark.browser,
    # whitenoise reads files synchronously, which Django remarks on when an asynchronous server asks for them
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators"),
]

PATIENCE = 60_000  # milliseconds
TEXT = """Owner: Dana Reed, People team.

Parental leave lasts twelve weeks at full pay for everybody who works here.

It was agreed on 3 May 2026 and costs EUR 1,200 for each person in a year.

Requests are made to the People team no later than three months ahead."""


def test_a_person_has_a_document_summed_up_and_looks_at_its_facts(page: Page, server: str) -> None:
    world = World.of("ann")
    world.push(DocumentRecord(id="leave", title="Parental leave", text=TEXT, access=access(["ann"])))
    asked_for, complaints = watched(page)
    sign_in(page, "ann@example.org")
    page.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(page.locator("[data-answer]")).to_contain_text("twelve weeks", timeout=PATIENCE)
    page.get_by_role("button", name="Summarise what was found").click()
    expect(page.locator("[data-answer]").nth(1)).to_contain_text("three months ahead", timeout=PATIENCE)
    expect(page.get_by_text("picked from what was read, word for word")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Summarise what was found")).to_have_count(1)

    page.get_by_role("link", name="Parental leave", exact=True).first.click()
    page.wait_for_load_state()
    page.get_by_role("button", name="Summarise", exact=True).click()
    summary = page.locator("[data-answer]")
    expect(summary).to_contain_text("It was agreed on 3 May 2026", timeout=PATIENCE)
    expect(summary).to_have_attribute("aria-busy", "false")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    summary.locator(".chip").first.click()
    expect(page.locator("mark").first).to_be_visible()

    page.get_by_role("link", name="Its dates, people and amounts").click()
    expect(page.get_by_role("cell", name="2026-05-03")).to_be_visible()
    expect(page.get_by_role("cell", name="1200 EUR")).to_be_visible()
    expect(page.get_by_role("cell", name="Dana Reed", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a table (CSV)").click()
    assert "3 May 2026,2026-05-03" in download.value.path().read_text()
    assert [url for url in asked_for if not url.startswith(server)] == []
    assert complaints == []


def test_a_person_is_asked_which_of_two_things_of_one_name_they_mean(page: Page, server: str) -> None:
    world = World.of("ann")
    for id, title, day in (("one", "Project Phoenix", "1 June 2027"), ("two", "The Phoenix office", "9 May 2027")):
        text = f"Phoenix starts on {day} in the morning."
        world.push(DocumentRecord(id=id, title=title, text=text, access=access(["ann"])))
    _, complaints = watched(page)
    sign_in(page, "ann@example.org")
    page.get_by_label("Your question").fill("When does Phoenix start?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Which of these do you mean?")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Phoenix office").click()
    expect(page.get_by_role("heading", name="When does Phoenix start? (Phoenix office)")).to_be_visible()
    expect(page.locator("[data-answer]").nth(1)).to_contain_text("9 May 2027", timeout=PATIENCE)
    page.get_by_role("link", name="Open this answer's own page").first.click()
    page.get_by_role("button", name="Project Phoenix").click()
    expect(page.locator(".answer")).to_contain_text("1 June 2027", timeout=PATIENCE)
    assert complaints == []


def test_a_person_is_told_that_an_answer_holds_for_their_country(page: Page, server: str) -> None:
    world = World.of("ann", "bob")
    for country, weeks in (("Germany", 26), ("Portugal", 16)):
        text = f"Employees receive {weeks} weeks of parental leave at full pay."
        about = {"country": country}
        record = DocumentRecord(id=country, title="Parental leave", text=text, metadata=about, access=access(["ann"]))
        world.push(record)
    world.people["ann"].country = "Germany"
    world.people["ann"].save()
    sign_in(page, "ann@example.org")
    page.get_by_label("Your question").fill("How many weeks of parental leave are there?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("For employees in Germany")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Open this answer's own page").click()
    expect(page.get_by_text("For employees in Germany")).to_be_visible(timeout=PATIENCE)
    world.reshare("document", "Portugal", None, ["bob"])
    page.reload()
    expect(page.get_by_text("26 weeks").first).to_be_visible()
    expect(page.get_by_text("For employees in Germany")).to_have_count(0)

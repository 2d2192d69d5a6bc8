"""Rows of a database as a person sees them: as the answer comes, and on its own page."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_asking_in_a_browser import sign_in, watched
from tests.cast import person
from tests.gateway.databases import servers, shop

pytestmark = [
    pytest.mark.browser,
    # whitenoise reads files synchronously, which Django remarks on when an asynchronous server asks for them
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators"),
]
HOSTILE = '<img src="https://evil.example/a.png">'


def test_a_person_asks_a_database_and_sees_its_rows(page: Page, server: str, tmp_path: Path) -> None:
    from connectors import adding, ingest, sync
    from connectors.sources.database import asking

    database = servers.sqlite(tmp_path / "shop.db")
    database.run([*shop.statements(), f"UPDATE shop_orders SET customer = '{HOSTILE}' WHERE number = 2"])
    person("ann")
    source = adding.add_source(
        "shop", kind="database", settings={"url": database.url, "views": shop.VIEWS}, vouches_for_emails=True
    )
    sync.run_now(source)
    ingest.drain(source)
    asked_for, complaints = watched(page)

    sign_in(page, "ann@example.org")
    page.get_by_label("Your question").fill("List the orders")
    page.keyboard.press("Enter")
    answer = page.locator("[data-answer]")
    expect(answer).to_have_attribute("aria-busy", "false", timeout=60_000)
    for place in (answer, page.locator(".answer")):
        expect(place.locator("tbody tr")).to_have_count(3)
        expect(place.locator("th").first).to_have_text("number")
        expect(place.locator("tbody tr").nth(1)).to_contain_text(HOSTILE)
        place.locator("summary").click()
        expect(place.locator("pre")).to_have_text("SELECT *\nFROM orders")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{folder}/rows-{page.url.rpartition('/')[2] or 'asking'}.png", full_page=True)
        if place == answer:
            stored = page.get_by_role("link", name="Open this answer's own page").get_attribute("href")
            page.goto(stored or "")

    database.run(["DELETE FROM shop_orders WHERE number = 1"])
    page.reload()
    expect(page.get_by_text("the rows it told have changed")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(0)
    assert [address for address in asked_for if not address.startswith(server)] == []
    assert complaints == []
    for engine in asking._ENGINES.values():
        engine.dispose()

"""General knowledge where nothing was found, as a person is shown it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from gateway.answering import circuits
from gateway.answering.notices import GENERAL
from tests.browser.test_asking_in_a_browser import sign_in, watched
from tests.cast import World
from tests.doubles import ModelServer

pytestmark = [
    pytest.mark.browser,
    # whitenoise reads files synchronously, which Django remarks on when an asynchronous server asks for them
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators"),
]

PATIENCE = 60_000  # milliseconds
SAID = "Air scatters blue light more than red light, <i>so the sky looks blue</i> by day. "


@pytest.fixture(autouse=True)
def allowed(settings: Settings) -> Iterator[None]:
    circuits.forget_all()
    with ModelServer(
        lambda prompt: [SAID, "At dusk it is red. See https://evil.example/ for more."]
    ).running() as double:
        settings.LLM_BASE_URL, settings.LLM_MODEL, settings.GENERAL_KNOWLEDGE = double.url, "double-1", True
        yield


def test_a_person_sees_that_it_is_from_no_document(page: Page, server: str) -> None:
    World.of("ann")
    asked_for, complaints = watched(page)
    sign_in(page, "ann@example.org")
    page.get_by_label("Your question").fill("Why is the sky blue?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not found in what you can read", exact=True)).to_be_visible(timeout=PATIENCE)
    box = page.get_by_role("region", name=GENERAL["en"])
    expect(box).to_contain_text("so the sky looks blue by day. At dusk it is red.")
    expect(box).not_to_contain_text("evil")
    expect(page.locator("#progress")).to_contain_text(GENERAL["en"])
    expect(page.locator("[data-answer]")).to_be_empty()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    page.get_by_role("link", name="Open this answer's own page").click()
    page.wait_for_load_state()
    expect(page.get_by_role("region", name=GENERAL["en"])).to_contain_text("At dusk it is red.")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert [url for url in asked_for if not url.startswith(server)] == []
    assert complaints == []

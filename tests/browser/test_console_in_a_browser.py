"""A person watches a sync without a reload, tries again what could not be read, and deletes a source."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from connectors import adding, ingest, sync
from connectors.models import Document, Source, SyncRun
from tests.browser.test_asking_in_a_browser import sign_in, watched
from tests.cast import person

pytestmark = [
    pytest.mark.browser,
    # whitenoise reads files synchronously, which Django remarks on when an asynchronous server asks for them
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators"),
]

PAGE = "/console/sources/files/"


@pytest.fixture
def source(server: str, tmp_path: Path) -> Source:
    """Ten files, three of which cannot be read; Carol, a superuser, is none of their readers."""
    person("carol", is_staff=True, is_superuser=True)
    (tmp_path / ".access.yaml").write_text("grants: [ann]\n")
    (tmp_path / "people.yaml").write_text("people:\n  ann: {name: Ann, email: ann@example.org}\n")
    for number in range(7):
        (tmp_path / f"note{number}.txt").write_text(f"Zeppelin number {number} is silver.")
    for number in range(3):
        (tmp_path / f"broken{number}.docx").write_bytes(b"PK\x03\x04 and nothing more")
    return adding.add_source(
        "files", kind="folder", name="Files", settings={"path": str(tmp_path)}, vouches_for_emails=True
    )


def test_a_sync_is_watched_from_its_beginning_to_its_end(page: Page, source: Source, server: str) -> None:
    asked_for, complaints = watched(page)
    sign_in(page, "carol@example.org")
    page.goto(PAGE)
    expect(page.get_by_text("Waits for its first sync")).to_be_visible()

    run = sync.begin(source)
    assert run is not None
    expect(page.get_by_text("its first sync goes on")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("A worker reads it, and holds its lease until")).to_be_visible()
    sync.conduct(run)
    expect(page.get_by_text("0 of 10 documents")).to_be_visible(timeout=15_000)
    ingest.drain(source)
    expect(page.get_by_text("7 documents")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("7 passages")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("heading", name="Not readable")).to_be_visible()
    assert "broken" not in page.content()

    assert [url for url in asked_for if not url.startswith(server)] == []
    assert complaints == []


def test_what_has_the_focus_keeps_it_while_the_page_refreshes_itself(page: Page, source: Source) -> None:
    sync.run_now(source)
    ingest.drain(source)
    sign_in(page, "carol@example.org")
    page.goto(PAGE)
    again = page.get_by_role("button", name="Try again").first
    again.focus()
    with page.expect_response("**/progress/", timeout=30_000):
        pass
    page.wait_for_timeout(200)
    expect(again).to_be_focused()


def test_what_was_opened_stays_open_while_a_card_refreshes_itself(page: Page, source: Source) -> None:
    adding.pause(source)
    SyncRun.objects.create(source=source, fence=9, problems=["people.yaml, line 3: 'membres' is not a key."])
    sign_in(page, "carol@example.org")
    page.goto("/console/")
    page.get_by_text("1 problem in the last run").click()
    for _ in range(2):
        with page.expect_response(f"**{PAGE}", timeout=30_000):
            pass
    page.wait_for_timeout(200)
    expect(page.get_by_text("'membres' is not a key.")).to_be_visible()


def test_what_could_not_be_read_is_tried_again_by_a_click(page: Page, source: Source) -> None:
    sync.run_now(source)
    ingest.drain(source)
    sign_in(page, "carol@example.org")
    page.goto(PAGE)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("3 documents will be fetched again by the run that begins now.")).to_be_visible()
    page.get_by_role("link", name="Which").click()
    expect(page.locator("main li").first).to_be_visible()
    assert "broken" not in page.content()


def test_what_hides_or_destroys_is_asked_about_first(page: Page, source: Source) -> None:
    sync.run_now(source)
    sign_in(page, "carol@example.org")
    page.goto(PAGE)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Pause and hide").click()
    assert Source.objects.get().enabled
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Pause and hide").click()
    expect(page.get_by_text("Paused: hidden from everyone")).to_be_visible()
    page.get_by_text("Delete this source").click()
    page.get_by_label("Type files to say that you mean it").fill("files")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Files is deleted, with everything it brought.")).to_be_visible()
    assert not Document.past_the_guard.exists()


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize(
    "address",
    ["/console/", PAGE, f"{PAGE}settings/", f"{PAGE}quarantined/?reason=corrupt", "/console/add-source/?kind=imap"],
)
def test_no_page_about_a_source_is_wider_than_its_window(page: Page, source: Source, address: str, width: int) -> None:
    sync.run_now(source)
    ingest.parse_waiting(source, 1e12)
    SyncRun.objects.create(source=source, fence=9, state="failed", problems=["https://example.org/" + "x" * 400])
    Source.objects.update(next_sync_at="2999-01-01T00:00:00Z", failures=3)
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, "carol@example.org")
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

"""A browser that opens everything, and keeps what pages ask for and what it kept them from doing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

from tests.security.injections.doors import Shown, Walk
from tests.security.injections.judging import MARKDOWN
from tests.security.injections.places import COURTYARD
from tests.security.injections.staging import QUESTIONS, Stage, session_of

PATIENCE = 60_000  # milliseconds
ASKING = "portal, while it streams"


@dataclass
class Listener:
    """What happened in one person's windows that must not. `where`: the page that is open."""

    address: str
    where: str = ""
    found: list[str] = field(default_factory=list)

    def listen(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self.asked_for(request.url))
        context.on("console", lambda message: self.note(f"complains: {message.text}", message.type == "error"))
        context.on("weberror", lambda error: self.note(f"fails: {error.error}"))
        context.on("dialog", self.said)

    def asked_for(self, url: str) -> None:
        self.note(f"asks for {url}", not url.startswith((f"{self.address}/", "about:")))

    def said(self, dialog: Dialog) -> None:
        self.note(f"says {dialog.message}")
        dialog.dismiss()

    def note(self, what: str, wrong: bool = True) -> None:
        if wrong:
            self.found.append(f"browser, {self.where}: {what}")


@dataclass
class Windows:
    """One window for each person, signed in."""

    pages: dict[str, Page]
    listeners: dict[str, Listener]

    def opened(self, name: str, path: str) -> Page:
        self.listeners[name].where = path
        self.pages[name].goto(path)
        return self.pages[name]

    def ask(self) -> None:
        """In the portal, as it streams; then what was left out of the answer is shown."""
        page = self.opened("vera", "/")
        self.listeners["vera"].where = ASKING
        page.get_by_label("Your question").fill(QUESTIONS[COURTYARD])
        page.keyboard.press("Enter")
        expect(page.locator("[data-answer]")).to_have_attribute("aria-busy", "false", timeout=PATIENCE)
        left_out = page.get_by_role("link", name="Show what was left out")
        expect(left_out).to_be_visible(timeout=PATIENCE)
        left_out.click()
        expect(page.get_by_text("do not rely on it")).to_be_visible(timeout=PATIENCE)

    def walk(self, walk: Walk) -> None:
        for name, path in walk.pages():
            self.opened(name, path)

    def render(self, shown: Sequence[Shown]) -> None:
        """What is text is shown by some programs as Markdown, without a policy of ours."""
        texts = [each.content for each in shown if each.kind == "markdown"]
        texts += [each.content["answer"] for each in shown if each.kind == "json" and "answer" in each.content]
        self.opened("carol", "about:blank")
        for text in texts:
            self.listeners["carol"].where = "as Markdown"
            self.pages["carol"].set_content(MARKDOWN.render(text))

    def breaches(self) -> list[str]:
        found = [breach for listener in self.listeners.values() for breach in listener.found]
        for listener in self.listeners.values():
            listener.found.clear()
        return found


@contextmanager
def windows(stage: Stage, browser: Browser) -> Iterator[Windows]:
    pages, listeners = {}, {}
    for name, user in stage.people.items():
        context = browser.new_context(base_url=stage.address)
        context.add_cookies([{"name": "sessionid", "value": session_of(user), "url": stage.address}])
        listeners[name] = Listener(stage.address)
        listeners[name].listen(context)
        pages[name] = context.new_page()
    yield Windows(pages, listeners)
    connections.close_all()  # beside playwright's loop whoever asked had a connection of its own

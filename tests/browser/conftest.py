"""A real server and a real browser.

pytest reads this file before Django is set up, so what needs Django is imported where it is used.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browsers import browser
from tests.serving import served


@pytest.fixture
def server(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The web process on a free port of this machine, over the tests' database."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright runs a loop in the tests' own thread
    with served() as address:
        yield address


@pytest.fixture
def page(server: str) -> Iterator[Page]:
    """A window of Chromium, as wide as a phone's."""
    from django.db import connections

    with browser() as opened:
        yield opened.new_page(base_url=server, viewport={"width": 390, "height": 800}, color_scheme="light")
        connections.close_all()  # beside playwright's loop the test had a connection of its own

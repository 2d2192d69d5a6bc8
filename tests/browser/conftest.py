"""A real server and a real browser.

pytest reads this file before Django is set up, so what needs Django is imported where it is used.
"""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Page, sync_playwright

from tests.conftest import chromium

FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
PATIENCE = 15.0  # seconds until the server listens


@pytest.fixture
def server(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The web process on a free port of this machine, over the tests' database."""
    from gateway.asgi import application

    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # playwright runs a loop in the tests' own thread
    listening = socket.create_server(("127.0.0.1", 0))
    web = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not web.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert web.started
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    web.should_exit = True
    thread.join(PATIENCE)
    listening.close()


@pytest.fixture
def page(server: str) -> Iterator[Page]:
    """A window of Chromium, as wide as a phone's."""
    from django.db import connections

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        window = browser.new_page(base_url=server, viewport={"width": 390, "height": 800}, color_scheme="light")
        yield window
        browser.close()
        connections.close_all()  # beside playwright's loop the test had a connection of its own

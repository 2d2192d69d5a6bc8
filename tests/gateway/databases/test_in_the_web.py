"""A real web process, under the role of the web and with a small pool: it asks, shows again, and waits for nobody."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from accounts import tokens
from accounts.models import User
from connectors import adding, ingest, sync
from gateway.answering.threads import in_thread
from gateway.spy.server import Spy
from tests.cast import person
from tests.gateway.databases import servers, shop
from tests.gateway.test_models_in_the_web import COLD, web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

HANGING = 12  # questions to a database that is locked, at a time
POOL = 3  # connections of ours
SOON = 1.0  # seconds for a search meanwhile, on a busy machine


def with_a_shop(path: Path) -> dict[str, str]:
    """The headers of a program that acts as Ann."""
    database = servers.sqlite(path)
    database.run(shop.statements())
    person("ann")
    settings = {"url": database.url, "views": shop.VIEWS, "seconds": "8"}
    source = adding.add_source("shop", kind="database", settings=settings, vouches_for_emails=True)
    sync.run_now(source)
    ingest.drain(source)
    ann = User.objects.get(email="ann@example.org")
    _, secret = tokens.issue(ann, verbs=("read", "ask"), directories=(), all_sources=True, expires_at=None)
    return {"Authorization": f"Bearer {secret}"}


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody can read the file meanwhile: whoever asks it waits."""
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.close()


async def test_rows_are_asked_for_and_shown_again_under_the_role_of_the_web(tmp_path: Path) -> None:
    headers = await in_thread(with_a_shop, tmp_path / "shop.db")
    with Spy("refuse").running() as spy, web(spy) as address:
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=COLD) as client:
            done = (await client.post("/api/v1/ask", json={"question": "How many orders are there?"})).json()
            again = (await client.get(f"/api/v1/conversations/{done['conversation']}")).json()
    assert done["answer"] == "count: 3. [1]"
    assert done["sentences"][0]["table"]["rows"] == [["3"]]
    assert again["questions"][0]["sentences"][0]["table"] == done["sentences"][0]["table"]


async def test_a_database_that_hangs_holds_up_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    headers = await in_thread(with_a_shop, path)
    with Spy("refuse").running() as spy, web(spy, GATEHOUSE_DB_POOL=str(POOL)) as address:
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=COLD) as client:
            question = {"question": "How many orders are there?"}
            assert (await client.post("/api/v1/ask", json=question)).status_code == 200
            with locked(path):
                asking = [asyncio.create_task(client.post("/api/v1/ask", json=question)) for _ in range(HANGING)]
                await asyncio.sleep(3)
                times = []
                for _ in range(5):
                    began = time.monotonic()
                    found = await client.post("/api/v1/search", json={"query": "orders", "mode": "text"})
                    times.append(time.monotonic() - began)
                    assert found.status_code == 200
                told = [(await answer).json()["sentences"][0]["text"] for answer in asking]
    print(f"search while a database hangs: {', '.join(f'{seconds * 1000:.0f}' for seconds in sorted(times))} ms")
    assert sorted(times)[2] < SOON
    assert all("did not answer in time" in text for text in told)

"""A real web process and a model that hangs: who leaves ends the call, and who searches does not wait for it."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress

import httpx
import pytest

from accounts import tokens
from accounts.models import User
from gateway.answering.threads import in_thread
from gateway.running import PROJECT
from gateway.spy.server import Spy
from tests.gateway.library import LEAVE, Library
from tests.processes import on_this_database, within

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

WEEKS = "How many weeks of parental leave do employees in Germany receive?"
COLD = 120.0  # seconds that a process which has just started may take for its first question, on a busy machine
STREAMS = 200
ABREAST = 8  # of them begin at a time
POOL = 5
SOON = 0.5  # seconds for a search while all of them hang
AT_ONCE = 1.0  # seconds until the model's server notices that a reader has left


@contextmanager
def web(spy: Spy, **environment: str) -> Iterator[str]:
    """The web process on the database of this test, with the spy for its model; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    of_the_model = {"LLM_BASE_URL": spy.url, "LLM_MODEL": "spy"}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "gateway.asgi:application", "--host", "127.0.0.1", "--port", str(port)),
            *("--log-level", "warning", "--lifespan", "off", "--timeout-graceful-shutdown", "2"),
        ],
        cwd=PROJECT,
        env=on_this_database("web") | of_the_model | environment,
    )
    try:
        assert within(COLD, lambda: is_ready(address) or process.poll() is not None)
        assert process.poll() is None
        yield address
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_ready(address: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{address}/readyz", timeout=5).status_code == 200
    return False


def ann_with_leave() -> dict[str, str]:
    """The headers of a program that acts as somebody who may read about parental leave."""
    library = Library()
    ann = library.person("ann", country="Germany")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    person = User.objects.get(pk=ann.user_id)
    _, secret = tokens.issue(person, verbs=("read", "ask"), directories=(), all_sources=True, expires_at=None)
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("mode", ["stall", "hang"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_reader_who_leaves_ends_the_call_to_the_model_within_a_second(mode: str, stream: bool) -> None:
    headers = await in_thread(ann_with_leave)
    with Spy(mode).running() as spy, web(spy) as address:
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=COLD) as client:
            asking = asyncio.create_task(client.post("/api/v1/ask", json={"question": WEEKS, "stream": stream}))
            assert await asyncio.to_thread(within, COLD, lambda: bool(spy.calls))
            await asyncio.sleep(0.3)
            asking.cancel()
            left = time.monotonic()
            await asyncio.wait({asking})
        assert await asyncio.to_thread(spy.calls[0].left.wait, 10)
    assert spy.calls[0].left_at - left <= AT_ONCE
    assert len(spy.calls) == 1


async def test_two_hundred_answers_that_hang_leave_a_search_fast() -> None:
    headers = await in_thread(ann_with_leave)
    limits = httpx.Limits(max_connections=None)
    with Spy("stall").running() as spy, web(spy, GATEHOUSE_DB_POOL=str(POOL), LLM_CLOCK="3, 600, 600, 600") as address:
        async with (
            httpx.AsyncClient(base_url=address, headers=headers, timeout=COLD, limits=limits) as client,
            AsyncExitStack() as streams,
        ):
            beginning = asyncio.Semaphore(ABREAST)

            async def begin() -> None:
                async with beginning:
                    await streams.enter_async_context(hanging(client))

            await begin()
            await asyncio.gather(*(begin() for _ in range(STREAMS - 1)))
            assert await asyncio.to_thread(within, 60, lambda: len(spy.calls) == STREAMS)
            assert not any(call.left.is_set() for call in spy.calls)
            times = [await timed(client) for _ in range(20)]
            ready = await client.get("/readyz")
    print(f"search while {STREAMS} answers hang: {', '.join(f'{seconds * 1000:.0f}' for seconds in sorted(times))} ms")
    assert ready.status_code == 200
    assert max(times) < SOON


@asynccontextmanager
async def hanging(client: httpx.AsyncClient) -> AsyncIterator[None]:
    """A stream that has shown its first sentence, and is left open."""
    async with client.stream("POST", "/api/v1/ask", json={"question": WEEKS, "stream": True}) as response:
        assert response.status_code == 200
        lines = response.aiter_lines()
        async for line in lines:
            if line.startswith("event: sentence"):
                break
        else:
            raise AssertionError("The stream ended without a sentence.")
        yield


async def timed(client: httpx.AsyncClient) -> float:
    began = time.monotonic()
    response = await client.post("/api/v1/search", json={"query": "parental leave in Germany"})
    seconds = time.monotonic() - began
    assert response.status_code == 200
    assert json.loads(response.content)["results"]
    return seconds

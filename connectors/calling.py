"""JSON to a server outside and its answer back, within a time and a size that no server can stretch.

A synchronous client waits anew for every byte, and for an address as long as the resolver likes. Here the calls run in
an event loop of their own, where one deadline ends whatever is going on.
"""

import asyncio
import email.utils
import json
import os
import ssl
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from threading import Lock, Thread
from typing import Any, TypeVar

import httpx

CONNECT = 5.0  # seconds
KEPT = 30.0  # seconds that a connection nobody uses stays open
GRACE = 2.0  # seconds that the loop may take to end a call

T = TypeVar("T")


class CallFailed(Exception):
    """No whole answer came: the connection broke, or what came is no HTTP."""


class NotReached(CallFailed):
    """There was no connection."""


class TooSlow(CallFailed):
    """The time was over."""


class TooLong(CallFailed):
    """The answer is larger than it may be, or packed so that nobody knows how large it is."""


@dataclass(frozen=True)
class Reply:
    """`content` is empty where the status is not 200. `retry_after`: seconds, where the server says so."""

    status: int
    retry_after: float | None
    content: bytes


class Caller:
    """One address and its key. Redirects are not followed. Raises ValueError: this is no address, or no key."""

    def __init__(self, base_url: str, path: str, key: str = "") -> None:
        try:
            base = httpx.URL(base_url.strip())
        except httpx.InvalidURL:
            raise ValueError("address") from None
        if base.scheme not in ("http", "https") or not base.host or (base.port or 0) > 65_535:
            raise ValueError("address")
        key = key.strip()
        if not all("!" <= letter <= "~" for letter in key):  # the error of the client's own would tell it
            raise ValueError("key")
        # What stands before the @ of an address is kept apart from it, since addresses are logged.
        self._login = httpx.BasicAuth(base.username, base.password) if base.userinfo else None
        self._url = base.copy_with(path=base.path.rstrip("/") + path, userinfo=b"")
        self._headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    def post(self, payload: object, *, seconds: float, most: int) -> Reply:
        """The answer, of at most so many bytes, within so many seconds. Raises CallFailed."""
        if seconds <= 0:
            raise TooSlow
        content = json.dumps(payload).encode()
        return within(seconds, self._post(_client(os.getpid()), content, seconds, most))

    async def _post(self, client: httpx.AsyncClient, content: bytes, seconds: float, most: int) -> Reply:
        patience = httpx.Timeout(seconds, connect=min(CONNECT, seconds))
        try:
            async with (
                asyncio.timeout(seconds),
                client.stream(
                    "POST", self._url, content=content, headers=self._headers, auth=self._login, timeout=patience
                ) as response,
            ):
                after = retry_after(response.headers.get("Retry-After", ""))
                return Reply(response.status_code, after, await _read(response, most))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise NotReached(type(error).__name__) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise TooSlow from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise CallFailed(type(error).__name__) from error


async def _read(response: httpx.Response, most: int) -> bytes:
    """As it came: what is compressed although that was not asked for is not unpacked."""
    if response.status_code != httpx.codes.OK:
        return b""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise TooLong
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > most:
            raise TooLong
    return bytes(body)


def retry_after(header: str) -> float | None:
    """What Retry-After says (RFC 9110, 10.2.3: seconds or a date), from now on; None where it says nothing."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        at = email.utils.parsedate_to_datetime(header)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


# --- the loop -----------------------------------------------------------------------------------------

LOOP_LOCK = Lock()


def within(seconds: float, call: Coroutine[Any, Any, T]) -> T:
    """Run a call in the loop and wait for it. Raises TooSlow."""
    running = asyncio.run_coroutine_threadsafe(call, _loop(os.getpid()))
    try:
        return running.result(seconds + GRACE)
    except TookTooLong:
        raise TooSlow from None
    finally:
        running.cancel()  # closes the connection of a call that is given up


def _loop(process: int) -> asyncio.AbstractEventLoop:
    with LOOP_LOCK:
        return _started(process)


@cache
def _started(process: int) -> asyncio.AbstractEventLoop:
    """One a process, from its first call on: threads do not survive a fork."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="calling", daemon=True).start()
    return loop


def _client(process: int) -> httpx.AsyncClient:
    with LOOP_LOCK:
        return _opened(process)


@cache
def _opened(process: int) -> httpx.AsyncClient:
    """One a process, so that connections are kept from call to call."""
    return httpx.AsyncClient(
        verify=ssl.create_default_context(),
        follow_redirects=False,
        limits=httpx.Limits(keepalive_expiry=KEPT),
    )

"""The server: HTTP/1.1 by hand, since what it is for no library would send."""

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Self

from gateway.spy import modes

LARGEST_REQUEST = 20_000_000  # bytes
PATH = "/v1"


@dataclass
class Call:
    """One request and what may be sent back. Times are those of `time.monotonic()`."""

    body: Mapping[str, Any]
    writer: asyncio.StreamWriter
    came_at: float = field(default_factory=time.monotonic)
    said_at: list[float] = field(default_factory=list)  # when each piece of text was sent
    left: threading.Event = field(default_factory=threading.Event)  # the client went away before the end
    left_at: float = 0.0

    @property
    def prompt(self) -> str:
        return "\n".join(str(message.get("content")) for message in self.body.get("messages", ()))

    async def start(self, status: str = "200 OK", kind: str = "text/event-stream", **headers: str) -> None:
        """The status line and the headers; the body ends when the connection does."""
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode())

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def say(self, text: str) -> None:
        """A piece of the answer."""
        self.said_at.append(time.monotonic())
        await self.chunk({"role": "assistant", "content": text})

    async def chunk(self, delta: Mapping[str, Any]) -> None:
        await self.send(modes.event_of(delta))

    async def end(self) -> None:
        await self.send(b"data: [DONE]\n\n")

    def reset(self) -> None:
        """The connection is not closed but torn down."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


class Spy:
    """Answers chat requests in one mode, or in the one their model is named after, and keeps what was asked."""

    def __init__(
        self, mode: str = "answer", *, port: int = 0, told: Callable[[str], object] = lambda line: None
    ) -> None:
        self.mode = mode
        self.port = port
        self.calls: list[Call] = []
        self._told = told

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    @property
    def prompts(self) -> list[str]:
        return [call.prompt for call in self.calls]

    @contextmanager
    def running(self) -> Iterator[Self]:
        """In a thread of its own, for tests and benchmarks."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="spy", daemon=True)
        thread.start()
        listening = self.listening()
        asyncio.run_coroutine_threadsafe(listening.__aenter__(), loop).result()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(listening.__aexit__(None, None, None), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def serve(self) -> None:
        """Until it is cancelled."""
        async with self.listening():
            await asyncio.Event().wait()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        with socket.socket() as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(("127.0.0.1", self.port))
            self.port = door.getsockname()[1]
            if self.mode == modes.REFUSE:  # bound and not listening: whoever connects is refused
                yield
                return
            tasks: set[asyncio.Task[None]] = set()

            async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task
                tasks.add(task)
                try:
                    with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                        await self._answer(reader, writer)
                finally:
                    tasks.discard(task)
                    writer.close()

            server = await asyncio.start_server(connected, sock=door, backlog=512)
            try:
                yield
            finally:
                server.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        if not head.startswith("POST "):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        lengths = [line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith("content-length:")]
        body = json.loads(await reader.readexactly(min(int(lengths[0]), LARGEST_REQUEST)))
        call = Call(body, writer)
        self.calls.append(call)
        mode = body.get("model") if body.get("model") in modes.MODES else self.mode
        self._told(f"{mode}: asked with {len(call.prompt):,} characters")
        answering = asyncio.create_task(modes.MODES[mode](call))
        leaving = asyncio.create_task(reader.read(1))
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done() or answering.exception():
            call.left_at = time.monotonic()
            call.left.set()
            self._told(f"{mode}: the client left after {call.left_at - call.came_at:.1f} s")
        for task in (answering, leaving):
            task.cancel()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await task

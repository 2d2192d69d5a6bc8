"""Parsing from the outside: a child process with limits, started when needed and thrown away."""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from connectors.parsing.results import MAX_BYTES, MAX_TEXT_BYTES, Heading, Page, Parsed, ParseFailed

WALL_CLOCK = 90.0  # seconds a document
DOCUMENTS_A_CHILD = 200
MAX_ANSWER = 4 * MAX_TEXT_BYTES
PIECE = 1024 * 1024
# What a sound child says of an unsound file; after anything else its memory is not trusted with the next one.
SAID_IN_GOOD_ORDER = frozenset({"empty", "encrypted", "corrupt", "unsupported_type", "no_text"})
ROOT = Path(__file__).resolve().parents[2]


class ParserProcess:
    """Reads documents one after another in one child; a file that ends the child fails only itself.

    The child is replaced after 200 documents and after every failure of its own. Not to be shared between threads.
    """

    def __init__(self, seconds: float = WALL_CLOCK) -> None:
        self.seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._served = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Of the child, while there is one."""
        return self._child.pid if self._child else None

    def parse(self, content: bytes, *, filename: str, mime: str = "") -> Parsed:
        """The document as text. Raises ParseFailed."""
        if len(content) > MAX_BYTES:
            raise ParseFailed("too_large")
        child = self._ready_child()
        header = json.dumps({"size": len(content), "filename": filename, "mime": mime}).encode()
        try:
            answer = _exchange(child, header + b"\n" + content, time.monotonic() + self.seconds)
        except BaseException:
            self.close()
            raise
        self._served += 1
        try:
            return _parsed_from(answer)
        except ParseFailed as failed:
            if failed.reason not in SAID_IN_GOOD_ORDER:
                self.close()
            raise

    def close(self) -> None:
        """Ends the child and everything it started."""
        child, self._child, self._served = self._child, None, 0
        if child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _ready_child(self) -> subprocess.Popen[bytes]:
        if self._served >= DOCUMENTS_A_CHILD or (self._child is not None and self._child.poll() is not None):
            self.close()
        if self._child is None:
            self._child = _start()
        return self._child


def parse(content: bytes, *, filename: str, mime: str = "") -> Parsed:
    """Parses one document in a child of its own. Raises ParseFailed."""
    with ParserProcess() as parser:
        return parser.parse(content, filename=filename, mime=mime)


def _start() -> subprocess.Popen[bytes]:
    """A child that inherits nothing: no environment, no files, no place."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-s", "-m", "connectors.parsing.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
        start_new_session=True,
        bufsize=0,
    )
    for pipe in (child.stdin, child.stdout):
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
    return child


def _exchange(child: subprocess.Popen[bytes], request: bytes, deadline: float) -> dict[str, Any]:
    """Sends the request and reads the answer, neither waiting for the other, until the deadline."""
    assert child.stdin is not None
    assert child.stdout is not None
    unsent, received = memoryview(request), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        selector.register(child.stdin, selectors.EVENT_WRITE)
        while (size := _announced(received)) is None or len(received) < size:
            for key, _ in _wait(selector, deadline):
                if key.fileobj is child.stdout:
                    received += os.read(child.stdout.fileno(), PIECE) or _ended(child)
                    continue
                unsent = _write(child, unsent)
                if not unsent:
                    selector.unregister(child.stdin)
    return _decoded(received)


def _wait(selector: selectors.BaseSelector, deadline: float) -> list[tuple[selectors.SelectorKey, int]]:
    remaining = deadline - time.monotonic()
    ready = selector.select(remaining) if remaining > 0 else []
    if not ready:
        raise ParseFailed("parse_timeout")
    return ready


def _write(child: subprocess.Popen[bytes], unsent: memoryview) -> memoryview:
    assert child.stdin is not None
    try:
        return unsent[os.write(child.stdin.fileno(), unsent[:PIECE]) :]
    except BlockingIOError:
        return unsent
    except BrokenPipeError:
        return unsent[len(unsent) :]  # it has ended: the end of its output tells how


def _ended(child: subprocess.Popen[bytes]) -> bytes:
    """Raises for the way the child ended."""
    code = child.wait()
    raise ParseFailed("parse_timeout" if code == -signal.SIGXCPU else "crashed")


def _announced(received: bytearray) -> int | None:
    """How many bytes the whole answer has, once its first line is there."""
    end = received.find(b"\n", 0, 20)
    if end < 0:
        if len(received) > 20:
            raise ParseFailed("crashed")
        return None
    digits = bytes(received[:end])
    if not digits.isdigit() or int(digits) > MAX_ANSWER:
        raise ParseFailed("crashed")
    return end + 1 + int(digits)


def _decoded(received: bytearray) -> dict[str, Any]:
    try:
        answer = json.loads(received[received.index(b"\n") + 1 :])
    except (ValueError, RecursionError) as error:
        raise ParseFailed("crashed") from error
    return answer if isinstance(answer, dict) else {}


def _parsed_from(answer: dict[str, Any]) -> Parsed:
    """The answer as a document; what the child says is checked, because what it read is not trusted."""
    if "reason" in answer:
        raise ParseFailed(str(answer["reason"]), cause=str(answer.get("cause", "")))
    try:
        fields = dict(answer["parsed"])
        parsed = Parsed(
            text=str(fields["text"]),
            title=str(fields["title"]),
            mime=str(fields["mime"]),
            headings=tuple(Heading(int(h["level"]), str(h["title"]), int(h["start"])) for h in fields["headings"]),
            pages=tuple(_page(page) for page in fields["pages"]),
            language=str(fields["language"]),
            metadata={str(key): str(value) for key, value in dict(fields["metadata"]).items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ParseFailed("crashed") from error
    places = [heading.start for heading in parsed.headings] + [page.end for page in parsed.pages]
    if any(not 0 <= place <= len(parsed.text) for place in places):
        raise ParseFailed("crashed")
    return parsed


def _page(fields: dict[str, Any]) -> Page:
    return Page(str(fields["label"]), int(fields["number"]), int(fields["start"]), int(fields["end"]))

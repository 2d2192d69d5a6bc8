"""Parsing from the outside: a child process with limits, started when needed and thrown away."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from connectors.parsing.recognising import Recogniser, installed
from connectors.parsing.results import MAX_BYTES, Parsed, ParseFailed
from connectors.parsing.wire import Answer, exchange, parsed_from, request

WALL_CLOCK = 90.0  # seconds a document
DOCUMENTS_A_CHILD = 200
# Text recognition, for a document: what is beyond stays unread, and the document says so.
MAX_SCANS = 50  # pages
SCAN_SECONDS = 100.0
# What a sound child says of an unsound file; after anything else its memory is not trusted with the next one.
SAID_IN_GOOD_ORDER = frozenset({"empty", "encrypted", "corrupt", "unsupported_type", "no_text"})
ROOT = Path(__file__).resolve().parents[2]


class ParserProcess:
    """Reads documents one after another in one child; a file that ends the child fails only itself.

    The child is replaced after 200 documents and after every failure of its own. Pages that are pictures are read by
    `recogniser`, by default tesseract where it is installed. Not to be shared between threads.
    """

    program: tuple[str, ...] = ("-m", "connectors.parsing.child")
    errors: int = subprocess.DEVNULL

    def __init__(
        self, seconds: float = WALL_CLOCK, *, recogniser: Recogniser | Literal["installed"] | None = "installed"
    ) -> None:
        self.seconds = seconds
        self.recogniser = installed() if recogniser == "installed" else recogniser
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
        answer = self._ask(child, request({"size": len(content), "filename": filename, "mime": mime}, content))
        self._served += 1
        if answer.scans and self.recogniser is not None:
            answer = self._recognised(child, answer, self.recogniser)
        try:
            return parsed_from(answer)
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
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _ask(self, child: subprocess.Popen[bytes], sent: bytes, seconds: float = 0.0) -> Answer:
        try:
            return exchange(child, sent, time.monotonic() + (seconds or self.seconds))
        except BaseException:
            self.close()
            raise

    def _recognised(self, child: subprocess.Popen[bytes], answer: Answer, recogniser: Recogniser) -> Answer:
        """The document again, with the words of its pictures; as it was where none could be read in time."""
        deadline = time.monotonic() + SCAN_SECONDS
        texts: dict[str, str] = {}
        drawn = answer
        try:
            for index in answer.scans[:MAX_SCANS]:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                drawn = self._ask(child, request({"render": index}), min(remaining, self.seconds))
                if drawn.blob and (text := recogniser.read(drawn.blob, remaining)):
                    texts[str(index)] = text
            if texts:
                return self._ask(child, request({"recognised": texts}))
            return drawn if "reason" in drawn.fields and "reason" in answer.fields else answer
        except ParseFailed:  # the child has been ended; what it said before stands
            return answer

    def _ready_child(self) -> subprocess.Popen[bytes]:
        if self._served >= DOCUMENTS_A_CHILD or (self._child is not None and self._child.poll() is not None):
            self.close()
        if self._child is None:
            self._child = self._start()
        return self._child

    def _start(self) -> subprocess.Popen[bytes]:
        """A child that inherits nothing: no environment, no files, no place."""
        child = subprocess.Popen(
            [sys.executable, "-P", "-s", *self.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            cwd="/",
            env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
            start_new_session=True,
            bufsize=0,
        )
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        return child


def parse(content: bytes, *, filename: str, mime: str = "") -> Parsed:
    """Parses one document in a child of its own. Raises ParseFailed."""
    with ParserProcess() as parser:
        return parser.parse(content, filename=filename, mime=mime)

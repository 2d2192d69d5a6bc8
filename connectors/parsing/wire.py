"""What goes over the pipes between a worker and its parser: requests, and answers that are not trusted.

A request is a line of JSON and, where it names a `size`, that many bytes of a file. An answer is a line with two
lengths, that much JSON, and that many bytes: attachments one after another, or the picture of a page.
"""

import json
import os
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Any

from connectors.parsing.results import (
    MAX_ATTACHED_BYTES,
    MAX_TEXT_BYTES,
    Attachment,
    Heading,
    Page,
    Parsed,
    ParseFailed,
)

MAX_ANSWER = 4 * MAX_TEXT_BYTES
MAX_BLOB = MAX_ATTACHED_BYTES
LONGEST_START = 40
PIECE = 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """What a child said: its JSON, and the bytes after it."""

    fields: dict[str, Any]
    blob: bytes

    @property
    def scans(self) -> list[int]:
        """Pages that are pictures, by index, which text recognition might read."""
        found = self.fields.get("scans")
        return [index for index in found if isinstance(index, int)] if isinstance(found, list) else []


def request(fields: dict[str, object], content: bytes = b"") -> bytes:
    """A request as it is sent."""
    return json.dumps(fields).encode() + b"\n" + content


def exchange(child: subprocess.Popen[bytes], sent: bytes, deadline: float) -> Answer:
    """Sends a request and reads the answer, neither waiting for the other, until the deadline. Raises ParseFailed."""
    assert child.stdin is not None
    assert child.stdout is not None
    unsent, received = memoryview(sent), bytearray()
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
    end = received.find(b"\n", 0, LONGEST_START)
    if end < 0:
        if len(received) > LONGEST_START:
            raise ParseFailed("crashed")
        return None
    text, blob = _lengths(received, end)
    return end + 1 + text + blob


def _lengths(received: bytearray, end: int) -> tuple[int, int]:
    """Of the JSON and of the bytes after it, within their limits."""
    text, _, blob = bytes(received[:end]).partition(b" ")
    if not (text.isdigit() and blob.isdigit()) or int(text) > MAX_ANSWER or int(blob) > MAX_BLOB:
        raise ParseFailed("crashed")
    return int(text), int(blob)


def _decoded(received: bytearray) -> Answer:
    start = received.index(b"\n") + 1
    end = start + _lengths(received, start - 1)[0]
    try:
        fields = json.loads(received[start:end])
    except (ValueError, RecursionError) as error:
        raise ParseFailed("crashed") from error
    return Answer(fields if isinstance(fields, dict) else {}, bytes(received[end:]))


def parsed_from(answer: Answer) -> Parsed:
    """The answer as a document, checked. Raises ParseFailed for the reason given, or for nonsense."""
    if "reason" in answer.fields:
        raise ParseFailed(str(answer.fields["reason"]), cause=str(answer.fields.get("cause", "")))
    try:
        fields = dict(answer.fields["parsed"])
        parsed = Parsed(
            text=str(fields["text"]),
            title=str(fields["title"]),
            mime=str(fields["mime"]),
            headings=tuple(Heading(int(h["level"]), str(h["title"]), int(h["start"])) for h in fields["headings"]),
            pages=tuple(_page(page) for page in fields["pages"]),
            language=str(fields["language"]),
            metadata={str(key): str(value) for key, value in dict(fields["metadata"]).items()},
            attachments=_attachments(fields["attachments"], answer.blob),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ParseFailed("crashed") from error
    places = [heading.start for heading in parsed.headings] + [page.end for page in parsed.pages]
    if any(not 0 <= place <= len(parsed.text) for place in places):
        raise ParseFailed("crashed")
    return parsed


def _page(fields: dict[str, Any]) -> Page:
    return Page(str(fields["label"]), int(fields["number"]), int(fields["start"]), int(fields["end"]))


def _attachments(listed: list[dict[str, Any]], blob: bytes) -> tuple[Attachment, ...]:
    """Cut from the bytes by the sizes that were told, which must add up."""
    found: list[Attachment] = []
    place = 0
    for fields in listed:
        size = int(fields["size"])
        if not 0 <= size <= len(blob) - place:
            raise ValueError("attachments are larger than what was sent")
        found.append(Attachment(str(fields["name"]), str(fields["mime"]), blob[place : place + size]))
        place += size
    return tuple(found)

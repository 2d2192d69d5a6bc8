"""The process that reads untrusted files: one document after another, from standard input to output.

`wire` has the form of requests and answers. A file is parsed; afterwards its pages can be asked for as pictures, and
the file can be parsed again with the words that were recognised in them. What the first file's name promises is
imported before the walls go up, because it is faster then; everything that touches content happens inside them.
"""

import json
import mimetypes
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol, cast

from connectors.parsing import sandbox
from connectors.parsing.draft import Draft
from connectors.parsing.kinds import MIMES, kind_by_name, kind_of
from connectors.parsing.results import Parsed, ParseFailed

Said = tuple[dict[str, Any], bytes]


class Reader(Protocol):
    """A module of `formats`: writes what it reads in a file into a draft."""

    def read(self, content: bytes, draft: Draft) -> None:
        """Raises ParseFailed when it cannot."""


class Pictured(Protocol):
    """A module of `formats` whose pages may be pictures."""

    def picture(self, content: bytes, index: int) -> bytes:
        """A page as a PGM picture. Raises ParseFailed when it cannot."""


@dataclass(frozen=True)
class File:
    """What is being worked on."""

    content: bytes = b""
    filename: str = ""
    mime: str = ""


def reader_of(kind: str) -> Reader:
    """The module that reads a kind of file."""
    return cast(Reader, import_module(f"connectors.parsing.formats.{kind}"))


def parse_here(content: bytes, filename: str, mime: str) -> Parsed:
    """Parses in this process, without any limit."""
    return _parsed(File(content, filename, mime), Draft())


def _parsed(file: File, draft: Draft) -> Parsed:
    kind = kind_of(file.content, file.filename, file.mime)
    draft.filename = file.filename
    reader_of(kind).read(file.content, draft)
    return draft.finish(MIMES[kind], PurePosixPath(file.filename).stem)


def answer_to(file: File, recognised: Mapping[int, str]) -> Said:
    """What is sent back: the document, or the reason there is none; in either case the pages that are pictures."""
    draft = Draft(recognised)

    def said() -> Said:
        parsed = _parsed(file, draft)
        listed = [{"name": a.name, "mime": a.mime, "size": len(a.content)} for a in parsed.attachments]
        fields = asdict(replace(parsed, attachments=())) | {"attachments": listed}
        return {"parsed": fields}, b"".join(attachment.content for attachment in parsed.attachments)

    fields, blob = guarded(said)
    return fields | {"scans": draft.scans}, blob


def picture_of(file: File, index: int) -> Said:
    """A page as a picture."""
    kind = kind_of(file.content, file.filename, file.mime)
    return guarded(lambda: ({}, cast(Pictured, reader_of(kind)).picture(file.content, index)))


def guarded(work: Callable[[], Said]) -> Said:
    """What the work says, or the reason it failed."""
    try:
        return work()
    except ParseFailed as failure:
        return {"reason": failure.reason}, b""
    except MemoryError:
        return {"reason": "memory_limit"}, b""
    except RecursionError:
        return {"reason": "expansion_limit"}, b""
    except Exception as error:  # a library's own failure: only its name is told, its words may quote the file
        return {"reason": "crashed", "cause": type(error).__name__}, b""


def main() -> None:
    """Serves until input ends."""
    sys.modules["numpy"] = cast(Any, None)  # optional to openpyxl; slow to load and starts threads
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    file: File | None = None
    while header := requests.readline():
        request = json.loads(header)
        if file is None:
            reader_of(kind_by_name(request["filename"], request["mime"]) or "plain")
            mimetypes.init()  # looks into /etc, for openpyxl
            sandbox.lock_down()
        sandbox.limit_cpu()
        if "size" in request:
            file = File(requests.read(request["size"]), request["filename"], request["mime"])
        _send(answers, *_served(file or File(), request))
    os._exit(0)


def _served(file: File, request: dict[str, Any]) -> Said:
    if "render" in request:
        return picture_of(file, int(request["render"]))
    return answer_to(file, {int(index): str(text) for index, text in request.get("recognised", {}).items()})


def _send(answers: BinaryIO, fields: dict[str, Any], blob: bytes) -> None:
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    answers.write(b"%d %d\n" % (len(body), len(blob)))
    answers.write(body)
    answers.write(blob)
    answers.flush()


if __name__ == "__main__":
    main()

"""The process that reads untrusted files: one document after another, from standard input to output.

A request is a line of JSON (`size`, `filename`, `mime`) and that many bytes; an answer is a line with
its length in bytes and that much JSON. What the first file's name promises is imported before the
walls go up, because it is faster then; everything that touches content happens inside them.
"""

import json
import mimetypes
import os
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol, cast

from connectors.parsing import sandbox
from connectors.parsing.draft import Draft
from connectors.parsing.kinds import MIMES, kind_by_name, kind_of
from connectors.parsing.results import Parsed, ParseFailed


class Reader(Protocol):
    """A module of `formats`: writes what it reads in a file into a draft."""

    def read(self, content: bytes, draft: Draft) -> None:
        """Raises ParseFailed when it cannot."""


def reader_of(kind: str) -> Reader:
    """The module that reads a kind of file."""
    return cast(Reader, import_module(f"connectors.parsing.formats.{kind}"))


def parse_here(content: bytes, filename: str, mime: str) -> Parsed:
    """Parses in this process, without any limit."""
    kind = kind_of(content, filename, mime)
    draft = Draft()
    reader_of(kind).read(content, draft)
    return draft.finish(MIMES[kind], PurePosixPath(filename).stem)


def answer_to(content: bytes, filename: str, mime: str) -> dict[str, Any]:
    """What is sent back: the document, or the reason there is none."""
    try:
        return {"parsed": asdict(parse_here(content, filename, mime))}
    except ParseFailed as failure:
        return {"reason": failure.reason}
    except MemoryError:
        return {"reason": "memory_limit"}
    except RecursionError:
        return {"reason": "expansion_limit"}
    except Exception as error:  # a library's own failure: only its name is told, its words may quote the file
        return {"reason": "crashed", "cause": type(error).__name__}


def main() -> None:
    """Serves until input ends."""
    sys.modules["numpy"] = cast(Any, None)  # optional to openpyxl; slow to load and starts threads
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    locked = False
    while header := requests.readline():
        request = json.loads(header)
        if not locked:
            reader_of(kind_by_name(request["filename"], request["mime"]) or "plain")
            mimetypes.init()  # looks into /etc, for openpyxl
            sandbox.lock_down()
            locked = True
        sandbox.limit_cpu()
        content = requests.read(request["size"])
        _send(answers, answer_to(content, request["filename"], request["mime"]))
    os._exit(0)


def _send(answers: BinaryIO, answer: dict[str, Any]) -> None:
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    answers.write(b"%d\n%b" % (len(body), body))
    answers.flush()


if __name__ == "__main__":
    main()

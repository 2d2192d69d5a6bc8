"""A system that is read by the source protocol: a shelf of documents in folders, and rights that change one by one."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.given import documents as texts
from connectors.kit.system import Answer, Asked
from connectors.records import Access, Checkpoint, DocumentRecord, Entry, Records, ScopeRecord, State
from connectors.sources.base import Connector

Json = dict[str, Any]

FOLDERS = 20
A_PAGE = 200
READER = "ann"
A_TEXT = 1  # paragraphs, so passages


@dataclass
class Shelf:
    """Its cursor is a place in the log of what was said; without one all is listed."""

    documents: int
    log: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.listed: list[Json] = [
            {"type": "principal", "id": READER, "kind": "user", "email": f"{READER}@example.org", "external": False},
            {"type": "principal", "id": "others", "kind": "group", "members": []},
            *(folder(number, open_=True) for number in range(FOLDERS)),
        ]
        self.listed += [group(number, inside=True) for number in range(FOLDERS)]
        for number, text in zip(range(self.documents), texts(self.documents * 10), strict=False):
            self.listed.append(document(number, text.partition("\n\n")[0]))

    def say(self, record: Json) -> None:
        with self.lock:
            self.log.append(record)

    def __call__(self, asked: Asked) -> Answer:
        cursor = asked.query.get("cursor", "")
        with self.lock:
            if cursor.startswith("said-"):
                return Answer(self._said(int(cursor.removeprefix("said-"))))
            return Answer(self._listing(int(cursor or 0)))

    def _said(self, since: int) -> Json:
        more = since + A_PAGE < len(self.log)
        until = min(since + A_PAGE, len(self.log))
        return {"records": self.log[since:until], "cursor": f"said-{until}", "more": more, "complete": False}

    def _listing(self, place: int) -> Json:
        past = place + A_PAGE
        more = past < len(self.listed)
        cursor = str(past) if more else f"said-{len(self.log)}"
        return {"records": self.listed[place:past], "cursor": cursor, "more": more, "complete": not more}


def group(number: int, *, inside: bool) -> Json:
    members = [READER] if inside else []
    return {"type": "principal", "id": f"g{number}", "kind": "group", "members": members}


def folder(number: int, *, open_: bool) -> Json:
    grants = [f"g{number}"] if open_ else ["others"]
    return {"type": "scope", "id": f"f{number}", "name": f"Folder {number}", "grants": grants}


def document(number: int, text: str) -> Json:
    return {"type": "document", "id": f"d{number}", "title": f"Document {number}", "text": text} | {
        "scope": f"f{number % FOLDERS}"
    }


def restricted(number: int, *, open_: bool) -> Json:
    """Of one document alone."""
    restrictions = [] if open_ else [["others"]]
    return {"type": "access", "kind": "document", "id": f"d{number}", "scope": f"f{number % FOLDERS}"} | {
        "restrictions": restrictions
    }


@dataclass(frozen=True)
class Change:
    """A right that goes and comes back, and a document on which that is seen: of a folder, a group, a document."""

    number: int

    @property
    def document(self) -> str:
        return f"d{self.number % FOLDERS}"

    def of(self, is_open: bool) -> Json:
        place = self.number % FOLDERS
        match self.number % 3:
            case 0:
                return folder(place, open_=is_open)
            case 1:
                return group(place, inside=is_open)
            case _:
                return restricted(place, open_=is_open)


def changes(count: int) -> Sequence[Change]:
    return [Change(number) for number in range(count)]


class Files(Connector):
    """Files without a format, that everyone may read: they wait to be parsed."""

    settings = {"files": "How many."}

    def records(self, since: State | None) -> Records:
        yield ScopeRecord(id="top", access=Access(grants=(Entry(id="everyone"),)))
        for number, text in enumerate(texts(int(self.values["files"]) * 10)):
            yield DocumentRecord(
                id=f"{number}.txt", title=f"File {number}", scope="top", mime="text/plain", content=text.encode()
            )
        yield Checkpoint(complete=True)

"""What an in-house system holds, how that changes, and who may read what of it at each moment.

Everything is drawn from a seed: people, nested groups, folders, documents and files, and a list of changes to come.
The moment is a number: how many of the changes have happened.
"""

import base64
import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Key = tuple[str, str]  # type and id

PEOPLE = 24
READERS = 12  # of them, who can sign in
STRANGER = "stranger"
DEPARTMENTS = 10
FOLDERS = 40
CRASHERS = 3
CRASH = "[ends its parser]"  # what `tests.faults.child` dies of
WORDS = (
    "leave travel budget contract office safety report client invoice salary project review meeting notice training "
    "supplier machine delivery quality pension holiday archive policy visitor laptop network licence warranty parking "
    "canteen translation audit insurance claim refund catalogue warehouse shipment inspection certificate"
).split()
FILES = {"text/markdown": ".md", "text/html": ".html", "text/plain": ".txt", "text/csv": ".csv"}


@dataclass(frozen=True)
class Version:
    """A record from a moment on; None: there is nothing of this id. `content`: that its words are other ones."""

    since: int
    record: Json | None
    content: bool = True


@dataclass
class Truth:
    """`moment` says how much of it has happened."""

    seed: int
    documents: int
    changes: int
    moment: int = 0
    versions: dict[Key, list[Version]] = field(default_factory=dict)
    changed: list[Key] = field(default_factory=list)  # by each change in turn
    _judged: dict[int, "Judged"] = field(default_factory=dict)
    _last: tuple[int, dict[str, frozenset[str]]] = (-1, {})

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        for key, record in self._beginning():
            self.versions[key] = [Version(0, record)]
        for number in range(1, self.changes + 1):
            changed, becomes, content = self._change(number)
            self.versions.setdefault(changed, []).append(Version(number, becomes, content))
            self.changed.append(changed)

    # --- what there is -------------------------------------------------------------------------------------------

    def at(self, key: Key, moment: int) -> Json | None:
        versions = self.versions.get(key, [])
        place = bisect_right(versions, moment, key=lambda version: version.since)
        return versions[place - 1].record if place else None

    def living(self, type_: str, moment: int) -> Iterator[Json]:
        """The records of a type, in the order in which they were made."""
        for key in list(self.versions):
            if key[0] == type_ and (record := self.at(key, moment)) is not None:
                yield record

    def only_readers_changed(self, key: Key, after: int, until: int) -> bool:
        """Whether an `access` record tells all that became of it between two moments."""
        between = [version for version in self.versions[key] if after < version.since <= until]
        return key[0] != "principal" and all(version.record and not version.content for version in between)

    # --- who may read what ---------------------------------------------------------------------------------------

    @property
    def readers(self) -> list[str]:
        return [f"p{number}" for number in range(READERS)] + [STRANGER]

    def readable(self, moment: int) -> dict[str, frozenset[str]]:
        """The ids of the documents each reader may read, by the rules."""
        if self._last[0] != moment:
            judged = self.judged(moment)
            documents = list(self.living("document", moment))
            found = {r: frozenset(d["id"] for d in documents if judged.admits(r, d)) for r in self.readers}
            self._last = moment, found
        return self._last[1]

    def may_read(self, reader: str, document: str, moment: int) -> bool:
        record = self.at(("document", document), moment)
        return record is not None and self.judged(moment).admits(reader, record)

    def judged(self, moment: int) -> "Judged":
        if moment not in self._judged:
            self._judged[moment] = Judged(self, moment)
        return self._judged[moment]

    def edition(self, document: str, moment: int) -> int | None:
        record = self.at(("document", document), moment)
        return record["metadata"]["edition"] if record else None

    # --- the beginning -------------------------------------------------------------------------------------------

    def _beginning(self) -> Iterator[tuple[Key, Json]]:
        for number in range(PEOPLE):
            yield self._record("principal", f"p{number}", 0, kind="user", name=f"P {number}", external=False) | {
                "email": f"p{number}@example.org"
            }
        for number in range(DEPARTMENTS):
            yield self._group(f"g{number}", self._some_people(), 0)
        yield self._group("contractors", self._some_people(), 0)
        yield self._group("staff", [f"g{number}" for number in range(DEPARTMENTS)], 0)
        yield self._group("circle", ["g1", "round"], 0)
        yield self._group("round", ["circle", "p2"], 0)
        for number in range(FOLDERS):
            yield self._record("scope", f"f{number}", 0, name=f"Folder {number}") | self._readers_of_folder(number)
        for number in range(self.documents - CRASHERS):
            yield self._document(f"d{number}", 0, file=self.chance.random() < 0.55)
        for number in range(CRASHERS):
            yield self._document(f"crasher{number}", 0, file=True, crashes=True)

    def _record(self, type_: str, id: str, moment: int, **fields: Any) -> Any:
        return Made((type_, id), {"type": type_, "id": id, "revision": moment + 1, **fields})

    def _group(self, id: str, members: list[str], moment: int) -> Any:
        return self._record("principal", id, moment, kind="group", name=id.title(), members=members)

    def _some_people(self) -> list[str]:
        return [f"p{number}" for number in sorted(self.chance.sample(range(PEOPLE), self.chance.randint(1, 7)))]

    def _somebody(self) -> str:
        names = ["staff", "circle", "contractors", "*", *(f"g{number}" for number in range(DEPARTMENTS)), "p3", "p7"]
        return self.chance.choice(names)

    def _lists(self) -> Json:
        """A condition: some grants, now and then a restriction or a denied group."""
        lists: Json = {"grants": sorted({self._somebody() for _ in range(self.chance.randint(1, 3))})}
        if self.chance.random() < 0.2:
            lists["restrictions"] = [sorted({self._somebody(), self._somebody()})]
        if self.chance.random() < 0.2:
            lists["deny"] = [self.chance.choice(["contractors", "g4", "p5"])]
        return lists

    def _readers_of_folder(self, number: int) -> Json:
        if number < 6:
            return self._lists()
        lists = self._lists() if self.chance.random() < 0.5 else {}
        return {"parent": f"f{self.chance.randrange(number)}", "inherits": self.chance.random() < 0.9, **lists}

    def _readers_of_document(self) -> Json:
        readers: Json = {"scope": f"f{self.chance.randrange(FOLDERS)}"}
        if self.chance.random() < 0.12:
            readers |= self._lists() | {"inherits": self.chance.random() < 0.5}
        return readers

    def _document(self, id: str, moment: int, *, file: bool, crashes: bool = False, readers: Json | None = None) -> Any:
        mime = self.chance.choice(list(FILES)) if file else "text/plain"
        words = self._words(id, moment, mime) + (CRASH if crashes else "")
        content = {"content_base64": base64.b64encode(words.encode()).decode()} if file else {"text": words}
        return self._record(
            "document",
            id,
            moment,
            title=f"Document {id}",
            mime=mime,
            metadata={"edition": moment},
            author=f"p{self.chance.randrange(PEOPLE)}",
            modified_at=f"2026-01-01T00:{moment // 60 % 60:02}:{moment % 60:02}Z",
            **content,
            **(self._readers_of_document() if readers is None else readers),
        )

    def _words(self, id: str, moment: int, mime: str) -> str:
        paragraphs = [f"Edition {moment} of {id}."]
        paragraphs += [
            " ".join(self.chance.choices(WORDS, k=12)).capitalize() + "." for _ in range(self.chance.randint(4, 60))
        ]
        match mime:
            case "text/html":
                return "<html><body>" + "".join(f"<p>{words}</p>" for words in paragraphs) + "</body></html>"
            case "text/csv":
                return "\n".join(["Subject,Remark", *(f"{words},{number}" for number, words in enumerate(paragraphs))])
            case _:
                return "\n\n".join(paragraphs)

    # --- changes -------------------------------------------------------------------------------------------------

    def _change(self, number: int) -> tuple[Key, Json | None, bool]:
        kinds: dict[Callable[[int], tuple[Key, Json | None, bool]], int] = {
            self._rewritten: 34,
            self._rewritten_and_shared_anew: 12,
            self._document_shared_anew: 14,
            self._folder_shared_anew: 16,
            self._other_members: 14,
            self._deleted: 5,
            self._new: 5,
        }
        return self.chance.choices(list(kinds), list(kinds.values()))[0](number)

    def _some_document(self, number: int) -> Json:
        living = [d for d in self.living("document", number - 1) if not d["id"].startswith("crasher")]
        return self.chance.choice(living)

    def _rewritten(self, number: int) -> tuple[Key, Json | None, bool]:
        known = self._some_document(number)
        readers = {name: known[name] for name in READERS_OF_DOCUMENT if name in known}
        return (*self._document(known["id"], number, file="content_base64" in known, readers=readers), True)

    def _rewritten_and_shared_anew(self, number: int) -> tuple[Key, Json | None, bool]:
        known = self._some_document(number)
        return (*self._document(known["id"], number, file="content_base64" in known), True)

    def _document_shared_anew(self, number: int) -> tuple[Key, Json | None, bool]:
        known = self._some_document(number)
        kept = {name: value for name, value in known.items() if name not in READERS_OF_DOCUMENT}
        return ("document", known["id"]), kept | self._readers_of_document() | {"revision": number + 1}, False

    def _folder_shared_anew(self, number: int) -> tuple[Key, Json | None, bool]:
        folder = self.chance.randrange(FOLDERS)
        made = self._record("scope", f"f{folder}", number, name=f"Folder {folder}")
        return ("scope", f"f{folder}"), made.record | self._readers_of_folder(folder), False

    def _other_members(self, number: int) -> tuple[Key, Json | None, bool]:
        group = self.chance.choice(["contractors", *(f"g{each}" for each in range(DEPARTMENTS))])
        return (*self._group(group, self._some_people(), number), True)

    def _deleted(self, number: int) -> tuple[Key, Json | None, bool]:
        return ("document", self._some_document(number)["id"]), None, True

    def _new(self, number: int) -> tuple[Key, Json | None, bool]:
        return (*self._document(f"n{number}", number, file=self.chance.random() < 0.55), True)


READERS_OF_DOCUMENT = ("scope", "inherits", "grants", "restrictions", "deny")


class Made(tuple[Key, Json]):
    """A key and its record, to which fields can be added."""

    def __new__(cls, key: Key, record: Json) -> "Made":
        return super().__new__(cls, (key, record))

    @property
    def record(self) -> Json:
        return self[1]

    def __or__(self, more: Json) -> "Made":
        return Made(self[0], self[1] | more)


@dataclass(frozen=True)
class Condition:
    """P4, and P5 already applied."""

    grants: frozenset[str] = frozenset()
    restrictions: tuple[frozenset[str], ...] = ()
    deny: frozenset[str] = frozenset()

    def admits(self, principals: frozenset[str]) -> bool:
        return (
            bool(principals & self.grants and all(principals & each for each in self.restrictions))
            and not principals & self.deny
        )


class Judged:
    """The rules at one moment, written down once more in the plainest way."""

    def __init__(self, truth: Truth, moment: int) -> None:
        self.truth, self.moment = truth, moment
        groups = {
            record["id"]: record["members"] for record in truth.living("principal", moment) if "members" in record
        }
        self.principals = {reader: self._held(reader, groups) for reader in truth.readers}
        self.conditions: dict[str, Condition] = {}

    def _held(self, reader: str, groups: dict[str, list[str]]) -> frozenset[str]:
        if reader == STRANGER:
            return frozenset()
        held = {reader, "*"}
        while more := {group for group, members in groups.items() if group not in held and held & set(members)}:
            held |= more
        return frozenset(held)

    def admits(self, reader: str, document: Json) -> bool:
        if document["id"].startswith("crasher"):
            return False
        return self._under(document, document.get("scope")).admits(self.principals[reader])

    def _folder(self, id: str) -> Condition:
        if id not in self.conditions:
            record = self.truth.at(("scope", id), self.moment)
            assert record is not None
            self.conditions[id] = self._under(record, record.get("parent"))
        return self.conditions[id]

    def _under(self, record: Json, above: str | None) -> Condition:
        own = Condition(
            frozenset(record.get("grants", ())),
            tuple(map(frozenset, record.get("restrictions", ()))),
            frozenset(record.get("deny", ())),
        )
        if above is None or not record.get("inherits", True):
            return own
        parent = self._folder(above)
        return Condition(own.grants | parent.grants, (*parent.restrictions, *own.restrictions), own.deny | parent.deny)

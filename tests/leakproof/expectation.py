"""What the rules expect of a world: the oracle's side of every operation, and who may read what after it."""

import pickle
from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.leakproof.fixpoint import State
from tests.leakproof.model import RESERVED, Document, DocumentKey, Reader, World
from tests.leakproof.texts import DAMAGED, content_of, text_of

Operation = dict[str, Any]
Readable = Mapping[str, frozenset[DocumentKey]]  # by the name of who reads
SOON = timedelta(seconds=0.7)  # time enough to look at a grant before it ends
ENDS = {"past": "2001-02-03T04:05:06+00:00", "far": "2101-02-03T04:05:06+00:00"}
NAMES = ("name", "user", "given_by")


def stamped(operation: Operation, now: datetime) -> Operation:
    """The operation with moments in place of "past", "soon" and "far" and of ages, and with its texts."""
    told = deepcopy(operation)
    for record in [told["record"]] if "record" in told else told.get("records", ()):
        write_out(told["source"], record)
        for entry in [*_listed(record.get("grants")), *_listed(record.get("members"))]:
            if isinstance(entry, dict) and "until" in entry:
                entry["until"] = moment(entry["until"], now)
    if "until" in told:
        told["until"] = moment(told["until"], now)
    if "age" in told:
        told["at"] = (now - timedelta(seconds=told["age"])).isoformat()
    return told


def write_out(source: str, record: dict[str, Any]) -> None:
    """The words and files of a record in place of their numbers."""
    if (version := record.pop("words", None)) is not None:
        record["text"] = text_of(source, record["id"], version)
    if (version := record.pop("file", None)) is not None:
        record["content_base64"] = content_of(source, record["id"], version)


def moment(end: str, now: datetime) -> str:
    return (now + SOON).isoformat() if end == "soon" else ENDS[end]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@dataclass
class Token:
    """A person's token; one that ended reads nothing (P11)."""

    user: str
    reader: Reader
    sources: list[str] | None
    ended: bool = False


@dataclass(frozen=True)
class Several:
    """An audience by the names of its members: people and tokens (P10)."""

    members: tuple[str, ...]
    unidentified: bool
    outside: bool


@dataclass
class Expectation:
    """A world as the rules see it. Operations are stamped (`stamped`) before they come here."""

    world: World = field(default_factory=World)
    tokens: dict[str, Token] = field(default_factory=dict)
    audiences: dict[str, Several] = field(default_factory=dict)
    glasses: dict[str, int] = field(default_factory=dict)
    misused: set[tuple[int, str]] = field(default_factory=set)  # reserved ids, by the serial number of the source

    def copy(self) -> "Expectation":
        copied: Expectation = pickle.loads(pickle.dumps(self))  # noqa: S301  (of our own making)
        return copied

    def apply(self, told: Operation, now: datetime) -> None:
        getattr(self, f"_{told['do']}")(told, now)

    def knows_all_of(self, told: Operation) -> bool:
        """Whether everything an operation needs is there: not so when earlier operations were left out."""
        world = self.world
        if told["do"] in ("add_user", "add_source"):
            return True
        if "source" in told and told["source"] not in world.sources:
            return False
        if told["do"] == "end_token":
            return told["name"] in self.tokens
        if told["do"] == "hold":
            document = world.sources[told["source"]].documents.get(told["document"])
            return document is not None and document.live
        if told["do"] == "add_audience":
            return all(name in world.users or name in self.tokens for name in told["members"])
        return self._knows_the_people_of(told)

    def _knows_the_people_of(self, told: Operation) -> bool:
        if told["do"] == "break_glass":
            return told["user"] in self.world.users and self._has(told)
        if told["do"] == "end_glass":
            return told["name"] in self.glasses
        if told["do"] == "add_token":
            return told["user"] in self.world.users
        return all(told[name] in self.world.users for name in NAMES if name in told)

    def _has(self, told: Operation) -> bool:
        source = self.world.sources[told["source"]]
        return told["id"] in (source.documents if told["kind"] == "document" else source.scopes)

    # --- who may read what ----------------------------------------------------------------------------

    def viewers(self) -> list[str]:
        return [*self.world.users, *self.tokens, *self.audiences]

    def readable(self, now: datetime) -> Readable:
        """What each person, token and audience may read."""
        state = State(self.world, now)
        found = {name: frozenset(state.of(Reader(name))) for name in self.world.users}
        for name, token in self.tokens.items():
            found[name] = frozenset() if token.ended else frozenset(state.of(token.reader))
        for name, several in self.audiences.items():
            found[name] = self._readable_by(several, found, state)
        return found

    def _readable_by(self, several: Several, found: Readable, state: State) -> frozenset[DocumentKey]:
        if several.outside:
            return frozenset()
        common = frozenset(state.readers)
        for member in several.members:
            common &= found[member]
        if several.unidentified:
            common &= {document for document, people in state.readers.items() if people & state.unidentified}
        return common

    def next_end(self, now: datetime) -> datetime | None:
        """When the next time limit after `now` passes."""
        ends = [glass.until for glass in self.world.glasses.values()]
        for principal in self.world.principals.values():
            ends += [member.until for member in principal.members if member.until is not None]
        for source in self.world.sources.values():
            rights = [*source.scopes.values(), *(each for doc in source.documents.values() for each in doc.all_rights)]
            for each in rights:
                if each.acl is not None:
                    ends += [entry.until for entry in each.acl.grants if entry.until is not None]
        return min((end for end in ends if end > now), default=None)

    # --- people ---------------------------------------------------------------------------------------

    def _add_user(self, told: Operation, now: datetime) -> None:
        self.world.add_user(
            told["name"], told["address"], verified=told["verified"], external=told["external"], active=told["active"]
        )

    def _set_active(self, told: Operation, now: datetime) -> None:
        self.world.set_active(told["name"], told["active"])

    def _set_external(self, told: Operation, now: datetime) -> None:
        self.world.set_external(told["name"], told["external"])

    def _change_address(self, told: Operation, now: datetime) -> None:
        """A link ends with its reason: the old address is this person's no longer (P13)."""
        user = self.world.users[told["name"]]
        if user.address != told["address"]:
            self._let_go(user.address, {user.name})
        self.world.change_address(told["name"], told["address"], told["verified"])

    def _confirm_address(self, told: Operation, now: datetime) -> None:
        """An account is one person: what the address linked to others is theirs no longer (P13)."""
        self._let_go(told["address"], self.world.users.keys() - {told["user"]})
        self.world.confirm_address(told["address"], told["user"])

    def _let_go(self, address: str, people: Collection[str]) -> None:
        links = self.world.links.items()
        self.world.links = {link: by for link, by in links if by != address or link[1] not in people}

    def _revoke_link(self, told: Operation, now: datetime) -> None:
        self.world.revoke_link(told["source"], told["account"], told["user"])

    def _add_token(self, told: Operation, now: datetime) -> None:
        sources = told["sources"]
        self.tokens[told["name"]] = Token(told["user"], self.world.reads(told["user"], sources), sources)

    def _end_token(self, told: Operation, now: datetime) -> None:
        self.tokens[told["name"]].ended = True

    def _add_audience(self, told: Operation, now: datetime) -> None:
        self.audiences[told["name"]] = Several(tuple(told["members"]), told["unidentified"], told["outside"])

    # --- sources --------------------------------------------------------------------------------------

    def _add_source(self, told: Operation, now: datetime) -> None:
        age = None if told["kind"] == "push" else timedelta(hours=24)
        self.world.add_source(told["key"], vouches=told["vouches"], max_age=age)

    def _pause(self, told: Operation, now: datetime) -> None:
        self.world.pause(told["source"])

    def _resume(self, told: Operation, now: datetime) -> None:
        self.world.resume(told["source"])

    def _set_vouching(self, told: Operation, now: datetime) -> None:
        self.world.set_vouching(told["source"], told["vouches"])

    def _set_max_age(self, told: Operation, now: datetime) -> None:
        self.world.set_max_age(told["source"], None if told["hours"] is None else timedelta(hours=told["hours"]))

    def _verified(self, told: Operation, now: datetime) -> None:
        self.world.verified(told["source"], datetime.fromisoformat(told["at"]))

    def _delete_source(self, told: Operation, now: datetime) -> None:
        self.world.delete_source(told["source"])

    # --- records --------------------------------------------------------------------------------------

    def _push(self, told: Operation, now: datetime) -> None:
        record = self._as_meant(told["source"], told["record"])
        with self._only_rights_told(told["source"], [record]):
            self.world.push(told["source"], record, now)

    def _batch(self, told: Operation, now: datetime) -> None:
        for record in told["records"]:
            self._push({"source": told["source"], "record": record}, now)

    def _page(self, told: Operation, now: datetime) -> None:
        records = [self._as_meant(told["source"], record) for record in told["records"]]
        with self._only_rights_told(told["source"], records):
            self.world.page(told["source"], records, now, complete=told["complete"])
        if told["ends"]:
            self.world.verified(told["source"], now)

    def _as_meant(self, source: str, record: dict[str, Any]) -> dict[str, Any]:
        """Once a source has used a reserved id for something of its own, nobody knows what its lists mean (P3)."""
        serial = self.world.sources[source].serial
        if record["type"] == "principal" and record["id"] in RESERVED:
            self.misused.add((serial, record["id"]))
        meant = dict(record)
        for name in ("grants", "members", "deny", "restrictions"):
            if isinstance(meant.get(name), list):
                meant[name] = [self._entry_as_meant(serial, entry) for entry in meant[name]]
        return meant

    def _entry_as_meant(self, serial: int, entry: Any) -> Any:
        if isinstance(entry, list):
            return [self._entry_as_meant(serial, each) for each in entry]
        if isinstance(entry, dict):
            return entry | {"id": self._entry_as_meant(serial, entry["id"])}
        return f"misused {entry}" if (serial, entry) in self.misused else entry

    @contextmanager
    def _only_rights_told(self, source: str, records: Collection[Mapping[str, Any]]) -> Iterator[None]:
        """An `access` record replaces the rights and nothing else: it does not say that what is held is there."""
        named = {record["id"] for record in records if record["type"] == "document"}
        held = set(self._held(source)) - named
        yield
        documents = self.world.sources[source].documents
        for id in held & documents.keys():
            documents[id].held = True

    def _parse(self, told: Operation, now: datetime) -> None:
        for source in self.world.sources.values():
            for id, document in source.documents.items():
                if document.coming is not None:
                    settle = self.world.quarantine if _damaged(document) else self.world.parsed
                    settle(source.key, id)

    def _hold(self, told: Operation, now: datetime) -> None:
        self.world.hold(told["source"], told["document"])

    def _release_held(self, told: Operation, now: datetime) -> None:
        for id in self._held(told["source"]):
            self.world.release(told["source"], id)

    def _delete_held(self, told: Operation, now: datetime) -> None:
        for id in self._held(told["source"]):
            self.world.delete(told["source"], id)

    def _held(self, source: str) -> list[str]:
        return [id for id, document in self.world.sources[source].documents.items() if document.held]

    # --- break-glass and time -------------------------------------------------------------------------

    def _break_glass(self, told: Operation, now: datetime) -> None:
        place = (told["source"], told["id"])
        until = datetime.fromisoformat(told["until"])
        if told["kind"] == "document":
            number = self.world.break_glass(told["user"], document=place, until=until, now=now)
        else:
            number = self.world.break_glass(told["user"], scope=place, until=until, now=now)
        self.glasses[told["name"]] = number

    def _end_glass(self, told: Operation, now: datetime) -> None:
        self.world.end_glass(self.glasses[told["name"]])

    def _wait(self, told: Operation, now: datetime) -> None:
        """Time passes."""


def _damaged(document: Document) -> bool:
    coming = document.coming or ""
    return coming.startswith("content ") and b64decode(coming.removeprefix("content ")).startswith(DAMAGED)


def clock() -> datetime:
    return datetime.now(UTC)

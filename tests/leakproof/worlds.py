"""Random worlds, and random operations on them: mostly small changes of what is there, as life brings them.

Nothing here decides who may read what. A world is made of operations like any other, so that a run is one list.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from tests.leakproof.expectation import Expectation, clock
from tests.leakproof.model import Source

Operation = dict[str, Any]
Record = dict[str, Any]
Subject = tuple[str, str]  # kind and id
T = TypeVar("T")
PEOPLE = ("ann", "bob", "carol", "dan", "eve", "finn", "gus", "hana", "ivo", "joan")
SOURCES = (("docs", "push"), ("mail", "listed"), ("wiki", "push"))
GROUPS = [f"g{number}" for number in range(6)]
SCOPES = [f"s{number}" for number in range(8)]
DOCUMENTS = [f"d{number}" for number in range(16)]
NOBODYS = ["ghost", "phantom"]  # ids that nobody introduces
DOORS = ("apply", "apply", "apply", "put", "batch")
EVERYONE = ("everyone", "*")
END = "2101-02-03T04:05:06+00:00"
LISTS = ("grants", "restrictions", "deny")
MALFORMED: list[Record] = [{"grants": 7}, {"deny": [{"id": "ann", "until": END}]}, {"restrictions": ["ann"]}]


def address_of(person: str) -> str:
    return f"{person}@example.org"


@dataclass
class Making:
    """One random world being made and changed. `sent`: what each source has said last, by kind and id."""

    chance: Random
    sent: dict[str, dict[Subject, Record]] = field(default_factory=dict)
    versions: int = 0
    numbers: int = 0

    # --- the beginning --------------------------------------------------------------------------------

    def beginning(self) -> Iterator[Operation]:
        people = PEOPLE[: self.chance.randint(6, len(PEOPLE))]
        for name in people:
            yield self._person(name)
        for key, kind in SOURCES[: self.chance.randint(2, 3)]:
            yield from self._source(key, kind, people)
        yield from self._viewers(people)

    def _person(self, name: str) -> Operation:
        return {
            "do": "add_user",
            "name": name,
            "address": address_of(name),
            "verified": self.chance.random() < 0.95,
            "external": self.chance.random() < 0.15,
            "active": self.chance.random() < 0.95,
        }

    def _source(self, key: str, kind: str, people: Sequence[str]) -> Iterator[Operation]:
        yield {"do": "add_source", "key": key, "kind": kind, "vouches": self.chance.random() < 0.95}
        self.sent[key] = {}
        yield self._filled(key, kind, people)

    def _filled(self, key: str, kind: str, people: Sequence[str]) -> Operation:
        """All a source has to say at first: accounts, groups, scopes and documents."""
        records = [self.account(name) for name in people if self.chance.random() < 0.85]
        records += [self.account(name, second=True) for name in people if self.chance.random() < 0.15]
        records += [self.group(key, id) for id in GROUPS]
        records += [self.scope(key, id) for id in SCOPES]
        records += [self.document(key, id) for id in DOCUMENTS if self.chance.random() < 0.85]
        if kind == "listed":
            return {"do": "page", "source": key, "records": records, "complete": True, "ends": True}
        return {"do": "batch", "source": key, "records": records}

    def _viewers(self, people: Sequence[str]) -> Iterator[Operation]:
        names = list(people)
        for _ in range(self.chance.randint(3, 4)):
            names.append(f"token{len(names)}")
            yield self.token(self.chance.choice(people), names[-1])
        for number in range(self.chance.randint(3, 4)):
            yield self.audience(f"audience{number}", names)

    def token(self, person: str, name: str) -> Operation:
        keys = self.some(list(self.sent), 1, max(len(self.sent) - 1, 1))
        return {"do": "add_token", "name": name, "user": person, "sources": self.chance.choice([None, keys, keys])}

    def audience(self, name: str, members: list[str]) -> Operation:
        return {
            "do": "add_audience",
            "name": name,
            "members": self.some(members, 1, 2),
            "unidentified": self.chance.random() < 0.5,
            "outside": self.chance.random() < 0.05,
        }

    # --- records --------------------------------------------------------------------------------------

    def account(self, name: str, *, second: bool = False) -> Record:
        email: str | None = address_of(name)
        if self.chance.random() < 0.05:
            email = None
        return {
            "type": "principal",
            "id": f"{name}-2" if second else name,
            "kind": "user",
            "email": email,
            "external": self.chance.random() < 0.2,
        }

    def group(self, source: str, id: str) -> Record:
        known = [id for kind, id in self.sent[source] if kind == "principal"]
        members = self.some([*known, *PEOPLE[:6], *GROUPS], 0, 5)
        if self.chance.random() < 0.05:
            members.append(self.chance.choice(EVERYONE))
        return {"type": "principal", "id": id, "kind": "group", "members": [*map(self.entry, members)]}

    def scope(self, source: str, id: str) -> Record:
        above = SCOPES[: SCOPES.index(id)]
        parent = self.chance.choice(above[-3:]) if above and self.chance.random() < 0.75 else None
        record = {"type": "scope", "id": id, "name": id, "parent": parent}
        return record | self.lists(granted=0.9 if parent is None else 0.5)

    def document(self, source: str, id: str) -> Record:
        record: Record = {"type": "document", "id": id, "title": id.upper()}
        place = self.chance.choice([*SCOPES, None]) if self.chance.random() < 0.95 else "s-nowhere"
        record["scope"] = place
        if place is None or self.chance.random() < 0.35:
            record |= self.lists(granted=0.9 if place is None else 0.5)
        return record | self.content()

    def content(self) -> Record:
        """New words, as text or as a file."""
        self.versions += 1
        return {"file" if self.chance.random() < 0.08 else "words": self.versions}

    def lists(self, *, granted: float) -> Record:
        said: Record = {}
        if self.chance.random() < 0.06:  # all the organisation, and yet not everybody
            said["grants"] = [EVERYONE[0]]
            said["restrictions"] = [self.principals(2, 5)]
        elif self.chance.random() < granted:
            said["grants"] = [*map(self.entry, self.principals(1, 3))]
        if "restrictions" not in said and self.chance.random() < 0.15:
            said["restrictions"] = [self.principals(2, 5) for _ in range(self.chance.randint(1, 2))]
        if self.chance.random() < 0.12:
            said["deny"] = self.principals(1, 2)
        if self.chance.random() < 0.15:
            said["inherits"] = False
        return said

    def principals(self, fewest: int, most: int) -> list[str]:
        """Ids for a list: people, groups, everyone, and now and then a name that means nobody yet."""
        ids = [*PEOPLE, *GROUPS, *GROUPS, *EVERYONE]
        if self.chance.random() < 0.06:
            ids += NOBODYS * 6
        return self.some(ids, fewest, most)

    def entry(self, id: str) -> str | Record:
        if self.chance.random() < 0.12:
            return {"id": id, "until": self.chance.choice(["past", "far"])}
        return id

    # --- operations -----------------------------------------------------------------------------------

    def operation(self, expected: Expectation) -> Operation:
        """A random thing that could happen next."""
        ways: list[tuple[float, Callable[[Expectation], Operation | None]]] = [
            (30, self._change_record),
            (6, self._send_anew),
            (5, self._delete),
            (4, self._change_account),
            (4, self._change_person),
            (5, self._change_source),
            (3, self._page),
            (2, self._change_link),
            (2, self._change_token),
            (2, self._malform),
            (2, self._hold),
            (2, self._parse),
            (6, self._break_glass),
            (4, self._end_soon),
            (0.5, self._end_source),
        ]
        while True:
            way = self.chance.choices([way for _, way in ways], [weight for weight, _ in ways])[0]
            operation = way(expected)
            if operation is not None and not self._gives_the_held_a_file(operation, expected):
                return operation

    def _gives_the_held_a_file(self, operation: Operation, expected: Expectation) -> bool:
        """What is held and waits to be parsed as well is hidden longer than the rules ask; it is left alone."""
        source = expected.world.sources.get(operation.get("source", ""))
        records = [operation["record"]] if "record" in operation else operation.get("records", ())
        files = {record["id"] for record in records if "file" in record}
        return source is not None and any(id in files and each.held for id, each in source.documents.items())

    def note(self, operation: Operation) -> None:
        """Remember what a source has said, now that it has."""
        if operation["do"] == "add_source":
            self.sent[operation["key"]] = {}
        if operation["do"] == "delete_source":
            del self.sent[operation["source"]]
        if operation.get("malformed"):
            return
        for record in [operation["record"]] if "record" in operation else operation.get("records", ()):
            self._note(self.sent[operation["source"]], record)

    def _note(self, sent: dict[Subject, Record], record: Record) -> None:
        match record["type"]:
            case "deletion":
                sent.pop((record["kind"], record["id"]), None)
            case "access":
                known = sent.get((record["kind"], record["id"]))
                place = "scope" if record["kind"] == "document" else "parent"
                if known is not None:
                    known |= {name: record.get(name) for name in (*LISTS, "inherits", place)}
            case type_:
                sent[type_, record["id"]] = deepcopy(record)

    def _pushed(self, source: str, record: Record) -> Operation:
        return {"do": "push", "source": source, "record": record, "door": self.chance.choice(DOORS)}

    def _said(self, source: str, record: Record) -> Operation:
        """As this source says things: pushed, or read from a page."""
        if dict(SOURCES)[source] == "push":
            return self._pushed(source, record)
        return {"do": "page", "source": source, "records": [record], "complete": False, "ends": True}

    def _change_record(self, expected: Expectation) -> Operation | None:
        source = self.chance.choice(list(self.sent))
        changed = self._changed(source)
        return None if changed is None else self._said(source, changed)

    def _changed(self, source: str) -> Record | None:
        """One small change of something the source has said."""
        if not self.sent[source]:
            return None
        (kind, _), record = self.chance.choice(list(self.sent[source].items()))
        record = deepcopy(record)
        if kind == "principal":
            return self._regrouped(source, record)
        if self.chance.random() < 0.35:
            self._moved(kind, record)
        elif kind == "document" and self.chance.random() < 0.15:
            for name in ("words", "file"):
                record.pop(name, None)
            record |= self.content()
        else:
            self._reshared(record)
        if self.chance.random() < 0.3:
            record = self._as_access(kind, record)
        return self._numbered(source, record)

    def _regrouped(self, source: str, record: Record) -> Record | None:
        if record["kind"] != "group":
            return None
        members = record.get("members") or []
        if members and self.chance.random() < 0.5:
            members.remove(self.chance.choice(members))
        else:
            members.append(self.entry(self.chance.choice([*PEOPLE, *PEOPLE, *GROUPS, *GROUPS, *EVERYONE, *NOBODYS])))
        return self._numbered(source, record | {"members": members})

    def _moved(self, kind: str, record: Record) -> None:
        if self.chance.random() < 0.3:
            record["inherits"] = not (record.get("inherits") is not False)
        elif kind == "scope":
            record["parent"] = self.chance.choice([*SCOPES, None, None, "s-nowhere"])
        else:
            record["scope"] = self.chance.choice([*SCOPES, None])

    def _reshared(self, record: Record) -> None:
        """One entry more or less in one list."""
        name = self.chance.choices(LISTS, [6, 3, 2])[0]
        if name == "restrictions":
            clauses = record.get(name) or []
            if clauses and self.chance.random() < 0.6:
                self._one_more_or_less(clauses[0], plain=True)
            elif clauses:
                clauses.pop()
            else:
                clauses.append(self.principals(1, 5))
            record[name] = clauses
        else:
            entries = record.get(name) or []
            self._one_more_or_less(entries, plain=name == "deny")
            record[name] = entries

    def _one_more_or_less(self, entries: list[Any], *, plain: bool) -> None:
        if entries and self.chance.random() < 0.5:
            entries.remove(self.chance.choice(entries))
        else:
            id = self.principals(1, 1)[0]
            entries.append(id if plain else self.entry(id))

    def _as_access(self, kind: str, record: Record) -> Record:
        place = "scope" if kind == "document" else "parent"
        kept = {name: record[name] for name in (*LISTS, "inherits", place) if name in record}
        return {"type": "access", "kind": kind, "id": record["id"], **kept}

    def _numbered(self, source: str, record: Record) -> Record:
        """Now and then a record says which of its kind it is, and may come too late."""
        if self.chance.random() < 0.15:
            self.numbers += 1
            late = self.chance.random() < 0.3
            return record | {"revision": max(self.numbers - 5, 0) if late else self.numbers}
        return {name: value for name, value in record.items() if name != "revision"}

    def _send_anew(self, expected: Expectation) -> Operation:
        """Something the source no longer has, or never had, or has in another way."""
        source = self.chance.choice(list(self.sent))
        kind = self.chance.choice(["account", "group", "scope", "scope", "document", "document"])
        match kind:
            case "account":
                record = self.account(self.chance.choice(PEOPLE), second=self.chance.random() < 0.3)
            case "group":
                record = self.group(source, self.chance.choice([*GROUPS, *NOBODYS, *PEOPLE[:2]]))
            case "scope":
                record = self.scope(source, self.chance.choice(SCOPES))
            case _:
                record = self.document(source, self.chance.choice(DOCUMENTS))
        return self._said(source, self._numbered(source, record))

    def _delete(self, expected: Expectation) -> Operation | None:
        source = self.chance.choice(list(self.sent))
        if not self.sent[source]:
            return None
        kind, id = self.chance.choice(list(self.sent[source]))
        return self._said(source, self._numbered(source, {"type": "deletion", "kind": kind, "id": id}))

    def _change_account(self, expected: Expectation) -> Operation | None:
        source = self.chance.choice(list(self.sent))
        accounts = [each for each in self.sent[source].values() if each.get("kind") == "user"]
        if not accounts:
            return None
        record = deepcopy(self.chance.choice(accounts))
        if self.chance.random() < 0.5:
            record["external"] = not record["external"]
        else:
            record["email"] = self.chance.choice(
                [None, address_of(record["id"]), address_of(self.chance.choice(PEOPLE))]
            )
        return self._said(source, self._numbered(source, record))

    def _change_person(self, expected: Expectation) -> Operation:
        user = self.chance.choice(list(expected.world.users.values()))
        if self.chance.random() < 0.6:
            return {"do": "set_active", "name": user.name, "active": not user.active}
        if self.chance.random() < 0.7:
            return {"do": "set_external", "name": user.name, "external": not user.external}
        taken = {each.address for each in expected.world.users.values()}
        free = [address_of(name) for name in PEOPLE if address_of(name) not in taken]
        if self.chance.random() < 0.5 or not free:
            return {"do": "change_address", "name": user.name, "address": user.address, "verified": not user.verified}
        address = self.chance.choice([*free, address_of(user.name) if address_of(user.name) in free else free[0]])
        return {"do": "change_address", "name": user.name, "address": address, "verified": True}

    def _change_source(self, expected: Expectation) -> Operation:
        source = self.chance.choice(list(expected.world.sources.values()))
        if source.paused:
            return {"do": "resume", "source": source.key}
        if self.chance.random() < 0.6:
            return self._age(source)
        if self.chance.random() < 0.5:
            return {"do": "pause", "source": source.key}
        return {"do": "set_vouching", "source": source.key, "vouches": not source.vouches}

    def _age(self, source: Source) -> Operation:
        """Permissions get too old, or are seen anew, or may be older or younger than before (P7)."""
        if source.max_age is None or self.chance.random() < 0.2:
            return {"do": "set_max_age", "source": source.key, "hours": self.chance.choice([1, 24, None])}
        hours = int(source.max_age.total_seconds()) // 3600
        ages = [hours - 0.1, hours + 0.1, 30] if source.is_fresh(clock()) else [0, hours - 0.1]
        return {"do": "verified", "source": source.key, "age": self.chance.choice(ages) * 3600}

    def _page(self, expected: Expectation) -> Operation | None:
        """Several records in one commit; now and then all there is."""
        listed = [key for key, kind in SOURCES if key in self.sent and kind == "listed"]
        if not listed:
            return None
        source = self.chance.choice(listed)
        if self.chance.random() < 0.25:
            left_out = self.some(list(self.sent[source]), 0, 2)
            records = [deepcopy(record) for subject, record in self.sent[source].items() if subject not in left_out]
            return {"do": "page", "source": source, "records": records, "complete": True, "ends": True}
        changed = [record for _ in range(self.chance.randint(1, 4)) if (record := self._changed(source)) is not None]
        for record in changed:
            if record["type"] in ("scope", "document") and self.chance.random() < 0.08:
                record["unreadable"] = True
        ends = self.chance.random() < 0.8
        return {"do": "page", "source": source, "records": changed, "complete": False, "ends": ends}

    def _change_link(self, expected: Expectation) -> Operation | None:
        world = expected.world
        if self.chance.random() < 0.4:
            address = address_of(self.chance.choice(PEOPLE))
            return {"do": "confirm_address", "address": address, "user": self.chance.choice(list(world.users))}
        links = [(world.principals[key], user) for key, user in world.links]
        linked = [(account, user) for account, user in links if not account.ended]
        if not linked:
            return None
        account, user = self.chance.choice(linked)
        source = next(each for each in world.sources.values() if each.serial == account.source)
        return {"do": "revoke_link", "source": source.key, "account": account.id, "user": user}

    def _change_token(self, expected: Expectation) -> Operation | None:
        inforce = [name for name, token in expected.tokens.items() if not token.ended]
        if inforce and self.chance.random() < 0.3:
            how = self.chance.choice(["revoked", "expired"])
            return {"do": "end_token", "name": self.chance.choice(inforce), "how": how}
        if len(expected.tokens) - len(inforce) > 3 or len(inforce) > 5:
            return None
        name = f"token{len(expected.viewers())}-{len(expected.tokens)}"
        return self.token(self.chance.choice(list(expected.world.users)), name)

    def _malform(self, expected: Expectation) -> Operation | None:
        """A list of readers that cannot be understood (P4, P17), or a reserved id (P3)."""
        pushed = [key for key in self.sent if dict(SOURCES)[key] == "push" and self.sent[key]]
        if not pushed:
            return None
        source = self.chance.choice(pushed)
        record = deepcopy(self.chance.choice(list(self.sent[source].values())))
        if self.chance.random() < 0.15:
            record = {"type": "principal", "id": self.chance.choice(EVERYONE), "kind": "group", "members": ["ann"]}
        elif record["type"] == "principal":
            record = record | {"kind": "group", "members": "all of them"}
        else:
            record |= self.chance.choice(MALFORMED)
        return self._pushed(source, record) | {"malformed": True}

    def _hold(self, expected: Expectation) -> Operation | None:
        source = self.chance.choice(list(expected.world.sources.values()))
        held = [id for id, document in source.documents.items() if document.held]
        if held:
            do = self.chance.choice(["release_held", "release_held", "delete_held"])
            return {"do": do, "source": source.key}
        live = [id for id, document in source.documents.items() if document.live and document.coming is None]
        return {"do": "hold", "source": source.key, "document": self.chance.choice(live)} if live else None

    def _break_glass(self, expected: Expectation) -> Operation | None:
        """Opened for a person, or closed again (P12)."""
        opened = [name for name, number in expected.glasses.items() if not expected.world.glasses[number].ended]
        if len(opened) > 2 or (opened and self.chance.random() < 0.3):
            return {"do": "end_glass", "name": self.chance.choice(opened)}
        having = [expected.world.glasses[expected.glasses[name]].user for name in opened]  # one more for the same
        source = self.chance.choice(list(expected.world.sources.values()))
        kind = self.chance.choice(["document", "scope", "scope"])
        ids = list(source.documents if kind == "document" else source.scopes)
        if kind == "scope" and self.chance.random() < 0.5:  # where what it must not open is right below
            sent = self.sent[source.key].items()
            ids = [each["parent"] for (of, _), each in sent if of == "scope" and each.get("inherits") is False]
            ids = [id for id in ids if id in source.scopes]
        if not ids:
            return None
        return {
            "do": "break_glass",
            "name": f"glass{len(expected.glasses)}",
            "user": self.chance.choice(having or list(expected.world.users)),
            "source": source.key,
            "kind": kind,
            "id": self.chance.choice(ids),
            "until": self.chance.choice(["far", "soon"]),
        }

    def _parse(self, expected: Expectation) -> Operation | None:
        waiting = any(
            document.coming is not None
            for source in expected.world.sources.values()
            for document in source.documents.values()
        )
        return {"do": "parse"} if waiting else None

    def _end_soon(self, expected: Expectation) -> Operation | None:
        """A grant or a membership that ends while we watch (P17)."""
        source = self.chance.choice(list(self.sent))
        sent = list(self.sent[source].values())
        denied = {id for record in sent for id in record.get("deny") or ()}
        listed = [each for each in sent if each.get("members") and each["id"] in denied]  # these admit when they end
        if not listed or self.chance.random() < 0.5:
            listed = [each for each in sent if each.get("grants") or each.get("members")]
        if not listed:
            return None
        record = deepcopy(self.chance.choice(listed))
        name = "members" if "members" in record else "grants"
        entries = record[name]
        place = self.chance.randrange(len(entries))
        id = entries[place]["id"] if isinstance(entries[place], dict) else entries[place]
        entries[place] = {"id": id, "until": "soon"}
        return self._said(source, {key: value for key, value in record.items() if key != "revision"})

    def _end_source(self, expected: Expectation) -> Operation | None:
        gone = [key for key, _ in SOURCES if key not in self.sent]
        empty = [key for key, sent in self.sent.items() if not sent]
        if empty:
            return self._filled(empty[0], dict(SOURCES)[empty[0]], list(expected.world.users))
        if gone:
            key = self.chance.choice(gone)
            return {"do": "add_source", "key": key, "kind": dict(SOURCES)[key], "vouches": True}
        if len(self.sent) < 2:
            return None
        return {"do": "delete_source", "source": self.chance.choice(list(self.sent))}

    def some(self, items: Sequence[T], fewest: int, most: int) -> list[T]:
        """Different ones of these, in random order."""
        different = list(dict.fromkeys(items))
        return self.chance.sample(different, min(self.chance.randint(fewest, most), len(different)))

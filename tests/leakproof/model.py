"""The state of a world as the permission rules see it, changed by the same facts the product is sent.

Standard library only, and nothing of the product: the rules are read from `docs/permissions.md`, the
records from `docs/connectors/push.md`. What follows from the state is said twice, in `top_down` and in
`fixpoint`, which share this module and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

Record = Mapping[str, Any]
Outcome = Literal["accepted", "stale", "refused", "unknown"]
DocumentKey = tuple[str, str]  # (source key, document id)
ScopeKey = tuple[str, str]  # (source key, scope id)

EVERYONE = "everyone"
SOURCE_EVERYONE = "*"
RESERVED = (EVERYONE, SOURCE_EVERYONE)


class Unreadable(Exception):
    """A list of readers that cannot be understood (P4)."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A person, or a token of theirs: `sources` are serial numbers, so a key made again is not among them (P3)."""

    user: str
    sources: frozenset[int] | None = None


@dataclass(slots=True)
class User:
    """A person who can sign in. Whoever's address is not verified is not active (P2)."""

    name: str
    address: str
    verified: bool
    external: bool
    active: bool

    @property
    def is_active(self) -> bool:
        return self.active and self.verified


@dataclass(frozen=True, slots=True)
class Entry:
    """A principal in a list of members or grants, until a time where one is given (P17)."""

    principal: str
    until: datetime | None = None

    def exists(self, now: datetime) -> bool:
        return self.until is None or now < self.until


@dataclass(slots=True)
class Principal:
    """One generation of an account or group (P3); without a kind, a name nobody has introduced.

    `hidden`: a change of it is known and cannot be read (P4). `ended`: deleted, or of another kind now.
    """

    key: str
    source: int
    id: str
    kind: str = ""
    email: str = ""
    external: bool = True
    members: tuple[Entry, ...] = ()
    hidden: bool = False
    ended: bool = False

    @property
    def counts(self) -> bool:
        """Introduced, readable and not ended: a list that names it means somebody (P3, P4)."""
        return bool(self.kind) and not self.hidden and not self.ended

    @property
    def is_account(self) -> bool:
        return self.counts and self.kind == "user"


@dataclass(frozen=True, slots=True)
class Acl:
    """A condition of one's own: in the grants, in every restriction, in nothing denied (P4)."""

    grants: tuple[Entry, ...] = ()
    restrictions: tuple[tuple[str, ...], ...] = ()
    deny: tuple[str, ...] = ()

    def names(self, principal: str) -> bool:
        clauses = (*self.restrictions, self.deny, tuple(entry.principal for entry in self.grants))
        return any(principal in clause for clause in clauses)


@dataclass(frozen=True, slots=True)
class Rights:
    """Where a scope or document stands, and its own condition: None is a list that is not known (P4)."""

    place: str | None = None
    inherits: bool = True
    acl: Acl | None = field(default_factory=Acl)


@dataclass(slots=True)
class Document:
    """A document; while new content waits to be parsed, `kept` are the rights of the text it still shows.

    `shown`: the content whose text can be read, None until there is one; `coming`: content that waits.
    """

    serial: int
    rights: Rights
    shown: str | None = None
    coming: str | None = None
    kept: Rights | None = None
    held: bool = False
    quarantined: bool = False

    @property
    def live(self) -> bool:
        return self.shown is not None and not self.held and not self.quarantined

    @property
    def all_rights(self) -> tuple[Rights, ...]:
        """A reader must be admitted by each: the new ones, and the old ones while new text waits."""
        return (self.rights,) if self.kept is None else (self.rights, self.kept)


@dataclass(slots=True)
class Source:
    """A configured system. It is its serial number, not its key (P3)."""

    key: str
    serial: int
    vouches: bool
    max_age: timedelta | None
    paused: bool = False
    verified_at: datetime | None = None
    names: dict[str, str] = field(default_factory=dict)  # id -> key of the principal that has it now
    scopes: dict[str, Rights] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    revisions: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def everyone(self) -> str:
        return f"{self.serial}:{SOURCE_EVERYONE}"

    def known(self, kind: str, id: str) -> bool:
        return id in (self.scopes if kind == "scope" else self.documents)

    def is_fresh(self, now: datetime) -> bool:
        """Seen complete within its maximum permission age, if it has one (P7)."""
        if self.max_age is None:
            return True
        return self.verified_at is not None and now - self.verified_at <= self.max_age


@dataclass(slots=True)
class Glass:
    """Break-glass: one person, one document (by serial, for ids return) or one scope, until its end (P12)."""

    user: str
    source: int
    until: datetime
    document: int | None = None
    scope: str | None = None
    ended: bool = False

    def in_force(self, now: datetime) -> bool:
        return not self.ended and now < self.until


def normalised(address: str | None) -> str:
    """As an address is compared (P13)."""
    return (address or "").strip().casefold()


class World:
    """People, sources, links and break-glass, and the operations that change them."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.sources: dict[str, Source] = {}
        self.principals: dict[str, Principal] = {}
        self.links: dict[tuple[str, str], str] = {}  # (principal key, user) -> the address that made the link
        self.revoked: set[tuple[str, str]] = set()
        self.claims: dict[str, str] = {}  # address -> the one user it links accounts to
        self.glasses: dict[int, Glass] = {}
        self._serial = 0

    # --- people ---------------------------------------------------------------------------------------

    def add_user(
        self, name: str, address: str, *, verified: bool = True, external: bool = False, active: bool = True
    ) -> None:
        self.users[name] = User(name, normalised(address), verified, external, active)
        self._link_all()

    def set_active(self, name: str, active: bool) -> None:
        self.users[name].active = active

    def set_external(self, name: str, external: bool) -> None:
        self.users[name].external = external

    def change_address(self, name: str, address: str, verified: bool) -> None:
        """Links that the old address made stay: P13 does not name this among their ends."""
        user = self.users[name]
        user.address, user.verified = normalised(address), verified
        self._link_all()

    def reads(self, user: str, sources: Iterable[str] | None = None) -> Reader:
        """The person, or a token of theirs limited to these sources as they are now (P11)."""
        if sources is None:
            return Reader(user)
        return Reader(user, frozenset(self.sources[key].serial for key in sources if key in self.sources))

    # --- identity links (P13) -------------------------------------------------------------------------

    def confirm_address(self, address: str, user: str) -> None:
        """An administrator says whose accounts this address links from now on."""
        self.claims[normalised(address)] = user
        self._link_all()

    def revoke_link(self, source: str, account: str, user: str) -> bool:
        """Ends a link for good; False if there is none."""
        link = (self.sources[source].names.get(account, ""), user)
        if link not in self.links:
            return False
        del self.links[link]
        self.revoked.add(link)
        return True

    def accounts(self, user: str) -> Iterator[Principal]:
        """The accounts that are linked to a person and count."""
        for key, name in self.links:
            if name == user and self.principals[key].is_account:
                yield self.principals[key]

    def _link_all(self) -> None:
        """Ends links whose reason is gone and makes those that have one, in whatever order the facts came."""
        vouching = {source.serial for source in self.sources.values() if source.vouches}
        for (key, user), address in list(self.links.items()):
            account = self.principals[key]
            if account.ended or account.source not in vouching or account.email != address:
                del self.links[key, user]
        for account in self.principals.values():
            if account.is_account and account.email and account.source in vouching:
                self._link(account)

    def _link(self, account: Principal) -> None:
        for user in self.users.values():
            if (
                user.verified
                and user.address == account.email
                and (account.key, user.name) not in self.revoked
                and self.claims.setdefault(account.email, user.name) == user.name
            ):
                self.links[account.key, user.name] = account.email

    # --- sources --------------------------------------------------------------------------------------

    def add_source(self, key: str, *, vouches: bool = True, max_age: timedelta | None = None) -> None:
        self.sources[key] = Source(key, self._next(), vouches, max_age)

    def pause(self, key: str) -> None:
        self.sources[key].paused = True

    def resume(self, key: str) -> None:
        self.sources[key].paused = False

    def set_vouching(self, key: str, vouches: bool) -> None:
        self.sources[key].vouches = vouches
        self._link_all()

    def set_max_age(self, key: str, max_age: timedelta | None) -> None:
        self.sources[key].max_age = max_age

    def verified(self, key: str, moment: datetime) -> None:
        """A run ended that saw every change to its end (P7)."""
        self.sources[key].verified_at = moment

    def delete_source(self, key: str) -> None:
        """Ends its documents, its principals, its links, and every token's and break-glass's right to it (P3)."""
        source = self.sources.pop(key)
        gone = {principal.key for principal in self.principals.values() if principal.source == source.serial}
        self.principals = {name: principal for name, principal in self.principals.items() if name not in gone}
        self.links = {link: address for link, address in self.links.items() if link[0] not in gone}

    # --- records --------------------------------------------------------------------------------------

    def push(self, source: str, record: Record, now: datetime) -> Outcome:
        """One record in a commit of its own: what cannot be understood is refused and only hides (P4)."""
        if source not in self.sources:
            return "unknown"
        outcome = _Applying(self, self.sources[source], pushed=True).apply(record)
        self._link_all()
        return outcome

    def page(self, source: str, records: Iterable[Record], now: datetime, *, complete: bool = False) -> list[Outcome]:
        """Several records in one commit; `complete`: what they do not name is gone.

        A list that cannot be read leaves a document or scope where the record puts it, read by nobody.
        """
        if source not in self.sources:
            return []
        applying = _Applying(self, self.sources[source], pushed=False)
        records = list(records)
        outcomes = [applying.apply(record) for record in records]
        if complete:
            applying.delete_all_but({_subject(record) for record in records})
        self._link_all()
        return outcomes

    def parsed(self, source: str, document: str) -> None:
        """The content that waited is text now: from here on exactly the new rights hold."""
        found = self.sources[source].documents.get(document)
        if found is not None and found.coming is not None:
            found.shown, found.coming, found.kept, found.quarantined = found.coming, None, None, False

    def hold(self, source: str, document: str) -> None:
        """Hidden until somebody says whether it is still there, or the source names it again (P6)."""
        self.sources[source].documents[document].held = True

    def release(self, source: str, document: str) -> None:
        self.sources[source].documents[document].held = False

    def quarantine(self, source: str, document: str) -> None:
        """Its content cannot be read: nobody reads it until there is other content (P6)."""
        found = self.sources[source].documents[document]
        found.quarantined = True
        found.shown, found.coming, found.kept = found.coming or found.shown, None, None

    def delete(self, source: str, document: str) -> None:
        self.sources[source].documents.pop(document, None)

    # --- break-glass (P12) ----------------------------------------------------------------------------

    def break_glass(
        self,
        user: str,
        *,
        document: DocumentKey | None = None,
        scope: ScopeKey | None = None,
        until: datetime,
        now: datetime,
    ) -> int:
        """Opens one document or one scope for one person; returns a number that ends it."""
        if (document is None) == (scope is None) or until <= now:
            raise ValueError("Break-glass opens one document or one scope, until a time to come.")
        key, id = document or scope or ("", "")
        source = self.sources[key]
        if scope is not None and id not in source.scopes:
            raise KeyError(id)
        number = self._next()
        serial = source.documents[id].serial if document is not None else None
        self.glasses[number] = Glass(user, source.serial, until, serial, id if scope is not None else None)
        return number

    def end_glass(self, number: int) -> None:
        self.glasses[number].ended = True

    # --- names ----------------------------------------------------------------------------------------

    def named(self, source: Source, id: str) -> str:
        """The principal this id means in a list received now; one nobody has introduced waits (P3)."""
        if id == EVERYONE:
            return EVERYONE
        if id == SOURCE_EVERYONE:
            return source.everyone
        if id not in source.names:
            key = f"{source.serial}:{id}#{self._next()}"
            source.names[id] = key
            self.principals[key] = Principal(key, source.serial, id)
        return source.names[id]

    def end_name(self, source: Source, id: str) -> None:
        """What was called this is over: lists received before name nobody, the next of this id is another (P3)."""
        if id in source.names:
            self.principals[source.names.pop(id)].ended = True

    def _next(self) -> int:
        self._serial += 1
        return self._serial


def _subject(record: Record) -> tuple[str, str]:
    """What a record is about: its kind and id."""
    kind = record["kind"] if record["type"] in ("access", "deletion") else record["type"]
    return str(kind), str(record["id"])


class _Applying:
    """Applies records of one source to a world."""

    def __init__(self, world: World, source: Source, *, pushed: bool) -> None:
        self.world = world
        self.source = source
        self.pushed = pushed

    def apply(self, record: Record) -> Outcome:
        subject = _subject(record)
        revision: int | None = record.get("revision")
        if revision is not None and revision < self.source.revisions.get(subject, revision):
            return "stale"
        outcome = self._apply(record, subject)
        if revision is not None and outcome in ("accepted", "hidden"):
            self.source.revisions[subject] = revision
        return "refused" if outcome == "hidden" or outcome == "cycle" else outcome

    def _apply(self, record: Record, subject: tuple[str, str]) -> Literal[Outcome, "hidden", "cycle"]:
        if record["type"] == "deletion":
            return self.delete(*subject)
        if record["type"] == "principal":
            return self.principal(record)
        kind, id = subject
        if record["type"] == "access" and not self.source.known(kind, id):
            return "refused" if record.get("unreadable") else "unknown"
        try:
            rights = self.rights(record)
        except Unreadable:
            return self.hide(record, kind, id)
        if self.pushed and kind == "scope" and self.closes_cycle(id, rights.place):
            return "cycle"
        self.place(record, kind, id, rights)
        return "accepted"

    def delete_all_but(self, named: set[tuple[str, str]]) -> None:
        lives = [("scope", id) for id in self.source.scopes] + [("document", id) for id in self.source.documents]
        lives += [("principal", id) for id, key in self.source.names.items() if self.world.principals[key].kind]
        for kind, id in lives:
            if (kind, id) not in named:
                self.delete(kind, id)

    # --- principals -----------------------------------------------------------------------------------

    def principal(self, record: Record) -> Literal["accepted", "hidden", "refused"]:
        id = record["id"]
        if id in RESERVED:
            self.hide_what_names(self.world.named(self.source, id))  # P3
            return "refused"
        try:
            members = self.entries(record.get("members"))
            if record.get("unreadable"):
                raise Unreadable
        except Unreadable:
            self.world.principals[self.world.named(self.source, id)].hidden = True  # P4
            return "hidden"
        kind = record["kind"]
        if self.world.principals[self.world.named(self.source, id)].kind not in ("", kind):
            self.world.end_name(self.source, id)  # P3: of another kind, it is another
        principal = self.world.principals[self.world.named(self.source, id)]
        principal.kind, principal.hidden = kind, False
        principal.email = normalised(record.get("email")) if kind == "user" else ""
        principal.external = record.get("external") is not False  # left out or null: external
        principal.members = members if kind == "group" else ()
        return "accepted"

    def hide_what_names(self, principal: str) -> None:
        """Lists of this source that name it admit nobody until they are sent again."""
        for id, rights in self.source.scopes.items():
            self.source.scopes[id] = _without_list(rights, principal)
        for document in self.source.documents.values():
            document.rights = _without_list(document.rights, principal)
            document.kept = None if document.kept is None else _without_list(document.kept, principal)
        for group in self.world.principals.values():
            if group.source == self.source.serial and any(member.principal == principal for member in group.members):
                group.hidden = True

    # --- scopes and documents -------------------------------------------------------------------------

    def place(self, record: Record, kind: str, id: str, rights: Rights) -> None:
        if kind == "scope":
            self.source.scopes[id] = rights
        elif record["type"] == "document":
            self.document(record, id, rights)
        else:
            self.source.documents[id].rights = rights
            self.source.documents[id].held = False

    def document(self, record: Record, id: str, rights: Rights) -> None:
        content = _content(record)
        waits = record.get("content_base64") is not None
        document = self.source.documents.get(id)
        if document is None:
            document = self.source.documents[id] = Document(self.world._next(), rights)
        if content not in (document.shown, document.coming):
            document.kept = (document.kept or document.rights) if waits and document.shown is not None else None
            document.shown = document.shown if waits else content
            document.coming = content if waits else None
            # A text that could not be read is no text to go on showing.
            if document.quarantined:
                document.quarantined, document.kept = False, None
                document.shown = None if waits else content
        elif content == document.shown:
            document.coming = document.kept = None  # the text it shows is the newest again
        document.rights, document.held = rights, False

    def hide(self, record: Record, kind: str, id: str) -> Literal["hidden", "refused"]:
        """A change of the list is known and the list is not: nobody is admitted until it is (P4)."""
        if self.pushed and not self.source.known(kind, id):
            return "refused"
        if not self.pushed:
            place = record.get("parent") if kind == "scope" else record.get("scope")
            self.place(record, kind, id, Rights(place, record.get("inherits") is not False, None))
        elif kind == "scope":
            self.source.scopes[id] = replace(self.source.scopes[id], acl=None)
        else:
            document = self.source.documents[id]
            document.rights = replace(document.rights, acl=None)
        return "hidden"

    def delete(self, kind: str, id: str) -> Literal["accepted"]:
        if kind == "principal":
            self.world.end_name(self.source, id)
        elif kind == "scope":
            self.source.scopes.pop(id, None)
        else:
            self.source.documents.pop(id, None)
        return "accepted"

    def closes_cycle(self, scope: str, parent: str | None) -> bool:
        """Whether following parents from this one comes back to the scope itself (P5)."""
        seen: set[str] = set()
        while parent is not None and parent != scope and parent not in seen:
            seen.add(parent)
            above = self.source.scopes.get(parent)
            parent = above.place if above else None
        return parent == scope

    # --- lists ----------------------------------------------------------------------------------------

    def rights(self, record: Record) -> Rights:
        if record.get("unreadable"):
            raise Unreadable
        place = record.get("parent") if _subject(record)[0] == "scope" else record.get("scope")
        grants = self.entries(record.get("grants"))
        restrictions = tuple(self.endless(clause) for clause in record.get("restrictions") or ())
        acl = Acl(grants, restrictions, self.endless(record.get("deny")))
        return Rights(place, record.get("inherits") is not False, acl)

    def entries(self, listed: Any) -> tuple[Entry, ...]:
        return tuple(self.entry(item) for item in _items(listed))

    def entry(self, item: Any) -> Entry:
        if isinstance(item, str):
            return Entry(self.world.named(self.source, item))
        if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
            raise Unreadable
        until = item.get("until")
        moment = datetime.fromisoformat(until) if isinstance(until, str) else until
        return Entry(self.world.named(self.source, item["id"]), moment)

    def endless(self, listed: Any) -> tuple[str, ...]:
        """A restriction or deny set: it never ends by itself, an end on an entry is refused (P17)."""
        entries = tuple(self.entry(item) for item in _items(listed))
        if any(entry.until is not None for entry in entries):
            raise Unreadable
        return tuple(entry.principal for entry in entries)


def _items(listed: Any) -> Iterable[Any]:
    if listed is None:
        return ()
    if not isinstance(listed, list | tuple):
        raise Unreadable
    return listed


def _content(record: Record) -> str:
    """What tells one content from another."""
    if record.get("content_base64") is not None:
        return f"content {record['content_base64']}"
    return f"text {record.get('text') or ''}"


def _without_list(rights: Rights, principal: str) -> Rights:
    return replace(rights, acl=None) if rights.acl is not None and rights.acl.names(principal) else rights

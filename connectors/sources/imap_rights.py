"""Who reads a mailbox by its access control list (RFC 4314), never more than the server itself would let in.

How several entries that hold for one person combine is each server's own: some unite them, some (Dovecot) let the most
particular one stand alone. Here somebody is let in only if both would; whoever's own sign-in shows that they may read
(MYRIGHTS) is let in whatever the list says.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.records import SOURCE_EVERYONE, Access, Entry, PrincipalRecord

NEEDED = frozenset("lr")  # to find the mailbox, and to read what is in it
EVERYBODY = frozenset({"anyone", "authenticated"})
ANYONE, GROUP, PERSON, OVERRIDE = 0, 2, 4, 6  # how particular an entry is
GLOBAL = 10  # what stands in a list for the whole server comes last (Dovecot writes # before it)
ABOVE_ALL = 99
LONGEST = 400  # bytes of an identifier; ids of principals are indexed
MARKS: Mapping[str, tuple[Literal["group"], int]] = {  # Dovecot's $ and !$, the files' and Cyrus' spelling
    "!$": ("group", OVERRIDE),
    "group-override=": ("group", OVERRIDE),
    "$": ("group", GROUP),
    "group=": ("group", GROUP),
    "group:": ("group", GROUP),
}

Named = tuple[str, str]  # an identifier of a list and its rights


@dataclass(frozen=True)
class Who:
    """Whom an identifier means: everybody, a person by login, a group by name."""

    kind: Literal["everybody", "person", "group"]
    name: str
    level: int


@dataclass
class People:
    """The accounts of a server and the groups an administrator described, and who else is named by lists.

    `accounts`: the logins that are read. `addresses`: where a login is not its address. `domain`: of those that are
    only the part before the @.
    """

    accounts: Collection[str]
    groups: Mapping[str, Collection[str]] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    domain: str = ""
    _named: set[str] = field(default_factory=set)

    def id_of(self, who: Who) -> str:
        if who.kind == "everybody":
            return SOURCE_EVERYONE
        if who.kind == "person":
            self._named.add(who.name)
        return f"{'user' if who.kind == 'person' else 'group'}:{who.name}"

    def address_of(self, login: str) -> str | None:
        given = self.addresses.get(login, "")
        return given or (login if "@" in login else f"{login}@{self.domain}" if self.domain else None)

    def may_be_read(self, login: str) -> bool:
        """Whether this may be an account that is read, called by the part before its @: nothing says that both are one
        person, so a deny set that names this one would miss the other."""
        return login not in self.accounts and any(
            account.partition("@")[0] == login and self.address_of(account) != self.address_of(login)
            for account in self.accounts
        )

    def records(self) -> list[PrincipalRecord]:
        """Everybody who was named until now, and every group. Only accounts that are read are known to be members of
        the organisation's server: a list may name who never was."""
        groups = [
            PrincipalRecord(id=f"group:{name}", kind="group", name=name, members=tuple(self._members(members)))
            for name, members in sorted(self.groups.items())
        ]
        people = [
            PrincipalRecord(
                id=f"user:{login}",
                kind="user",
                name=login,
                email=self.address_of(login),
                external=login not in self.accounts,
            )
            for login in sorted({*self.accounts, *self._named})
        ]
        return [*people, *groups]

    def _members(self, members: Iterable[str]) -> Iterable[Entry]:
        for member in members:
            who = meant(member, owner=None)
            if who is not None and who.kind != "everybody":
                yield Entry(id=self.id_of(who))


@dataclass
class Readers:
    """What a list comes to, and what of it could not be told."""

    access: Access
    unknown: set[str] = field(default_factory=set)  # groups nobody described
    unclear: str = ""  # why the list admits only those whose own sign-in shows it


def meant(identifier: str, *, owner: str | None) -> Who | None:
    """Whom an identifier means; None where that cannot be told, or where it is too long to be anybody's."""
    if len(identifier.encode("utf-8", "replace")) > LONGEST:
        return None
    general = identifier.startswith("#")
    name, extra = (identifier[1:], GLOBAL) if general else (identifier, 0)
    if name in EVERYBODY:
        return Who("everybody", name, ANYONE + extra)
    if name == "owner":
        return Who("person", owner, PERSON + extra) if owner else None
    for mark, (kind, level) in MARKS.items():
        if name.startswith(mark):
            return Who(kind, name[len(mark) :], level + extra) if name != mark else None
    return Who("person", name, PERSON + extra) if name and not name.startswith(("!", "-")) else None


def readers(named: Iterable[Named], seen: Collection[str], people: People, *, owner: str | None) -> Readers:
    """`named`: the list; `seen`: the logins that showed in their own sessions that they may read; `owner`: of the
    mailbox, where it is anybody's."""
    certain = {people.id_of(Who("person", login, PERSON)) for login in seen}
    granted, withheld, unclear = _sorted(named, owner)
    if not unclear:
        withheld = [who for who in withheld if any(let_in.level < who.level for let_in in granted)]
        for everybody in [who for who in withheld if who.kind == "everybody"]:
            granted = [who for who in granted if who.level > everybody.level]
        withheld = [who for who in withheld if who.kind != "everybody" and people.id_of(who) not in certain]
        undescribed = [who.name for who in withheld if who.kind == "group" and who.name not in people.groups]
        if undescribed and granted:
            unclear = f"it withholds from the group {undescribed[0]!r}, whose members nobody knows"
        doubtful = [who.name for who in withheld if who.kind == "person" and people.may_be_read(who.name)]
        if doubtful and granted:
            unclear = f"it withholds from {doubtful[0]!r}, who may be an account that is read"
    if unclear:
        return Readers(Access(grants=_entries(certain)), unclear=unclear)
    unknown = {who.name for who in granted if who.kind == "group" and who.name not in people.groups}
    grants = {people.id_of(who) for who in granted if not (who.kind == "group" and who.name in unknown)} | certain
    deny = tuple(sorted({people.id_of(who) for who in withheld})) if grants - certain else ()
    return Readers(Access(grants=_entries(grants), deny=deny), unknown=unknown)


def _sorted(named: Iterable[Named], owner: str | None) -> tuple[list[Who], list[Who], str]:
    """Whom entries let in, whom they may hold back, and which cannot be understood and may do so."""
    granted: list[Who] = []
    withheld: list[Who] = []
    unclear = ""
    for identifier, letters in named:
        negative = identifier.startswith("-")
        who = meant(identifier[negative:], owner=owner)
        lets_in = not negative and frozenset(letters) >= NEEDED
        touches = bool(NEEDED & frozenset(letters)) if negative else not lets_in
        if identifier.lstrip("-#") == "anonymous" or (who is None and lets_in):
            continue  # nobody we could let in
        if who is None:
            unclear = f"it names {identifier[:100]!r}, and nobody knows whom that means" if touches else unclear
        elif lets_in:
            granted.append(who)
        elif touches:
            withheld.append(Who(who.kind, who.name, ABOVE_ALL) if negative else who)
    return granted, withheld, unclear


def _entries(ids: Iterable[str]) -> tuple[Entry, ...]:
    return tuple(Entry(id=id) for id in sorted(ids))

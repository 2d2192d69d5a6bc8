"""Whether one reader may read one document, asked from the question downwards, and by which rule.

`fixpoint` says the same of the whole world at once, and shares only the model. Each mechanism of a rule can
be switched off here, which tells for which decisions it is decisive.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.leakproof.model import (
    EVERYONE,
    SOURCE_EVERYONE,
    Acl,
    Document,
    DocumentKey,
    Entry,
    Principal,
    Reader,
    Rights,
    Source,
    User,
    World,
)

# What "switched off" means, a mechanism a line. A rule is decisive for a decision if the decision is another
# one with any of its mechanisms off.
MECHANISMS = {
    "P1 active": "who is not active reads like who is",
    "P2 groups": "nobody holds a group",
    "P2 external": "who is external holds everyone",
    "P3 generation": "a list also names what has the id now",
    "P3 full members": "the source's everyone holds no account",
    "P3 external accounts": "the source's everyone also holds external accounts",
    "P4 grants": "whoever meets the rest is admitted",
    "P4 admits": "no ACL admits anybody",
    "P4 deny": "deny sets deny nobody",
    "P4 unknown denied": "an unknown entry of a deny set hides nothing",
    "P4 recognised": "deny is judged for people the source does not know, too",
    "P4 known list": "a list that is not known admits everybody",
    "P5 inherited grants": "a parent's grants are not inherited",
    "P5 inherited restrictions": "a parent's restrictions are not inherited",
    "P5 inherited deny": "a parent's deny set is not inherited",
    "P5 restrictions": "no restriction holds",
    "P5 detached": "who is detached inherits all the same",
    "P5 unknown parent": "a parent nobody has introduced is no parent",
    "P5 cycle": "a parent on or under a cycle is no parent",
    "P6 live": "what is not live is read",
    "P6 old text": "a document whose new content waits is not read",
    "P7 fresh": "a source is fresh whenever it was seen",
    "P7 paused": "a paused source is not hidden",
    "P7 pushed": "a source without a maximum age has one of 24 hours",
    "P11 narrow": "a token reads in every source",
    "P11 owner": "a token does not read as its owner",
    "P12 glass": "break-glass opens nothing",
    "P12 end": "break-glass never ends",
    "P12 detached": "break-glass on a scope also opens what is detached below it",
    "P13 links": "no account is linked",
    "P13 exact": "an equal address links, whoever vouches, verified or revoked it",
    "P17 end": "no grant or membership ends",
}
RULES = tuple(dict.fromkeys(mechanism.split()[0] for mechanism in MECHANISMS))
_DAY = timedelta(hours=24)
_OPEN = Acl(grants=(Entry(EVERYONE),))


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rule`: what decided; P14 for a document there is not."""

    allowed: bool
    rule: str


def may_read(world: World, reader: str | Reader, document: DocumentKey, now: datetime) -> Verdict:
    """Whether this person or token may read this document, and the rule that decided."""
    reader = _reader(reader)
    found = _find(world, document)
    if found is None:
        return Verdict(False, "P14")
    question = _Question(world, reader, *found, now)
    allowed = question.allowed()
    order = _ORDER_ALLOWED if allowed else _ORDER_DENIED
    for mechanism in order:
        if _Question(world, reader, *found, now, mechanism).allowed() != allowed:
            return Verdict(allowed, mechanism.split()[0])
    return Verdict(allowed, question.first_obstacle())


def allows(world: World, reader: str | Reader, document: DocumentKey, now: datetime) -> bool:
    """The decision alone, some times faster than with its rule."""
    found = _find(world, document)
    return found is not None and _Question(world, _reader(reader), *found, now).allowed()


def decisive_rules(world: World, reader: str | Reader, document: DocumentKey, now: datetime) -> set[str]:
    """The rules that alone carry this decision: with one of their mechanisms off it is another one."""
    return {mechanism.split()[0] for mechanism in decisive_mechanisms(world, reader, document, now)}


def decisive_mechanisms(world: World, reader: str | Reader, document: DocumentKey, now: datetime) -> set[str]:
    reader = _reader(reader)
    found = _find(world, document)
    if found is None:
        return set()
    allowed = _Question(world, reader, *found, now).allowed()
    return {off for off in MECHANISMS if _Question(world, reader, *found, now, off).allowed() != allowed}


def readable_by_all(
    world: World, users: Iterable[str | Reader], unidentified: bool, outside: bool, now: datetime
) -> set[DocumentKey]:
    """What every member of an audience may read; who is from outside reads nothing, and so does nobody (P10, P18)."""
    readers = [_reader(user) for user in users]
    if outside or not (readers or unidentified):
        return set()
    return {
        (source.key, id)
        for source in world.sources.values()
        for id, document in source.documents.items()
        if all(_Question(world, reader, source, document, now).allowed() for reader in readers)
        and (not unidentified or _Question(world, Reader(""), source, document, now).open_to_everyone())
    }


def _reader(reader: str | Reader) -> Reader:
    return Reader(reader) if isinstance(reader, str) else reader


def _find(world: World, key: DocumentKey) -> tuple[Source, Document] | None:
    source = world.sources.get(key[0])
    document = source.documents.get(key[1]) if source else None
    return (source, document) if source and document else None


# The rule that is named for a decision: the first of these that is decisive for it.
_ORDER_DENIED = (
    "P1 active",
    "P11 narrow",
    "P7 paused",
    "P7 fresh",
    "P6 live",
    "P4 known list",
    "P5 cycle",
    "P5 unknown parent",
    "P17 end",
    "P12 end",
    "P12 detached",
    "P13 exact",
    "P3 generation",
    "P3 external accounts",
    "P2 external",
    "P4 unknown denied",
    "P4 recognised",
    "P5 inherited restrictions",
    "P5 restrictions",
    "P5 detached",
    "P4 deny",
    "P4 grants",
)
_ORDER_ALLOWED = (
    "P12 glass",
    "P17 end",
    "P5 detached",
    "P3 full members",
    "P2 groups",
    "P5 inherited grants",
    "P4 admits",
)


class _Question:
    """One reader, one document, one moment; `off` is a mechanism that is switched off."""

    def __init__(
        self, world: World, reader: Reader, source: Source, document: Document, now: datetime, off: str = ""
    ) -> None:
        self.world = world
        self.reader = reader
        self.source = source
        self.document = document
        self.now = now
        self.off = off
        self.user = world.users.get(reader.user)

    def on(self, mechanism: str) -> bool:
        return self.off != mechanism

    def allowed(self) -> bool:
        return (
            self.is_active()  # P1
            and self.credential_reaches()  # P11
            and self.source_is_shown()  # P7
            and self.is_live()  # P6
            and all(self.passes(rights) for rights in self.document.all_rights)  # P4, P5, P12
        )

    def first_obstacle(self) -> str:
        """The first rule that stands in the way, where several do."""
        if not self.is_active():
            return "P1"
        if not self.credential_reaches():
            return "P11"
        if not self.source_is_shown():
            return "P7"
        if not self.is_live():
            return "P6"
        return "P4"

    def open_to_everyone(self) -> bool:
        """Met by `everyone` alone, with an empty deny set: what somebody nobody can identify reads (P10)."""
        return self.source_is_shown() and self.is_live() and all(map(self.admits_everyone, self.document.all_rights))

    def admits_everyone(self, rights: Rights) -> bool:
        chain = self.chain(rights)
        if chain is None:
            return False
        return (
            not any(acl.deny for acl in chain)
            and any(entry.principal == EVERYONE and entry.exists(self.now) for acl in chain for entry in acl.grants)
            and all(EVERYONE in clause for acl in chain for clause in acl.restrictions)
        )

    # --- before any list ------------------------------------------------------------------------------

    def is_active(self) -> bool:
        """P1; P2: whose address is not verified is not active."""
        return self.user is not None and (self.user.is_active or not self.on("P1 active"))

    def credential_reaches(self) -> bool:
        """P11: a token reads as its owner, in the sources it names. P3: in those it named, not in their keys."""
        if self.reader.sources is None:
            return True
        if not self.on("P11 owner"):
            return False
        return self.source.serial in self.reader.sources or not self.on("P11 narrow")

    def source_is_shown(self) -> bool:
        """P7: not paused, and seen complete within its maximum permission age."""
        if self.source.paused and self.on("P7 paused"):
            return False
        if self.source.max_age is None and not self.on("P7 pushed"):
            seen = self.source.verified_at
            return seen is not None and self.now - seen <= _DAY
        return self.source.is_fresh(self.now) or not self.on("P7 fresh")

    def is_live(self) -> bool:
        """P6: not deleted, held or quarantined; what waits for a parser shows its old text."""
        if self.document.kept is not None and not self.on("P6 old text"):
            return False
        return self.document.live or not self.on("P6 live")

    # --- the condition (P4, P5) and what stands beside it (P12) ---------------------------------------

    def passes(self, rights: Rights) -> bool:
        chain = self.chain(rights)
        if chain is None:
            return False  # P4, P5: not known, or admits nobody by its place; P12 gives way to that
        return self.glass_opens(rights) or self.admitted(chain)

    def chain(self, rights: Rights) -> list[Acl] | None:
        """The conditions from here up to where nothing is inherited; None if that admits nobody whoever asks."""
        if self.on("P5 cycle") and self.comes_round(rights.place):
            return None
        chain: list[Acl] = []
        seen: set[str] = set()
        while True:
            if rights.acl is None and self.on("P4 known list"):
                return None  # P4: a change of it is known and the list is not
            chain.append(rights.acl or _OPEN)
            if rights.place is None or rights.place in seen:
                return chain
            if not rights.inherits and self.on("P5 detached"):
                return chain  # P5: detached, its own list is all
            seen.add(rights.place)
            above = self.source.scopes.get(rights.place)
            if above is None:
                return chain if not self.on("P5 unknown parent") else None  # P5: admits nobody
            rights = above

    def comes_round(self, scope: str | None) -> bool:
        """P5: on a cycle of parents or under one, whatever is detached on the way."""
        seen: set[str] = set()
        while scope is not None and scope in self.source.scopes:
            if scope in seen:
                return True
            seen.add(scope)
            scope = self.source.scopes[scope].place
        return False

    def admitted(self, chain: list[Acl]) -> bool:
        if not self.on("P4 admits"):
            return False
        return self.granted(chain) and self.unrestricted(chain) and not self.denied(chain)

    def granted(self, chain: list[Acl]) -> bool:
        """P4: in the grants; P5: one's own united with the parent's."""
        if not self.on("P4 grants"):
            return True
        reached = chain if self.on("P5 inherited grants") else chain[:1]
        return any(self.exists(entry) and self.holds(entry.principal) for acl in reached for entry in acl.grants)

    def unrestricted(self, chain: list[Acl]) -> bool:
        """P4: in every restriction, an empty one admits nobody; P5: the parent's hold, too."""
        if not self.on("P5 restrictions"):
            return True
        reached = chain if self.on("P5 inherited restrictions") else chain[:1]
        return all(any(map(self.holds, clause)) for acl in reached for clause in acl.restrictions)

    def denied(self, chain: list[Acl]) -> bool:
        """P4: in the deny set, or it cannot be judged for this person; P5: the union of all."""
        reached = chain if self.on("P5 inherited deny") else chain[:1]
        deny = [principal for acl in reached for principal in acl.deny]
        if not deny:
            return False
        if self.on("P4 unknown denied") and not all(map(self.is_known, deny)):
            return True
        if self.on("P4 recognised") and not any(map(self.is_linked, self.accounts_of(self.source))):
            return True
        return self.on("P4 deny") and any(map(self.holds, deny))

    def glass_opens(self, rights: Rights) -> bool:
        """P12: one person, one document or one scope with all that inherits from it, until its end."""
        if not self.on("P12 glass"):
            return False
        scopes = self.scopes_above(rights)
        return any(
            glass.user == self.reader.user
            and glass.source == self.source.serial
            and (glass.in_force(self.now) or not self.on("P12 end"))
            and (glass.document == self.document.serial or glass.scope in scopes)
            for glass in self.world.glasses.values()
        )

    def scopes_above(self, rights: Rights) -> set[str]:
        """The scopes this inherits from; not those above what is detached."""
        scopes: set[str] = set()
        while rights.place is not None and (rights.inherits or not self.on("P12 detached")):
            above = self.source.scopes.get(rights.place)
            if above is None or rights.place in scopes:
                break
            scopes.add(rights.place)
            rights = above
        return scopes

    # --- principals (P2, P3, P13, P17) ----------------------------------------------------------------

    def holds(self, principal: str, below: set[str] | None = None) -> bool:
        """P2: the person's own accounts, everyone, and every group that has one of these at any depth."""
        below = set() if below is None else below
        principal = self.now_called(principal)
        if principal in below:
            return False  # P2: a cycle adds nothing
        below.add(principal)
        if principal == EVERYONE:
            return self.is_of_the_organisation()
        if principal.endswith(f":{SOURCE_EVERYONE}"):
            return self.is_full_member()
        named = self.world.principals[principal]
        if not named.counts:
            return False  # P3, P4: ended, not introduced, or not readable: it matches no one
        if named.kind == "user":
            return self.is_linked(named)
        return self.on("P2 groups") and any(
            self.exists(member) and self.holds(member.principal, below) for member in named.members
        )

    def is_of_the_organisation(self) -> bool:
        """P2: users marked external do not hold everyone."""
        return self.user is not None and (not self.user.external or not self.on("P2 external"))

    def is_full_member(self) -> bool:
        """P3: an account of this source whose record says it is not external."""
        if not self.on("P3 full members"):
            return False
        return any(
            self.is_linked(account) and (not account.external or not self.on("P3 external accounts"))
            for account in self.accounts_of(self.source)
        )

    def accounts_of(self, source: Source) -> Iterable[Principal]:
        return (self.world.principals[key] for key in source.names.values() if self.world.principals[key].is_account)

    def is_linked(self, account: Principal) -> bool:
        """P13: by a link in force."""
        if not self.on("P13 links"):
            return False
        if not self.on("P13 exact") and _same_address(self.user, account):
            return True
        return (account.key, self.reader.user) in self.world.links

    def is_known(self, principal: str) -> bool:
        """Reserved, or introduced, readable, and still the one the list named (P3, P4)."""
        principal = self.now_called(principal)
        reserved = principal == EVERYONE or principal.endswith(f":{SOURCE_EVERYONE}")
        return reserved or self.world.principals[principal].counts

    def now_called(self, principal: str) -> str:
        """P3: a list names what had the id when it was received, not what has it now."""
        named = self.world.principals.get(principal)
        if self.on("P3 generation") or named is None or not named.ended:
            return principal
        return self.source.names.get(named.id, principal)

    def exists(self, entry: Entry) -> bool:
        """P17: from its end on, a grant or membership does not exist."""
        return entry.exists(self.now) or not self.on("P17 end")


def _same_address(user: User | None, account: Principal) -> bool:
    return user is not None and bool(account.email) and user.address == account.email

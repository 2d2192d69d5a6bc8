"""Who may read what, of the whole world at once: least fixpoints over sets of people.

Everything is an integer whose bit i stands for the person i; one more bit stands for somebody nobody can
identify (P10). `top_down` says the same from one question downwards, and shares only the model.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tests.leakproof.model import EVERYONE, SOURCE_EVERYONE, DocumentKey, Glass, Reader, Rights, Source, World


@dataclass(frozen=True, slots=True)
class Condition:
    """An effective ACL as sets of people, and whom break-glass on a scope lets past it (P5, P12).

    `restricted`: those in every restriction. `judges`: there is a deny set. `hides`: it names somebody
    unknown. `known` is False for what admits nobody and no break-glass opens (P5, P6); `cyclic` if that is for
    a cycle of parents, from which nothing below is detached either.
    """

    grants: int = 0
    restricted: int = -1
    deny: int = 0
    judges: bool = False
    hides: bool = False
    known: bool = True
    cyclic: bool = False
    glass: int = 0

    def admitted(self, recognised: int) -> int:
        if not self.known:
            return 0  # P4: a list that is not known; P5: an unknown parent, a cycle
        admitted = self.grants & self.restricted & ~self.deny  # P4
        if self.judges:
            admitted &= recognised  # P4: deny is judged only for whom the source recognises
        if self.hides:
            admitted = 0  # P4: an unknown entry of a deny set
        return admitted | self.glass  # P12: beside the ACL


NOBODY = Condition(known=False)
CYCLE = Condition(known=False, cyclic=True)


class State:
    """What follows from a world at one moment."""

    def __init__(self, world: World, now: datetime) -> None:
        self.world = world
        self.now = now
        self.people = list(world.users)
        self.bit = {name: 1 << number for number, name in enumerate(self.people)}
        self.unidentified = 1 << len(self.people)
        self.glasses = [glass for glass in world.glasses.values() if glass.in_force(now)]  # P12: until its end
        self.active = sum(self.bit[user.name] for user in world.users.values() if user.is_active)  # P1
        self.recognised = {source.serial: 0 for source in world.sources.values()}
        self.holders = self.all_holders()
        self.readers = {
            (source.key, id): people
            for source in world.sources.values()
            for id, people in self.readers_in(source).items()
        }

    # --- principals -----------------------------------------------------------------------------------

    def all_holders(self) -> dict[str, int]:
        """Each principal with the people who hold it (P2)."""
        holders = self.direct_holders()
        edges = [
            (member.principal, group.key)
            for group in self.world.principals.values()
            if group.counts  # P3, P4: who ended or cannot be read is held by nobody
            for member in group.members
            if member.exists(self.now)  # P17
        ]
        changed = True
        while changed:
            changed = False
            for member, group in edges:
                # P10: "met by `everyone` alone", so the unidentified hold no group.
                grown = holders.get(group, 0) | holders.get(member, 0) & ~self.unidentified
                if grown != holders.get(group, 0):
                    holders[group] = grown
                    changed = True
        return holders

    def direct_holders(self) -> dict[str, int]:
        full = sum(self.bit[user.name] for user in self.world.users.values() if not user.external)  # P2
        holders = {EVERYONE: full | self.unidentified}
        for key, name in self.world.links:  # P13
            account = self.world.principals[key]
            if not account.is_account:
                continue
            holders[key] = holders.get(key, 0) | self.bit[name]
            self.recognised[account.source] |= self.bit[name]
            if not account.external:  # P3: those the source calls full members
                everyone = f"{account.source}:{SOURCE_EVERYONE}"
                holders[everyone] = holders.get(everyone, 0) | self.bit[name]
        return holders

    def means_somebody(self, principal: str) -> bool:
        """Reserved, or introduced and still that one (P3, P4)."""
        if principal == EVERYONE or principal.endswith(f":{SOURCE_EVERYONE}"):
            return True
        return self.world.principals[principal].counts

    # --- conditions -----------------------------------------------------------------------------------

    def conditions(self, source: Source) -> dict[str, Condition]:
        """Scopes settle from the roots downwards; one on or under a cycle never settles (P5)."""
        settled: dict[str, Condition] = {}
        waiting = dict(source.scopes)
        while waiting:
            ready = [id for id, rights in waiting.items() if rights.place not in waiting]
            if not ready:
                break
            for id in ready:
                settled[id] = self.condition(waiting[id], settled, self.opened(source, id))
            for id in ready:
                del waiting[id]
        return settled | dict.fromkeys(waiting, CYCLE)

    def condition(self, rights: Rights, settled: dict[str, Condition], glass: int) -> Condition:
        above = self.above(rights, settled)
        if not above.known or rights.acl is None:
            return NOBODY
        restricted = above.restricted
        for clause in rights.acl.restrictions:
            restricted &= self.union(clause)  # P4, P5: every one holds, an empty one admits nobody
        grants = (entry.principal for entry in rights.acl.grants if entry.exists(self.now))  # P17
        deny = rights.acl.deny
        return Condition(
            grants=above.grants | self.union(grants),
            restricted=restricted,
            deny=above.deny | self.union(deny),
            judges=above.judges or bool(deny),
            hides=above.hides or not all(self.means_somebody(principal) for principal in deny),
            glass=above.glass | glass,
        )

    def above(self, rights: Rights, settled: dict[str, Condition]) -> Condition:
        """What is inherited: nothing by who is detached, nobody's from a scope nobody introduced (P5)."""
        if rights.place is None:
            return Condition()
        above = settled.get(rights.place, NOBODY)
        return above if rights.inherits or above.cyclic else Condition()

    def union(self, principals: Iterable[str]) -> int:
        people = 0
        for principal in principals:
            people |= self.holders.get(principal, 0)
        return people

    # --- break-glass and documents --------------------------------------------------------------------

    def opened(self, source: Source, scope: str) -> int:
        glasses = (glass for glass in self.glasses if glass.scope == scope)
        return self.beneficiaries(source, glasses)

    def opened_document(self, source: Source, serial: int) -> int:
        glasses = (glass for glass in self.glasses if glass.document == serial)
        return self.beneficiaries(source, glasses)

    def beneficiaries(self, source: Source, glasses: Iterable[Glass]) -> int:
        people = 0
        for glass in glasses:
            if glass.source == source.serial:
                people |= self.bit[glass.user]
        return people

    def readers_in(self, source: Source) -> dict[str, int]:
        if source.paused or not source.is_fresh(self.now):
            return {}  # P7
        scopes = self.conditions(source)
        recognised = self.recognised[source.serial]
        readers: dict[str, int] = {}
        for id, document in source.documents.items():
            if not document.live:
                continue  # P6
            people = self.active | self.unidentified  # P1
            glass = self.opened_document(source, document.serial)
            for rights in document.all_rights:
                people &= self.condition(rights, scopes, glass).admitted(recognised)  # P4, P5, P12
            readers[id] = people
        return readers

    # --- answers --------------------------------------------------------------------------------------

    def of(self, reader: Reader) -> set[DocumentKey]:
        """What a person or their token may read: the token's sources narrow (P11)."""
        bit = self.bit.get(reader.user, 0)
        return {
            (source, id)
            for (source, id), people in self.readers.items()
            if people & bit and (reader.sources is None or self.world.sources[source].serial in reader.sources)
        }


def readable(world: World, now: datetime) -> set[tuple[str, DocumentKey]]:
    """Every pair of a person and a document they may read."""
    state = State(world, now)
    return {
        (name, document)
        for document, people in state.readers.items()
        for name in state.people
        if people & state.bit[name]
    }


def readable_by(world: World, reader: Reader, now: datetime) -> set[DocumentKey]:
    """What one person, or one token, may read."""
    return State(world, now).of(reader)


def readable_by_all(
    world: World, users: Iterable[str | Reader], unidentified: bool, outside: bool, now: datetime
) -> set[DocumentKey]:
    """What every member of an audience may read; who is from outside reads nothing, and so does nobody (P10, P18)."""
    readers = [Reader(user) if isinstance(user, str) else user for user in users]
    if outside or not (readers or unidentified):
        return set()
    state = State(world, now)
    found = set(state.readers)
    if unidentified:
        found = {document for document, people in state.readers.items() if people & state.unidentified}
    for reader in readers:
        found &= state.of(reader)
    return found

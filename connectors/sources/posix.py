"""Whom the file system of this machine lets read: owners, groups, modes, POSIX access lists, and who is in its groups.

acl(5) and path_resolution(7): of the classes owner, named users, groups and others the first that somebody belongs to
decides, also where a wider one would let them in. What root may do besides is no right of a reader.
"""

import errno
import grp
import os
import pwd
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from connectors.records import SOURCE_EVERYONE, Entry, PrincipalRecord
from connectors.sources.strict_yaml import is_clean

READ, SEARCH = 4, 1
FIRST_PERSON = 1000  # whose numbers are smaller are services
NOBODY = 65_534  # stands for whoever has no number on this machine
LOGIN_DEFS = Path("/etc/login.defs")
ACCESS_LIST = "system.posix_acl_access"
OTHER_LISTS = ("system.nfs4_acl", "system.richacl")
WITHOUT = frozenset({errno.ENODATA, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
VERSION = 2  # of the list as the kernel gives it (linux/posix_acl_xattr.h)
HEADER, ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
OWNER, USER, OWNING, GROUP, MASK, OTHERS = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20  # tags of its entries
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
LONGEST_NAME = 200
MOST_KEPT = 10_000  # answers

T = TypeVar("T")


class Unknown(Exception):
    """Who may read it cannot be told, for this reason."""


# --- what stands at a file --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bits:
    """Who owns it and what each class may, three bits each, masks applied."""

    uid: int
    owner: int
    groups: Mapping[int, int]  # the owning one among them
    others: int
    users: Mapping[int, int] = field(default_factory=dict)  # named in a list


def bits_of(place: int | str, status: os.stat_result | None = None) -> Bits:
    """Of what is open, or of a folder by its path. Raises Unknown."""
    try:
        status = status or os.stat(place)
        foreign = [name for name in _unless_without(os.listxattr, place) or [] if name in OTHER_LISTS]
        listed = _unless_without(os.getxattr, place, ACCESS_LIST)
    except OSError as error:
        raise Unknown(f"its rights cannot be read ({error.strerror})") from None
    if foreign:
        raise Unknown(f"it has an access list that is not read ({foreign[0]})")
    return of_mode(status) if listed is None else of_list(status, listed)


def _unless_without(ask: Callable[..., T], *place: int | str) -> T | None:
    """None where the file system has no such thing."""
    try:
        return ask(*place)
    except OSError as error:
        if error.errno in WITHOUT:
            return None
        raise


def of_mode(status: os.stat_result) -> Bits:
    mode = status.st_mode
    return Bits(status.st_uid, mode >> 6 & 7, {status.st_gid: mode >> 3 & 7}, mode & 7)


def of_list(status: os.stat_result, content: bytes) -> Bits:
    """By an access list. Raises Unknown where it is none as acl(5) has it."""
    single: dict[int, int] = {}
    named: dict[int, dict[int, int]] = {USER: {}, GROUP: {}}
    for tag, bits, id in _entries(content):
        known, key = (named[tag], id) if tag in named else (single, tag)
        if key in known or bits > 7 or tag not in (OWNER, USER, OWNING, GROUP, MASK, OTHERS):
            raise Unknown("its access list makes no sense")
        known[key] = bits
    if not {OWNER, OWNING, OTHERS} <= single.keys() or (any(named.values()) and MASK not in single):
        raise Unknown("its access list makes no sense")
    mask = single.get(MASK, 7)
    groups = {gid: bits & mask for gid, bits in named[GROUP].items()}
    groups[status.st_gid] = groups.get(status.st_gid, 0) | single[OWNING] & mask
    users = {uid: bits & mask for uid, bits in named[USER].items()}
    return Bits(status.st_uid, single[OWNER], groups, single[OTHERS], users)


def _entries(content: bytes) -> Iterator[tuple[int, int, int]]:
    if len(content) < HEADER.size or (len(content) - HEADER.size) % ENTRY.size:
        raise Unknown("its access list makes no sense")
    if HEADER.unpack_from(content)[0] != VERSION:
        raise Unknown("its access list is of a version that is not known")
    return ENTRY.iter_unpack(content[HEADER.size :])


# --- who there is -----------------------------------------------------------------------------------------------


@dataclass
class System:
    """The accounts of people on this machine by number, and the groups they are in."""

    accounts: Mapping[int, pwd.struct_passwd]
    groups: Mapping[int, frozenset[int]]
    names: Mapping[int, str] = field(default_factory=dict)  # of groups
    shared: frozenset[int] = frozenset()  # accounts that go by several logins
    _let_in: dict[tuple[object, ...], tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, users: Iterable[pwd.struct_passwd], groups: Iterable[grp.struct_group], first: int) -> "System":
        accounts: dict[int, pwd.struct_passwd] = {}
        shared: set[int] = set()
        seen: set[str] = set()
        numbers: dict[str, int] = {}
        members: dict[int, set[int]] = {}
        for user in users:
            if user.pw_name in seen:  # the first of a name is whom it means
                continue
            seen.add(user.pw_name)
            if user.pw_uid < first or user.pw_uid == NOBODY:
                continue
            if accounts.setdefault(user.pw_uid, user).pw_name != user.pw_name:
                shared.add(user.pw_uid)
            numbers[user.pw_name] = user.pw_uid
            members.setdefault(user.pw_gid, set()).add(user.pw_uid)
        names: dict[int, str] = {}
        for group in groups:
            names.setdefault(group.gr_gid, group.gr_name)
            known = members.setdefault(group.gr_gid, set())
            known.update(numbers[name] for name in group.gr_mem if name in numbers)
        found = {gid: frozenset(known) for gid, known in members.items() if gid != NOBODY}
        return cls(accounts, found, names, frozenset(shared))

    def records(self, domain: str) -> Iterator[PrincipalRecord]:
        """Known by their numbers, which is what stands at files. `domain`: what makes an address of a login."""
        for uid, user in sorted(self.accounts.items()):
            name = user.pw_gecos.partition(",")[0].strip() or user.pw_name
            has_address = bool(domain) and uid not in self.shared and LOGIN.fullmatch(user.pw_name) is not None
            address = f"{user.pw_name}@{domain}" if has_address else None
            yield PrincipalRecord(id=account(uid), kind="user", name=_shown(name), email=address, external=False)
        for gid, members in sorted(self.groups.items()):
            entries = tuple(Entry(id=account(uid)) for uid in sorted(members))
            name = self.names.get(gid, str(gid))
            yield PrincipalRecord(id=group_of(gid), kind="group", name=_shown(name), members=entries)

    def let_in(self, bits: Bits, need: int) -> tuple[str, ...]:
        """Whom these bits let do what is needed, all of it: accounts, groups, and `*` for all accounts."""
        key = (bits.uid, bits.owner, tuple(bits.groups.items()), bits.others, tuple(bits.users.items()), need)
        if key not in self._let_in:
            if len(self._let_in) >= MOST_KEPT:
                self._let_in.clear()
            self._let_in[key] = self._found(bits, need)
        return self._let_in[key]

    def lets_anybody_in(self, ids: Iterable[str]) -> bool:
        groups = (group_of(gid) for gid, members in self.groups.items() if members)
        return not {SOURCE_EVERYONE, *map(account, self.accounts), *groups}.isdisjoint(ids)

    def _found(self, bits: Bits, need: int) -> tuple[str, ...]:
        persons = {**bits.users, bits.uid: bits.owner}
        in_groups = {gid for gid, may in bits.groups.items() if may & need == need}
        shut_groups = bits.groups.keys() - in_groups
        to_others = bits.others & need == need and shut_groups <= self.groups.keys()  # who is in it must be known
        shut = {uid for uid, may in persons.items() if may & need != need} & self.accounts.keys()
        wider = set().union(*(self.groups.get(gid, frozenset()) for gid in in_groups))
        if shut & wider or (to_others and (shut or any(self.groups[gid] for gid in shut_groups))):
            return tuple(
                account(uid) for uid in sorted(self.accounts) if self._may(uid, persons, bits, need, to_others)
            )
        return (
            *(account(uid) for uid, may in sorted(persons.items()) if may & need == need),
            *map(group_of, sorted(in_groups)),
            *([SOURCE_EVERYONE] if to_others else []),
        )

    def _may(self, uid: int, persons: Mapping[int, int], bits: Bits, need: int, to_others: bool) -> bool:
        """One by one, where a class withholds from somebody what a wider one gives."""
        if uid in persons:
            return persons[uid] & need == need
        own = [may for gid, may in bits.groups.items() if uid in self.groups.get(gid, frozenset())]
        return any(may & need == need for may in own) if own else to_others


def system() -> System:
    """As this machine's own database has it, whatever it is fed from."""
    return System.of(pwd.getpwall(), grp.getgrall(), first_person())


def first_person(definitions: Path = LOGIN_DEFS) -> int:
    """The smallest number of an account that is a person's (login.defs(5), UID_MIN)."""
    try:
        found = re.search(r"^UID_MIN[ \t]+(\d{1,9})[ \t]*$", definitions.read_text("utf-8", "replace"), re.M)
    except OSError:
        return FIRST_PERSON
    return int(found[1]) if found else FIRST_PERSON


def account(uid: int) -> str:
    return f"uid:{uid}"


def group_of(gid: int) -> str:
    return f"gid:{gid}"


def _shown(name: str) -> str:
    return (name if is_clean(name) else ascii(name))[:LONGEST_NAME]

"""Principals and memberships of one directory: introduced, changed, deleted, and their closure.

Every function that writes must be called inside a transaction that has taken the directory's lock first.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from accounts import identity
from accounts.addresses import normalised
from accounts.models import DIRECTORY_EVERYONE, GLOBAL_EVERYONE, Directory, IdentityLink, Membership, Principal
from accounts.statements import execute, rows

Name = TypeVar("Name", int, str)  # a principal by its row or by its source's id
CLOSURE_DIFFERENCES = """
WITH RECURSIVE paths(holder, held, until) AS (
    SELECT m.member_id, m.group_id, coalesce(m.until, 'infinity')
    FROM accounts_membership m JOIN accounts_principal p ON p.id = m.member_id AND p.kind <> 'user'
    UNION
    SELECT paths.holder, m.group_id, least(paths.until, coalesce(m.until, 'infinity'))
    FROM paths JOIN accounts_membership m ON m.member_id = paths.held
), led_to AS (
    SELECT holder, held, max(until) AS until FROM paths WHERE holder <> held GROUP BY holder, held
), stored AS (
    SELECT holder_id, group_id, coalesce(until, 'infinity') FROM accounts_closure
)
SELECT (SELECT count(*) FROM (TABLE led_to EXCEPT TABLE stored) missing)
     + (SELECT count(*) FROM (TABLE stored EXCEPT TABLE led_to) extra)
"""
LOCK_CLASS = 0x6A7E  # first half of the advisory lock; the second is the directory


@dataclass
class Touched:
    """Principals whose derived facts (closure, links) must be brought up to date before the commit."""

    groups: set[int] = field(default_factory=set)
    accounts: set[int] = field(default_factory=set)


def lock(directory_id: int) -> None:
    """One writer a directory: without it two commits can leave a closure row that opens for good."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A directory is locked inside a transaction.")
    execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, directory_id])


def create_directory(key: str, name: str, *, vouches_for_emails: bool = False) -> Directory:
    directory = Directory.objects.create(key=key, name=name, vouches_for_emails=vouches_for_emails)
    Principal.objects.create(
        directory=directory,
        external_id=DIRECTORY_EVERYONE,
        kind=Principal.Kind.EVERYONE,
        name=f"Everyone in {name}",
        introduced=True,
    )
    return directory


def named(directory_id: int, external_ids: Iterable[str]) -> dict[str, int]:
    """The principals these ids name now; an id nobody has introduced gets a row that waits for it."""
    wanted = set(external_ids)
    if not wanted:
        return {}
    found = _living(directory_id, wanted)
    missing = sorted(wanted - found.keys())
    if missing:
        Principal.objects.bulk_create(Principal(directory_id=directory_id, external_id=id) for id in missing)
        found = _living(directory_id, wanted)
    return found


def _living(directory_id: int, external_ids: set[str]) -> dict[str, int]:
    living = Principal.objects.filter(directory_id=directory_id, external_id__in=external_ids, deleted_at=None)
    found = dict(living.values_list("external_id", "id"))
    if GLOBAL_EVERYONE in external_ids - found.keys():
        found[GLOBAL_EVERYONE] = Principal.objects.get(directory=None, external_id=GLOBAL_EVERYONE).id
    return found


def misuse(directory_id: int, reserved_id: str, touched: Touched) -> int | None:
    """A source introduced a principal under a reserved id. From now on the id names nobody there (P3).

    Returns the principal that lists received before meant by it, None if they meant nobody already.
    """
    meant = Principal.objects.get(pk=named(directory_id, [reserved_id])[reserved_id])
    if not meant.introduced:
        return None
    edges = Membership.objects.filter(member=meant, group__directory=directory_id)
    if edges.exists():
        edges.delete()
        touched.groups.add(meant.pk)
    Principal.objects.filter(pk=meant.pk, directory_id=directory_id).update(deleted_at=timezone.now())
    Principal.objects.create(directory_id=directory_id, external_id=reserved_id)
    return meant.pk


def last_revision(directory_id: int, external_id: str) -> int | None:
    known = Principal.objects.filter(directory_id=directory_id, external_id=external_id)
    revision: int | None = known.aggregate(last=Max("revision"))["last"]
    return revision


def put(
    directory_id: int,
    external_id: str,
    *,
    kind: str,
    name: str,
    email: str,
    members: Mapping[str, datetime | None],
    external: bool,
    revision: int | None,
    touched: Touched,
) -> None:
    """Introduce a principal or replace what is known of it. A change of kind makes a new one (P3)."""
    row = Principal.objects.filter(directory_id=directory_id, external_id=external_id, deleted_at=None).first()
    if row is not None and row.kind not in (Principal.Kind.UNKNOWN, kind):
        _bury(row, touched)
        row = None
    if row is None:
        row = Principal(directory_id=directory_id, external_id=external_id)
    address = normalised(email) if kind == Principal.Kind.USER else ""
    wanted = {"kind": kind, "name": name, "address": address, "external": external, "introduced": True}
    if revision is not None:
        wanted["revision"] = revision
    if row.pk is None or any(getattr(row, field) != value for field, value in wanted.items()):
        for field, value in wanted.items():
            setattr(row, field, value)
        row.save()
        (touched.accounts if kind == Principal.Kind.USER else touched.groups).add(row.pk)
        if kind == Principal.Kind.USER:
            touched.groups.add(row.pk)  # it may have been named in a group before anyone knew what it is
            _set_full_member(row, full=not external)
    if kind == Principal.Kind.GROUP:
        _set_members(row, members, touched)


def _set_full_member(account: Principal, *, full: bool) -> None:
    everyone = Principal.objects.get(directory=account.directory, kind=Principal.Kind.EVERYONE)
    edge = Membership.objects.filter(group=everyone, member=account)
    if full and not edge.exists():
        Membership.objects.create(group=everyone, member=account)
    if not full:
        edge.delete()


def _set_members(group: Principal, members: Mapping[str, datetime | None], touched: Touched) -> None:
    assert group.directory_id is not None
    ids = named(group.directory_id, members)
    wanted = {ids[external_id]: until for external_id, until in members.items()}
    stored = dict(Membership.objects.filter(group=group).values_list("member_id", "until"))
    gone = stored.keys() - wanted.keys()
    changed = [id for id in wanted if id not in stored or stored[id] != wanted[id]]
    if gone:
        Membership.objects.filter(group=group, member_id__in=gone).delete()
    Membership.objects.bulk_create(
        [Membership(group=group, member_id=id, until=wanted[id]) for id in changed],
        update_conflicts=True,
        unique_fields=["member", "group"],
        update_fields=["until"],
    )
    touched.groups.update(_not_people(gone | set(changed)))


def _not_people(ids: Collection[int]) -> Iterable[int]:
    return Principal.objects.filter(id__in=ids).exclude(kind=Principal.Kind.USER).values_list("id", flat=True)


def delete(directory_id: int, external_id: str, *, revision: int | None, touched: Touched) -> bool:
    """The source no longer has it. What named it names nobody from now on (P3). Its everyone stays while it does."""
    if external_id == DIRECTORY_EVERYONE:
        return False
    row = Principal.objects.filter(directory_id=directory_id, external_id=external_id, deleted_at=None).first()
    if row is None or not row.introduced:
        known = last_revision(directory_id, external_id)
        if revision is not None and (known is None or known < revision):  # its record may still come
            Principal.objects.create(
                directory_id=directory_id, external_id=external_id, revision=revision, deleted_at=timezone.now()
            )
        return False
    if revision is not None:
        row.revision = revision
    _bury(row, touched)
    return True


def _bury(row: Principal, touched: Touched) -> None:
    members = Membership.objects.filter(group=row).values_list("member_id", flat=True)
    touched.groups.update(_not_people(list(members)))
    touched.groups.add(row.pk)
    Membership.objects.filter(group=row).delete()
    Membership.objects.filter(member=row).delete()
    IdentityLink.objects.filter(account=row, ended_at=None).update(ended_at=timezone.now())
    row.deleted_at = timezone.now()
    row.address = ""
    row.save()


def conceal(directory_id: int, external_id: str, *, touched: Touched) -> None:
    """A change of it is known and what it is now is not: it matches no one, and hides where it is denied (P4)."""
    row = Principal.objects.filter(directory_id=directory_id, external_id=external_id, deleted_at=None).first()
    if row is None or not row.introduced:
        return
    _set_members(row, {}, touched)
    touched.groups.add(row.pk)
    touched.accounts.add(row.pk)
    row.introduced = False
    row.save()


def unnamed(directory_id: int, external_ids: Collection[str]) -> list[str]:
    """Introduced principals that a complete listing did not name."""
    known = Principal.objects.filter(directory_id=directory_id, deleted_at=None, introduced=True)
    gone = known.exclude(kind=Principal.Kind.EVERYONE).exclude(external_id__in=external_ids)
    return list(gone.values_list("external_id", flat=True))


def settle(directory_id: int, touched: Touched) -> None:
    """Bring closure and identity links up to date with the edges and accounts that changed."""
    if touched.groups:
        refresh_closure(directory_id, touched.groups)
    if touched.accounts:
        identity.link_accounts(touched.accounts)
    touched.groups.clear()
    touched.accounts.clear()


def refresh_closure(directory_id: int, changed: Collection[int]) -> None:
    execute("SELECT gatehouse_refresh_closure(%s, %s)", [directory_id, sorted(changed)])


def closure_differences() -> int:
    """Rows of the closure that the edges do not lead to, and those that are missing. Anything but 0 is a defect."""
    found: int = rows(CLOSURE_DIFFERENCES)[0][0]
    return found


def with_ends(entries: Iterable[tuple[Name, datetime | None]]) -> dict[Name, datetime | None]:
    """Each principal once, with the latest of its ends; None never ends."""
    ends: dict[Name, datetime | None] = {}
    for principal, end in entries:
        known = ends.get(principal, end)
        ends[principal] = None if known is None or end is None else max(known, end)
    return ends

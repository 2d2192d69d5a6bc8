"""Principals and memberships of one directory: introduced, changed, deleted, and their closure.

Every function that writes must be called inside a transaction that has taken the directory's lock first.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts import identity
from accounts.addresses import normalised
from accounts.models import DIRECTORY_EVERYONE, Directory, IdentityLink, Membership, Principal
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
# What each of these ids names now in a directory. Two joins by an index, whatever else is in the directory.
LIVING = """
SELECT w.external_id, coalesce(p.id, everyone.id) AS id
FROM unnest(%s::text[]) AS w(external_id)
LEFT JOIN accounts_principal p ON p.directory_id = %s AND p.external_id = w.external_id AND p.deleted_at IS NULL
LEFT JOIN accounts_principal everyone ON p.id IS NULL AND everyone.external_id = w.external_id
    AND everyone.directory_id IS NULL AND everyone.kind = 'everyone'
"""
# What parts the members of a group from those it should have: those that are not wanted have no external id here,
# those that have no row yet no row.
DIFFERING_MEMBERS = """
WITH wanted AS (
    SELECT w.external_id, w.until, coalesce(p.id, everyone.id) AS id
    FROM unnest(%s::text[], %s::timestamptz[]) AS w(external_id, until)
    LEFT JOIN accounts_principal p ON p.directory_id = %s AND p.external_id = w.external_id AND p.deleted_at IS NULL
    LEFT JOIN accounts_principal everyone ON p.id IS NULL AND everyone.external_id = w.external_id
        AND everyone.directory_id IS NULL AND everyone.kind = 'everyone'
)
SELECT coalesce(w.id, m.member_id), w.external_id, w.until
FROM wanted w FULL JOIN (SELECT member_id, until FROM accounts_membership WHERE group_id = %s) m ON m.member_id = w.id
WHERE w.id IS NULL OR m.member_id IS NULL OR w.until IS DISTINCT FROM m.until
"""
PUT_MEMBERS = """
INSERT INTO accounts_membership (group_id, member_id, until)
SELECT %s, put.member_id, put.until FROM unnest(%s::bigint[], %s::timestamptz[]) AS put(member_id, until)
ON CONFLICT (member_id, group_id) DO UPDATE SET until = excluded.until
"""
LOCK_CLASS = 0x6A7E  # first half of the advisory lock; the second is the directory
ADDRESSES = 0  # no directory has this id: held by every writer of a directory, alone by who changes an address


@dataclass
class Touched:
    """Principals whose derived facts (closure, links) must be brought up to date before the commit.

    `groups` were changed, or edges from them; `heads` are the groups that those edges lead to.
    """

    groups: set[int] = field(default_factory=set)
    heads: set[int] = field(default_factory=set)
    accounts: set[int] = field(default_factory=set)


def lock(directory_id: int) -> None:
    """One writer a directory: without it two commits can leave a closure row that opens for good."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("A directory is locked inside a transaction.")
    both = "SELECT pg_advisory_xact_lock_shared(%s, %s), pg_advisory_xact_lock(%s, %s)"
    execute(both, [LOCK_CLASS, ADDRESSES, LOCK_CLASS, directory_id])


def lock_addresses() -> None:
    """Whose address is whose changes alone: an account that arrives meanwhile would be linked by what was (P13).

    Taken before the person's row is written; it waits for the writers of all directories, and they for it.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("Addresses are locked inside a transaction.")
    execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_CLASS, ADDRESSES])


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
        _wait_for(directory_id, missing)
        found = _living(directory_id, wanted)
    return found


def _living(directory_id: int, external_ids: set[str]) -> dict[str, int]:
    found = rows(LIVING, [list(external_ids), directory_id])
    return {external_id: id for external_id, id in found if id is not None}


def _wait_for(directory_id: int, external_ids: Iterable[str]) -> None:
    Principal.objects.bulk_create(Principal(directory_id=directory_id, external_id=id) for id in external_ids)


def misuse(directory_id: int, reserved_id: str, touched: Touched) -> int | None:
    """A source introduced a principal under a reserved id. From now on the id names nobody there (P3).

    Returns the principal that lists received before meant by it, None if they meant nobody already.
    """
    meant = Principal.objects.get(pk=named(directory_id, [reserved_id])[reserved_id])
    if not meant.introduced:
        return None
    edges = Membership.objects.filter(member=meant, group__directory=directory_id)
    for group in list(edges.values_list("group__external_id", flat=True)):  # who is in these is not known now (P4)
        conceal(directory_id, group, touched=touched)
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
) -> bool:
    """Introduce a principal or replace what is known of it; says whether anything changed.

    A change of kind makes a new one (P3).
    """
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
    changed = row.pk is None or any(getattr(row, field) != value for field, value in wanted.items())
    if changed:
        for field, value in wanted.items():
            setattr(row, field, value)
        row.save()
        (touched.accounts if kind == Principal.Kind.USER else touched.groups).add(row.pk)
        if kind == Principal.Kind.USER:
            # it may have been named in a group before anyone knew what it is
            _touch_above(row.pk, Membership.objects.filter(member=row), touched)
            _set_full_member(row, full=not external)
    if kind == Principal.Kind.GROUP and _set_members(row, members, touched):
        changed = True
    return changed


def _set_full_member(account: Principal, *, full: bool) -> None:
    everyone = Principal.objects.get(directory=account.directory, kind=Principal.Kind.EVERYONE)
    edge = Membership.objects.filter(group=everyone, member=account)
    if full and not edge.exists():
        Membership.objects.create(group=everyone, member=account)
    if not full:
        edge.delete()


def _set_members(group: Principal, members: Mapping[str, datetime | None], touched: Touched) -> bool:
    assert group.directory_id is not None
    differing = _differing_members(group, members)
    missing = [external_id for id, external_id, _ in differing if id is None and external_id is not None]
    if missing:
        _wait_for(group.directory_id, missing)
        differing = _differing_members(group, members)
    wanted = {id: until for id, external_id, until in differing if external_id is not None}
    gone = [id for id, external_id, _ in differing if external_id is None]
    if gone:
        execute("DELETE FROM accounts_membership WHERE group_id = %s AND member_id = ANY(%s)", [group.pk, gone])
    if wanted:
        execute(PUT_MEMBERS, [group.pk, list(wanted), list(wanted.values())])
    _touch_below(group.pk, [*gone, *wanted], touched)
    return bool(differing)


def _differing_members(
    group: Principal, members: Mapping[str, datetime | None]
) -> list[tuple[Any, str | None, datetime | None]]:
    """Each member that is too many, missing or has another end: its row, its id if it is wanted, and its end."""
    return rows(DIFFERING_MEMBERS, [list(members), list(members.values()), group.directory_id, group.pk])


def _touch_below(group_id: int, member_ids: Collection[int], touched: Touched) -> None:
    """Edges from these members to the group came, went or changed."""
    below = set(_not_people(member_ids)) if member_ids else set()
    if below:
        touched.groups |= below
        touched.heads.add(group_id)


def _touch_above(member_id: int, edges: QuerySet[Membership], touched: Touched) -> None:
    """These edges, all from one principal, are about to go, or to count for something else."""
    above = set(edges.values_list("group", flat=True))
    if above:
        touched.groups.add(member_id)
        touched.heads |= above


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
    below, above = Membership.objects.filter(group=row), Membership.objects.filter(member=row)
    _touch_below(row.pk, list(below.values_list("member_id", flat=True)), touched)
    if row.kind != Principal.Kind.USER:  # people are not in the closure
        _touch_above(row.pk, above, touched)
    touched.groups.add(row.pk)
    below.delete()
    above.delete()
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


def settle(touched: Touched) -> None:
    """Bring closure and identity links up to date with the edges and accounts that changed."""
    if touched.heads:
        refresh_closure(touched.groups, touched.heads)
    if touched.accounts:
        identity.link_accounts(touched.accounts)
    for changed in (touched.groups, touched.heads, touched.accounts):
        changed.clear()


def refresh_closure(changed: Collection[int], heads: Collection[int]) -> None:
    """The edges from `changed` to `heads` came, went, or have another end."""
    execute("SELECT gatehouse_refresh_closure(%s::bigint[], %s::bigint[])", [sorted(changed), sorted(heads)])


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

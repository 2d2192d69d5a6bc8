"""Conditions in the database: interned, and kept effective down the tree of scopes (P4, P5).

The caller holds the directory's lock.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import cache
from graphlib import TopologicalSorter

from accounts.statements import execute, rows
from connectors.corpus.conditions import Condition
from connectors.models import Acl, AclEntry, Scope

SUBTREE = """
WITH RECURSIVE below(id) AS (
    SELECT unnest(%s::bigint[])
    UNION
    SELECT s.id FROM below JOIN connectors_scope s ON s.parent_id = below.id OR s.also_id = below.id
) SELECT id FROM below
"""
PUT_ACLS = """
UPDATE connectors_scope s SET acl_id = put.acl_id
FROM unnest(%s::bigint[], %s::bigint[]) AS put(id, acl_id) WHERE s.id = put.id
"""
ABOVE = """
WITH RECURSIVE above(id, parent_id) AS (
    SELECT id, parent_id FROM connectors_scope WHERE id = ANY(%s)
    UNION
    SELECT s.id, s.parent_id FROM above JOIN connectors_scope s ON s.id = above.parent_id
) SELECT id, parent_id FROM above
"""


def intern(source_id: int, conditions: Collection[Condition]) -> dict[Condition, int]:
    """The row of each condition, made if there is none. Digests in order, so that writers cannot deadlock."""
    by_digest = {condition.digest: condition for condition in conditions}
    found = _interned(source_id, by_digest.keys())
    missing = [by_digest[digest] for digest in sorted(by_digest.keys() - found.keys())]
    if missing:
        made = Acl.objects.bulk_create(
            Acl(source_id=source_id, digest=c.digest, clauses=1 + len(c.restrictions), denies=bool(c.deny))
            for c in missing
        )
        AclEntry.objects.bulk_create(
            AclEntry(acl_id=acl.pk, alone=condition.is_alone, clause=clause, principal_id=principal, until=until)
            for acl, condition in zip(made, missing, strict=True)
            for clause, principal, until in condition.entries()
        )
        found |= {bytes(acl.digest): acl.pk for acl in made}
    return {condition: found[digest] for digest, condition in by_digest.items()}


def _interned(source_id: int, digests: Iterable[bytes]) -> dict[bytes, int]:
    known = Acl.objects.filter(source_id=source_id, digest__in=list(digests)).values_list("digest", "id")
    return {bytes(digest): id for digest, id in known}


def conditions_of(acl_ids: Collection[int]) -> dict[int, Condition]:
    clauses: dict[int, dict[int, set[tuple[int, datetime | None]]]] = {
        id: {clause: set() for clause in range(count + 1)}
        for id, count in Acl.objects.filter(id__in=acl_ids).values_list("id", "clauses")
    }
    entries = AclEntry.objects.filter(acl__in=acl_ids).values_list("acl", "clause", "principal", "until")
    for acl, clause, principal, until in entries:
        clauses[acl][clause].add((principal, until))
    return {
        acl: Condition(
            frozenset(found[1]),
            frozenset(frozenset(entries) for clause, entries in found.items() if clause > 1),
            frozenset(principal for principal, _ in found[0]),
        )
        for acl, found in clauses.items()
    }


def refresh(source_id: int, changed: Collection[int]) -> None:
    """Recompute the effective condition of these scopes and of everything below them; rewrite what differs."""
    scopes = _scopes([id for (id,) in rows(SUBTREE, [sorted(changed)])])
    effective = _all_effective(scopes)
    acls = intern(source_id, {condition for condition in effective.values() if condition is not None})
    wanted = {id: acls[condition] if condition is not None else None for id, condition in effective.items()}
    differing = [id for id, acl in wanted.items() if acl != scopes[id].acl_id]
    if differing:
        execute(PUT_ACLS, [differing, [wanted[id] for id in differing]])


def differences(source_id: int) -> int:
    """Scopes whose stored condition is not the one their lists lead to. Anything but 0 is a defect."""
    scopes = _scopes(Scope.past_the_guard.filter(source=source_id).values_list("id", flat=True))
    stored = conditions_of([scope.acl_id for scope in scopes.values() if scope.acl_id is not None])
    by_scope = {id: stored[scope.acl_id] if scope.acl_id is not None else None for id, scope in scopes.items()}
    return sum(condition != by_scope[id] for id, condition in _all_effective(scopes).items())


def _scopes(ids: Iterable[int]) -> dict[int, Scope]:
    return {scope.pk: scope for scope in Scope.past_the_guard.filter(id__in=list(ids))}


def _all_effective(scopes: dict[int, Scope]) -> dict[int, Condition | None]:
    """The effective condition of each of these scopes, from their own lists and what stands around them."""
    around = {id for s in scopes.values() for id in (s.parent_id, s.also_id) if id is not None} - scopes.keys()
    outside = dict(Scope.past_the_guard.filter(id__in=around).values_list("id", "acl"))
    own = {scope.own_acl_id for scope in scopes.values()} | set(outside.values())
    known = conditions_of([acl for acl in own if acl is not None])
    closed = _on_or_under_a_cycle(scopes)
    effective: dict[int, Condition | None] = {id: known.get(acl) if acl else None for id, acl in outside.items()}
    under = cache(Condition.under)  # most scopes of a folder say the same
    for id in _parents_first(scopes, closed):
        effective[id] = None if id in closed else _effective(scopes[id], known, effective, under)
    return {id: effective[id] for id in scopes}


def _effective(
    scope: Scope,
    known: dict[int, Condition],
    effective: dict[int, Condition | None],
    under: Callable[[Condition, Condition], Condition],
) -> Condition | None:
    """None admits nobody: a list that is not known, or a parent that admits nobody by not being known (P4, P5)."""
    if scope.own_acl_id is None:
        return None
    condition = known[scope.own_acl_id]
    if scope.inherits and scope.parent_id is not None:
        parent = effective[scope.parent_id]
        if parent is None:
            return None
        condition = under(condition, parent)
    if scope.also_id is not None:
        other = effective[scope.also_id]
        return condition.and_also(other) if other is not None else None
    return condition


def _parents_first(scopes: dict[int, Scope], closed: Collection[int]) -> Iterable[int]:
    order: TopologicalSorter[int] = TopologicalSorter()
    for id, scope in scopes.items():
        above = () if id in closed else (scope.parent_id, scope.also_id)
        order.add(id, *(parent for parent in above if parent in scopes))
    return order.static_order()


def _on_or_under_a_cycle(scopes: dict[int, Scope]) -> set[int]:
    """Those of these scopes whose chain of parents never ends (P5)."""
    parents: dict[int, int | None] = dict(rows(ABOVE, [sorted(scopes)]))
    ends: dict[int, bool] = {}
    for start in parents:
        path: list[int] = []
        on_path: set[int] = set()
        at: int | None = start
        while at is not None and at not in ends and at not in on_path:
            path.append(at)
            on_path.add(at)
            at = parents.get(at)
        verdict = True if at is None else ends.get(at, False)
        ends.update(dict.fromkeys(path, verdict))
    return {id for id in scopes if not ends[id]}


def cycle_through(scope_ids: Collection[int]) -> bool:
    """Whether one of these scopes is its own ancestor."""
    parents: dict[int, int | None] = dict(rows(ABOVE, [sorted(scope_ids)]))
    for start in scope_ids:
        at, steps = parents.get(start), 0
        while at is not None and steps <= len(parents):
            if at == start:
                return True
            at, steps = parents.get(at), steps + 1
    return False

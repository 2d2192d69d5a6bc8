"""What was so when: the record of every fact that rights are made of, as triggers have written it (decision 0015).

A fact is of a kind and about a subject, some about an object too; its state is what was remembered of it. `at` is
the time that is asked about; None is now. The caller reads as the owner of the database.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from accounts.statements import rows

Kind = Literal["user", "directory", "principal", "source", "acl", "entries", "scope", "document", "container"]
State = Mapping[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = "infinity"

LATEST = """
SELECT s.kind, s.id, h.state
FROM unnest(%s::text[], %s::bigint[]) AS s(kind, id)
CROSS JOIN LATERAL (
    SELECT id FROM connectors_history
    WHERE kind = s.kind AND subject = s.id AND object = 0 AND at <= %s ORDER BY object, id DESC LIMIT 1
) last
JOIN connectors_history h ON h.id = last.id
WHERE h.state IS NOT NULL
"""
ABOUT = """
SELECT last.kind, last.object, h.state
FROM (
    SELECT DISTINCT ON (kind, object) kind, object, id FROM connectors_history
    WHERE kind IN ('link', 'glass') AND subject = %s AND at <= %s ORDER BY kind, object, id DESC
) last
JOIN connectors_history h ON h.id = last.id
WHERE h.state IS NOT NULL
ORDER BY last.kind, last.object
"""
# Every membership on a way up from these principals, ended ones too. Groups are visited once each.
EDGES = """
WITH RECURSIVE found(id) AS (
    SELECT unnest(%s::bigint[])
    UNION
    SELECT last.object
    FROM found
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (object) object, id FROM connectors_history
        WHERE kind = 'membership' AND subject = found.id AND at <= %s ORDER BY object, id DESC
    ) last
    JOIN connectors_history h ON h.id = last.id AND h.state IS NOT NULL
)
SELECT found.id, last.object, (h.state ->> 'until')::bigint
FROM found
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (object) object, id FROM connectors_history
    WHERE kind = 'membership' AND subject = found.id AND at <= %s ORDER BY object, id DESC
) last
JOIN connectors_history h ON h.id = last.id AND h.state IS NOT NULL
ORDER BY found.id, last.object
"""
# The scopes above one, by either way up; one on a cycle comes back to itself and is told once.
ABOVE = """
WITH RECURSIVE above(id) AS (
    SELECT %s::bigint
    UNION
    SELECT up.id
    FROM above
    CROSS JOIN LATERAL (
        SELECT state FROM connectors_history
        WHERE kind = 'scope' AND subject = above.id AND object = 0 AND at <= %s ORDER BY object, id DESC LIMIT 1
    ) last
    CROSS JOIN LATERAL (VALUES ((last.state ->> 'parent')::bigint), ((last.state ->> 'also')::bigint)) up(id)
    WHERE up.id IS NOT NULL
)
SELECT above.id, last.state
FROM above
CROSS JOIN LATERAL (
    SELECT state FROM connectors_history
    WHERE kind = 'scope' AND subject = above.id AND object = 0 AND at <= %s ORDER BY object, id DESC LIMIT 1
) last
WHERE last.state IS NOT NULL
"""
BEARINGS = """
SELECT (SELECT max(subject) FROM connectors_history WHERE kind = 'document' AND state ->> 'public' = %s),
       (SELECT at FROM connectors_history WHERE kind = 'history'),
       clock_timestamp(),
       (SELECT id FROM accounts_principal WHERE directory_id IS NULL AND kind = 'everyone')
"""
# The document that a source called this, at that time or last before it; one that lives before one that is gone.
BY_EXTERNAL_ID = """
SELECT n.subject
FROM (
    SELECT DISTINCT subject FROM connectors_history
    WHERE kind = 'document' AND state ->> 'id' = %s AND (state ->> 'source')::bigint IN (
        SELECT subject FROM connectors_history WHERE kind = 'directory' AND state ->> 'key' = %s AND at <= %s)
) n
CROSS JOIN LATERAL (
    SELECT id, state FROM connectors_history
    WHERE kind = 'document' AND subject = n.subject AND object = 0 AND at <= %s ORDER BY object, id DESC LIMIT 1
) last
ORDER BY coalesce(last.state ->> 'state', 'deleted') = 'deleted', last.id DESC
LIMIT 1
"""
LAST_KNOWN = """
SELECT state FROM connectors_history
WHERE kind = %s AND subject = %s AND object = 0 AND state IS NOT NULL ORDER BY object, id DESC LIMIT 1
"""
DIFFERENCES = """
WITH remembered AS (
    SELECT DISTINCT ON (kind, subject, object) kind, subject, object, state
    FROM connectors_history WHERE kind <> 'history' ORDER BY kind, subject, object, id DESC
)
SELECT count(*) FROM remembered FULL JOIN connectors_history_facts f USING (kind, subject, object)
WHERE remembered.state IS DISTINCT FROM f.state
"""


@dataclass(frozen=True)
class Edge:
    """`member` is in `group`, until a time where one is set."""

    member: int
    group: int
    until: datetime | None


@dataclass(frozen=True)
class Bearings:
    """What a question about a document starts from."""

    document: int | None  # the row that it has, or had; None: there never was such a document
    begins: datetime  # of what was before, nothing is known
    now: datetime  # by the clock of the database
    everyone: int  # the one principal every person holds who is not external


def bearings(public_id: UUID) -> Bearings:
    return Bearings(*rows(BEARINGS, [str(public_id)])[0])


def latest_of(wanted: Collection[tuple[Kind, int]], at: datetime | None) -> dict[tuple[Kind, int], Any]:
    """What was so of each of these, where anything was."""
    if not wanted:
        return {}
    kinds, subjects = zip(*sorted(set(wanted)), strict=True)
    found = rows(LATEST, [list(kinds), list(subjects), at or NOW])
    return {(kind, subject): json.loads(state) for kind, subject, state in found}


def latest(kind: Kind, subjects: Iterable[int], at: datetime | None) -> dict[int, Any]:
    """The same of several of one kind."""
    found = latest_of([(kind, subject) for subject in subjects], at)
    return {subject: state for (_, subject), state in found.items()}


def about(user_id: int, at: datetime | None) -> tuple[list[int], dict[int, State]]:
    """The accounts linked to this person, and the break-glass that was given to them and not taken back."""
    found = rows(ABOUT, [user_id, at or NOW])
    accounts = [object for kind, object, _ in found if kind == "link"]
    return accounts, {object: json.loads(state) for kind, object, state in found if kind == "glass"}


def edges(principals: Collection[int], at: datetime | None) -> list[Edge]:
    """Every membership on a way up from these principals, whether or not it had ended by then."""
    found = rows(EDGES, [sorted(principals), at or NOW, at or NOW])
    return [Edge(member, group, moment(until)) for member, group, until in found]


def scopes_above(scope: int, at: datetime | None) -> dict[int, State]:
    """This scope and all above it, of those that were."""
    return {id: json.loads(state) for id, state in rows(ABOVE, [scope, at or NOW, at or NOW])}


def last_known(kind: Kind, subject: int) -> State:
    """The last that was so of it, though it may be so no longer."""
    found: State = json.loads(rows(LAST_KNOWN, [kind, subject])[0][0])
    return found


def containers(document: int, at: datetime | None) -> list[int]:
    """What the document was attached to, what that was attached to, and so on."""
    found: list[int] = []
    at_hand = document
    while (state := latest("container", [at_hand], at).get(at_hand)) is not None:
        at_hand = state["document"]
        found.append(at_hand)
    return found


def document_by_external_id(source_key: str, external_id: str, at: datetime | None) -> int | None:
    """The document a source called this at that time, or last before it."""
    found = rows(BY_EXTERNAL_ID, [external_id, source_key, at or NOW, at or NOW])
    return int(found[0][0]) if found else None


def differences() -> int:
    """Facts that are not as they were last remembered. Anything but 0 is a defect."""
    found: int = rows(DIFFERENCES)[0][0]
    return found


def moment(micros: int | None) -> datetime | None:
    """A time as it is remembered: microseconds since 1970."""
    return None if micros is None else EPOCH + timedelta(microseconds=micros)

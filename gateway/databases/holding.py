"""Under which names people see rows: the accounts and groups they hold in the directory of a source, now (P2, P15)."""

from collections.abc import Collection

from accounts.reader import Audience, Viewers
from accounts.statements import rows
from gateway.databases.rows import Holding

HELD_BY_ALL = """
SELECT p.external_id
FROM unnest(%s::bigint[]) AS member(id)
CROSS JOIN LATERAL gatehouse_principals(member.id) AS held(id)
JOIN accounts_principal p ON p.id = held.id
WHERE p.directory_id = %s AND p.introduced AND p.deleted_at IS NULL AND p.kind IN ('user', 'group')
GROUP BY p.external_id
HAVING count(DISTINCT member.id) = cardinality(%s::bigint[])
"""


def holding(viewers: Viewers, source: int) -> Holding:
    """The names that each of those who see it holds: a row that names one of them is for all of them (P10).

    Somebody who cannot be identified, or is from outside, holds none; then no row is.
    """
    members = _members(viewers)
    if not members:
        return Holding(source=source, names=frozenset())
    found = rows(HELD_BY_ALL, [members, source, members])
    return Holding(source=source, names=frozenset(name for (name,) in found))


def that_still_hold(viewers: Viewers, holdings: Collection[Holding]) -> frozenset[Holding]:
    """Of these, the ones that are now exactly what they were: a name lost may have been one that showed a row."""
    return frozenset(each for each in holdings if holding(viewers, each.source) == each)


def _members(viewers: Viewers) -> list[int]:
    if not isinstance(viewers, Audience):
        return [viewers.user_id]
    if viewers.unidentified or viewers.outside:
        return []
    return sorted({reader.user_id for reader in (viewers.asker, *viewers.others)})

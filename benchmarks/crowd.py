"""Fifty thousand people in a thousand groups, twenty levels deep, and in one flat group, written past the connectors.

The upper ten levels are narrow, so that an edge among them carries hundreds of groups. Each group is in one of the
level above, every fifth in two; each person is in one group, every tenth in two.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from accounts import principals
from accounts.models import Principal
from accounts.statements import execute, rows
from connectors.models import Source
from connectors.records import Entry, PrincipalRecord

PEOPLE = 50_000
GROUPS = 1_000
DEPTH = 20
FLAT = "all"
PEOPLE_AND_GROUPS = """
INSERT INTO accounts_principal (directory_id, external_id, kind, name, address, external, introduced)
SELECT %s, made.id, made.kind, made.id, '', false, true FROM unnest(%s::text[], %s::text[]) AS made(id, kind)
"""
MEMBERSHIPS = """
INSERT INTO accounts_membership (group_id, member_id)
SELECT g.id, m.id FROM unnest(%s::text[], %s::text[]) AS made(held, member)
JOIN accounts_principal g ON g.external_id = made.held JOIN accounts_principal m ON m.external_id = made.member
"""


@dataclass
class Crowd:
    """Who is in what, by the ids of the source, as it is stored."""

    source: Source
    members: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def record(self, group: str, *, without: str = "") -> PrincipalRecord:
        members = tuple(Entry(id=member) for member in sorted(self.members[group]) if member != without)
        return PrincipalRecord(id=group, kind="group", name=group, members=members)

    def groups_of(self, member: str) -> list[str]:
        return [group for group, members in self.members.items() if member in members]


def levels() -> list[range]:
    """The groups of each level: one, one, two, two, three, three ... and from the eleventh on as many as remain."""
    upper = [1 + level // 2 for level in range(DEPTH // 2)]
    lower = (GROUPS - sum(upper)) // (DEPTH - len(upper))
    starts = list(accumulate([*upper, *[lower] * (DEPTH - len(upper) - 1)], initial=0))
    return [range(start, end) for start, end in pairwise([*starts, GROUPS])]


def gathered(source: Source) -> Crowd:
    chance = random.Random(20)
    crowd = Crowd(source)
    for above, below in pairwise(levels()):
        for number in below:
            for group in chance.choices(above, k=2 if number % 5 == 0 else 1):
                crowd.members[f"g{group}"].add(f"g{number}")
    for number in range(PEOPLE):
        crowd.members[FLAT].add(f"p{number}")
        for group in chance.choices(range(GROUPS), k=2 if number % 10 == 0 else 1):
            crowd.members[f"g{group}"].add(f"p{number}")
    _write(crowd)
    return crowd


def _write(crowd: Crowd) -> None:
    people, groups = [f"p{number}" for number in range(PEOPLE)], [FLAT, *(f"g{number}" for number in range(GROUPS))]
    kinds = ["user"] * len(people) + ["group"] * len(groups)
    execute(PEOPLE_AND_GROUPS, [crowd.source.pk, people + groups, kinds])
    execute("ANALYZE accounts_principal")
    edges = [(group, member) for group, members in crowd.members.items() for member in members]
    execute(MEMBERSHIPS, [[group for group, _ in edges], [member for _, member in edges]])
    execute("ANALYZE accounts_membership")
    ids = [id for (id,) in rows("SELECT id FROM accounts_principal WHERE kind = %s", [Principal.Kind.GROUP])]
    principals.refresh_closure(ids, ids)
    execute("VACUUM ANALYZE accounts_principal, accounts_membership, accounts_closure")

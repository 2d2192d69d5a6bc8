"""`python -m benchmarks.permissions`: what a change of rights costs until it is committed, and what a reader costs.

Every change goes through the entry point of the push door, on a Postgres as durable as in production, and is taken
back afterwards, unmeasured. Beside it stands the time of the smallest commit there is, measured in between.
"""

import random
import time
from collections.abc import Callable, Collection, Iterable

from benchmarks import ground

ground.prepare("command")

from django.db import transaction  # noqa: E402  (the benchmark's own settings are read by now)

from accounts.principals import closure_differences  # noqa: E402
from accounts.statements import execute, rows  # noqa: E402
from benchmarks.crowd import DEPTH, FLAT, GROUPS, PEOPLE, Crowd, gathered, levels  # noqa: E402
from benchmarks.reporting import Report, percentile  # noqa: E402
from connectors.adding import add_source  # noqa: E402
from connectors.applying import Appliable, apply_record  # noqa: E402
from connectors.records import Deletion, PrincipalRecord  # noqa: E402

EACH = 40  # changes of a kind
A_CHANGE = 25.0  # milliseconds, p95


def main() -> None:
    with ground.installation():
        report = Report("permissions")
        execute("CREATE TABLE smallest (n integer)")
        execute("INSERT INTO smallest VALUES (0)")
        changes_of_a_crowd(report)
        report.finish()


# --- memberships --------------------------------------------------------------------------------------------------


def changes_of_a_crowd(report: Report) -> None:
    began = time.perf_counter()
    crowd = gathered(add_source("crowd", kind="push", vouches_for_emails=True))
    report.add(f"{PEOPLE:,} people in {GROUPS:,} groups, {DEPTH} deep, written", time.perf_counter() - began, "s")
    report.add("rows of the closure", rows("SELECT count(*) FROM accounts_closure")[0][0], "")
    chance = random.Random(3)
    for name, changes in (
        ("a person leaves a group", persons_leaving(crowd, chance)),
        ("a group leaves a group, at any level", groups_leaving(crowd, chance)),
        ("a group leaves the one at the top", groups_leaving(crowd, chance, ["g0"] * EACH)),
        ("a person is deleted", ((Deletion(kind="principal", id=id), [id]) for id in drawn(chance, "p", PEOPLE))),
        (
            "a group is deleted, at any level",
            ((Deletion(kind="principal", id=id), [id]) for id in at_any_level(chance)),
        ),
        ("the group at the top is deleted", ((Deletion(kind="principal", id="g0"), ["g0"]) for _ in range(EACH))),
    ):
        measure(report, crowd, name, changes)
    flat(report, crowd, chance)


Change = tuple[Appliable, list[str]]  # the record, and whom to send anew afterwards


def drawn(chance: random.Random, prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in chance.sample(range(count), EACH)]


def persons_leaving(crowd: Crowd, chance: random.Random) -> Iterable[Change]:
    for id in drawn(chance, "p", PEOPLE):
        group = next(group for group in crowd.groups_of(id) if group != FLAT)
        yield crowd.record(group, without=id), [group]


def groups_leaving(crowd: Crowd, chance: random.Random, left: Collection[str] = ()) -> Iterable[Change]:
    """Of an edge from one level to the next; as often from the narrow ones as from the wide ones."""
    for id in left or at_any_level(chance):
        members = sorted(member for member in crowd.members[id] if member.startswith("g"))
        if members:
            yield crowd.record(id, without=chance.choice(members)), [id]


def at_any_level(chance: random.Random) -> list[str]:
    return [f"g{chance.choice(groups)}" for groups in levels() for _ in range(EACH // DEPTH)]


def measure(
    report: Report, crowd: Crowd, name: str, changes: Iterable[Change], *, bar: float | None = A_CHANGE
) -> None:
    """Make each change and take it back. The closure is compared with the memberships after each of both."""
    seconds, smallest = [], []
    for record, changed in changes:
        smallest.append(timed(smallest_commit))
        seconds.append(timed(lambda: apply_record(crowd.source, record)))  # noqa: B023  (called at once)
        assert closure_differences() == 0, name
        bring_back(crowd, changed)
        assert closure_differences() == 0, name
    report.add_times(name, seconds, p95_at_most=bar)
    ratio = percentile(seconds, 50) / percentile(smallest, 50)
    report.add(f"{name}, p50 to the smallest commit", ratio, "times")


def bring_back(crowd: Crowd, ids: list[str]) -> None:
    """Send these anew, and whatever they are in: a list sent before does not name one that was deleted (P3)."""
    for id in ids:
        record = (
            crowd.record(id) if id in crowd.members else PrincipalRecord(id=id, kind="user", name=id, external=False)
        )
        apply_record(crowd.source, record)
        for group in crowd.groups_of(id):
            apply_record(crowd.source, crowd.record(group))


def flat(report: Report, crowd: Crowd, chance: random.Random) -> None:
    """A list of members is sent as a whole: one person less means all the others once more."""
    name = f"one of {PEOPLE:,} leaves a flat group, sent as a whole"
    leaving = ((crowd.record(FLAT, without=id), [FLAT]) for id in drawn(chance, "p", PEOPLE)[:5])
    measure(report, crowd, name, leaving, bar=None)
    gone = [(Deletion(kind="principal", id=FLAT), [FLAT])]
    measure(report, crowd, f"a flat group of {PEOPLE:,} is deleted", gone, bar=None)


# --- all ----------------------------------------------------------------------------------------------------------


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def smallest_commit() -> None:
    with transaction.atomic():
        execute("UPDATE smallest SET n = n + 1")


if __name__ == "__main__":
    main()

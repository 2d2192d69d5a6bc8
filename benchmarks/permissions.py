"""`python -m benchmarks.permissions [memberships] [scopes] [reader]`: what a change of rights and a reader cost.

Every change goes through the entry point of the push door, on a Postgres as durable as in production, and is taken
back afterwards, unmeasured. Beside it stands the time of the smallest commit there is, measured in between.
"""

import argparse
import random
import time
from collections.abc import Callable, Collection, Iterable

from benchmarks import ground

ground.prepare("command")

from django.db import transaction  # noqa: E402  (the benchmark's own settings are read by now)

from accounts.principals import closure_differences  # noqa: E402
from accounts.statements import execute, rows  # noqa: E402
from benchmarks import shelves  # noqa: E402
from benchmarks.crowd import DEPTH, FLAT, GROUPS, PEOPLE, Crowd, gathered, levels  # noqa: E402
from benchmarks.reporting import Report, percentile  # noqa: E402
from connectors.adding import add_source  # noqa: E402
from connectors.applying import Appliable, apply_record  # noqa: E402
from connectors.corpus import access  # noqa: E402
from connectors.models import Source  # noqa: E402
from connectors.records import AccessRecord, Deletion, PrincipalRecord, ScopeRecord  # noqa: E402

WRITTEN = """
SELECT 'passage', id, ctid::text, xmin::text FROM connectors_passage
UNION ALL SELECT 'document', id, ctid::text, xmin::text FROM connectors_document
"""
SEARCH = "SELECT count(*) FROM gatehouse_search(%s, NULL, NULL, %s, 10, 0.5, '{}')"
EACH = 40  # changes of a kind
A_CHANGE = 25.0  # milliseconds, p95


def main() -> None:
    parts = {"memberships": changes_of_a_crowd, "scopes": folders, "reader": a_reader}
    parser = argparse.ArgumentParser(prog="python -m benchmarks.permissions", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"{', '.join(parts)}; all of them unless told")
    wanted = parser.parse_args().part or list(parts)
    if unknown := set(wanted) - set(parts):
        parser.error(f"There is no part {', '.join(sorted(unknown))}.")
    with ground.installation():
        report = Report("permissions")
        execute("CREATE TABLE smallest (n integer)")
        execute("INSERT INTO smallest VALUES (0)")
        for name in wanted:
            parts[name](report)
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
    """Make each change and take it back. The closure is compared with the memberships in between."""
    seconds, smallest = [], []
    for record, changed in changes:
        smallest.append(timed(smallest_commit))
        seconds.append(timed(lambda: apply_record(crowd.source, record)))  # noqa: B023  (called at once)
        assert closure_differences() == 0, name
        bring_back(crowd, changed)
    report.add_times(name, seconds, p95_at_most=bar)
    report.add(f"{name}, fastest", min(seconds) * 1000, "ms")
    report.add(f"{name}, p50 to the smallest commit", ratio(seconds, smallest), "times")


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


# --- scopes -------------------------------------------------------------------------------------------------------


def folders(report: Report) -> None:
    """A folder is shared anew: scopes below it change with it, what stands in them does not."""
    source = shelves.folder("shelf", 100, passages=shelves.PASSAGES)
    before = rows(WRITTEN)
    seconds = [timed(sharing(source, number)) for number in range(EACH)]
    report.add_times(f"{shelves.PASSAGES:,} passages in 100 scopes are shared anew", seconds, p95_at_most=50)
    report.add("the fastest of them", min(seconds) * 1000, "ms")
    report.add("passages and documents written by it", len(set(rows(WRITTEN)) - set(before)), "", at_most=0)
    assert access.differences(source.pk) == 0
    for scopes in (2_000, 10_000):
        source = shelves.folder(f"shelf{scopes}", scopes)
        seconds = [timed(sharing(source, number)) for number in range(6)]
        each = percentile(seconds, 95) * 1000 / scopes
        report.add(f"{scopes:,} scopes are shared anew in one commit, p50", percentile(seconds, 50) * 1000, "ms")
        report.add(f"{scopes:,} scopes are shared anew, a scope, p95", each, "ms", at_most=0.5)
        assert access.differences(source.pk) == 0


def sharing(source: Source, number: int) -> Callable[[], object]:
    """Another list of readers each time, by both kinds of records that can say so. Every other one is known."""
    wanted = shelves.granted("g1", f"g{3 + number % (shelves.OWN_READERS - 3)}" if number % 2 else "g2")
    if number % 3:
        return lambda: apply_record(source, ScopeRecord(id=shelves.ROOT, access=wanted))
    return lambda: apply_record(source, AccessRecord(kind="scope", id=shelves.ROOT, access=wanted))


# --- a reader -----------------------------------------------------------------------------------------------------


def a_reader(report: Report) -> None:
    """What it takes to say what somebody may read who is in much, as every search does first."""
    known = shelves.reader("reader")
    found = rows("SELECT cardinality(gatehouse_audience_scopes(%s))", [known.viewers])[0][0]
    assert found == shelves.READABLE, found
    report.facts["a reader"] = (
        f"in {shelves.GROUPS} groups, {shelves.READABLE:,} of {shelves.CONDITIONS:,} scopes readable, each with a "
        f"condition of its own; {shelves.MET} more are met and do not admit"
    )
    resolving = "SELECT cardinality(gatehouse_audience_scopes(%s))"
    nothing = "SELECT count(*) FROM generate_series(1, %s) AS s(id)"
    one, other = alternating(
        lambda: rows(resolving, [known.viewers]), lambda: rows(nothing, [shelves.READABLE]), 5 * EACH
    )
    report.add("a reader is resolved, fastest", min(one) * 1000, "ms")
    report.add("a reader is resolved, p50", percentile(one, 50) * 1000, "ms", at_most=5)
    report.add("a reader is resolved, p95", percentile(one, 95) * 1000, "ms")
    report.add("a reader is resolved, p50 to that of counting as many numbers", ratio(one, other), "times")
    whole, _ = alternating(lambda: rows(SEARCH, [known.viewers, "{w7}"]), lambda: None, 2 * EACH)
    report.add_times("a search by words for this reader, as a whole", whole)


def alternating(
    first: Callable[[], object], second: Callable[[], object], times: int
) -> tuple[list[float], list[float]]:
    """The seconds of both calls, in turn, so that both see the same load; a few go before to warm up."""
    for call in [first, second] * 8:
        call()
    taken = [(timed(first), timed(second)) for _ in range(times)]
    return [one for one, _ in taken], [other for _, other in taken]


# --- all ----------------------------------------------------------------------------------------------------------


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def ratio(seconds: list[float], to: list[float]) -> float:
    return percentile(seconds, 50) / percentile(to, 50)


def smallest_commit() -> None:
    with transaction.atomic():
        execute("UPDATE smallest SET n = n + 1")


if __name__ == "__main__":
    main()

"""A failing run made short: operations and parts of records are left out while the difference stays."""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from time import monotonic
from typing import Any

from tests.leakproof.ground import Ground
from tests.leakproof.staging import Difference, Operation, Stage

Fails = Callable[[Sequence[Operation]], bool]
PATIENCE = 300.0  # seconds
LISTS = ("grants", "restrictions", "deny", "members")
DISPENSABLE = ("revision", "inherits", "parent", "scope", *LISTS)


def replayed(ground: Ground, operations: Sequence[Operation], surface: str = "") -> list[Difference]:
    """What differs after these operations, from an empty database, at one surface or at all.

    Operations that make no sense without others are left out.
    """
    stage = Stage(ground)
    for operation in operations:
        stage.step(operation)
    stage.settle()
    looks = [look for look in stage.everything() if not surface or surface.startswith(look.surface)]
    return [*stage.missing(), *stage.look(looks).differences]


def shrunk(ground: Ground, operations: Sequence[Operation], difference: Difference) -> list[Operation]:
    """A short list of operations after which something still differs there in the same direction."""
    deadline = monotonic() + PATIENCE

    def fails(fewer: Sequence[Operation]) -> bool:
        if monotonic() > deadline:
            return False
        return any(found.expected == difference.expected for found in replayed(ground, fewer, difference.surface))

    if not fails(operations):
        return list(operations)
    before: list[Operation] = []
    kept = list(operations)
    for without in (other_sources, other_documents, other_viewers):
        fewer = without(kept, difference)
        kept = fewer if fails(fewer) else kept
    while kept != before:
        before = kept
        kept = fewer_operations(kept, fails)
        kept = fewer_records(kept, fails)
        kept = less_said(kept, fails)
    return kept


def other_sources(operations: Sequence[Operation], difference: Difference) -> list[Operation]:
    """Without what was said of other sources than that of the difference."""
    return [each for each in operations if each.get("source", each.get("key")) in (None, difference.source)]


def other_documents(operations: Sequence[Operation], difference: Difference) -> list[Operation]:
    """Without records of other documents."""

    def concerns(record: dict[str, Any]) -> bool:
        kind = record["kind"] if record["type"] in ("access", "deletion") else record["type"]
        return bool(kind != "document" or record["id"] == difference.document)

    fewer: list[Operation] = []
    for operation in operations:
        records = _records(operation)
        kept = [record for record in records if concerns(record)]
        if "records" in operation:
            fewer.append(operation | {"records": kept})
        elif kept == records:
            fewer.append(operation)
    return fewer


def other_viewers(operations: Sequence[Operation], difference: Difference) -> list[Operation]:
    """Without other tokens and audiences."""
    made = ("add_token", "end_token", "add_audience")
    return [each for each in operations if each["do"] not in made or each["name"] == difference.viewer]


def fewer_operations(operations: list[Operation], fails: Fails) -> list[Operation]:
    """Halves, quarters, … and single operations are left out from the end on."""
    size = max(len(operations) // 2, 1)
    while True:
        end = len(operations)
        while end > 0:
            begin = max(end - size, 0)
            fewer = operations[:begin] + operations[end:]
            if fails(fewer):
                operations = fewer
            end = begin
        if size == 1:
            return operations
        size = max(size // 2, 1)


def fewer_records(operations: list[Operation], fails: Fails) -> list[Operation]:
    """The same with the records of pages and batches."""
    for place, operation in enumerate(operations):
        if "records" in operation:
            before, after = operations[:place], operations[place + 1 :]
            records = fewer_operations(operation["records"], partial(_fails_with, fails, before, operation, after))
            operations = [*before, operation | {"records": records}, *after]
    return operations


def _fails_with(
    fails: Fails, before: list[Operation], operation: Operation, after: list[Operation], records: Sequence[Operation]
) -> bool:
    return fails([*before, operation | {"records": list(records)}, *after])


def less_said(operations: list[Operation], fails: Fails) -> list[Operation]:
    """Fields of records that make no difference, and entries of their lists, are left out."""
    place = 0
    while place < len(operations):
        for simpler in simplifications(operations[place]):
            fewer = [*operations[:place], simpler, *operations[place + 1 :]]
            if fails(fewer):
                operations = fewer
                break
        else:
            place += 1
    return operations


def simplifications(operation: Operation) -> Iterator[Operation]:
    """The operation with one thing less said, in each way there is."""
    count = len(_records(operation))
    for number in range(count):
        for name in DISPENSABLE:
            if _records(operation)[number].get(name) is not None:
                simpler = deepcopy(operation)
                del _records(simpler)[number][name]
                yield simpler
        for name in LISTS:
            entries = _records(operation)[number].get(name)
            if isinstance(entries, list) and len(entries) > 1:
                yield from _without_one_entry(operation, number, name)


def _without_one_entry(operation: Operation, number: int, name: str) -> Iterator[Operation]:
    for place in range(len(_records(operation)[number][name])):
        simpler = deepcopy(operation)
        del _records(simpler)[number][name][place]
        yield simpler


def _records(operation: Operation) -> list[dict[str, Any]]:
    return [operation["record"]] if "record" in operation else operation.get("records", [])

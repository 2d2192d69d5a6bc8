"""Tells what records would do to who reads what, without applying them."""

import json
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.models import Source
from connectors.what_if import SECONDS, CannotTell, Push, changes_from, membership
from gateway.management.commands.check_source import source_of
from gateway.what_if import WhatIf, ask

DOCUMENTS_SHOWN = 10  # of a person, on the terminal
MOST_BYTES = 64 * 1024 * 1024
LEAST_SECONDS, MOST_SECONDS = 0.1, 3_600.0


class Command(BaseCommand):
    help = "Tells who would gain and who would lose which documents by some records, and changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="the key of the source the records are of")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--records", metavar="FILE", help="JSON Lines as the batch API takes them; - is the input")
        what.add_argument("--joins", nargs=2, metavar=("MEMBER", "GROUP"), help="a member joins a group")
        what.add_argument("--leaves", nargs=2, metavar=("MEMBER", "GROUP"), help="a member leaves a group")
        add_output_arguments(parser)

    def handle(self, *args: Any, source: str, **options: Any) -> None:
        try:
            found = ask(plan_of(source_of(source), options), asked_by=None, seconds=options["seconds"] or SECONDS)
        except CannotTell as error:
            raise CommandError(error.message) from None
        self.stdout.write(shown(found, as_json=options["json"], new_ids=True))


def add_output_arguments(parser: CommandParser) -> None:
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    parser.add_argument(
        "--seconds",
        type=seconds,
        help=f"how long writers of the source may have to wait; {SECONDS:g} if not given, at most {MOST_SECONDS:,g}",
    )


def seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not LEAST_SECONDS <= value <= MOST_SECONDS:  # nor is what is no number at all
        raise ArgumentTypeError(f"must be a number of seconds from {LEAST_SECONDS:g} to {MOST_SECONDS:,g}")
    return value


def plan_of(source: Source, options: dict[str, Any]) -> Push:
    if options["records"] is not None:
        return Push.of(source, *changes_from(lines_of(options["records"])))
    member, group = options["joins"] or options["leaves"]
    return Push.of(source, [membership(source, group=group, member=member, joins=options["joins"] is not None)])


def lines_of(file: str) -> list[bytes]:
    try:
        content = sys.stdin.buffer.read(MOST_BYTES + 1) if file == "-" else read(Path(file))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    if len(content) > MOST_BYTES:
        raise CommandError(f"At most {MOST_BYTES // 1024 // 1024} MB of records can be tried at once.")
    return content.split(b"\n")


def read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)


def shown(found: WhatIf, *, as_json: bool, new_ids: bool) -> str:
    if as_json:
        return json.dumps(found.as_json(new_ids=new_ids), ensure_ascii=False, indent=2)
    return "\n".join(lines_about(found, new_ids=new_ids))


def lines_about(found: WhatIf, *, new_ids: bool) -> Iterator[str]:
    """Counts, then a line a person with what they lose and gain below it, by our ids."""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(found.result.counts.items())) or "nothing to do"
    yield f"{found.source}: {found.result.records} records: {counts}"
    yield from (f"  {problem}" for problem in found.result.problems)
    all = found.difference
    yield f"{all.people_losing} people would lose {all.documents_lost} documents between them;"
    yield f"{all.people_gaining} would gain {all.documents_gained}, of which {all.documents_new} are new."
    if all.people:
        yield ""
        yield f"{'loses':>8} {'gains':>8} {'once parsed':>12}  person"
    for person in all.people:
        yield f"{person.lost:8} {person.gained:8} {person.once_parsed:12}  {person.email}"
        yield from named("loses", person.lost, person.lost_documents)
        new = person.new_documents if new_ids else ()
        yield from named(
            "gains", person.gained - (0 if new_ids else person.gained_new), (*person.gained_documents, *new)
        )
    if all.people_changed > len(all.people):
        yield f"… and {all.people_changed - len(all.people)} more people."
    if found.withheld:
        yield ""
        yield f"{'answers':>8} {'sentences':>10}  would be withheld from"
    for each in found.withheld:
        yield f"{each.answers:8} {each.sentences:10}  {each.email}"
    yield ""
    yield "Nothing was changed."


def named(what: str, count: int, ids: Sequence[object]) -> Iterator[str]:
    yield from (f"{'':20}{what} {id}" for id in ids[:DOCUMENTS_SHOWN])
    if count > DOCUMENTS_SHOWN:
        yield f"{'':20}{what} {count - DOCUMENTS_SHOWN} more"

"""Why a person may or may not read a document, now or at a time."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from accounts.addresses import normalised
from accounts.models import User
from connectors.corpus.explaining import OutsideTheHistory, Unknown, document_named
from connectors.corpus.explanation import Clause, Place, listed, spoken
from connectors.strict_json import Fields, InvalidJSON
from gateway.explaining import Asker, Told, explain


class Command(BaseCommand):
    help = "Explains a decision: the rules, and the chain from a person to a document. It is written to the audit."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, metavar="EMAIL")
        parser.add_argument("--document", required=True, help="its id here, or SOURCE:ID as its source has it")
        parser.add_argument("--at", metavar="TIME", help="a time that is past, like 2027-03-03T12:00:00Z")
        parser.add_argument("--json", action="store_true", help="as the API gives it")

    def handle(self, *args: Any, user: str, document: str, **options: Any) -> None:
        person = User.objects.filter(email=normalised(user)).first()
        if person is None:
            raise CommandError(f"There is no person with the address {user}.")
        try:
            at = time_from(options["at"])
            told = explain(Asker(door="command"), person, document_from(document, at), at)
        except Unknown:
            raise CommandError(f"There never was a document {document}.") from None
        except OutsideTheHistory as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            self.stdout.write(json.dumps(told.as_json(), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(lines_of(told)))


def time_from(value: str | None) -> datetime | None:
    try:
        return Fields({"--at": value}, ["--at"]).time("--at")
    except InvalidJSON as error:
        raise CommandError(error.message) from None


def document_from(value: str, at: datetime | None) -> UUID:
    """Raises `Unknown`."""
    try:
        return UUID(value)
    except ValueError:
        source, _, external_id = value.partition(":")
        return document_named(source, external_id, at)


def lines_of(told: Told) -> Iterator[str]:
    found = told.explanation
    was = f"At {spoken(found.at)}: {told.person.email} and document {found.document} of {found.source}"
    yield f"{was}: {found.decision}."
    if found.disagrees:
        yield "The facts lead to another decision than the one that is served. Report this as a security defect."
    yield from (f"  {reason.rule}: {reason.text}" for reason in found.reasons)
    yield f"Accounts: {listed(found.accounts, len(found.accounts))}."
    yield from map(clause_line, found.clauses)
    yield from map(place_line, found.places)
    if told.answers:
        yield "Answers it was read for:"
        for answer in told.answers:
            kept = "" if answer.shown else ", no longer stored"
            yield f"  {spoken(answer.asked_at)}: question {answer.question}{kept}"


def clause_line(clause: Clause) -> str:
    if not clause.met:
        return f"Not in the {clause.kind}: {listed(clause.some, clause.entries)}."
    end = f", which ends {spoken(clause.until)}" if clause.until else ""
    return f"In the {clause.kind} by {' → '.join(map(str, clause.path))}{end}."


def place_line(place: Place) -> str:
    kind = "made for documents with lists of their own" if place.made_here else "of the source"
    lists = [f"grants {listed(place.grants, len(place.grants))}"] if place.known else ["its list is not known"]
    lists += [f"restricted to {listed(clause, len(clause))}" for clause in place.restrictions]
    lists += [f"denies {listed(place.deny, len(place.deny))}"] if place.deny else []
    under = "inherits" if place.inherits else "detached"
    return f"Scope {place.scope}, {kind}, {under}: {'; '.join(lists)}."

"""Why people may read what, for auditors: every question is audited before it is answered (P12).

An auditor reads no more than before: documents go by their id, scopes by their number, and what they are called is
told only to an auditor who may read them. Of stored answers there are ids and times, never words.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts import tokens
from accounts.addresses import normalised
from accounts.models import Directory, User
from accounts.reader import NO_TOKEN, Reader
from connectors.corpus import explaining, reach
from connectors.corpus.explaining import Unknown
from connectors.corpus.explanation import Explanation, Place
from connectors.corpus.reach import ReadableDocument, Titled
from connectors.strict_json import is_storable
from gateway import audit
from gateway.models import AuditEvent, Evidence, HoldsFor, LeftOut, RowEvidence


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who wants to know. Without a reader, who works at the machine itself and is told ids alone.

    A token tells of its own sources and of no others (P11).
    """

    door: str
    reader: Reader | None = None

    def note(self, kind: str, **details: Any) -> None:
        user_id = self.reader.user_id if self.reader is not None else None
        audit.record(kind, user_id=user_id, details={"door": self.door, "token": self._token, **details})

    @property
    def _token(self) -> int:
        return self.reader.token_id if self.reader is not None else NO_TOKEN

    def reaches(self, source_id: int | None) -> bool:
        """Whether they are told of a source, which may be gone."""
        if self._token == NO_TOKEN:
            return True
        return source_id is not None and tokens.reaching(self._token, source_id).exists()

    @property
    def sources(self) -> QuerySet[Directory]:
        """All they are told of."""
        if self._token == NO_TOKEN:
            return Directory.objects.all()
        return Directory.objects.filter(Exists(tokens.reaching(self._token, OuterRef("pk"))))

    def source_of(self, document: UUID) -> str:
        """The key of the document's. Raises `Unknown`, also for one they are not told of (P14)."""
        origin = explaining.origin_of(document)
        if not self.reaches(origin.id):
            raise Unknown
        return origin.key


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer for which a document was read: `shown` if a sentence that rests on it is still stored."""

    question: UUID
    asked_at: datetime
    shown: bool


@dataclass(frozen=True, kw_only=True)
class Told:
    """An explanation with what its asker may see besides, and the answers the person got from the document."""

    person: User
    explanation: Explanation
    document: Titled | None
    scopes: Mapping[int, str]
    answers: tuple[Answer, ...]

    def name_of(self, place: Place) -> str:
        return self.scopes.get(place.scope, "")

    def as_json(self) -> dict[str, Any]:
        told = self.explanation.as_json()
        scopes = [scope | {"name": self.scopes.get(scope["number"])} for scope in told["scopes"]]
        return {
            "user": self.person.email,
            "document": document_json(self.explanation.document, told.pop("source"), self.document),
            **told,
            "scopes": scopes,
            "answers": [
                {"question": str(each.question), "asked_at": each.asked_at, "shown": each.shown}
                for each in self.answers
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One page of what a person may read."""

    documents: tuple[tuple[ReadableDocument, Titled | None], ...]
    after: UUID | None  # None: there is no more


@dataclass(frozen=True, kw_only=True)
class ReadBy:
    """One page of the people who may read a document."""

    source: str  # the key of the document's
    people: tuple[User, ...]
    after: int | None  # None: there is nobody more


def person_named(address: str) -> User | None:
    """The person who has this e-mail address."""
    return User.objects.filter(email=normalised(address)).first() if is_storable(address) else None


def row_number(text: str) -> int:
    """Where a page of people ended. Raises ValueError for what is no row's number."""
    found = int(text)
    if not 0 < found < 2**63:
        raise ValueError
    return found


def explain(asker: Asker, person: User, document: UUID, at: datetime | None = None) -> Told:
    """Why this person may read this document, or might at a time. Raises `Unknown`, `OutsideTheHistory`."""
    when = at.isoformat() if at is not None else ""
    asker.note("access.explained", person=person.email, document=str(document), at=when)
    asker.source_of(document)
    explanation = explaining.explain(person.pk, document, at)
    accounts = tuple(each for each in explanation.accounts if asker.reaches(each.source_id))
    places = [place.scope for place in explanation.places]
    return Told(
        person=person,
        explanation=replace(explanation, accounts=accounts),
        answers=tuple(answers_from(person, document)),
        scopes=reach.names_of_scopes(asker.reader, places) if asker.reader is not None else {},
        document=titles(asker, [document]).get(document),
    )


def documents_of(asker: Asker, person: User, *, after: UUID | None = None, limit: int = reach.PAGE) -> Reading:
    """What this person may read now, some at a time."""
    asker.note("access.documents_listed", person=person.email, after=str(after or ""))
    found = reach.documents_of(person.pk, asker.sources, after=after, limit=limit + 1)
    page = found[:limit]
    shown = titles(asker, [each.id for each in page])
    more = len(found) > limit
    return Reading(
        documents=tuple((each, shown.get(each.id)) for each in page), after=page[-1].id if more and page else None
    )


def readers_of(asker: Asker, document: UUID, *, after: int = 0, limit: int = reach.PAGE) -> ReadBy:
    """Who may read this document now, some at a time. Raises `Unknown`."""
    asker.note("access.readers_listed", document=str(document), after=str(after))
    source = asker.source_of(document)
    page = reach.readers_of(document, after=after, limit=limit)
    people = User.objects.in_bulk(page.people)
    return ReadBy(source=source, people=tuple(people[id] for id in page.people if id in people), after=page.after)


def titles(asker: Asker, documents: Collection[UUID]) -> dict[UUID, Titled]:
    return reach.titles(asker.reader, documents) if asker.reader is not None and documents else {}


def document_json(id: UUID, source: str, titled: Titled | None) -> dict[str, Any]:
    """A document as everywhere, without what the asker may not see."""
    return {
        "id": str(id),
        "external_id": titled.external_id if titled else None,
        "title": titled.title if titled else None,
        "url": titled.url if titled else None,
        "source": source,
    }


def answers_from(person: User, document: UUID) -> list[Answer]:
    """The person's questions that this document was read for, up to now: from the audit, which outlives answers."""
    given = AuditEvent.objects.filter(
        kind="answer.context", user_id=person.pk, details__passages__contains=[{"document": str(document)}]
    ).values_list("details__question", "at")
    times: dict[UUID, datetime] = {}
    for question, at in given.order_by("id"):
        times.setdefault(UUID(question), at)
    resting = Evidence.objects.filter(document=document, sentence__question__conversation__owner=person)
    shown = set(resting.values_list("sentence__question", flat=True))
    shown |= set(_given(LeftOut.objects.filter(question__conversation__owner=person), document, "question"))
    shown |= set(_given(HoldsFor.objects.filter(question__conversation__owner=person), document, "question"))
    of_rows = RowEvidence.objects.filter(sentence__question__conversation__owner=person)
    shown |= set(_given(of_rows, document, "sentence__question"))
    return [Answer(question=id, asked_at=at, shown=id in shown) for id, at in times.items()]


def _given(written: QuerySet[Any], document: UUID, question: str) -> Iterable[UUID]:
    """The questions of what rests on all that its writer was given, where this document was among it."""
    return written.filter(context__contains=[[str(document)]]).values_list(question, flat=True)

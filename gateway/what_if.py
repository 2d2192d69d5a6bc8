"""What a change would do, with the stored answers it would withhold: counted, never shown (P12, P16)."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models import User
from accounts.reader import Reader
from accounts.statements import rows
from connectors import what_if as trial
from connectors.corpus.comparing import Difference, Person
from connectors.corpus.reading import readable_documents
from gateway import audit

MOST_AUDITED = 1_000  # ids of people, of documents, and in the records

# Sentences their owners would lose a document of, with the other documents each rests on. One that rests on a
# document its owner would gain is withheld already.
LOSING_EVIDENCE = """
WITH losing AS (
    SELECT DISTINCT lost.user_id, question.id AS question_id, sentence.id AS sentence_id
    FROM what_if_lost lost
    JOIN gateway_evidence evidence ON evidence.document = lost.document
    JOIN gateway_answersentence sentence ON sentence.id = evidence.sentence_id
    JOIN gateway_question question ON question.id = sentence.question_id
    JOIN gateway_conversation conversation
         ON conversation.id = question.conversation_id AND conversation.owner_id = lost.user_id
)
SELECT losing.user_id, losing.question_id, losing.sentence_id,
       coalesce(array_agg(DISTINCT evidence.document) FILTER (WHERE lost.document IS NULL), '{}')
FROM losing
JOIN gateway_evidence evidence USING (sentence_id)
LEFT JOIN what_if_lost lost ON lost.user_id = losing.user_id AND lost.document = evidence.document
LEFT JOIN what_if_gained gained ON gained.user_id = losing.user_id AND gained.document = evidence.document
GROUP BY losing.user_id, losing.question_id, losing.sentence_id
HAVING count(gained.document) = 0
"""


@dataclass(frozen=True, kw_only=True)
class Withheld:
    """How many stored answers of one person would lose sentences, and how many of these."""

    email: str
    answers: int
    sentences: int


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """Who would gain and who would lose what of a source, and the stored answers that would be withheld for it."""

    source: str
    result: trial.Result
    withheld: tuple[Withheld, ...]

    @property
    def difference(self) -> Difference:
        return self.result.difference

    @property
    def people_unnamed(self) -> int:
        """Those with a change who are counted, and not among the people named."""
        return self.difference.people_changed - len(self.difference.people)

    @property
    def answers(self) -> int:
        return sum(each.answers for each in self.withheld)

    def as_json(self, *, new_ids: bool) -> dict[str, Any]:
        """Counts and ids. `new_ids`: with what the source calls its new documents."""
        found = self.difference
        return {
            "source": self.source,
            "records": {"count": self.result.records, "states": self.result.counts},
            "problems": list(self.result.problems),
            "people": {"changed": found.people_changed, "gaining": found.people_gaining, "losing": found.people_losing},
            "documents": {
                "gained": found.documents_gained,
                "new": found.documents_new,
                "lost": found.documents_lost,
            },
            "changes": [_person_as_json(person, new_ids=new_ids) for person in found.people],
            "withheld": [
                {"email": each.email, "answers": each.answers, "sentences": each.sentences} for each in self.withheld
            ],
        }


def _person_as_json(person: Person, *, new_ids: bool) -> dict[str, Any]:
    return {
        "email": person.email,
        "gained": person.gained,
        "once_parsed": person.once_parsed,
        "new": person.gained_new,
        "lost": person.lost,
        "gained_documents": [str(id) for id in person.gained_documents],
        **({"new_documents": list(person.new_documents)} if new_ids else {}),
        "lost_documents": [str(id) for id in person.lost_documents],
    }


def ask(
    plan: trial.Plan,
    *,
    asked_by: User | None,
    seconds: float = trial.SECONDS,
    people: int = 1_000,
    documents: int = 100,
) -> WhatIf:
    """Try the plan, take it back, and audit that it was asked. Raises `trial.CannotTell`."""
    with trial.tried(plan, seconds=seconds, people=people, documents=documents) as result:
        withheld = withheld_answers()
    found = WhatIf(source=plan.source.key, result=result, withheld=withheld)
    details = _audited(found) | {"named": sorted(set(plan.named))[:MOST_AUDITED]}
    audit.record("what_if.asked", user_id=asked_by.pk if asked_by else None, details=details)
    return found


def withheld_answers() -> tuple[Withheld, ...]:
    """Within a trial: what its losses would withhold of the answers people were given, most first."""
    by_owner: dict[int, list[tuple[UUID, frozenset[UUID]]]] = defaultdict(list)
    for owner, question, _, others in rows(LOSING_EVIDENCE):
        by_owner[owner].append((question, frozenset(others)))
    emails = dict(User.objects.filter(pk__in=by_owner).values_list("pk", "email"))
    found = (_of_owner(owner, emails[owner], sentences) for owner, sentences in by_owner.items())
    shown_until_now = [each for each in found if each.sentences]
    return tuple(sorted(shown_until_now, key=lambda each: (-each.sentences, each.email)))


def _of_owner(owner: int, email: str, sentences: list[tuple[UUID, frozenset[UUID]]]) -> Withheld:
    """Of these only what is shown today: the other documents a sentence rests on can all be read (P16)."""
    others = frozenset[UUID]().union(*(resting_on for _, resting_on in sentences))
    readable = readable_documents(Reader(owner), others)
    losing = [question for question, resting_on in sentences if resting_on <= readable]
    return Withheld(email=email, answers=len(set(losing)), sentences=len(losing))


def _audited(found: WhatIf) -> dict[str, Any]:
    people = found.difference.people
    named = sorted({str(id) for person in people for id in (*person.gained_documents, *person.lost_documents)})
    return {
        "source": found.source,
        "records": found.result.records,
        "people_gaining": found.difference.people_gaining,
        "people_losing": found.difference.people_losing,
        "documents_gained": found.difference.documents_gained,
        "documents_lost": found.difference.documents_lost,
        "answers_withheld": found.answers,
        "people": [person.user_id for person in people[:MOST_AUDITED]],
        "documents": named[:MOST_AUDITED],
    }

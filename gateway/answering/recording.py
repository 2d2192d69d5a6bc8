"""Questions and what was answered, as they are kept: sentences with evidence, never passages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.reader import Viewers
from connectors.corpus.evidence import Pair
from connectors.corpus.hits import Hit
from gateway import audit
from gateway.answering.drafts import Draft
from gateway.answering.events import Extent
from gateway.answering.following import AS_IT_IS, EARLIER, Rewritten
from gateway.answering.parts import parts_of
from gateway.models import (
    AnswerSentence,
    Conversation,
    Evidence,
    GeneralParagraph,
    HoldsFor,
    LeftOut,
    PartRead,
    Question,
    RowEvidence,
)
from gateway.situation import Situation

MOST_LEFT_OUT = 50  # sentences of one answer are kept


class ConversationUnknown(Exception):
    """There is no such conversation for this person."""

    code = "conversation_unknown"
    message = "There is no such conversation."

    def __init__(self) -> None:
        super().__init__(self.message)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question that was put, and by whom."""

    question_id: UUID
    conversation_id: UUID
    text: str
    earlier: tuple[str, ...]  # the person's questions before it in the conversation, oldest first
    reader: Viewers
    person: User
    door: str
    rewritten: Rewritten = AS_IT_IS  # for the search alone
    shown: frozenset[str] = frozenset()  # sentences of the answer before it, which answer nothing by being told again

    def parts(self) -> list["Asked"]:
        """Each thing it asks for, as a question that goes on from those before it."""
        texts = parts_of(self.text)
        return [replace(self, text=text, earlier=(*self.earlier, *texts[:n])) for n, text in enumerate(texts)]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A sentence as it was shown: its number in the answer and the number of each passage."""

    ordinal: int
    draft: Draft
    numbers: tuple[int, ...]


@dataclass(kw_only=True)
class LeftOutYet:
    """What a model wrote so far and no passage supports, with all that it was given. What was cut off is counted."""

    count: int = 0
    sentences: list[str] = field(default_factory=list)
    context: frozenset[Pair] = frozenset()

    def add(self, text: str, context: frozenset[Pair]) -> None:
        self.count += 1
        if text and len(self.sentences) < MOST_LEFT_OUT:
            self.sentences.append(text)
            self.context |= context


@transaction.atomic
def begin(reader: Viewers, text: str, conversation_id: UUID | None, door: str, task: str = "") -> Asked:
    """Store the question. Raises `ConversationUnknown`, for a conversation of somebody else as for none."""
    person = User.objects.filter(pk=reader.asker.user_id).first()
    if person is None:
        raise ConversationUnknown
    if conversation_id is None:
        conversation = Conversation.objects.create(owner=person)
    else:
        conversation = _own(person, conversation_id)
    before = list(conversation.questions.order_by("-asked_at")[:EARLIER])
    shown = AnswerSentence.objects.filter(question__in=before[:1]).values_list("text", flat=True)
    question = Question.objects.create(
        conversation=conversation, text=text, task=task, language=person.language, door=door
    )
    return Asked(
        question_id=question.pk,
        conversation_id=conversation.pk,
        text=text,
        earlier=tuple(each.text for each in reversed(before)),
        shown=frozenset(shown),
        reader=reader,
        person=person,
        door=door,
    )


def _own(person: User, conversation_id: UUID) -> Conversation:
    conversation = Conversation.objects.filter(pk=conversation_id, owner=person).first()
    if conversation is None:
        raise ConversationUnknown
    return conversation


def note_context(asked: Asked, hits: Sequence[Hit], model: str, kept: Sequence[Hit] = ()) -> None:
    """Audit every passage an answerer is about to be given, and those kept from it. Committed when this returns."""
    details = {
        "question": str(asked.question_id),
        "door": asked.door,
        "token": asked.reader.asker.token_id,
        "viewers": asked.reader.text,
        "model": model,
        "passages": [
            {
                "passage": str(hit.passage_id),
                "document": str(hit.document_id),
                "revision": hit.revision,
                "start": hit.start,
                "end": hit.end,
                "digest": hit.digest,
            }
            for hit in hits
        ],
        "kept": [{"passage": str(hit.passage_id), "source": hit.source} for hit in kept],
    }
    with transaction.atomic(durable=True):
        audit.record("answer.context", user_id=asked.reader.asker.user_id, details=details)


@transaction.atomic
def finish(
    asked: Asked,
    *,
    status: str,
    model: str,
    sentences: Iterable[Stored],
    left_out: LeftOutYet | None = None,
    notice: str = "",
    missing: Sequence[str] = (),
    extent: Extent | None = None,
    holds_for: Situation | None = None,
    general: str = "",
) -> None:
    """Store how a question ended and the sentences that were shown, with their evidence; apart, what was left out."""
    ended = {"status": status, "model": model, "notice": notice, "missing": list(missing)}
    updated = Question.objects.filter(pk=asked.question_id).update(**ended)
    if not updated:  # the conversation was deleted while it was answered
        return
    if left_out and left_out.sentences:
        context = sorted([str(document), digest] for document, digest in left_out.context)
        LeftOut.objects.create(question_id=asked.question_id, sentences=left_out.sentences, context=context)
    if extent:
        told = {"read": extent.read, "of": extent.of}
        PartRead.objects.update_or_create(question_id=asked.question_id, defaults=told)
    if holds_for:
        context = [[str(hit.document_id), hit.digest] for hit in (holds_for.own, holds_for.other)]
        said = {"kind": holds_for.kind, "name": holds_for.name, "context": context}
        HoldsFor.objects.update_or_create(question_id=asked.question_id, defaults=said)
    if general:
        GeneralParagraph.objects.update_or_create(question_id=asked.question_id, defaults={"text": general})
    for stored in sentences:
        sentence = AnswerSentence.objects.create(
            question_id=asked.question_id, ordinal=stored.ordinal, text=stored.draft.text
        )
        Evidence.objects.bulk_create(
            _evidence(sentence, n, hit) for n, hit in zip(stored.numbers, stored.draft.evidence, strict=True)
        )
        if stored.draft.rows:
            RowEvidence.objects.create(
                sentence=sentence,
                source=stored.draft.rows.source,
                sql=stored.draft.rows.table.sql,
                digest=stored.draft.rows.table.digest,
                context=sorted([str(document), digest] for document, digest in stored.draft.rows.context),
            )


def _evidence(sentence: AnswerSentence, n: int, hit: Hit) -> Evidence:
    return Evidence(
        sentence=sentence,
        n=n,
        document=hit.document_id,
        revision=hit.revision,
        passage=hit.passage_id,
        start=hit.start,
        end=hit.end,
        digest=hit.digest,
    )

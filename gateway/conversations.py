"""A person's own questions, and their answers shown again: every sentence is checked anew (P15, P16)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.reader import Viewers
from connectors.corpus.breaking_glass import shown
from connectors.corpus.evidence import Pair, holds_evidence, passages_holding
from connectors.corpus.hits import Hit
from connectors.strict_json import is_storable
from gateway import audit, situation
from gateway.answering import notices
from gateway.answering.events import Citation
from gateway.answering.following import Turn
from gateway.answering.phrases import did_not_find, spoken
from gateway.databases.rows import Table
from gateway.models import (
    AnswerSentence,
    Conversation,
    Evidence,
    Feedback,
    GeneralParagraph,
    HoldsFor,
    LeftOut,
    PartRead,
    Question,
    RowEvidence,
)
from gateway.situation import Kind
from gateway.versions import marked

State = Literal["shown", "withheld", "changed"]
States = dict[Pair, Literal["held", "changed"]]
Verdict = Literal["up", "down"]
Reason = Literal["wrong", "incomplete", "out_of_date", "not_asked", "not_for_me"]
LONGEST_COMMENT = 2_000  # characters
LONGEST_TITLE = 200
MOST_WORDS = 20  # of a search


@dataclass(frozen=True, kw_only=True)
class QuestionLine:
    """A question in a list: the person's own words and nothing of any document."""

    id: UUID
    conversation_id: UUID
    text: str
    asked_at: datetime
    status: str


@dataclass(frozen=True, kw_only=True)
class ConversationLine:
    """A conversation in a list, by the title its owner gave it, else by its first question."""

    id: UUID
    text: str
    started_at: datetime
    asked_at: datetime  # for the last time


@dataclass(frozen=True, kw_only=True)
class ShownSentence:
    """A sentence of an old answer. Withheld, it has no text: something it rests on can no longer be read."""

    ordinal: int
    text: str
    citations: tuple[int, ...]
    state: State
    table: Table | None = None
    of_rows: bool = False  # made from rows of a database, which are asked for again


@dataclass(frozen=True, kw_only=True)
class ShownAnswer:
    """A question with its answer as it may be shown now; its citations are numbered anew."""

    id: UUID
    conversation_id: UUID
    question: str
    asked_at: datetime
    status: str
    language: str
    model: str
    sentences: tuple[ShownSentence, ...]
    citations: tuple[Citation, ...]
    feedback: Verdict | None
    task: str = ""  # what was done; "": it was answered
    notice: str = ""  # in words
    missing: tuple[str, ...] = ()  # parts of the question that were not found
    missing_text: str = ""
    holds_for: tuple[str, str] | None = None  # the reader's country, office or role, and its name
    holds_for_text: str = ""
    extent: str = ""  # what part of a document was read, in words
    general: str = ""  # a model's general knowledge, where nothing was found: no part of the answer
    general_message: str = ""  # that it is that
    left_out: tuple[str, ...] = ()  # what the model wrote and no passage supports: no part of the answer


def list_questions(reader: Viewers, *, limit: int = 50, before: datetime | None = None) -> list[QuestionLine]:
    """The reader's questions, newest first; those asked before a moment, for the next page."""
    questions = _own_questions(reader).order_by("-asked_at")
    if before is not None:
        questions = questions.filter(asked_at__lt=before)
    return [
        QuestionLine(id=q.pk, conversation_id=q.conversation_id, text=q.text, asked_at=q.asked_at, status=q.status)
        for q in questions[:limit]
    ]


def list_conversations(
    reader: Viewers, *, limit: int = 50, before: datetime | None = None, search: str = ""
) -> list[ConversationLine]:
    """The reader's conversations, the one they last asked in first; those last asked in before a moment.

    `search`: only those whose title or questions hold each of these words, or begin or end of one.
    """
    conversations = _in_lines(_own_conversations(reader)).order_by("-asked_at")
    if before is not None:
        conversations = conversations.filter(asked_at__lt=before)
    for word in search.split()[:MOST_WORDS]:
        if not is_storable(word):
            return []
        asked = Question.objects.filter(conversation=OuterRef("pk"), text__icontains=word)
        conversations = conversations.filter(Q(title__icontains=word) | Exists(asked))
    return _lines(conversations[:limit])


def find_conversation(reader: Viewers, conversation_id: UUID) -> ConversationLine | None:
    """One of the reader's own conversations, by its line in the list."""
    return next(iter(_lines(_in_lines(_own_conversations(reader).filter(pk=conversation_id)))), None)


def rename_conversation(reader: Viewers, conversation_id: UUID, title: str) -> bool:
    """Give a conversation a title of the reader's own words; none: it is called by its first question again."""
    words = " ".join(title.split())[:LONGEST_TITLE]
    return _own_conversations(reader).filter(pk=conversation_id).update(title=words) > 0


def delete_conversations(reader: Viewers) -> None:
    """Delete all conversations of the reader with their questions and answers; the audit stays."""
    _own_conversations(reader).delete()


def get_question(reader: Viewers, question_id: UUID) -> ShownAnswer | None:
    """One of the reader's own questions with what may be shown of its answer; None for anybody else's (P14)."""
    questions = _with_answers(_own_questions(reader).filter(pk=question_id))
    return next(iter(_shown(reader, questions)), None)


def get_conversation(reader: Viewers, conversation_id: UUID) -> list[ShownAnswer] | None:
    """The questions of one of the reader's own conversations, oldest first."""
    if not _own_conversations(reader).filter(pk=conversation_id).exists():
        return None
    questions = _own_questions(reader).filter(conversation=conversation_id).order_by("asked_at")
    return _shown(reader, _with_answers(questions))


def answers_for_another(reader: Viewers, questions: QuerySet[Question]) -> list[ShownAnswer]:
    """Answers that somebody else was given, as this reader may see them: only sentences whose every passage they may
    read as it was. Numbered anew, and nothing tells of the rest, nor whether there was any (P14, P16).
    """
    stored = list(questions.prefetch_related("sentences__rows", "sentences__evidence"))
    pairs = {_pair(each) for question in stored for each in _evidence(_not_of_rows(question))}
    passages = passages_holding(reader, pairs)
    states = holds_evidence(reader, pairs)
    return [_for_another(question, _Render(states, passages, {})) for question in stored]


def _for_another(question: Question, render: "_Render") -> ShownAnswer:
    sentences = [each for stored in _not_of_rows(question) for each in render.whole(stored)]
    return ShownAnswer(
        id=question.pk,
        conversation_id=question.conversation_id,
        question=question.text,
        asked_at=question.asked_at,
        status="",
        language=question.language,
        model="",
        sentences=tuple(replace(each, ordinal=ordinal) for ordinal, each in enumerate(sentences, start=1)),
        citations=render.citations(),
        feedback=None,
    )


def _not_of_rows(question: Question) -> list[AnswerSentence]:
    """Rows of a database are asked for in the name of one person, and shown to nobody else."""
    return [sentence for sentence in question.sentences.all() if not hasattr(sentence, "rows")]


def turns_before(reader: Viewers, question_id: UUID, *, limit: int) -> list[Turn]:
    """The last questions before one of the reader's own, in its conversation, oldest first, with what they may read of
    the answers now: sentences whose passages still say the same."""
    asked = _own_questions(reader).filter(pk=question_id).first()
    if asked is None:
        return []
    earlier = _own_questions(reader).filter(conversation=asked.conversation_id, asked_at__lt=asked.asked_at)
    questions = _with_answers(earlier.order_by("-asked_at")[:limit])[::-1]
    return [_turn(answer) for answer in _shown(reader, questions)]


def _turn(answer: ShownAnswer) -> Turn:
    standing = [each for each in answer.sentences if each.state == "shown"]
    of_passages = [each for each in standing if not each.of_rows]
    numbers = {n for each in of_passages for n in each.citations}
    return Turn(
        question=answer.question,
        answer=" ".join(each.text for each in standing),
        of_passages=" ".join(each.text for each in of_passages),
        hits=tuple(citation.hit for citation in answer.citations if citation.n in numbers),
    )


def delete_conversation(reader: Viewers, conversation_id: UUID) -> bool:
    """Delete a conversation with its questions and answers; the audit stays. False when there is none."""
    deleted, _ = _own_conversations(reader).filter(pk=conversation_id).delete()
    return deleted > 0


def give_feedback(
    reader: Viewers, question_id: UUID, verdict: Verdict, comment: str = "", reason: Reason | None = None
) -> bool:
    """What the reader thinks of an answer of theirs, in place of what they said before. False when there is none.

    That something should not be visible to them is audited: the answer's context is in the audit too.
    """
    question = _own_questions(reader).filter(pk=question_id).first()
    if question is None:
        return False
    why = reason if reason and verdict == "down" else ""
    given = {"verdict": Feedback.Verdict(verdict), "comment": comment[:LONGEST_COMMENT], "reason": why}
    Feedback.objects.update_or_create(question=question, defaults=given)
    if why == "not_for_me":
        audit.record("answer.objected", user_id=reader.asker.user_id, details={"question": str(question_id)})
    return True


def _own_conversations(reader: Viewers) -> QuerySet[Conversation]:
    return Conversation.objects.filter(owner=reader.asker.user_id)


def _in_lines(conversations: QuerySet[Conversation]) -> QuerySet[Any]:
    asked = Question.objects.filter(conversation=OuterRef("pk"))
    first = asked.order_by("asked_at").values("text")[:1]
    last = asked.order_by("-asked_at").values("asked_at")[:1]
    return conversations.annotate(text=Subquery(first), asked_at=Coalesce(Subquery(last), "started_at"))


def _lines(conversations: QuerySet[Any]) -> list[ConversationLine]:
    told = conversations.values_list("pk", "title", "text", "started_at", "asked_at")
    return [
        ConversationLine(id=id, text=title or first or "", started_at=started_at, asked_at=asked_at)
        for id, title, first, started_at, asked_at in told
    ]


def _own_questions(reader: Viewers) -> QuerySet[Question]:
    return Question.objects.filter(conversation__owner=reader.asker.user_id)


def _with_answers(questions: QuerySet[Question]) -> list[Question]:
    sentences = Prefetch("sentences", AnswerSentence.objects.select_related("rows"))
    return list(
        questions.select_related("feedback", "left_out", "part_read", "holds_for", "general").prefetch_related(
            sentences, "sentences__evidence"
        )
    )


def _shown(reader: Viewers, questions: Sequence[Question]) -> list[ShownAnswer]:
    """The answers as they may be shown; the last statement is the check that releases them (P15)."""
    kept = _kept(questions)
    pairs = {_pair(each) for question in questions for each in _evidence(question.sentences.all())}
    written: list[RowEvidence | LeftOut | HoldsFor] = [*kept, *_left_out(questions), *_holding_for(questions)]
    pairs |= {pair for each in written for pair in _context(each)}
    passages = passages_holding(reader, pairs)
    tables = _rows_again(reader, kept, passages)
    states = shown(reader, lambda: holds_evidence(reader, pairs), _documents_that_changed)
    return [_answer(question, _Render(states, passages, tables)) for question in questions]


def _kept(questions: Sequence[Question]) -> list[RowEvidence]:
    sentences = [sentence for question in questions for sentence in question.sentences.all()]
    return [sentence.rows for sentence in sentences if hasattr(sentence, "rows")]


def _left_out(questions: Sequence[Question]) -> list[LeftOut]:
    return [question.left_out for question in questions if hasattr(question, "left_out")]


def _holding_for(questions: Sequence[Question]) -> list[HoldsFor]:
    return [question.holds_for for question in questions if hasattr(question, "holds_for")]


def _context(written: RowEvidence | LeftOut | HoldsFor) -> list[Pair]:
    return [(UUID(document), digest) for document, digest in written.context]


def _rows_again(reader: Viewers, kept: Sequence[RowEvidence], passages: dict[Pair, Hit]) -> dict[int, Table]:
    """By sentence, the rows of those that say what they said, for readers who hold the names they were asked under."""
    if not kept:
        return {}
    from gateway.databases import again  # only who has a database to ask loads what asks it

    evidence = [(each, {_pair(one) for one in each.sentence.evidence.all()}) for each in kept]
    found = again.asked_again(reader, evidence, passages)
    held = again.still_held(reader, found)
    return {sentence: each.table for sentence, each in found.items() if sentence in held}


def _documents_that_changed(states: States) -> set[UUID]:
    """Sentences that rest on these may be shown though no passage of theirs is."""
    return {document for (document, _), state in states.items() if state == "changed"}


class _Render:
    """What may be shown of one answer. Numbers are given in the order citations are first used."""

    def __init__(self, states: States, passages: dict[Pair, Hit], tables: dict[int, Table]) -> None:
        self._states = states
        self._passages = passages
        self._tables = tables
        self._numbers: dict[Pair, int] = {}

    def sentence(self, stored: AnswerSentence) -> ShownSentence:
        pairs = [_pair(each) for each in stored.evidence.all()]
        rows: RowEvidence | None = getattr(stored, "rows", None)
        state = self._state(pairs) if rows is None else self._state_of_rows(rows, pairs)
        told = rows is not None
        if state == "withheld":
            return ShownSentence(ordinal=stored.ordinal, text="", citations=(), state=state, of_rows=told)
        numbers = [self._number(pair) for pair in pairs if self._states[pair] == "held"]
        return ShownSentence(
            ordinal=stored.ordinal,
            text=stored.text,
            citations=tuple(dict.fromkeys(numbers)),
            state=state,
            table=self._tables.get(stored.pk),
            of_rows=told,
        )

    def whole(self, stored: AnswerSentence) -> Iterator[ShownSentence]:
        """The sentence, if all it rests on stands as it was; one that is not shown is given no number."""
        if self._state([_pair(each) for each in stored.evidence.all()]) == "shown":
            yield self.sentence(stored)

    def citations(self) -> tuple[Citation, ...]:
        """Marked as older versions of one another only: the check that released these released no other document."""
        hits = marked([self._passages[pair] for pair in self._numbers])
        return tuple(Citation(n=n, hit=hit) for n, hit in zip(self._numbers.values(), hits, strict=True))

    def left_out(self, stored: LeftOut | None) -> tuple[str, ...]:
        """Shown while all that its writer was given stands and may be read, and afterwards neither told nor counted."""
        whole = stored and self._state(_context(stored)) == "shown"
        return tuple(stored.sentences) if stored and whole else ()

    def holds_for(self, stored: HoldsFor | None) -> tuple[Kind, str] | None:
        """Told while the passage that says so, and the one that is for others, stand and may be read."""
        if stored is None or self._state(_context(stored)) != "shown":
            return None
        return cast(Kind, stored.kind), stored.name

    def _state(self, pairs: Sequence[Pair]) -> State:
        """A sentence needs every document it rests on, and the words of the passage unless they changed (P16)."""
        states = [self._states.get(pair) for pair in pairs]
        missing = any(state == "held" and pair not in self._passages for pair, state in zip(pairs, states, strict=True))
        if not pairs or None in states or missing:
            return "withheld"
        return "changed" if "changed" in states else "shown"

    def _state_of_rows(self, rows: RowEvidence, pairs: Sequence[Pair]) -> State:
        """Shown as it was, or not at all: rows that differ may be rows that this reader lost."""
        whole = all(self._state([pair]) == "shown" for pair in (*pairs, *_context(rows)))
        return "shown" if pairs and whole and rows.sentence_id in self._tables else "withheld"

    def _number(self, pair: Pair) -> int:
        return self._numbers.setdefault(pair, len(self._numbers) + 1)


def _answer(question: Question, render: _Render) -> ShownAnswer:
    sentences = tuple(render.sentence(stored) for stored in question.sentences.all())
    feedback: Feedback | None = getattr(question, "feedback", None)
    language = spoken(question.language)
    holds_for = render.holds_for(getattr(question, "holds_for", None))
    general = _general(question)
    return ShownAnswer(
        id=question.pk,
        conversation_id=question.conversation_id,
        question=question.text,
        asked_at=question.asked_at,
        status=question.status,
        language=question.language,
        model=question.model,
        sentences=sentences,
        citations=render.citations(),
        feedback=cast(Verdict, feedback.verdict) if feedback else None,
        task=question.task,
        notice=notices.told(cast("notices.Notice", question.notice), language, has_sentences=bool(sentences)),
        holds_for=holds_for,
        holds_for_text=situation.told(*holds_for, language) if holds_for else "",
        extent=_extent(question, sentences, language),
        missing=tuple(question.missing),
        missing_text=did_not_find(question.missing, language),
        general=general,
        general_message=notices.told_general(language) if general else "",
        left_out=render.left_out(getattr(question, "left_out", None)),
    )


def _extent(question: Question, sentences: Sequence[ShownSentence], language: str) -> str:
    """Told while a sentence of the document is: that says that it can be read (P14)."""
    part: PartRead | None = getattr(question, "part_read", None)
    shown = any(sentence.state != "withheld" for sentence in sentences)
    return notices.told_part(part.read, part.of, language) if part and shown else ""


def _general(question: Question) -> str:
    """Shown while an administrator allows it, and where nothing was found."""
    stored: GeneralParagraph | None = getattr(question, "general", None)
    allowed = settings.GENERAL_KNOWLEDGE and question.status == Question.Status.NOT_FOUND
    return stored.text if stored and allowed else ""


def _evidence(sentences: Iterable[AnswerSentence]) -> Iterable[Evidence]:
    return (each for sentence in sentences for each in sentence.evidence.all())


def _pair(evidence: Evidence) -> Pair:
    return evidence.document, evidence.digest

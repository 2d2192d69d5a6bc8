"""Every question of a folder put to the gateway as a person puts it, and its answers judged.

Whoever the settings name answers: a language model, or the extractive answerer. Beside it stands the plainest thing
that could be done, one sentence of the first passage.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from statistics import fmean
from time import perf_counter
from uuid import UUID, uuid4

from accounts.models import User
from accounts.reader import Reader
from connectors.corpus.search import Filters
from connectors.models import Source
from connectors.sentences import sentences
from gateway.answering import extractive, spending
from gateway.answering.asking import ask
from gateway.answering.events import Done, Failed, SentenceShown
from gateway.answering.following import EARLIER
from gateway.answering.recording import Asked
from gateway.answering.streaming import found
from gateway.answering.words import content_words
from gateway.evaluating.corpora import Corpus
from gateway.evaluating.expected import Expected
from gateway.evaluating.judging import auroc, details_missing, exact_match, is_verbatim, refused_at, token_f1
from gateway.evaluating.loading import load
from gateway.models import Conversation, Question

RATES = (0.5, 0.67, 0.8)  # of the unanswerable questions that are refused


@dataclass(frozen=True)
class Answered:
    """One question, how it was answered, and what was to be answered."""

    expected: Expected
    done: Done
    first: float  # seconds until the first sentence, or until it was said that there is none
    seconds: float
    evidence: float  # what the gateway goes by when it says "not found"
    plain: str  # the sentence of the first passage that has most of the question's words
    nearest: float  # token F1 of the best sentence of the first passage, chosen by who knows the answer


@dataclass(frozen=True)
class AnswerEvaluation:
    """Shares are 0..1; times in milliseconds."""

    corpus: str
    digest: str
    answerer: str
    questions: int
    with_history: bool
    readable: float  # share of the corpus that the person who asks may read
    statuses: dict[str, int]
    sentences: int
    verbatim: float
    details_missing: int  # sentences shown with a number or name that their passages do not have
    withheld: int
    citation_precision: float  # of the documents cited, those that were judged to answer
    citation_recall: float  # of the answered questions with a judgment, those whose answer cites such a document
    answerable: int
    unanswerable: int
    auroc: float
    refused: dict[str, float]  # of the answerable and the unanswerable questions
    refused_at: dict[str, float]  # answerable ones refused where so many of the unanswerable are
    f1: float  # of the answerable, a refusal counts 0
    f1_answered: float
    exact: float
    f1_plain: float
    f1_nearest: float
    first_p50: float
    first_p95: float
    total_p50: float
    model_calls: int  # of language models, for all questions together
    model_tokens: int  # they read and wrote
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    wrong: list[dict[str, object]] = field(default_factory=list)

    def as_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    def as_table(self) -> str:
        history = ", each after the questions before it" if self.with_history else ""
        told = ", ".join(f"{count:,} {status}" for status, count in sorted(self.statuses.items()))
        at = ", ".join(f"{share:.0%} at {rate}" for rate, share in self.refused_at.items())
        asked = f"{self.answerable:,} and {self.unanswerable:,}"
        figures = (
            ("sentences shown", f"{self.sentences:,}"),
            ("  word for word in a cited passage", f"{self.verbatim:.1%}"),
            ("  with a number or name not in one", f"{self.details_missing:,}"),
            ("sentences withheld", f"{self.withheld:,}"),
            ("cited documents that answer", f"{self.citation_precision:.3f}"),
            ("answers that cite one that answers", f"{self.citation_recall:.3f}"),
            ("answerable or not, AUROC", f"{self.auroc:.3f}  ({asked})"),
            ("  refused, of the answerable", f"{self.refused['answerable']:.1%}"),
            ("  refused, of the unanswerable", f"{self.refused['unanswerable']:.1%}"),
            ("  answerable refused, unanswerable", at),
            ("token F1, answerable", f"{self.f1:.3f}  (of those answered {self.f1_answered:.3f})"),
            ("  one sentence of the first passage", f"{self.f1_plain:.3f}  (if one knew which {self.f1_nearest:.3f})"),
            ("exact match", f"{self.exact:.3f}"),
            ("first sentence, ms", f"{self.first_p50:.0f} at the median, p95 {self.first_p95:.0f}"),
            ("whole answer, ms", f"{self.total_p50:.0f}"),
            ("calls of language models", f"{self.model_calls:,}"),
            ("  tokens a question", f"{self.model_tokens / max(self.questions, 1):,.0f}"),
        )
        who = "" if self.readable == 1 else f" for somebody who reads {self.readable:.0%}"
        head = f"{self.corpus}: {self.questions:,} questions answered by {self.answerer}{who}{history}: {told}"
        lines = [head, "", *(f"  {name:38} {value}" for name, value in figures)]
        return "\n".join(lines)


def evaluate_answers(
    corpus: Corpus, expected: Sequence[Expected], *, with_history: bool, readable: float = 1.0
) -> AnswerEvaluation:
    """Ask every question as a person who may read so much of the corpus, and judge. What no document answers that they
    may read cannot be answered."""
    _say(f"Loading {len(corpus.texts):,} documents. The first time takes long: they are embedded.")
    loaded = load(corpus, readable=readable)
    answered = []
    calls, tokens = spending.in_all()
    for number, each in enumerate(expected, start=1):
        asked = _as_read(each, loaded.ids)
        answered.append(_answered(loaded.part, loaded.source, asked, with_history=with_history))
        if number % 100 == 0:
            _say(f"{number:,} of {len(expected):,} questions asked.")
    calls_now, tokens_now = spending.in_all()
    return _judged(
        corpus,
        answered,
        with_history=with_history,
        readable=readable,
        model_calls=calls_now - calls,
        model_tokens=tokens_now - tokens,
    )


def _as_read(expected: Expected, ids: Collection[str]) -> Expected:
    """The same for somebody who may read these documents."""
    question = expected.question
    gains = {id: gain for id, gain in question.gains.items() if id in ids}
    hidden = bool(question.gains) and not gains
    return replace(
        expected,
        question=replace(question, gains=gains),
        answerable=False if hidden else expected.answerable,
    )


def _answered(reader: Reader, source: Source, expected: Expected, *, with_history: bool) -> Answered:
    history = expected.question.history if with_history else ()
    conversation = _conversation(reader, history[::2]) if history else None
    only = Filters(sources=(source.key,))
    done, first, seconds = asyncio.run(_asked(reader, expected.question.text, conversation, only))
    asked = as_asked(reader, expected.question.text, history[::2])
    hits = found(asked, asked.earlier, only)
    right = expected.answers
    spoken = [hits[0].text[start:end] for start, end in sentences(hits[0].text)] if hits else []
    return Answered(
        expected=expected,
        done=done,
        first=first,
        seconds=seconds,
        evidence=extractive.certainty(asked, hits),
        plain=_plain(expected.question.text, spoken),
        nearest=max((token_f1(sentence, right) for sentence in spoken), default=0.0),
    )


def _conversation(reader: Reader, earlier: Sequence[str]) -> UUID:
    """With these questions in it. What was answered to them elsewhere is not ours, and is not used."""
    conversation = Conversation.objects.create(owner_id=reader.user_id)
    for text in earlier:
        Question.objects.create(conversation=conversation, text=text, door="evaluation")
    return conversation.pk


async def _asked(reader: Reader, text: str, conversation: UUID | None, only: Filters) -> tuple[Done, float, float]:
    began = perf_counter()
    first = 0.0
    async with aclosing(ask(reader, text, conversation=conversation, filters=only, door="evaluation")) as events:
        async for event in events:
            if isinstance(event, SentenceShown | Done):
                first = first or perf_counter() - began
            if isinstance(event, Failed):
                raise RuntimeError(event.message)
            if isinstance(event, Done):
                return event, first, perf_counter() - began
    raise RuntimeError("An answer ended early.")


def as_asked(reader: Reader, text: str, earlier: Sequence[str] = ()) -> Asked:
    """As if it had been put; nothing is stored."""
    return Asked(
        question_id=uuid4(),
        conversation_id=uuid4(),
        text=text,
        earlier=tuple(earlier[-EARLIER:]),
        reader=reader,
        person=User.objects.get(pk=reader.user_id),
        door="evaluation",
    )


def _plain(question: str, spoken: Sequence[str]) -> str:
    words = set(content_words(question))
    return max(spoken, key=lambda sentence: len(words & set(content_words(sentence))), default="")


def _judged(
    corpus: Corpus,
    answered: Sequence[Answered],
    *,
    with_history: bool,
    readable: float,
    model_calls: int,
    model_tokens: int,
) -> AnswerEvaluation:
    yes = [each for each in answered if each.expected.answerable]
    no = [each for each in answered if each.expected.answerable is False]
    shown = [
        (each, sentence, _passages(each.done, sentence.citations))
        for each in answered
        for sentence in each.done.sentences
    ]
    lacking = [(each, s.text, missing) for each, s, texts in shown if (missing := details_missing(s.text, texts))]
    precise, recalled = _citations(answered)
    f1 = [token_f1(_text(each.done), each.expected.answers) for each in yes]
    said = [value for value, each in zip(f1, yes, strict=True) if each.done.sentences]
    firsts, totals = sorted(each.first for each in answered), sorted(each.seconds for each in answered)
    evidence_of = ([each.evidence for each in yes], [each.evidence for each in no])
    return AnswerEvaluation(
        corpus=corpus.name,
        digest=corpus.digest,
        answerer=Counter(each.done.model for each in answered).most_common(1)[0][0],
        questions=len(answered),
        with_history=with_history,
        readable=readable,
        statuses=dict(Counter(each.done.status for each in answered)),
        sentences=len(shown),
        verbatim=_mean([is_verbatim(sentence.text, texts) for _, sentence, texts in shown]),
        details_missing=len(lacking),
        withheld=sum(each.done.withheld for each in answered),
        citation_precision=precise,
        citation_recall=recalled,
        answerable=len(yes),
        unanswerable=len(no),
        auroc=auroc(*evidence_of),
        refused={"answerable": _refused(yes), "unanswerable": _refused(no)},
        refused_at={f"{rate:.0%}": refused_at(*evidence_of, rate) for rate in RATES},
        f1=_mean(f1),
        f1_answered=_mean(said),
        exact=_mean([exact_match(_text(each.done), each.expected.answers) for each in yes]),
        f1_plain=_mean([token_f1(each.plain, each.expected.answers) for each in yes]),
        f1_nearest=_mean([each.nearest for each in yes]),
        first_p50=_at(firsts, 0.5),
        first_p95=_at(firsts, 0.95),
        total_p50=_at(totals, 0.5),
        model_calls=model_calls,
        model_tokens=model_tokens,
        wrong=[
            {"question": each.expected.question.text, "sentence": text, "missing": lost} for each, text, lost in lacking
        ],
    )


def _passages(done: Done, numbers: Sequence[int]) -> list[str]:
    """What the cited passages say, with their titles and headings."""
    cited = {citation.n: citation.hit for citation in done.citations}
    return [f"{hit.title}\n{hit.heading}\n{hit.text}" for n in numbers if (hit := cited.get(n))]


def _citations(answered: Sequence[Answered]) -> tuple[float, float]:
    judged = [each for each in answered if each.expected.question.gains and each.done.sentences]
    cited = [
        ({citation.hit.external_id for citation in each.done.citations}, each.expected.question.gains)
        for each in judged
    ]
    return (
        _mean([len(documents & gains.keys()) / len(documents) for documents, gains in cited if documents]),
        _mean([bool(documents & gains.keys()) for documents, gains in cited]),
    )


def _text(done: Done) -> str:
    return " ".join(sentence.text for sentence in done.sentences)


def _refused(answered: Sequence[Answered]) -> float:
    return _mean([not each.done.sentences for each in answered])


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0


def _at(seconds: Sequence[float], share: float) -> float:
    return seconds[int((len(seconds) - 1) * share)] * 1000 if seconds else 0.0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

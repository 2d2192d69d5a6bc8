"""Asking: what every door calls with a reader and a question."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from uuid import UUID

from django.db import DatabaseError

from accounts.reader import Viewers
from connectors.corpus.search import NO_FILTERS, Filters
from gateway import pausing
from gateway.answering import phrases, recording
from gateway.answering.events import Done, Event, Failed
from gateway.answering.recording import ConversationUnknown
from gateway.answering.streaming import ANSWERING, Stream, Work
from gateway.answering.threads import in_thread
from gateway.models import Question

__all__ = ["AnswerFailed", "ConversationUnknown", "QuestionInvalid", "answer", "ask"]

log = logging.getLogger("gatehouse.answering")

LONGEST_QUESTION = 8_000  # characters


class QuestionInvalid(Exception):
    """The question is empty or too long."""

    code = "question_invalid"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class AnswerFailed(Exception):
    """The answer could not be finished."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


async def ask(
    reader: Viewers,
    question: str,
    *,
    conversation: UUID | None = None,
    filters: Filters = NO_FILTERS,
    door: str,
    work: Work = ANSWERING,
) -> AsyncGenerator[Event, None]:
    """The answer as it comes: `Retrieved`, then sentences after their citations, then `Done` or `Failed`.

    It is made of what the reader may read; for an audience, of what each of them may (P10). `work`: what is to be done
    instead of answering it.

    Raises `QuestionInvalid` or `ConversationUnknown` before the first event. Closing the iterator ends
    the call to the model; what was shown until then is kept.
    """
    text = _valid(question)
    await pausing.at("resolve")
    asked = await in_thread(recording.begin, reader, text, conversation, door, work.task)
    stream = Stream(asked, work)
    try:
        async with aclosing(stream.events(filters)) as events:
            async for event in events:
                yield event
    except DatabaseError:
        log.exception("An answer ended because the database did.")
        yield Failed(code="unavailable", message="The service is not available just now. Please try again.")
    finally:
        if not stream.stored:
            with suppress(DatabaseError):
                await asyncio.shield(in_thread(stream.store, Question.Status.STOPPED))


async def answer(
    reader: Viewers,
    question: str,
    *,
    conversation: UUID | None = None,
    filters: Filters = NO_FILTERS,
    door: str,
    work: Work = ANSWERING,
) -> Done:
    """The whole answer at once, its citations numbered from 1. Raises `AnswerFailed` besides what `ask` raises."""
    asking = ask(reader, question, conversation=conversation, filters=filters, door=door, work=work)
    async with aclosing(asking) as events:
        async for event in events:
            if isinstance(event, Failed):
                raise AnswerFailed(event.code, event.message)
            if isinstance(event, Done):
                return phrases.renumbered(event)
    raise AnswerFailed("unavailable", "The answer ended early. Please try again.")


def _valid(question: str) -> str:
    text = question.replace("\0", " ").strip()
    if not text:
        raise QuestionInvalid("Please write a question.")
    if len(text) > LONGEST_QUESTION:
        raise QuestionInvalid(f"Please keep the question under {LONGEST_QUESTION} characters.")
    return text

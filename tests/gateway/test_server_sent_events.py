"""A stream shows that it lives, ends what it started, and tells of failures in words."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest

from gateway.answering import streaming
from gateway.answering.events import Done, Event, Failed, Retrieved, Sentence, SentenceShown, Silence, Withdrawn
from gateway.portal.streaming import shown
from gateway.server_sent_events import ALIVE, frame, frames, streamed

FIRST = Retrieved(question_id=uuid4(), conversation_id=uuid4())
SECOND = Withdrawn(ordinal=1)


class Answer:
    """Events at given distances in seconds; remembers whether it was closed."""

    def __init__(self, *pauses: float, failure: Exception | None = None) -> None:
        self.pauses = pauses
        self.failure = failure
        self.closed = False
        self.given = 0

    async def events(self) -> AsyncGenerator[Event, None]:
        try:
            yield FIRST
            for pause in self.pauses:
                await asyncio.sleep(pause)
                self.given += 1
                yield SECOND
            if self.failure:
                raise self.failure
        finally:
            self.closed = True


async def chunks(answer: Answer) -> list[bytes]:
    response: Any = await streamed(answer.events())
    return [chunk async for chunk in response]


async def test_events_come_in_their_order() -> None:
    answer = Answer(0, 0)
    assert await chunks(answer) == [frame(FIRST), frame(SECOND), frame(SECOND)]
    assert answer.closed


async def test_a_silent_answer_has_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "SILENCE", 0.02)
    queue: asyncio.Queue[Any] = asyncio.Queue()
    told: list[Any] = []
    async for item in streaming._coming(queue):
        told.append(item)
        if len(told) == 3:
            queue.put_nowait("a sentence")
            queue.put_nowait(None)
    assert told == [None, None, None, "a sentence"]
    assert frame(Silence()) == ALIVE
    assert ALIVE.startswith(b":")


async def test_a_failure_ends_the_stream_in_words_and_not_in_its_own(caplog: pytest.LogCaptureFixture) -> None:
    answer = Answer(0, failure=RuntimeError("the canary"))
    last = (await chunks(answer))[-1]
    assert last.startswith(b"event: error\n")
    assert b"internal_error" in last
    assert b"canary" not in last
    assert "the canary" in caplog.text
    assert answer.closed


async def test_nothing_is_made_before_what_was_made_is_taken() -> None:
    answer = Answer(0, 0, 0)
    response: Any = await streamed(answer.events())
    stream = aiter(response)
    await anext(stream)
    await anext(stream)
    await asyncio.sleep(0.02)
    assert answer.given == 1


@pytest.mark.parametrize("silent", [True, False])
async def test_a_reader_who_leaves_ends_the_answer(silent: bool) -> None:
    answer = Answer(60 if silent else 0, 60)
    response: Any = await streamed(answer.events())

    async def read() -> None:
        async for _ in response:
            pass

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.02)
    reading.cancel()
    await asyncio.wait({reading})
    assert answer.closed


async def test_closing_the_stream_closes_the_answer() -> None:
    answer = Answer(0, 60)
    events = answer.events()
    stream = frames(await anext(events), events)
    await anext(stream)
    await anext(stream)
    assert not answer.closed
    await stream.aclose()
    assert answer.closed


def test_a_frame_is_one_event_whatever_its_text_holds() -> None:
    sentence = SentenceShown(sentence=Sentence(ordinal=1, text="Two lines\n\nof “text”.", citations=(1,)))
    name, data = frame(sentence).decode().removesuffix("\n\n").split("\n")
    assert name == "event: sentence"
    assert json.loads(data.removeprefix("data: "))["text"] == sentence.sentence.text


def test_the_page_is_told_where_the_answer_is_kept() -> None:
    done = Done(question_id=uuid4(), conversation_id=uuid4(), status="not_found", answer="")
    data = json.loads(frame(done, shown).decode().split("data: ")[1])
    assert data["page"] == f"/questions/{done.question_id}/"
    assert data["feedback"] == f"/questions/{done.question_id}/feedback/"


def test_an_error_carries_its_sentence() -> None:
    data = json.loads(frame(Failed(code="model_away", message="Ask again.")).decode().split("data: ")[1])
    assert data == {"error": {"code": "model_away", "message": "Ask again."}}

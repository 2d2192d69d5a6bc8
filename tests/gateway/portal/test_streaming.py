"""Events become frames that a script can read, and silence is filled."""

import asyncio
import json
from collections.abc import AsyncGenerator
from uuid import UUID

import pytest

from gateway.answering.events import Done, Event, Failed, Retrieved, Sentence, SentenceShown
from gateway.portal import streaming
from gateway.portal.streaming import ALIVE, frame, frames

ID = UUID("6f1c2a8e-0000-4000-8000-000000000001")
FIRST = Retrieved(question_id=ID, conversation_id=ID)
SHOWN = SentenceShown(sentence=Sentence(ordinal=0, text="Two lines\n\nof “text”.", citations=(1,)))


async def answering(*events: Event, after: float = 0.0) -> AsyncGenerator[Event, None]:
    for event in events:
        await asyncio.sleep(after)
        yield event


async def test_events_come_in_order_one_frame_each() -> None:
    collected = [part async for part in frames(FIRST, answering(SHOWN))]
    assert collected == [frame(FIRST), frame(SHOWN)]


async def test_a_long_silence_is_filled_with_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT", 0.02)
    collected = [part async for part in frames(FIRST, answering(SHOWN, after=0.07))]
    assert collected[0] == frame(FIRST)
    assert collected[-1] == frame(SHOWN)
    assert len(collected) > 3
    assert set(collected[1:-1]) == {ALIVE}


async def test_a_reader_who_leaves_ends_the_answer() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[Event, None]:
        try:
            yield SHOWN
            await asyncio.sleep(60)
        finally:
            closed.set()

    stream = frames(FIRST, endless())
    assert [await anext(stream), await anext(stream)] == [frame(FIRST), frame(SHOWN)]
    await stream.aclose()
    assert closed.is_set()


async def test_a_failure_ends_in_a_sentence_without_its_cause() -> None:
    async def breaking() -> AsyncGenerator[Event, None]:
        yield SHOWN
        raise RuntimeError("secret cause")

    last = [part async for part in frames(FIRST, breaking())][-1]
    assert last.startswith(b"event: error\n")
    assert b"secret cause" not in last


def test_a_frame_is_one_event_whatever_its_text_holds() -> None:
    name, data = frame(SHOWN).decode().removesuffix("\n\n").split("\n")
    assert name == "event: sentence"
    assert json.loads(data.removeprefix("data: "))["text"] == SHOWN.sentence.text


def test_the_end_says_where_the_answer_is_kept() -> None:
    done = Done(question_id=ID, conversation_id=ID, status="not_found", answer="")
    data = json.loads(frame(done).decode().split("data: ")[1])
    assert data["page"] == f"/questions/{ID}/"
    assert data["feedback"] == f"/questions/{ID}/feedback/"


def test_an_error_carries_its_sentence() -> None:
    data = json.loads(frame(Failed(code="model_away", message="Ask again.")).decode().split("data: ")[1])
    assert data == {"error": {"code": "model_away", "message": "Ask again."}}

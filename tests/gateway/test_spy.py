"""Every way in which a model may fail or mislead, through `ask`, over real HTTP to the spy that ships."""

import asyncio
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from django.conf import settings
from pytest_django import Settings

from accounts.reader import Reader
from gateway.answering import circuits, model
from gateway.answering.asking import ask
from gateway.answering.events import CitationShown, Done, Event, Retrieved, SentenceShown
from gateway.answering.model import Message
from gateway.answering.providers import Provider
from gateway.answering.threads import in_thread
from gateway.spy.modes import MODES
from gateway.spy.server import Spy
from tests.gateway.library import LEAVE, TRAVEL, Library

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("_fresh_circuits")]

WEEKS = "How many weeks of parental leave do employees in Germany receive?"
CANARY = "CANARY-7731: parental leave in Germany ends."
CLOCK = (2.0, 2.0, 2.0, 8.0)  # seconds: to connect, to the first token, between tokens, in all
PATIENT = (5.0, 30.0, 30.0, 30.0)
ROOM = 15.0  # seconds for all else, on a machine that is busy
# Of these nothing can be used, and the answer is made without a model.
NOTHING_SAID = (
    *("refuse", "hang", "hang_later", "drip", "rate_limited", "error", "invalid_json", "wrong_type", "empty"),
    *("huge", "packed", "garbled", "tool_call"),
)
AT_ONCE = ("rate_limited", "error", "invalid_json", "wrong_type", "empty", "garbled", "tool_call")
BREAK_OFF = ("stall", "reset")
GO_ON_FOR_EVER = ("endless", "endless_sentence")
MISLEAD = ("role", "echo", "obey")
LARGE = ("huge", "packed", "endless", "endless_sentence")
_warm: list[bool] = []
MOST_MEMORY = 48_000_000  # bytes, where what is sent is 50 MB or endless


@pytest.fixture
def _fresh_circuits() -> Iterator[None]:
    circuits.forget_all()
    yield
    circuits.forget_all()


@contextmanager
def spying(settings: Settings, mode: str, clock: tuple[float, ...] = CLOCK) -> Iterator[Spy]:
    with Spy(mode).running() as spy:
        settings.LLM_BASE_URL, settings.LLM_MODEL, settings.LLM_CLOCK = spy.url, "spy", clock
        yield spy


async def ann_with_leave() -> Reader:
    await warmed()
    library = await in_thread(Library)
    ann = await in_thread(library.person, "ann", country="Germany")
    await in_thread(library.person, "bob")
    await in_thread(library.put, "leave", LEAVE, readers=("ann",), title="Parental leave")
    await in_thread(library.put, "board", CANARY, readers=("bob",), title="Board memo")
    return ann


async def warmed() -> None:
    """What a process loads with its first call is not counted to the model."""
    if not _warm:
        with Spy("answer").running() as spy:
            provider = Provider(base_url=spy.url, model="answer")
            async for _ in model.tokens(provider, [Message("user", "Hello")], model.deadline()):
                _warm.append(True)


async def asked(reader: Reader, question: str = WEEKS) -> tuple[list[Event], Done]:
    """What the reader is told, and its end, which comes within the model's clock."""
    began = 0.0
    events: list[Event] = []
    async for event in ask(reader, question, door="test"):
        events.append(event)
        if isinstance(event, Retrieved):
            began = time.monotonic()
    assert time.monotonic() - began < settings.LLM_CLOCK[-1] + ROOM
    done = events[-1]
    assert isinstance(done, Done)
    return events, done


def nothing_unverified(events: list[Event]) -> None:
    """Each sentence is one of the passages', and nothing leads anywhere but to the document."""
    assert "CANARY" not in repr(events)
    assert "evil.example" not in repr([event.as_json() for event in events])
    for event in events:
        if isinstance(event, SentenceShown):
            assert not set("<>[]!") & set(event.sentence.text)
            assert event.sentence.text.rstrip(".") in f"{LEAVE} Parental leave"
        if isinstance(event, CitationShown):
            assert event.citation.hit.external_id == "leave"


def test_every_mode_has_a_test() -> None:
    assert {*NOTHING_SAID, *BREAK_OFF, *GO_ON_FOR_EVER, *MISLEAD, "answer"} == MODES.keys()


async def test_the_spy_that_behaves_is_believed(settings: Settings) -> None:
    ann = await ann_with_leave()
    with spying(settings, "answer"):
        events, done = await asked(ann)
    assert (done.status, done.model, done.notice) == ("answered", "spy", "")
    assert done.answer == "Employees in Germany receive 26 weeks of parental leave at full pay. [1]"
    nothing_unverified(events)


@pytest.mark.parametrize("mode", NOTHING_SAID)
async def test_a_model_that_says_nothing_of_use_is_replaced_and_the_reader_is_told(
    mode: str, settings: Settings
) -> None:
    ann = await ann_with_leave()
    with spying(settings, mode) as spy:
        events, done = await asked(ann)
    assert (done.status, done.model, done.notice) == ("answered", "extractive", "model_unavailable")
    assert done.notice_text.startswith("The language model did not answer. These sentences are picked")
    assert done.as_json()["notice"] == {"code": "model_unavailable", "message": done.notice_text}
    assert done.sentences
    assert len(spy.calls) <= 2
    if mode in AT_ONCE:
        assert len(spy.calls) == (1 if mode == "rate_limited" else 2)  # who asks to wait long is not asked again
    nothing_unverified(events)


@pytest.mark.parametrize("mode", BREAK_OFF)
async def test_what_was_said_before_a_model_broke_off_stays_and_is_called_a_part(mode: str, settings: Settings) -> None:
    ann = await ann_with_leave()
    with spying(settings, mode) as spy:
        events, done = await asked(ann)
    assert (done.status, done.model, len(done.sentences)) == ("partial", "spy", 1)
    assert len(spy.calls) == 1
    nothing_unverified(events)


@pytest.mark.parametrize("mode", GO_ON_FOR_EVER)
async def test_a_model_that_never_ends_is_cut_off_and_says_nothing_twice(mode: str, settings: Settings) -> None:
    ann = await ann_with_leave()
    with spying(settings, mode, PATIENT) as spy:
        events, done = await asked(ann)
        assert await asyncio.to_thread(spy.calls[0].left.wait, 5)
    assert len(done.sentences) == 1
    assert (done.status, done.model) == (("partial", "spy") if mode == "endless" else ("answered", "extractive"))
    nothing_unverified(events)


@pytest.mark.parametrize("mode", MISLEAD)
async def test_a_model_that_misleads_gets_nothing_through(mode: str, settings: Settings) -> None:
    ann = await ann_with_leave()
    with spying(settings, mode) as spy:
        events, done = await asked(ann)
    assert "CANARY" not in repr(spy.prompts)
    assert bool(done.sentences) == (mode != "role")
    nothing_unverified(events)


@pytest.mark.parametrize("mode", LARGE)
async def test_what_a_model_sends_without_end_is_not_kept(mode: str, settings: Settings) -> None:
    ann = await ann_with_leave()
    with spying(settings, "answer"):
        await asked(ann)  # everything is loaded
    with spying(settings, mode, PATIENT):  # it is not the clock that saves us
        tracemalloc.start()
        try:
            await asked(ann)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < MOST_MEMORY


async def test_the_spy_takes_the_mode_a_request_names_and_nothing_but_chats(settings: Settings) -> None:
    with Spy("hang").running() as spy:
        async with httpx.AsyncClient(base_url=spy.url) as client:
            body = {"model": "empty", "messages": [{"role": "user", "content": "x"}], "stream": True}
            assert (await client.post("/chat/completions", json=body)).text == "data: [DONE]\n\n"
            assert (await client.get("/models")).status_code == 404
    assert spy.prompts == ["x"]


async def test_another_language_is_told_in_its_own_words(settings: Settings) -> None:
    library = await in_thread(Library)
    carla = await in_thread(library.person, "carla", language="pt")
    await in_thread(library.put, "travel", TRAVEL, readers=("carla",), title="Travel")
    with spying(settings, "error"):
        _, done = await asked(carla, "What may a hotel room in Lisbon cost?")
    assert done.notice_text.startswith("O modelo de linguagem não respondeu. Estas frases")

"""Calls of language models under our own clock: as a stream, and as a whole text.

Nothing here checks rights: who calls has cleared what the messages hold. No database connection is held while a model
is awaited.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, TypeVar

from django.conf import settings

from gateway.answering import sending, spending
from gateway.answering.circuits import Circuit, circuit_of
from gateway.answering.counting import tokens_of
from gateway.answering.providers import CutOff, GoesOn, KeptFromModel, ModelUnavailable, Provider, Use, providers
from gateway.answering.threads import in_thread

__all__ = [
    "Clock",
    "Message",
    "ModelUnavailable",
    "clock",
    "completed",
    "deadline",
    "name",
    "tokens",
    "warm_up",
    "worth_another",
]

log = logging.getLogger("gatehouse.models")

T = TypeVar("T")
LONGEST_ANSWER = 20_000  # characters
LONGEST_WAIT = 2.0  # seconds that a provider may ask for before the second try; who asks for more is not asked again
ATTEMPTS = 2  # at one model, before its first token


@dataclass(frozen=True)
class Clock:
    """How long a model may take, in seconds. Its own library's timeouts are not relied upon."""

    connect: float = 3.0
    first: float = 15.0
    between: float = 10.0
    total: float = 60.0


@dataclass(frozen=True)
class Message:
    """What a model is told, and by whom."""

    role: Literal["system", "user", "assistant"]
    text: str


Prompt = Callable[[str], Awaitable[Sequence[Message]]]


def clock() -> Clock:
    """As the settings say."""
    return Clock(*settings.LLM_CLOCK)


def deadline() -> float:
    """When all calls for one purpose that begins now must have ended, by the loop's clock."""
    return asyncio.get_running_loop().time() + clock().total


def name() -> str:
    """What answers are labelled with; "" when no model is configured."""
    chosen = providers("answer")
    return chosen[0].name if chosen else ""


def warm_up() -> None:
    """Load what the first call would wait for, some seconds of it, where there is a model to call."""
    if providers("answer"):
        import_module("gateway.answering.llama").load()
        tokens_of("")


async def completed(
    messages: Sequence[Message] | Prompt,
    *,
    use: Use,
    sources: Collection[str] = (),
    user_id: int | None = None,
    seconds: float = float("inf"),
) -> str:
    """All that a model says to these messages, without blanks around it. Raises `ModelUnavailable`.

    `messages`: where they hold what may be lost, a function that is told whom it goes to, checks and notes what it
    holds, and is called for each call anew.
    `sources`: the keys of all sources whose text the messages hold, for what they may be sent to; `user_id`: whose
    budget it counts against, besides the organisation's; `seconds`: all that it may take, where that is less than the
    settings allow. The text is whatever the model made up: check it.
    """
    until = min(deadline(), asyncio.get_running_loop().time() + seconds)
    policies = await in_thread(sending.policies_of, sources)
    problem: ModelUnavailable = KeptFromModel("No model may be sent what this call is about.")
    for provider in providers(use):
        if not all(provider.may_see(policy) for policy in policies.values()):
            continue
        for attempt in range(1, ATTEMPTS + 1):
            try:
                told = await messages(provider.name) if callable(messages) else messages
                async with aclosing(tokens(provider, told, until, user_id)) as pieces:
                    return "".join([piece async for piece in pieces]).strip()
            except ModelUnavailable as error:
                problem = error
            if not await worth_another(problem, attempt, until):
                break
    raise problem


async def worth_another(error: ModelUnavailable, attempt: int, until: float) -> bool:
    """Whether the same model is asked once more, after the pause this takes.

    It is if it had said nothing, may do better a moment later, and asks for no long wait.
    """
    wait = error.wait or 0.05 + secrets.randbelow(200) / 1_000  # not all who failed together, together again
    time_left = until - asyncio.get_running_loop().time()
    if attempt >= ATTEMPTS or error.begun or not error.again or wait > min(LONGEST_WAIT, time_left):
        return False
    await asyncio.sleep(wait)
    return True


async def tokens(
    provider: Provider, messages: Sequence[Message], until: float, user_id: int | None = None
) -> AsyncGenerator[str, None]:
    """One call: the model's text as it comes, until `until` of the loop's clock. Raises `ModelUnavailable`.

    Closing the iterator closes the connection to the model. What the call costs is counted, whatever becomes of it.
    """
    try:
        with circuit_of(provider).calling():
            asked = await asyncio.to_thread(_tokens_of_all, messages)
            bill = await in_thread(spending.reserve, user_id, asked)
            try:
                async with aclosing(_said(provider, messages, until, bill)) as pieces:
                    async for piece in pieces:
                        yield piece
            finally:
                await asyncio.shield(in_thread(spending.settle, bill))
    except ModelUnavailable as error:
        log.warning("The language model %s gave no whole answer. %s", provider.name, error)
        raise


async def _said(
    provider: Provider, messages: Sequence[Message], until: float, bill: spending.Bill
) -> AsyncGenerator[str, None]:
    times = clock()
    llama = await asyncio.to_thread(import_module, "gateway.answering.llama")
    async with llama.opened(provider, times) as llm:
        pace = Pace(times, until, circuit_of(provider))
        cut_off = False
        stream = await pace.waited(llm.astream_chat(llama.as_chat(messages)))
        try:
            while len(bill.said) < LONGEST_ANSWER:
                chunk = await pace.waited(anext(stream))
                bill.told(chunk.additional_kwargs)
                cut_off = cut_off or llama.is_cut_off(chunk)
                delta = (chunk.delta or "")[: LONGEST_ANSWER - len(bill.said)]
                if delta or chunk.additional_kwargs.get("thinking_delta"):
                    pace.heard()
                if delta:
                    bill.said += delta
                    yield delta
                    pace.went_on()
            raise GoesOn("It did not come to an end.")
        except StopAsyncIteration:
            pass
        except ModelUnavailable as error:
            error.begun = error.begun or bool(bill.said)
            raise
        finally:
            await stream.aclose()
    if not bill.said.strip():
        raise ModelUnavailable("Its answer was empty.")
    if cut_off:
        raise CutOff("Its answer was cut off by its server.")


class Pace:
    """How long the next piece of an answer is waited for."""

    def __init__(self, times: Clock, until: float, circuit: Circuit) -> None:
        self.times, self.until, self.circuit = times, until, circuit
        self.loop = asyncio.get_running_loop()
        self.last = self.loop.time()
        self.begun = False

    def heard(self) -> None:
        """Something came."""
        now = self.loop.time()
        if not self.begun:
            self.circuit.first_token(now - self.last)
        self.begun, self.last = True, now

    def went_on(self) -> None:
        """What came was looked at meanwhile: that time is not the model's."""
        self.last = self.loop.time()

    async def waited(self, step: Awaitable[T]) -> T:
        """What this gives, in time. Raises `ModelUnavailable`, and `StopAsyncIteration` at the end."""
        patience = self.times.between if self.begun else self.times.first
        try:
            return await asyncio.wait_for(step, min(self.last + patience, self.until) - self.loop.time())
        except StopAsyncIteration:
            raise
        except TimeoutError:
            raise ModelUnavailable("It took too long.") from None
        except Exception as error:  # a model is a plug-in: whatever it raises means that it did not answer
            raise ModelUnavailable.by(error) from None


def _tokens_of_all(messages: Sequence[Message]) -> int:
    return sum(tokens_of(message.text) for message in messages)

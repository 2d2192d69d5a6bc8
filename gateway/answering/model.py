"""The language model the settings name, and its stream under our own clock."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:  # importing llama-index costs a second and a half: only who uses a model pays
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.llms import LLM

T = TypeVar("T")
LONGEST_ANSWER = 20_000  # characters
CONTEXT_WINDOW = 32_000  # tokens, told to llama-index; the prompt is far smaller


class ModelUnavailable(Exception):
    """The model did not answer, or stopped answering; `begun`: after its first token."""

    begun = False


@dataclass(frozen=True)
class Clock:
    """How long a model may take, in seconds. Its own library's timeouts are not relied upon."""

    connect: float = 3.0
    first: float = 15.0
    between: float = 10.0
    total: float = 60.0


CLOCK = Clock()


def name() -> str:
    """What answers are labelled with; "" when no model is configured."""
    if not (settings.LLM_BASE_URL or settings.LLM_CLASS):
        return ""
    return str(settings.LLM_MODEL or settings.LLM_CLASS or "model")


async def tokens(messages: "Sequence[ChatMessage]", deadline: float, clock: Clock = CLOCK) -> AsyncGenerator[str, None]:
    """The model's text as it comes, until `deadline` of the loop's clock. Raises `ModelUnavailable`.

    Closing the iterator closes the connection to the model.
    """
    length = 0
    patience = clock.first
    async with _opened(clock) as llm:
        stream = await _in_time(llm.astream_chat(messages), patience, deadline)
        try:
            while length < LONGEST_ANSWER:
                chunk = await _in_time(anext(stream), patience, deadline)
                if delta := chunk.delta:
                    length += len(delta)
                    patience = clock.between
                    yield delta
        except StopAsyncIteration:
            return
        except ModelUnavailable as error:
            error.begun = length > 0
            raise
        finally:
            await cast("AsyncGenerator[object, None]", stream).aclose()


async def _in_time(step: Awaitable[T], patience: float, deadline: float) -> T:
    remaining = deadline - asyncio.get_running_loop().time()
    try:
        return await asyncio.wait_for(step, min(patience, remaining))
    except StopAsyncIteration:
        raise
    except Exception as error:  # a model is a plug-in: whatever it raises means that it did not answer
        raise ModelUnavailable(type(error).__name__) from error


@asynccontextmanager
async def _opened(clock: Clock) -> "AsyncIterator[LLM]":
    if settings.LLM_CLASS:
        yield _of_class(settings.LLM_CLASS)
        return
    import httpx
    from llama_index.llms.openai_like import OpenAILike

    patience = httpx.Timeout(clock.total, connect=clock.connect)
    async with httpx.AsyncClient(timeout=patience, verify=_certificates(), follow_redirects=False) as client:
        yield OpenAILike(
            model=settings.LLM_MODEL or "default",
            api_base=settings.LLM_BASE_URL,
            api_key=settings.LLM_API_KEY or "none",
            is_chat_model=True,
            context_window=CONTEXT_WINDOW,
            temperature=0.0,
            max_retries=0,
            timeout=clock.total,
            async_http_client=client,
        )


def _of_class(path: str) -> "LLM":
    """Any llama-index model by its dotted path, given the model name and key where the settings have them."""
    options: dict[str, Any] = {"model": settings.LLM_MODEL, "api_key": settings.LLM_API_KEY}
    llm: LLM = import_string(path)(**{name: value for name, value in options.items() if value})
    return llm


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()

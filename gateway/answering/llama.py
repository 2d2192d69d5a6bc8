"""llama-index models as the gateway calls them. Importing this takes seconds: it is done beside the loop, once."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import httpx
from django.utils.module_loading import import_string
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.llms import LLM

from gateway.answering.providers import ModelUnavailable, Provider

if TYPE_CHECKING:
    from gateway.answering.model import Clock, Message

P = ParamSpec("P")
T = TypeVar("T")
LARGEST_RESPONSE = 8_000_000  # bytes: some 300 a token, and what is thought aloud before


@asynccontextmanager
async def opened(provider: Provider, times: "Clock") -> AsyncIterator[LLM]:
    """The model, with a connection of its own: closed on the way out, whatever the library remembers."""
    if provider.class_path:
        yield await _made(_of_class, provider)
        return
    async with httpx.AsyncClient(
        timeout=httpx.Timeout(times.total, connect=times.connect),
        verify=_certificates(),
        follow_redirects=False,
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_bound]},
    ) as client:
        yield await _made(_of_server, provider, client, times)


def load() -> None:
    """What is imported with the first call of a server."""
    import llama_index.llms.openai_like  # noqa: F401

    _certificates()


def as_chat(messages: "Sequence[Message]") -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole(message.role), content=message.text) for message in messages]


def is_cut_off(chunk: ChatResponse) -> bool:
    """The server says that it ended the answer, and not the model."""
    return any(getattr(choice, "finish_reason", "") == "length" for choice in getattr(chunk.raw, "choices", None) or ())


async def _made(maker: Callable[P, LLM], *args: P.args, **kwargs: P.kwargs) -> LLM:
    """In a thread, for what a class loads may take long."""
    try:
        return await asyncio.to_thread(maker, *args, **kwargs)
    except Exception as error:  # a model is a plug-in
        raise ModelUnavailable.by(error) from None


def _of_server(provider: Provider, client: httpx.AsyncClient, times: "Clock") -> LLM:
    from llama_index.llms.openai_like import OpenAILike

    llm: LLM = OpenAILike(
        model=provider.model or "default",
        api_base=provider.base_url,
        api_key=provider.api_key or "none",
        is_chat_model=True,
        context_window=provider.context,
        temperature=0.0,
        max_retries=0,
        timeout=times.total,
        async_http_client=client,
    )
    return llm


def _of_class(provider: Provider) -> LLM:
    """Any llama-index model by its dotted path, given the model name and key where the settings have them."""
    options: dict[str, Any] = {"model": provider.model, "api_key": provider.api_key}
    llm: LLM = import_string(provider.class_path)(**{name: value for name, value in options.items() if value})
    return llm


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


# --- what a server may send ---------------------------------------------------------------------------


class TooMuch(Exception):
    """A model's server sends more than any answer is, or something packed."""


class Bounded(httpx.AsyncByteStream):
    """A response's bytes, up to so many: what is sent without end is neither kept nor waited for."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length = 0
        async for piece in self._stream:
            length += len(piece)
            if length > LARGEST_RESPONSE:
                raise TooMuch
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx.Response) -> None:
    """What is compressed although it was not asked for is not unpacked."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise TooMuch
    response.stream = Bounded(cast("httpx.AsyncByteStream", response.stream))

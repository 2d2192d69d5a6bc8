"""An answer as server-sent events, each sent the moment it exists, with a heartbeat while there is none."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from django.http import StreamingHttpResponse

from gateway.answering.events import Event, Failed
from gateway.api.errors import INTERNAL, Told, told

log = logging.getLogger("gatehouse.api")

MEDIA_TYPE = "text/event-stream"
HEARTBEAT = 10.0  # seconds
SILENCE = b":\n\n"  # a comment: keeps proxies from taking a thinking model for a dead connection


async def streamed(events: AsyncGenerator[Event, None]) -> StreamingHttpResponse:
    """Starts the answer and returns its stream. Whatever refuses the question is raised here, before any byte."""
    first = await anext(events)
    response = StreamingHttpResponse(frames(first, events), content_type=MEDIA_TYPE)
    response["X-Accel-Buffering"] = "no"
    return response


async def frames(first: Event, events: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    """The stream's bytes. Closing it closes `events`; a failure on the way ends in an `error` event."""
    try:
        async with aclosing(events), aclosing(_with_silences(events)) as steps:
            yield frame(first)
            async for event in steps:
                yield frame(event) if event else SILENCE
    except Exception as error:
        answer = told(error)
        if answer is None:
            log.exception("A stream failed")
        yield frame(_failed(answer or INTERNAL))


async def _with_silences(events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event | None, None]:
    """The events, and None whenever there was none for a while.

    The next event is asked for only once the last was taken: no checked text waits here to be sent (P15).
    """
    while True:
        step = asyncio.ensure_future(anext(events, None))
        try:
            while not (await asyncio.wait({step}, timeout=HEARTBEAT))[0]:
                yield None
        finally:
            if not step.done():
                step.cancel()
                with suppress(asyncio.CancelledError):
                    await step
        event = step.result()
        if event is None:
            return
        yield event


def _failed(answer: Told) -> Failed:
    return Failed(code=answer.code, message=answer.message)


def frame(event: Event) -> bytes:
    return f"event: {event.name}\ndata: {json.dumps(event.as_json(), ensure_ascii=False)}\n\n".encode()

"""An answer as server-sent events, each written the moment it is yielded.

Between the check that released an event and its write nothing is awaited (P15): the door iterates over the answer
itself, and the answer tells of its own silences.
"""

import json
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from django.http import StreamingHttpResponse

from gateway.answering.events import Event, Failed, Silence

log = logging.getLogger("gatehouse.streaming")

MEDIA_TYPE = "text/event-stream"
ALIVE = b": still reading\n\n"  # a comment: keeps proxies from taking a thinking model for a dead connection
BROKEN = Failed(code="internal_error", message="Something went wrong on our side. Ask again in a moment.")

DataOf = Callable[[Event], dict[str, Any]]


def as_json(event: Event) -> dict[str, Any]:
    return event.as_json()


async def streamed(events: AsyncGenerator[Event, None], data_of: DataOf = as_json) -> StreamingHttpResponse:
    """Starts the answer and returns its stream. Whatever refuses the question is raised here, before any byte."""
    first = await anext(events)
    response = StreamingHttpResponse(frames(first, events, data_of), content_type=MEDIA_TYPE)
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


async def frames(
    first: Event, events: AsyncGenerator[Event, None], data_of: DataOf = as_json
) -> AsyncGenerator[bytes, None]:
    """The stream's bytes. Closing it closes `events`; a failure on the way ends in an `error` event."""
    try:
        async with aclosing(events):
            yield frame(first, data_of)
            async for event in events:
                yield frame(event, data_of)
    except Exception:
        log.exception("An answer's stream failed")
        yield frame(BROKEN, data_of)


def frame(event: Event, data_of: DataOf = as_json) -> bytes:
    if isinstance(event, Silence):
        return ALIVE
    return f"event: {event.name}\ndata: {json.dumps(data_of(event), ensure_ascii=False)}\n\n".encode()

"""An answer's events as server-sent events for ask.js."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from django.urls import reverse

from gateway.answering.events import CitationShown, Done, Event, Failed
from gateway.portal.citations import source_line

log = logging.getLogger("gatehouse.portal")

HEARTBEAT = 10.0  # seconds of silence after which proxies are shown that the stream lives
ALIVE = b": still reading\n\n"
BROKEN = Failed(code="internal_error", message="Something went wrong on our side. Ask again in a moment.")


async def frames(first: Event, events: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    """Each event as it comes, and a comment line in long silences. A failure ends in a sentence, not in a cut."""
    try:
        async with aclosing(events), aclosing(with_silences(events)) as steps:
            yield frame(first)
            async for event in steps:
                yield ALIVE if event is None else frame(event)
    except Exception:
        log.exception("An answer's stream failed")
        yield frame(BROKEN)


async def with_silences(events: AsyncGenerator[Event, None]) -> AsyncGenerator[Event | None, None]:
    """The events, and None for each long silence. The next is asked for only when the last was taken (P15)."""
    while True:
        coming = asyncio.ensure_future(anext(events, None))
        try:
            while not (await asyncio.wait({coming}, timeout=HEARTBEAT))[0]:
                yield None
        finally:
            if not coming.done():
                coming.cancel()
                with suppress(asyncio.CancelledError):
                    await coming
        event = coming.result()
        if event is None:
            return
        yield event


def frame(event: Event) -> bytes:
    return f"event: {event.name}\ndata: {json.dumps(shown(event), ensure_ascii=False)}\n\n".encode()


def shown(event: Event) -> dict[str, Any]:
    """The event as the API gives it, with what the page needs beside."""
    match event:
        case CitationShown():
            return event.as_json() | source_line(event.citation)
        case Done():
            addresses = {
                "page": reverse("question", args=[event.question_id]),
                "feedback": reverse("feedback", args=[event.question_id]),
            }
            return event.as_json() | addresses
        case _:
            return event.as_json()

"""Points at which a test holds an answer under way; for everybody else nothing happens there.

None stands between a check and what it releases (P15): `retrieve`, `before_prompt` and `flush` stand right before a
check, `resolve` before the question is written down, `persist` before the answer is. The setting is refused unless
DEBUG is on, so that nothing can be held in production.
"""

from typing import Literal

from django.conf import settings
from django.utils.module_loading import import_string

Point = Literal["resolve", "retrieve", "before_prompt", "flush", "persist"]


async def at(point: Point) -> None:
    """Wait for the coroutine function that GATEHOUSE_PAUSE_POINTS names, by its dotted path."""
    if settings.PAUSE_POINTS:
        await import_string(settings.PAUSE_POINTS)(point)

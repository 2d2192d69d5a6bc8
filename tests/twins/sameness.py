"""The same dice and the same clock for both worlds, so that answers can be equal to the last byte.

Nothing is left out of the comparison because it is random or tells the time: ids, keys of sessions and tokens of
forms are drawn from a seed, and the clock moves by a microsecond whenever it is read.
"""

import random
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from unittest.mock import patch

TICK = timedelta(microseconds=1)


class Dice:
    """What the operating system would draw, from a seed; and the time."""

    def __init__(self, moment: datetime) -> None:
        self.began = self._now = moment
        self._chance = random.Random(0)

    def seed(self, *words: object, after: timedelta = timedelta(0)) -> None:
        """From here on what is drawn depends on these words alone, and the clock says `after` its beginning."""
        self._chance.seed(repr(words))
        self._now = self.began + after

    def urandom(self, size: int) -> bytes:
        return self._chance.randbytes(size)

    def choice(self, letters: str) -> str:
        return self._chance.choice(letters)

    def now(self) -> datetime:
        self._now += TICK
        return self._now

    def time(self) -> float:
        return self._now.timestamp()

    @contextmanager
    def thrown(self) -> Iterator[None]:
        """Everything in this process that draws or looks at the clock goes by these."""
        drawing = SimpleNamespace(choice=self.choice, compare_digest=secrets.compare_digest)
        with ExitStack() as stack:
            stack.enter_context(patch("uuid.os", SimpleNamespace(urandom=self.urandom)))
            stack.enter_context(patch("django.utils.crypto.secrets", drawing))
            stack.enter_context(patch("django.utils.timezone.now", self.now))
            stack.enter_context(patch("time.time", self.time))
            yield

"""A right that is taken and given back all the time, and the judgement on who read meanwhile."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from django.db import connection

from tests.cast import World
from tests.security.revoking import Way


@dataclass(frozen=True)
class Change:
    """A right that was taken or given; the moment of its commit lies between the two of this process's clock."""

    gives: bool
    began: float
    ended: float


@dataclass(frozen=True)
class Try:
    """A statement and whether it found the document."""

    what: str
    began: float
    ended: float
    found: bool


@dataclass
class Swinging:
    """A person who takes a right and gives it back, in a thread and a connection of their own."""

    world: World
    ways: Sequence[Way]
    changes: list[Change] = field(default_factory=list)
    problems: list[BaseException] = field(default_factory=list)
    is_lost: bool = False
    tried_while_lost: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        by_chance = random.Random(4)
        try:
            while not self._stop.is_set():
                way = by_chance.choice(self.ways)
                self._change(way.take, gives=False)
                time.sleep(by_chance.uniform(0, 0.04))
                self._change(way.give, gives=True)
                time.sleep(by_chance.uniform(0, 0.01))
        except BaseException as problem:
            self.problems.append(problem)
        finally:
            connection.close()

    def _change(self, change: Callable[[World], Any], *, gives: bool) -> None:
        self.is_lost = False
        began = time.monotonic()
        change(self.world)
        self.changes.append(Change(gives, began, time.monotonic()))
        self.is_lost = not gives


def judged(tries: list[Try], changes: list[Change]) -> tuple[list[Try], int]:
    """The tries that found the document though they started after the commit of its loss, and ended before any
    giving back began; and how many tries that could have been."""
    losses = [(taken.ended, given.began) for taken, given in pairwise(changes) if given.gives and not taken.gives]
    while_lost = [each for each in tries if any(start < each.began and each.ended < end for start, end in losses)]
    return [each for each in while_lost if each.found], len(while_lost)

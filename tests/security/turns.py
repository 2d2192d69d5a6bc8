"""Two writers on two connections, one statement at a time, in every order that the database lets them take.

A step is a statement or a commit. Before each, a writer waits for its turn; the schedule gives it. A writer whose
statement waits for a lock of the other is passed over until it has it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.db import connection, connections

Change = Callable[[], Any]
Schedule = tuple[int, ...]  # whose turn it is, step by step; then whoever had the last turn goes on

Place = tuple[Schedule, int, int]

# Statements about a transaction itself, which no other can tell: they are part of the step before.
OWN = ("SAVEPOINT", "RELEASE SAVEPOINT", "SELECT set_config", "SELECT current_setting")
LONGEST_RUN = 20.0  # seconds
SOON = 0.002  # seconds in which a statement usually ends


@dataclass
class Writer:
    """A change in a thread and on a connection of its own."""

    change: Change
    turns: threading.Condition
    pid: int = 0
    state: str = "working"  # "ready": before a step; "working": in one; "ended"
    steps: int = 0
    commits: int = 0
    error: str = ""  # the kind of what it raised

    def run(self) -> None:
        own = connections["default"]
        try:
            own.ensure_connection()
            with own.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.pid = cursor.fetchone()[0]
            commit = own._commit  # type: ignore[attr-defined]  # a commit is no statement of a cursor

            def committed() -> None:
                self.wait_for_turn()
                commit()
                self.commits += 1

            own._commit = committed  # type: ignore[attr-defined]
            with own.execute_wrapper(self._in_turn):
                self.change()
        except Exception as error:
            self.error = type(error).__name__
        finally:
            own.close()
            self._is_now("ended")

    def _in_turn(self, execute: Callable[..., Any], *statement: Any) -> Any:
        if not statement[0].startswith(OWN):
            self.wait_for_turn()
        return execute(*statement)

    def wait_for_turn(self) -> None:
        with self.turns:
            self.state = "ready"
            self.turns.notify_all()
            self.turns.wait_for(lambda: self.state == "working", LONGEST_RUN)
            self.steps += 1

    def _is_now(self, state: str) -> None:
        with self.turns:
            self.state = state
            self.turns.notify_all()

    def is_blocked(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [self.pid])
            return bool(cursor.fetchone()[0])


@dataclass(frozen=True)
class Step:
    """Whose turn it was, whose it could have been, and how many commits each had made."""

    chosen: int
    possible: tuple[int, ...]
    commits: tuple[int, ...]
    blocked: bool  # the chosen one found a lock taken


@dataclass
class Run:
    """Both changes, interleaved as `schedule` says."""

    changes: Sequence[Change]
    schedule: Schedule = ()
    steps: list[Step] = field(default_factory=list)
    errors: tuple[str, ...] = ()

    @property
    def taken(self) -> Schedule:
        return tuple(step.chosen for step in self.steps)

    def conduct(self) -> "Run":
        turns = threading.Condition()
        writers = [Writer(change, turns) for change in self.changes]
        threads = [threading.Thread(target=writer.run, daemon=True) for writer in writers]
        for thread in threads:
            thread.start()
        deadline = monotonic() + LONGEST_RUN
        ready = self._settled(writers, turns, deadline)
        while ready:
            self._step(writers, turns, ready)
            after = self._settled(writers, turns, deadline)
            last = self.steps[-1]
            if writers[last.chosen].state == "working":
                self.steps[-1] = Step(last.chosen, last.possible, last.commits, blocked=True)
            ready = after
        for thread in threads:
            thread.join(LONGEST_RUN)
        self.errors = tuple(writer.error for writer in writers)
        return self

    def _step(self, writers: list[Writer], turns: threading.Condition, ready: tuple[int, ...]) -> None:
        number = len(self.steps)
        before = self.steps[-1].chosen if self.steps else 0
        chosen = before if before in ready else ready[0]
        if number < len(self.schedule):
            chosen = self.schedule[number]
            assert chosen in ready, "the same beginning led to the same place before"
        self.steps.append(Step(chosen, ready, tuple(writer.commits for writer in writers), blocked=False))
        with turns:
            writers[chosen].state = "working"
            turns.notify_all()

    @staticmethod
    def _settled(writers: list[Writer], turns: threading.Condition, deadline: float) -> tuple[int, ...]:
        """Who can go on, once nobody is in a step that will end by itself; nobody when both have ended."""
        while monotonic() < deadline:
            with turns:
                turns.wait_for(lambda: all(writer.state != "working" for writer in writers), SOON)
                ready = tuple(number for number, writer in enumerate(writers) if writer.state == "ready")
                working = [writer for writer in writers if writer.state == "working"]
            if not working:
                return ready
            if ready and all(writer.pid and writer.is_blocked() for writer in working):
                return ready
        raise TimeoutError("The writers did not end.")


def interleavings(run: Callable[[Schedule], Run], *, switches: int | None = None) -> Iterator[Run]:
    """Every order of the steps; with `switches` at most so many times away from a writer that could have gone on.

    Orders that differ only in when a writer began to wait for a lock are the same: it is held until its
    transaction ends, so the wait ends at the same commit, whenever it began.
    """
    waits: set[Place] = set()
    todo: list[tuple[Schedule, Place]] = [((), ((), -1, -1))]
    while todo:
        schedule, place = todo.pop()
        if place in waits:
            continue
        done = run(schedule)
        yield done
        waits |= {_place(done, number, step.chosen) for number, step in enumerate(done.steps) if step.blocked}
        further = [
            ((*done.taken[:number], other), _place(done, number, other))
            for number, step in enumerate(done.steps)
            for other in step.possible
            if number >= len(schedule) and other != step.chosen
        ]
        todo.extend(each for each in reversed(further) if switches is None or _switches(each[0], done) <= switches)


def _place(done: Run, number: int, writer: int) -> Place:
    """Where a writer stands: all that was done up to its last step, and the transaction the other is in."""
    before = done.taken[:number]
    last = max((at for at, chosen in enumerate(before) if chosen == writer), default=-1)
    return before[: last + 1], writer, done.steps[number].commits[1 - writer]


def _switches(schedule: Schedule, done: Run) -> int:
    """How often the turn was taken from a writer that could have gone on."""
    pairs = zip(schedule, schedule[1:], done.steps[1:], strict=False)
    return sum(before != now and before in step.possible for before, now, step in pairs)

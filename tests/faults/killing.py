"""What is killed, and when: each kind so many times, in an order drawn by chance, one after the other has recovered."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.db import DatabaseError, connection

from accounts.statements import rows
from tests.faults import processes
from tests.faults.processes import Gateway

KINDS = ("parser", "worker", "scheduler", "valkey", "postgres")
MOST_ATTEMPTS = 2  # a file that was unlucky so often is left alone: three times is what the gateway takes for its fault
PATIENCE = 12.0  # seconds that a sync has to get on before the next kill comes all the same
ATTEMPTS = "SELECT coalesce(max(attempts), 0) FROM connectors_content"


@dataclass
class Killing:
    """`progress` counts what has been done; the next kill waits until it has grown."""

    gateway: Gateway
    data_dir: Path
    times: int
    seed: int
    progress: Callable[[], int]
    done: Counter[str] = field(default_factory=Counter)
    idle: int = 0  # kills that came although nothing had been done since the last

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed + 2)
        self.left = [kind for kind in KINDS for _ in range(self.times)]
        self.chance.shuffle(self.left)
        self.before = -1
        self.since = time.monotonic()

    @property
    def part(self) -> float:
        """Of all kills, those that are done: 0..1."""
        return sum(self.done.values()) / (self.times * len(KINDS)) if self.times else 1.0

    def step(self) -> None:
        """Kill the next that can be, if the sync has got on since the last; called again and again."""
        if not self.left or not self._may():
            return
        for kind in self._in_turn():
            if WAYS[kind](self):
                self.left.remove(kind)
                self.done[kind] += 1
                self.before, self.since = self._progress(), time.monotonic()
                return

    def _in_turn(self) -> list[str]:
        """Kinds that are left. Parsers come and go, so one is killed where it is met, as far as the others go along."""
        left = list(dict.fromkeys(self.left))
        if "parser" in left and self.done["parser"] <= min(self.done[kind] for kind in KINDS[1:]) + 1:
            left = ["parser", *(kind for kind in left if kind != "parser")]
        return left

    def _may(self) -> bool:
        late = time.monotonic() - self.since > PATIENCE
        if not late and self._progress() <= self.before:
            return False
        try:
            if rows(ATTEMPTS)[0][0] > MOST_ATTEMPTS:
                return False
        except DatabaseError:
            connection.close()
            return False
        self.idle += late
        return True

    def _progress(self) -> int:
        try:
            return self.progress()
        except DatabaseError:
            connection.close()
            return self.before

    # --- ways ----------------------------------------------------------------------------------------------------

    def parser(self) -> bool:
        found = self.gateway.parsers()
        processes.signalled(found[:1], signal.SIGKILL)
        return bool(found)

    def worker(self) -> bool:
        """In turn the whole of it, and its head alone, so that what it forked ends as orphans what it is at."""
        running = [worker for worker in self.gateway.workers if worker.is_running()]
        if running:
            self.chance.choice(running).kill(whole=self.done["worker"] % 2 == 0)
        return bool(running)

    def scheduler(self) -> bool:
        running = self.gateway.scheduler.is_running()
        self.gateway.scheduler.kill()
        return running

    def valkey(self) -> bool:
        return self._killed(processes.valkey(self.data_dir))

    def postgres(self) -> bool:
        """In turn the first of its processes, and one that serves: then the first ends the others and recovers."""
        serving = processes.backends(self.data_dir)
        if self.done["postgres"] % 2 and serving:
            return self._killed(self.chance.choice(serving))
        return self._killed(processes.postmaster(self.data_dir))

    def _killed(self, pid: int) -> bool:
        if not pid:
            return False
        processes.signalled([pid], signal.SIGKILL)
        return processes.ended(pid)


WAYS: Mapping[str, Callable[[Killing], bool]] = {
    "parser": Killing.parser,
    "worker": Killing.worker,
    "scheduler": Killing.scheduler,
    "valkey": Killing.valkey,
    "postgres": Killing.postgres,
}

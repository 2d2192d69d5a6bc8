"""The gateway with many clients at once: threads of one process on its pool of connections, as those of a web process.

Each client asks the next question as soon as it has an answer. Readers of several strata take turns.
"""

import threading
import time
from itertools import chain

from django.db import connection

from benchmarks.retrieval.cells import Found, times
from benchmarks.retrieval.corpus import Floats
from benchmarks.retrieval.peers.gatehouse import Gatehouse
from benchmarks.retrieval.peers.system import WANTED, World

PATTERN = "tenants"
STRATA = ("0.1", "1", "10", "50")
CLIENTS = (1, 2, 8, 32)
SECONDS = 10.0  # for each number of clients


def crowded(world: World) -> Found:
    gate = Gatehouse(world)
    gate.load()
    strata = [stratum for stratum in STRATA if stratum in world.pattern.readers]
    readers = [(stratum, number) for stratum in strata for number in range(len(world.pattern.readers[stratum]))]
    crowd = Crowd(gate, readers, world.corpus.queries)
    crowd.asked(2, 1.0)  # the pool is filled, and plans are made
    return {"strata": strata, "crowds": [{"clients": count, **crowd.asked(count, SECONDS)} for count in CLIENTS]}


class Crowd:
    def __init__(self, gate: Gatehouse, readers: list[tuple[str, int]], vectors: Floats) -> None:
        housing, pattern = gate.housing, gate.world.pattern
        self.readers = [housing.reader(pattern, stratum, number) for stratum, number in readers]
        self.vectors = [vector.tolist() for vector in vectors]

    def asked(self, clients: int, seconds: float) -> dict[str, float]:
        """What each question took, and how many were answered in a second by all together."""
        taken: list[list[float]] = [[] for _ in range(clients)]
        began = time.perf_counter()
        threads = [
            threading.Thread(target=self._ask, args=(place, clients, began + seconds, taken[place]))
            for place in range(clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        passed = time.perf_counter() - began
        every = list(chain.from_iterable(taken))
        return times(every) | {"a_second": round(len(every) / passed, 1)}

    def _ask(self, first: int, step: int, end: float, taken: list[float]) -> None:
        from connectors.corpus.search import search

        place = first
        while time.perf_counter() < end:
            reader = self.readers[place % len(self.readers)]
            vector = self.vectors[place % len(self.vectors)]
            began = time.perf_counter()
            search(reader, query="", vector=vector, limit=WANTED, mode="vector")
            connection.close()  # back to the pool, as at the end of a request
            taken.append(time.perf_counter() - began)
            place += step

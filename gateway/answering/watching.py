"""The watcher: one thread a process that looks again, all the time, whether running streams may go on (P15)."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError

from accounts.reader import Viewers
from connectors.corpus.reading import readable_documents
from gateway.answering.threads import give_back

log = logging.getLogger("gatehouse.answering")

INTERVAL = 0.1  # seconds between two looks


@dataclass(eq=False)
class Watch:
    """One stream: whose it is, what it may still rest on, and what to call when some of that is lost."""

    reader: Viewers
    documents: set[UUID]
    on_loss: Callable[[], None]


class Watcher:
    """Looks at all watched streams, one statement a reader, and tells each what it did not know to be lost.

    A look that cannot be made counts as a loss: the stream then checks for itself, and fails closed (P18).
    """

    def __init__(self, interval: float = INTERVAL) -> None:
        self._interval = interval
        self._watches: set[Watch] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, reader: Viewers, documents: Collection[UUID], on_loss: Callable[[], None]) -> Iterator[None]:
        """`on_loss` is called from the watcher's thread."""
        watch = Watch(reader, set(documents), on_loss)
        with self._lock:
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="answer-watcher", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._watches.discard(watch)

    def _run(self) -> None:
        while True:
            time.sleep(self._interval)
            with self._lock:
                watches = list(self._watches)
                if not watches:
                    self._thread = None
                    return
            self._look(watches)

    def _look(self, watches: list[Watch]) -> None:
        by_reader: dict[Viewers, list[Watch]] = defaultdict(list)
        for watch in watches:
            by_reader[watch.reader].append(watch)
        try:
            for reader, theirs in by_reader.items():
                self._compare(theirs, readable_documents(reader, set().union(*(watch.documents for watch in theirs))))
        except DatabaseError:
            log.warning("The watcher could not look; running streams check for themselves.", exc_info=True)
            for watch in watches:
                watch.on_loss()
        finally:
            give_back()

    @staticmethod
    def _compare(watches: list[Watch], readable: set[UUID]) -> None:
        for watch in watches:
            if not watch.documents <= readable:
                watch.documents &= readable
                watch.on_loss()


WATCHER = Watcher()

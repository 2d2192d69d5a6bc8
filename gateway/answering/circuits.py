"""Circuit breakers: a model that keeps failing is left alone for a while, so that nobody waits for it.

One a provider and model in each process. It decides whether a model is called, and nothing about rights.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from gateway.answering.providers import ModelUnavailable, Provider

FAILURES = 5  # in a row
SLOW = 20.0  # seconds to the first token, by the 95th percentile of the last so many calls
SEEN = 20
PROBE = 15.0  # seconds between two calls that look whether it is well again


class CircuitOpen(ModelUnavailable):
    """It failed too often just now."""

    again = False
    counts = False


@dataclass
class Circuit:
    """Closed, every call goes through; open, one at a time each `PROBE` seconds."""

    failures: int = 0
    opened: bool = False
    probed_at: float = 0.0
    firsts: deque[float] = field(default_factory=lambda: deque(maxlen=SEEN))
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def calling(self) -> Iterator[None]:
        """One call. Raises `CircuitOpen` instead; a call its reader leaves says nothing about the model."""
        self._admit()
        try:
            yield
        except ModelUnavailable as error:
            if error.counts:
                self._failed()
            raise
        else:
            self._succeeded()

    def first_token(self, seconds: float) -> None:
        with self._lock:
            self.firsts.append(seconds)

    def _admit(self) -> None:
        with self._lock:
            if not self.opened:
                return
            now = time.monotonic()
            if now - self.probed_at < PROBE:
                raise CircuitOpen("It failed too often just now, and is left alone for some seconds.")
            self.probed_at = now

    def _failed(self) -> None:
        with self._lock:
            self.failures += 1
            if self.failures >= FAILURES:
                self._open()

    def _succeeded(self) -> None:
        with self._lock:
            self.failures = 0
            slow = len(self.firsts) == SEEN and sorted(self.firsts)[int(SEEN * 0.95) - 1] > SLOW
            if self.opened and self.firsts and self.firsts[-1] <= SLOW:
                self.opened = False
            elif slow:
                self._open()

    def _open(self) -> None:
        if not self.opened:
            self.probed_at = time.monotonic()
        self.opened = True
        self.firsts.clear()


_circuits: dict[tuple[str, str, str], Circuit] = {}
_lock = Lock()


def circuit_of(provider: Provider) -> Circuit:
    """The one of this provider and model in this process."""
    with _lock:
        return _circuits.setdefault((provider.base_url, provider.class_path, provider.model), Circuit())


def forget_all() -> None:
    """As in a process that has just started."""
    with _lock:
        _circuits.clear()

"""A share of a run, in a process and with a Postgres of its own. Importing this makes the settings those of a run."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.leakproof import ground

ground.prepare()

from django.conf import settings  # noqa: E402  (its own by now)

from tests.twins import meaning  # noqa: E402
from tests.twins.comparing import Tally  # noqa: E402
from tests.twins.defects import DEFECTS  # noqa: E402
from tests.twins.running import run, until_found  # noqa: E402

settings.EMBED_CLASS = meaning.PATH
settings.ALLOWED_HOSTS = ["testserver"]
TELL_EVERY = 30.0  # seconds
UNTIL_FOUND = 5  # pairs


def share_of(seed: int, numbers: range) -> Tally:
    with installation():
        return run(seed, numbers, Tally(), Telling(numbers))


def control(seed: int) -> dict[str, int]:
    """After how many pairs each defect was noticed; 0: never."""
    with installation():
        return {name: until_found(name, seed, UNTIL_FOUND) for name in DEFECTS}


@contextmanager
def installation() -> Iterator[None]:
    """Gone at the end: a process of a pool leaves without tidying up."""
    try:
        with ground.installation():
            yield
    finally:
        shutil.rmtree(settings.DATA_DIR, ignore_errors=True)


class Telling:
    """How far a process is, from time to time."""

    def __init__(self, numbers: range) -> None:
        self.numbers = numbers
        self.began = self.last = time.monotonic()

    def __call__(self, tally: Tally) -> None:
        now = time.monotonic()
        if now - self.last > TELL_EVERY:
            self.last = now
            done = f"{tally.pairs:>5,} of {len(self.numbers):,} pairs, {tally.requests:>9,} requests"
            print(f"{now - self.began:6,.0f} s  {done}, {tally.differing} bytes differ", flush=True)

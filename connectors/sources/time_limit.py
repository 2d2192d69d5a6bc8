"""How long one run may take: whoever answers slowly enough, and always with more, would else hold a worker for ever."""

import time
from collections.abc import Callable

from connectors.sources.base import ConnectorError

LONGEST_RUN = 12 * 3600.0  # seconds


class TimeLimit:
    """Begins with its making."""

    def __init__(self, seconds: float = LONGEST_RUN, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._until = clock() + seconds

    @property
    def is_over(self) -> bool:
        return self._clock() > self._until

    @property
    def told(self) -> str:
        """How long it is, in words."""
        return f"{self.seconds / 3600:.0f} hours" if self.seconds >= 3600 else f"{self.seconds / 60:.0f} minutes"

    def hold(self) -> None:
        """Raises ConnectorError once it is over."""
        if self.is_over:
            raise ConnectorError(
                f"The run took longer than {self.told} and was ended; what it read is kept, and the next one goes on.",
                of_source=True,
            )

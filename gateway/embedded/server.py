"""What a keeper knows of the server it owns."""

import subprocess
from collections.abc import Sequence
from signal import Signals
from typing import Protocol


class ServerFailed(Exception):
    """The server cannot run; the message is a sentence for the person who started it."""


class Server(Protocol):
    name: str

    @property
    def stop_steps(self) -> Sequence[tuple[Signals, float]]:
        """Signals, and seconds to wait after each."""

    def prepare(self) -> None:
        """Make its files if there are none and clear what a killed predecessor left. Raises ServerFailed."""

    def start(self, log: int) -> subprocess.Popen[bytes]:
        """Its process, writing to the file descriptor `log`."""

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it answers its users."""

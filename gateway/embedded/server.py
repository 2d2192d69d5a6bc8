"""What a keeper knows of the server it owns."""

import subprocess
from signal import Signals
from typing import Protocol


class ServerFailed(Exception):
    """The server cannot run; the message is a sentence for the person who started it."""


class Server(Protocol):
    name: str
    stop_steps: tuple[tuple[Signals, float], ...]  # signals, and seconds to wait after each

    def prepare(self) -> None:
        """Make its files if there are none and clear what a killed predecessor left. Raises ServerFailed."""

    def start(self, log: int) -> subprocess.Popen[bytes]:
        """Its process, writing to the file descriptor `log`."""

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether it answers its users."""

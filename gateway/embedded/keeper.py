"""The keeper of one server: it starts it, restarts it, and stops it when nobody uses it."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from gateway.embedded.desk import Desk
from gateway.embedded.processes import end
from gateway.embedded.server import Server, ServerFailed

LONGEST_START = 300.0  # seconds; recovery after a crash may take a while
LONGEST_PAUSE = 30.0  # seconds between two tries to restart
LONGEST_LOG = 10_000_000  # bytes


class Keeper:
    def __init__(self, server: Server, desk: Desk) -> None:
        self.server = server
        self.desk = desk
        self.told_to_stop = False
        self.pause = 1.0
        self.next_try = 0.0
        self.unsaid = ""

    def keep(self) -> None:
        """Run the server until its last user is gone. The users' lock stays taken until it has stopped."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "told_to_stop", True))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            process = self._start()
        except (ServerFailed, OSError) as error:
            self._say(f"failed: {error}")
            return
        while not self.told_to_stop and not self.desk.users.try_acquire():
            if process.poll() is not None and time.monotonic() >= self.next_try:
                process = self._start_again(process)
            if self.unsaid:
                self._say(self.unsaid)
            _shorten(self.desk.log)
            time.sleep(0.2)
        end(process, self.server.stop_steps)
        self.desk.keeper.release()  # first this: whoever waits for the other must find no keeper
        self.desk.users.release()

    def _start(self) -> subprocess.Popen[bytes]:
        self.server.prepare()
        log = os.open(self.desk.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            written = os.fstat(log).st_size
            process = self.server.start(log)
        finally:
            os.close(log)
        deadline = time.monotonic() + LONGEST_START
        while not self.server.is_ready(process):
            if process.poll() is not None:
                raise ServerFailed(f"{self.server.name} ended while starting: {_reason(self.desk.log, written)}")
            if self.told_to_stop or time.monotonic() > deadline:
                end(process, self.server.stop_steps)
                raise ServerFailed(f"{self.server.name} was not ready in time. Its log is {self.desk.log}.")
            time.sleep(0.02)
        self._say("ready")
        return process

    def _start_again(self, ended: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """A new process, or the ended one if that failed; the next try then waits twice as long."""
        self._say("starting")
        self.next_try = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        try:
            process = self._start()
        except (ServerFailed, OSError) as error:
            self._say(f"failed: {error}")  # for whoever comes now; it is tried again
            self._log(f"{self.server.name} cannot be restarted: {error}")
            return ended
        self.pause = 1.0
        self._log(f"{self.server.name} had ended (exit code {ended.returncode}) and was restarted.")
        return process

    def _say(self, state: str) -> None:
        """On a full disk nothing can be said: later, then."""
        self.unsaid = state
        with contextlib.suppress(OSError):
            self.desk.say(state)
            self.unsaid = ""

    def _log(self, sentence: str) -> None:
        with contextlib.suppress(OSError), self.desk.log.open("a") as log:
            log.write(f"keeper: {sentence}\n")


def _reason(log: Path, start: int) -> str:
    """The line of the log since byte `start` that says most."""
    with log.open("rb") as stream:
        stream.seek(start)
        lines = stream.read().decode(errors="replace").split("\n")
    lines = [line.strip() for line in lines if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line]
    return (telling or lines or ["it said nothing."])[-1]


def _shorten(log: Path) -> None:
    """The servers append, so a log that grew too long is emptied in place."""
    if log.stat().st_size > LONGEST_LOG:
        os.truncate(log, 0)

"""Child processes that end with the process that started them, even when that one is killed."""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(last_signal: signal.Signals) -> Callable[[], None]:
    """What a new child calls before its program starts: it gets `last_signal` when its parent ends.

    The kernel forgets the wish when the user id changes, so it must be made after that; Popen does
    run it last. It is the starting *thread* that counts: start children from the main thread only.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_the_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(last_signal))
        if os.getppid() != parent:  # it ended before the wish was made
            os._exit(1)

    return ask_the_kernel


def end_with_parent(last_signal: signal.Signals) -> None:
    """This process gets `last_signal` when the one that started it ends, and at once if it has ended."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(last_signal))
    if os.getppid() == 1:
        os.kill(os.getpid(), last_signal)


def end(child: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal in turn until the child is gone, waiting the given seconds after it."""
    for number, seconds in steps:
        if child.poll() is not None:
            return
        child.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)


def working_in(directory: Path) -> Iterator[int]:
    """Ids of the processes whose working directory this is, as far as we may see them."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if os.readlink(entry / "cwd") == str(directory):
                    yield int(entry.name)


def plain_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a server needs of our environment, and none of the secrets in it."""
    return {"PATH": environment.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}

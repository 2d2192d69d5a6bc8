"""Using the embedded servers: the first user starts them, the last one's end stops them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

from gateway.embedded.desk import Desk
from gateway.embedded.own_secrets import secrets_of
from gateway.embedded.places import Places, places_of
from gateway.embedded.postgres import DATABASE, ROLE, Postgres
from gateway.embedded.processes import plain_environment
from gateway.embedded.valkey import Valkey
from gateway.start import stop

PROJECT = Path(__file__).resolve().parents[2]
LONGEST_STOP = 20.0  # seconds


def database_url(data_dir: Path) -> str:
    """Where the embedded Postgres of this data directory is, running or not (libpq and django-environ read it)."""
    password = secrets_of(data_dir).postgres_password
    return f"postgresql://{ROLE}:{password}@/{DATABASE}?host={quote(str(places_of(data_dir).sockets), safe='/')}"


def valkey_url(data_dir: Path, database: int = 0) -> str:
    """Where the embedded Valkey is, running or not, as Celery reads it."""
    socket = Valkey(places_of(data_dir)).socket
    return f"redis+socket://:{secrets_of(data_dir).valkey_password}@{quote(str(socket))}?virtual_host={database}"


@contextmanager
def services(
    data_dir: Path, *, postgres: bool = True, valkey: bool = True, durable: bool = True
) -> Iterator[Callable[[], None]]:
    """The wanted servers are up inside; on leaving, those that nobody else uses stop, Postgres first.

    Who stays long calls what it yields from time to time: it replaces a keeper that was killed.
    """
    names = [name for name, wanted in ((Valkey.name, valkey), (Postgres.name, postgres)) if wanted]
    if not names:
        yield lambda: None
        return
    if sys.platform != "linux":
        stop("the embedded Postgres and Valkey run on Linux. Set DATABASE_URL and REDIS_URL.")
    places = places_of(data_dir.resolve())

    def look_after() -> None:
        for name in names:
            desk = Desk(places, name)
            if desk.keeper.is_free(shared=True):
                _ensure(places, desk, name, durable=durable)

    with ExitStack() as stack:
        for name in names:
            stack.enter_context(_using(places, name, durable=durable))
        yield look_after


@contextmanager
def _using(places: Places, name: str, *, durable: bool) -> Iterator[None]:
    try:
        desk = Desk(places, name)
        desk.users.acquire(shared=True)  # waits for a server that is just stopping
    except OSError as error:
        stop(f"the data directory {places.data_dir} cannot be used: {error.strerror}.")
    try:
        _ensure(places, desk, name, durable=durable)
        yield
    finally:
        desk.users.release()
        _wait_until_stopped(desk)


def _ensure(places: Places, desk: Desk, name: str, *, durable: bool) -> None:
    """The server has a keeper and is ready. Only for who holds the users' lock."""
    with desk.starting.held():
        if desk.keeper.is_free():
            _start_keeper(places, desk, name, durable=durable)
        _wait_until_ready(desk, name)


def _start_keeper(places: Places, desk: Desk, name: str, *, durable: bool) -> None:
    desk.say("starting")
    words = [sys.executable, "-m", "gateway.embedded", name, str(places.data_dir)]
    words += [] if durable else ["--not-durable"]
    with desk.log.open("ab") as log:
        subprocess.run(
            words,
            check=True,
            cwd=PROJECT,
            env=plain_environment(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path)},  # it imports what we do
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _wait_until_ready(desk: Desk, name: str) -> None:
    while (state := desk.state()) != "ready":
        if state.startswith("failed: "):
            stop(state.removeprefix("failed: "))
        if desk.keeper.is_free(shared=True):
            stop(f"the keeper of {name} ended while starting. Its log is {desk.log}.")
        time.sleep(0.02)


def _wait_until_stopped(desk: Desk) -> None:
    """Return when the keeper has stopped the server, or at once when others use it."""
    deadline = time.monotonic() + LONGEST_STOP
    while time.monotonic() < deadline and not desk.keeper.is_free(shared=True):
        used_by_others = not desk.users.is_free() and desk.users.is_free(shared=True)
        if used_by_others:
            return
        time.sleep(0.05)

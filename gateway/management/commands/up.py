"""`manage.py up`: everything for an evaluation on this machine, in one foreground process."""

import http.client
import os
import signal
import socket
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections

from gateway import embedded, health
from gateway.embedded.locks import Lock
from gateway.embedded.processes import end_with_parent
from gateway.running import Child, children, say, stop_all
from gateway.start import stop

HOST = "127.0.0.1"
LONGEST_START = 60.0  # seconds until the web process answers
LONGEST_STOP = 20.0  # seconds


class Command(BaseCommand):
    help = "Start everything for an evaluation on this machine: services, web, workers and scheduler."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this ends")

    def handle(self, *, with_parent: bool, **_: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        if with_parent:
            end_with_parent(signal.SIGTERM)
        if not settings.EVALUATION:
            stop("`up` is for an evaluation. In production web, workers and scheduler each run by themselves.")
        port = port_of(os.environ.get("PORT", "8000"))
        try:
            with only_one(settings.DATA_DIR):
                run(port)
        except KeyboardInterrupt:
            say("Gatehouse has stopped.")


def run(port: int) -> None:
    """Start everything, and look after it until a signal comes as KeyboardInterrupt."""
    require_free(port)
    os.environ["GATEHOUSE_MODE"] = "evaluation"
    os.environ.setdefault("GATEHOUSE_PUBLIC_URL", f"http://{HOST}:{port}")
    missing = {"postgres": not settings.DATABASE_URL, "valkey": not settings.REDIS_URL}
    with ExitStack() as stack:
        look_after_services = stack.enter_context(embedded.services(settings.DATA_DIR, **missing))
        running = children(port)
        stack.callback(stop_in_peace, running)
        people = prepare_database()
        web, *others = running
        web.start()
        wait_for_web(port, web)
        for child in others:  # after it: the first page should not wait for them
            child.start()
        welcome(port, people)
        while True:
            look_after_services()
            for child in running:
                child.look_after()
            time.sleep(0.3)


def port_of(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        stop(f"PORT is {text!r}. It is a number from 1 to 65535.")
    return int(text)


def require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the web server does
        try:
            probe.bind((HOST, port))
        except OSError as error:
            stop(f"port {port} cannot be used: {error.strerror}. PORT=8080 chooses another.")


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Two of them would schedule everything twice. One that is just stopping is waited for."""
    lock = Lock(data_dir / "up.lock")
    if not lock.try_acquire(patience=LONGEST_STOP if stopping(data_dir).exists() else 0):
        stop(f"it runs already with the data directory {data_dir}.")
    stopping(data_dir).unlink(missing_ok=True)
    try:
        yield
    finally:
        stopping(data_dir).unlink(missing_ok=True)
        lock.release()


def stopping(data_dir: Path) -> Path:
    """The mark of an `up` on its way out."""
    return data_dir / "up.stopping"


def stop_in_peace(running: Sequence[Child]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C would leave things behind
    stopping(settings.DATA_DIR).touch()
    stop_all(running)


def prepare_database() -> list[str]:
    """Migrate if needed, load the demo company on the first run; a line for each person of it."""
    from connectors.models import Source
    from gateway.demo import load

    try:
        health.require_pgvector()
    except health.NotReady as problem:
        stop(str(problem))
    if health.pending_migrations():
        say("Preparing the database.")
        call_command("migrate", interactive=False, verbosity=0)
    if not Source.objects.exists():
        load.load_demo()
    loaded = Source.objects.filter(directory__key=load.SOURCE_KEY).exists()
    connections.close_all()
    return [f"  {p.email:42} {p.password:24} {p.role}, {p.office}" for p in load.people()] if loaded else []


def wait_for_web(port: int, web: Child) -> None:
    deadline = time.monotonic() + LONGEST_START
    while not (status := status_of(port)):
        web.look_after()
        if time.monotonic() > deadline:
            stop("the web process does not answer; the lines above may say why.")
        time.sleep(0.05)
    if status >= 500:
        stop("the web process fails; the lines above say why.")


def status_of(port: int) -> int:
    """What /livez answers; 0 while nobody listens."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def welcome(port: int, people: Sequence[str]) -> None:
    say(f"Gatehouse is ready at http://{HOST}:{port} (evaluation: this machine only). Ctrl-C stops it.")
    if people:
        say("Sign in as one of the demo company:")
        say("\n".join(people))

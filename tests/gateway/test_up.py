"""`manage.py up` as a person uses it: started, asked, killed, started again."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from gateway.embedded import database_url, services, valkey_url
from gateway.embedded.sharing import PROJECT
from tests.processes import passable_directory, processes_of, within

pytestmark = pytest.mark.timeout(300)  # real starts of everything, on a machine that may be busy


class Up:
    """One running `up` and what it has printed."""

    def __init__(self, data_dir: Path, port: int, **environment: str) -> None:
        self.port = port
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=PROJECT,
            env=clean_environment() | {"GATEHOUSE_DATA_DIR": str(data_dir), "PORT": str(port)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.reading = threading.Thread(target=self._read)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as lines:
            self.lines.extend(lines)

    def said(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    def ready(self) -> "Up":
        ended_or_ready = within(100, lambda: self.said("is ready at") or self.process.poll() is not None)
        assert ended_or_ready and self.process.poll() is None, self.lines
        return self

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(60)
        self.reading.join()
        return code


def clean_environment() -> dict[str, str]:
    of_the_tests = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in of_the_tests}


@contextmanager
def up(data_dir: Path, port: int, **environment: str) -> Iterator[Up]:
    running = Up(data_dir, port, **environment)
    try:
        yield running
    finally:
        running.process.kill()
        running.wait()


def child(running: Up, word: str) -> psutil.Process:
    children = psutil.Process(running.process.pid).children()
    return next(process for process in children if word in process.cmdline())


def get(running: Up, path: str, **headers: str) -> tuple[int, str]:
    """Status and body; (0, "") if nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=15)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def status(running: Up, path: str, **headers: str) -> int:
    return get(running, path, **headers)[0]


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    with passable_directory() as directory:
        yield directory


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def test_it_serves_replaces_what_was_killed_starts_after_a_kill_and_stops_everything(data_dir: Path, port: int) -> None:
    with up(data_dir, port) as running:
        running.ready()
        assert running.said(f"http://127.0.0.1:{port}")
        assert within(5, lambda: running.said("henrike-at-halmstedt"))
        assert [status(running, path) for path in ("/livez", "/readyz")] == [200, 200]

        child(running, "uvicorn").kill()
        assert within(30, lambda: running.said("The web ended unexpectedly (SIGKILL)"))
        assert within(30, lambda: status(running, "/livez") == 200)

        second = Up(data_dir, port + 1)
        assert second.wait() == 78
        assert second.said("it runs already with the data directory")

        running.end(signal.SIGKILL)
        assert within(20, lambda: not processes_of(data_dir))

    with up(data_dir, port) as running:
        running.ready()
        assert not running.said("Preparing the database")
        began = time.monotonic()
        assert running.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 20
        assert running.said("Gatehouse has stopped.")
        assert processes_of(data_dir) == []


def test_a_port_in_use_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = Up(tmp_path, taken.getsockname()[1])
        assert running.wait() == 78
    assert running.said("cannot be used: Address already in use. PORT=8080 chooses another.")
    assert not (tmp_path / "postgres").exists()


def test_a_database_that_does_not_answer_is_one_sentence(port: int) -> None:
    with passable_directory() as directory:
        running = Up(directory, port, DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
        assert running.wait() == 78
        assert not (directory / "postgres").exists()
    assert running.said("Gatehouse does not start: the database does not answer:")
    assert "Traceback" not in "".join(running.lines)


def test_while_database_and_broker_are_away_every_page_is_one_sentence_and_then_all_goes_on(
    data_dir: Path, tmp_path: Path, port: int
) -> None:
    # The session is in the database, so the page cannot do without it.
    signed_in = {"Cookie": "sessionid=0123456789abcdefghijklmnopqrstuv", "Accept": "text/html"}
    with_token = {"Authorization": "Bearer whatever"}
    external = {"DATABASE_URL": database_url(data_dir), "REDIS_URL": valkey_url(data_dir)}
    with services(data_dir):
        running = Up(tmp_path, port, **external)
        running.ready()
    try:
        assert not (tmp_path / "postgres").exists()
        page_status, page = get(running, "/", **signed_in)
        assert (page_status, "Gatehouse is not ready right now" in page) == (503, True)
        api_status, answer = get(running, "/api/v1/me", **with_token)
        assert (api_status, json.loads(answer)["error"]["code"]) == (503, "unavailable")
        assert get(running, "/readyz") == (503, "not ready\n")
        assert get(running, "/livez") == (200, "alive\n")
        with services(data_dir):
            assert within(15, lambda: status(running, "/", **signed_in) == 302)
            assert status(running, "/api/v1/me", **with_token) == 401
            assert within(15, lambda: status(running, "/readyz") == 200)
            assert running.end(signal.SIGINT) == 0
    finally:
        running.process.kill()
        running.wait()

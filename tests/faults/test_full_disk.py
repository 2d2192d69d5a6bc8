"""A disk that is full: told in a sentence, and gone on from by itself when there is room again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from connectors.kit.system import Answer, Asked, System
from gateway.embedded import database_url, services
from gateway.embedded.sharing import PROJECT
from tests.faults import processes
from tests.processes import passable_directory, within

pytestmark = pytest.mark.timeout(600)  # starts servers of its own, on a machine that may be busy

SIZE = 500  # megabytes
DOCUMENTS = 120
A_DOCUMENT = "Nobody stores this where there is no room. " * 5_000


@contextmanager
def small_disk() -> Iterator[Path]:
    """A disk of its own in memory, so that nothing else gets full."""
    with passable_directory() as directory:
        words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}m,mode=0711", "tmpfs", str(directory)]
        if subprocess.run(words, capture_output=True, check=False).returncode:
            pytest.skip("only who may mount a disk can fill one")
        try:
            yield directory
        finally:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(disk: Path, left: int = 0) -> Path:
    """A file that leaves so many bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        room = os.statvfs(disk)
        try:
            for _ in range((room.f_bavail * room.f_frsize - left) // 65_536 + 1):
                file.write(bytes(65_536))
        except OSError:
            pass  # it is full
    return ballast


def answer(asked: Asked) -> Answer:
    """One document a page."""
    number = int(asked.query.get("cursor", 0))
    text = f"Document {number}. {A_DOCUMENT}"
    record = {"type": "document", "id": f"d{number}", "title": f"D {number}", "grants": ["everyone"], "text": text}
    more = number + 1 < DOCUMENTS
    return Answer({"records": [record], "cursor": str(number + 1), "more": more, "complete": not more}, waits=0.05)


def manage(*words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def live(url: str) -> int:
    """-1 while the database does not answer."""
    try:
        with psycopg.connect(url) as connection:
            found = connection.execute("SELECT count(*) FROM connectors_document WHERE state = 'live'").fetchone()
    except psycopg.Error:
        return -1
    assert found
    return int(found[0])


def test_a_full_disk_is_one_sentence_and_then_all_goes_on(tmp_path: Path) -> None:
    with small_disk() as disk, services(disk) as look_after, System(answer).running() as system:
        of_others = ("DATABASE_URL", "REDIS_URL")
        environment = {name: value for name, value in os.environ.items() if name not in of_others}
        environment |= {"GATEHOUSE_DATA_DIR": str(disk), "EMBED_BASE_URL": "http://127.0.0.1:9/v1"}
        url = database_url(disk)
        assert manage("migrate", "--verbosity", "0", environment=environment).returncode == 0
        added = manage(
            *("add_source", "house", "--kind", "http", "--set", f"base_url={system.url}"), environment=environment
        )
        assert added.returncode == 0, added.stdout
        with psycopg.connect(url) as connection:
            connection.execute("UPDATE connectors_source SET interval = 1")
        with processes.running(tmp_path, environment | {"DJANGO_SETTINGS_MODULE": "gateway.settings"}) as gateway:
            assert within(90, lambda: live(url) > 3), gateway.log()
            ballast = fill(disk)
            assert within(
                90,
                lambda: (
                    "The disk of the database is full" in gateway.log()
                    or "The database does not answer" in gateway.log()
                ),
            ), gateway.log()
            told = manage("doctor", environment=environment)
            assert told.returncode == 1
            assert "the disk of the database is full" in told.stdout
            assert "Traceback" not in gateway.log(), gateway.log()
            ballast.unlink()

            def all_there() -> bool:
                look_after()
                gateway.look_after()
                return live(url) == DOCUMENTS

            assert within(200, all_there), gateway.log()
        assert manage("doctor", environment=environment).returncode == 0
        with psycopg.connect(url) as connection:
            doubled = connection.execute("SELECT count(*) - count(DISTINCT external_id) FROM connectors_document")
            assert doubled.fetchone() == (0,)

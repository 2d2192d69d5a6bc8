"""A source that says that something changed is read at once, by a real worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from accounts.reader import Reader
from connectors import adding, ingest, sync, tasks
from connectors.corpus.reading import list_documents
from connectors.kit.system import System
from connectors.models import Source, SyncRun
from tests.cast import person
from tests.connectors.test_http import ANN, BOB, HR, STAFF, InHouse, document
from tests.processes import on_this_database


@contextmanager
def worker(log: Path) -> Iterator[None]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "gateway.celery", "worker", "-c", "1", "--loglevel", "WARNING"],
            env=on_this_database("worker"),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def eventually(happened: object, log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not happened():  # type: ignore[operator]
        runs = list(SyncRun.objects.values_list("state", "problems", "counts"))
        assert time.monotonic() < deadline, f"{runs} {log.read_text()}"
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(240)
def test_a_right_that_is_lost_at_a_source_that_notifies_is_lost_here_soon_after(tmp_path: Path) -> None:
    """Without a scheduler: nothing but the notification wakes the worker."""
    system = System(InHouse(ANN, BOB, STAFF, HR, document("rules")))
    log = tmp_path / "worker.log"
    with system.running(), worker(log):
        source = adding.add_source("intranet", kind="http", settings={"base_url": system.url}, vouches_for_emails=True)
        bob = Reader(person("bob").pk)
        tasks.read_at_once(source)
        eventually(lambda: SyncRun.objects.filter(state="succeeded").exists(), log, 120)
        ingest.parse_waiting(None, time.monotonic() + 60)
        assert [each.external_id for each in list_documents(bob)] == ["rules"]

        assert isinstance(system.answer, InHouse)
        system.answer.say(
            {"type": "access", "kind": "document", "id": "rules", "scope": "hr", "restrictions": [["ann"]]}
        )
        tasks.read_at_once(source)
        eventually(lambda: not list_documents(bob), log, 20)


@pytest.mark.django_db
def test_without_a_broker_a_notification_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.celery import app

    source = adding.add_source("intranet", kind="http", settings={"base_url": "http://127.0.0.1:9"})
    Source.objects.update(next_sync_at="2100-01-01T00:00:00Z")
    with app.connection_for_write("redis://127.0.0.1:9/0") as nowhere:
        monkeypatch.setattr(app, "producer_or_acquire", lambda producer=None: nowhere.Producer(auto_declare=False))
        tasks.read_at_once(source)

    assert list(sync.due()) == [source]

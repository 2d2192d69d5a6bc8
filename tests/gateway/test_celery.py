"""Which queue a task lands in on the real broker, and what takes from it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from celery import Task
from django.conf import settings
from django.core.management import call_command

from connectors import adding, sync
from connectors.models import Document, Source, SyncRun
from connectors.tasks import embed, ingest, sync_due, sync_source
from gateway import health
from gateway.celery import POLITENESS, QUEUES, app
from gateway.running import Child, children
from gateway.slack.tasks import answer, deliver, tell
from tests.processes import on_this_database, within

WHERE: dict[str, list["Task[Any, Any]"]] = {
    "permissions": [sync_due, sync_source],
    "answers": [answer, deliver, tell],
    "ingest": [ingest],
    "embed": [embed],
}


@contextmanager
def broker() -> Iterator[Any]:
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        yield channel.client


@pytest.fixture(autouse=True)
def empty_queues() -> Iterator[None]:
    with broker() as client:
        client.delete(*QUEUES)
    yield
    with broker() as client:
        client.delete(*QUEUES)


def test_every_queue_has_its_tasks_and_every_task_its_queue() -> None:
    ours = {name for name in app.tasks if not name.startswith("celery.")}
    assert {task.name for tasks in WHERE.values() for task in tasks} == ours
    assert WHERE.keys() == QUEUES.keys()


@pytest.mark.parametrize(
    ("queue", "task"),
    [pytest.param(queue, task, id=task.name) for queue, tasks in WHERE.items() for task in tasks],
)
def test_a_task_waits_in_its_queue_and_in_no_other(queue: str, task: "Task[Any, Any]") -> None:
    app.send_task(task.name)
    with broker() as client:
        assert {name: client.llen(name) for name in QUEUES} == {name: int(name == queue) for name in QUEUES}


def test_in_an_evaluation_somebody_takes_from_each_queue() -> None:
    taken = [queue for child in workers() for queue in queues_of(child)]
    assert sorted(taken) == sorted(QUEUES), "once each"
    assert [queues_of(child) for child in workers() if child.environment["GATEHOUSE_PROCESS"] == "embedder"] == [
        ["embed"]
    ]


def workers() -> list[Child]:
    return [child for child in children(0) if "worker" in child.words]


def queues_of(child: Child) -> list[str]:
    return child.words[list(child.words).index("--queues") + 1].split(",")


# --- real workers -------------------------------------------------------------------------------------


@contextmanager
def at_work(log: Path, words: Sequence[str], process: str = "worker") -> Iterator[psutil.Process]:
    """A worker on the database and the broker of this test."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            [sys.executable, *words],
            env=on_this_database(process),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield psutil.Process(started.pid)
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def of_up(name: str) -> Child:
    return next(child for child in children(0) if child.name == name)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(240)
def test_a_right_is_lost_while_the_parser_and_the_embedder_have_no_time(tmp_path: Path) -> None:
    """They are not even there: what they have to do waits, and rights do not wait for it."""
    folder = tmp_path / "company"
    folder.mkdir()
    (folder / "people.yaml").write_text("people: {ann: {email: ann@example.org}}\n")
    (folder / ".access.yaml").write_text("grants: [ann]\n")
    (folder / "a.md").write_text("Words.\n")
    source = adding.add_source("company", kind="folder", settings={"path": str(folder)}, vouches_for_emails=True)
    for _ in range(200):
        ingest.delay()
        embed.delay()
    worker = of_up("worker")
    with at_work(tmp_path / "log", worker.words) as process:
        sync_source.delay(source.pk)
        ran = SyncRun.objects.filter(state="succeeded")
        assert within(120, ran.exists), (tmp_path / "log").read_text()
        assert Document.past_the_guard.get().state == "pending"
        sync.wake(Source.objects.get())
        sync_source.delay(source.pk)
        assert within(60, lambda: ran.count() == 2), (tmp_path / "log").read_text()
        loaded = {Path(mapped.path).name for mapped in process.memory_maps()}
        assert not [name for name in loaded if "onnxruntime" in name], "the model is for those who embed"
    with broker() as client:
        assert client.llen("ingest") >= 200 and client.llen("embed") >= 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(240)
def test_doctor_says_from_which_queue_nobody_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert health.unattended_queues() is None
    call_command("doctor")
    assert "No worker is at work. `make up` starts them." in capsys.readouterr().out
    monkeypatch.setattr(settings, "EVALUATION", False)
    with pytest.raises(SystemExit):
        call_command("doctor")
    assert capsys.readouterr().err.count("no worker takes from the queue") == len(QUEUES)

    embedder = of_up("embedder")
    with at_work(tmp_path / "log", embedder.words, "embedder") as process:
        here = "permissions", "answers", "ingest"
        assert within(120, lambda: health.unattended_queues() == list(here)), (tmp_path / "log").read_text()
        assert process.nice() == min(psutil.Process().nice() + POLITENESS, 19)
        with pytest.raises(SystemExit):
            call_command("doctor")
        problems = capsys.readouterr().err
        assert "no worker takes from the queue permissions, so there wait: sources" in problems
        assert "Start one: celery -A gateway.celery worker --queues ingest" in problems
        assert "queue embed" not in problems

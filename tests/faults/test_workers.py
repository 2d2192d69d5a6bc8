"""Workers and queues that lose what they knew: real processes on the database and the queue of this test."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.reader import Reader
from connectors import adding, sync, tasks
from connectors.corpus.reading import list_documents
from connectors.kit.system import Answer, Asked, System
from connectors.models import Document, Source, SyncRun
from gateway.celery import app
from tests.cast import person
from tests.connectors.test_http import ANN, BOB, HR, STAFF, InHouse, document
from tests.faults import inside, processes
from tests.faults.processes import Gateway, signalled, tree_of
from tests.processes import on_this_database, within

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
HOUR = 3600
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, at);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += SHIFT;
    return failed;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


def queue() -> Any:
    channel: Any = app.connection_for_write().default_channel
    return channel.client


@pytest.fixture(autouse=True)
def empty_queues() -> Iterator[None]:
    queue().flushdb()
    yield
    queue().flushdb()


def added(system: System) -> Source:
    source = adding.add_source("intranet", kind="http", settings={"base_url": system.url}, vouches_for_emails=True)
    Source.objects.update(interval=1)
    return source


def running(logs: Path) -> Any:
    return processes.running(logs, on_this_database("worker"))


def live() -> int:
    return Document.past_the_guard.filter(state="live").count()


def reads(reader: Reader) -> list[str]:
    return [each.external_id for each in list_documents(reader)]


# --- queues -------------------------------------------------------------------------------------------------------


def test_wiping_the_queues_again_and_again_loses_nothing(tmp_path: Path) -> None:
    """Wake-ups are in them, and nothing else: the scheduler looks what is due."""
    records = [ANN, BOB, STAFF, HR, *(document(f"rule-{number}") for number in range(60))]
    with System(InHouse(*records, size=4)).running() as system, running(tmp_path) as gateway:
        added(system)
        for _ in range(20):
            queue().flushdb()
            time.sleep(0.2)
        assert within(60, lambda: live() == 60), gateway.log()
        assert isinstance(system.answer, InHouse)
        system.answer.say(document("one-more"))
        queue().flushdb()
        assert within(60, lambda: live() == 61), gateway.log()
    assert Document.past_the_guard.count() == 61


# --- leases -------------------------------------------------------------------------------------------------------


class HoldingBack:
    """Answers by the system behind it, the next answer only when it is released, as it was when it was asked for."""

    def __init__(self, behind: InHouse) -> None:
        self.behind = behind
        self.holds = False
        self.held = 0

    def __call__(self, asked: Asked) -> Answer:
        answer = self.behind(asked)
        if self.holds:
            self.held += 1
            within(60, lambda: not self.holds)
        return answer


@pytest.mark.parametrize(("defect", "reads_again"), [("", False), ("fence-not-asked", True)], ids=["sound", "defect"])
def test_of_two_workers_on_one_lease_the_older_ones_commit_is_refused(
    tmp_path: Path, defect: str, reads_again: bool
) -> None:
    """The older one sleeps, with a page in its hands that lets Bob read, until the newer has read that he may not.

    Where the fence is not asked, that is seen.
    """
    house = HoldingBack(InHouse(ANN, BOB, STAFF, HR, document("rules"), size=50))
    ann, bob = (Reader(person(name).pk) for name in ("ann", "bob"))
    with System(house).running() as system:
        source = added(system)
        sync.run_now(source)
        Source.objects.update(next_sync_at="2100-01-01T00:00:00Z", interval=100_000)
        older, newer = (workers(tmp_path, name, defect) for name in ("older", "newer"))
        try:
            house.behind.say(shared("staff"))
            house.holds = True
            older.start()
            tasks.read_at_once(source)
            assert within(60, lambda: house.held == 1), older.log.read_text()
            signalled(tree_of(older.pid), signal.SIGSTOP)
            house.holds = False
            house.behind.say(shared("ann"))
            newer.start()
            assert within(90, woken(source, lambda: reads(bob) == [])), newer.log.read_text()
            assert within(30, SyncRun.objects.filter(state="succeeded").count().__gt__(1).__bool__)
            Source.objects.update(next_sync_at="2100-01-01T00:00:00Z")
            begun = SyncRun.objects.count()
            signalled(tree_of(older.pid), signal.SIGCONT)
            assert within(20, lambda: bool(reads(bob)) or "commits no more" in older.log.read_text())
            assert (reads(bob) == ["rules"]) is reads_again
            assert reads(ann) == ["rules"]
            assert SyncRun.objects.count() == begun
        finally:
            older.stop()
            newer.stop()


def shared(*grants: str) -> dict[str, Any]:
    return {"type": "access", "kind": "document", "id": "rules", "inherits": False, "grants": list(grants)}


def workers(logs: Path, name: str, defect: str) -> processes.Process:
    """A worker, not started yet."""
    gateway = Gateway(logs, {**on_this_database("worker"), inside.VARIABLE: defect})
    worker = next(process for process in gateway.processes if process.name == "worker")
    worker.log = logs / f"{name}.log"
    return worker


def woken(source: Source, holds: Callable[[], bool]) -> Callable[[], bool]:
    """Whether it holds; if not, a worker is told once more."""

    def look() -> bool:
        if holds():
            return True
        tasks.read_at_once(source)
        time.sleep(0.3)
        return False

    return look


# --- clocks -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clocks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], str]:
    """A library that puts the clock of a process forward by so many seconds."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler to put a clock wrong with")
    place = tmp_path_factory.mktemp("clocks")

    def made(seconds: int) -> str:
        library = place / f"{seconds}.so"
        if not library.exists():
            words = [compiler, "-x", "c", "-", "-shared", "-fPIC", f"-DSHIFT=({seconds})", "-o", str(library), "-ldl"]
            subprocess.run(words, input=CLOCK.encode(), check=True)
        return str(library)

    return made


@pytest.mark.parametrize("shifts", [[HOUR], [HOUR, -HOUR]], ids=["ahead", "ahead and behind"])
def test_workers_whose_clocks_are_an_hour_off_sync_as_others_do(
    tmp_path: Path, clocks: Callable[[int], str], shifts: list[int]
) -> None:
    house = InHouse(ANN, BOB, STAFF, HR, *(document(f"rule-{number}") for number in range(30)), size=3)
    bob = Reader(person("bob").pk)
    with System(house).running() as system:
        added(system)
        environment = on_this_database("worker")
        gateway = Gateway(tmp_path, environment)
        words = {process.name: process for process in gateway.workers}
        gateway.processes = [gateway.scheduler]
        for shift in shifts:
            for process in words.values():
                preloaded = {**process.environment, "LD_PRELOAD": clocks(shift)}
                log = tmp_path / f"{process.name}{shift}.log"
                gateway.processes.append(processes.Process(f"{process.name}{shift}", process.words, preloaded, log))
        try:
            gateway.look_after()
            assert within(90, lambda: live() == 30), gateway.log()
            house.say(
                *(
                    {"type": "access", "kind": "document", "id": f"rule-{n}", "scope": "hr", "restrictions": [["ann"]]}
                    for n in range(10)
                )
            )
            assert within(60, lambda: len(reads(bob)) == 20), gateway.log()
            time.sleep(3 * inside.LEASE)  # a lease that was taken for over would be by now
        finally:
            for process in gateway.processes:
                process.stop()
        assert "commits no more" not in gateway.log()
    source = Source.objects.get()
    assert source.permissions_verified_at is not None and source.next_sync_at is not None
    now = timezone.now()
    assert abs((source.permissions_verified_at - now).total_seconds()) < 300
    assert abs((source.next_sync_at - now).total_seconds()) < 300
    interrupted = SyncRun.objects.filter(state="failed").values_list("problems", flat=True)
    assert list(interrupted) == []

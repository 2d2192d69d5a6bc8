"""Reading a folder from its files to documents people may read, again and again, and past every interruption."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from accounts.reader import Reader
from connectors import adding, ingest, sync
from connectors.corpus.counting import documents_by_state
from connectors.corpus.reading import document_text, list_documents
from connectors.models import Document, Passage, Scope, Source, SyncRun
from tests.cast import person
from tests.processes import on_this_database

pytestmark = pytest.mark.django_db

PEOPLE = """
people:
  ann: {name: Ann, email: ann@example.org}
  bob: {name: Bob, email: bob@example.org}
groups:
  staff: {members: [ann, bob]}
  legal: {members: [ann]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "company"
    (root / "legal").mkdir(parents=True)
    (root / "people.yaml").write_text(PEOPLE)
    (root / ".access.yaml").write_text("grants: [staff]\n")
    (root / "handbook.md").write_text("# Handbook\n\nThe office opens at eight.\n")
    (root / "legal" / ".access.yaml").write_text("restrictions: [[legal]]\n")
    (root / "legal" / "case.md").write_text("# The case\n\nThe walrus settled in May.\n")
    return root


@pytest.fixture
def source(folder: Path) -> Source:
    return adding.add_source("company", kind="folder", settings={"path": str(folder)}, vouches_for_emails=True)


def synced(source: Source) -> SyncRun:
    run = sync.run_now(source)
    ingest.parse_waiting(None, time.monotonic() + 60)
    return run


def reads(email: str) -> set[str]:
    from accounts.models import User

    user = User.objects.filter(email=email).first() or person(email.partition("@")[0])
    return {document.external_id for document in list_documents(Reader(user.pk))}


def test_a_folder_becomes_documents_its_readers_read(source: Source) -> None:
    run = synced(source)
    assert (run.state, run.problems) == ("succeeded", [])
    assert reads("ann@example.org") == {"handbook.md", "legal/case.md"}
    assert reads("bob@example.org") == {"handbook.md"}
    assert reads("eve@example.org") == set()


def test_a_second_run_rewrites_nothing(source: Source) -> None:
    synced(source)

    def versions() -> list[tuple[object, ...]]:
        with connection.cursor() as cursor:
            found: list[tuple[object, ...]] = []
            for table in ("document", "passage", "scope", "acl"):
                cursor.execute(f"SELECT '{table}', id, xmin::text FROM connectors_{table} ORDER BY id")
                found += cursor.fetchall()
            return found

    before = versions()
    run = synced(source)
    assert set(run.counts) <= {"unchanged", "deleted"}
    assert versions() == before


def test_changed_text_is_found_and_the_words_it_replaces_are_not(source: Source, folder: Path) -> None:
    synced(source)
    (folder / "handbook.md").write_text("# Handbook\n\nThe office opens at nine.\n")
    synced(source)
    ann = Reader(person("ann").pk)
    (document,) = [d for d in list_documents(ann) if d.external_id == "handbook.md"]
    text = document_text(ann, document.id)
    assert text is not None
    assert "nine" in text.text
    assert text.revision == 2
    assert not Passage.past_the_guard.filter(text__contains="eight").exists()


def test_what_a_complete_listing_does_not_name_is_gone(source: Source, folder: Path) -> None:
    synced(source)
    (folder / "legal" / "case.md").unlink()
    (folder / "people.yaml").write_text(PEOPLE.replace("  bob: {name: Bob, email: bob@example.org}\n", ""))
    synced(source)
    assert reads("ann@example.org") == {"handbook.md"}
    assert reads("bob@example.org") == set()


def test_too_many_missing_documents_are_hidden_until_a_person_says_which(source: Source, folder: Path) -> None:
    for number in range(30):
        (folder / f"note-{number}.txt").write_text(f"Note number {number}.")
    synced(source)
    for path in folder.glob("note-*.txt"):
        path.rename(path.with_suffix(".gone"))
        path.with_suffix(".gone").unlink()
    run = synced(source)
    assert reads("ann@example.org") == {"handbook.md", "legal/case.md"}
    assert "hidden, not deleted" in run.problems[-1]
    assert sync.release_held(source) == 30
    assert len(reads("ann@example.org")) == 32
    synced(source)
    assert sync.delete_held(source) == 30
    assert Document.past_the_guard.filter(state="deleted").count() == 30


def test_an_access_file_that_cannot_be_read_closes_its_subtree_and_is_named(source: Source, folder: Path) -> None:
    synced(source)
    (folder / "legal" / ".access.yaml").write_text("grants: [staff\n")
    run = synced(source)
    assert any("legal/.access.yaml" in problem and "line" in problem for problem in run.problems)
    assert reads("ann@example.org") == {"handbook.md"}
    (folder / "legal" / ".access.yaml").write_text("restrictions: [[legal]]\n")
    synced(source)
    assert reads("ann@example.org") == {"handbook.md", "legal/case.md"}


def test_people_that_cannot_be_read_close_everything_until_they_can(source: Source, folder: Path) -> None:
    (folder / ".access.yaml").write_text(
        "grants: [staff]\nfiles: {handbook.md: {grants: [everyone], inherits: false}}\n"
    )
    synced(source)
    assert reads("eve@example.org") == {"handbook.md"}
    (folder / "people.yaml").write_text("people: {ann: [}")
    run = synced(source)
    assert run.problems
    assert run.problems[0].startswith("people.yaml, line 1")
    assert reads("ann@example.org") == reads("eve@example.org") == set()
    (folder / "people.yaml").write_text(PEOPLE)
    synced(source)
    assert reads("ann@example.org") == {"handbook.md", "legal/case.md"}


def test_lost_rights_apply_although_new_text_waits_to_be_parsed(source: Source, folder: Path) -> None:
    synced(source)
    (folder / "handbook.md").write_text("# Handbook\n\nThe vault opens at nine.\n")
    (folder / ".access.yaml").write_text("grants: [staff]\nfiles:\n  handbook.md: {restrictions: [[ann]]}\n")
    sync.run_now(source)  # not parsed yet: the old text, under the old rights and the new together
    assert reads("bob@example.org") == set()
    assert "handbook.md" in reads("ann@example.org")
    ingest.parse_waiting(None, time.monotonic() + 60)
    assert reads("bob@example.org") == set()
    assert "handbook.md" in reads("ann@example.org")


def test_old_text_is_not_shown_under_wider_new_rights(source: Source, folder: Path) -> None:
    synced(source)
    (folder / "legal" / "case.md").write_text("# The case\n\nEverybody may know this.\n")
    (folder / "legal" / ".access.yaml").write_text("grants: [staff]\n")
    (folder / "legal" / "other.md").write_text("Words for all.")
    case = Document.past_the_guard.filter(external_id="legal/case.md")
    Scope.past_the_guard.filter(external_id="wide").delete()
    sync.run_now(source)
    assert case.get().next_scope_id is None  # the folder itself was widened: the document stands where it stood
    (folder / "legal" / "case.md").write_text("# The case\n\nNow with a list of its own.\n")
    (folder / "legal" / ".access.yaml").write_text("restrictions: [[legal]]\nfiles:\n  case.md: {grants: [everyone]}\n")
    sync.run_now(source)
    assert case.get().next_scope_id is not None
    assert "legal/case.md" not in reads("bob@example.org")


def test_one_bad_file_says_why_and_the_rest_goes_on(source: Source, folder: Path) -> None:
    (folder / "empty.pdf").write_bytes(b"")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\nnot really")
    (folder / "picture.bin").write_bytes(bytes(range(256)) * 40)
    run = synced(source)
    assert run.state == "succeeded"
    by_state = {(found.state, found.reason): found.count for found in documents_by_state(source)}
    assert by_state[("live", "")] == 2
    assert by_state[("quarantined", "empty")] == 1
    assert sum(count for (state, _), count in by_state.items() if state == "quarantined") == 3
    assert reads("ann@example.org") == {"handbook.md", "legal/case.md"}


def test_a_folder_that_is_gone_fails_the_run_and_keeps_what_is_known(source: Source, folder: Path) -> None:
    synced(source)
    folder.rename(folder.with_name("elsewhere"))
    run = sync.run_now(source)
    assert run.state == "failed"
    assert str(folder) in run.problems[0]
    assert reads("bob@example.org") == {"handbook.md"}
    source.refresh_from_db()
    assert source.failures == 1
    assert source.next_sync_at is not None
    assert source.next_sync_at > timezone.now()


def test_permissions_are_verified_as_of_the_beginning_of_a_run_that_ended_well(source: Source, folder: Path) -> None:
    run = synced(source)
    source.refresh_from_db()
    assert source.permissions_verified_at == run.started_at
    folder.rename(folder.with_name("elsewhere"))
    sync.run_now(source)
    source.refresh_from_db()
    assert source.permissions_verified_at == run.started_at


def test_an_older_run_cannot_commit_after_a_later_one_has_begun(source: Source) -> None:
    older = sync.begin(source)
    assert older is not None
    Source.objects.filter(pk=source.pk).update(lease_until=timezone.now())
    later = sync.begin(source)
    assert later is not None
    sync.conduct(older)
    assert not Document.past_the_guard.exists()
    assert sync.conduct(later).state == "succeeded"
    older.refresh_from_db()
    assert older.state == "failed"


def test_a_source_somebody_reads_is_not_due(source: Source) -> None:
    assert list(sync.due()) == [source]
    sync.begin(source)
    assert not sync.due().exists()
    assert sync.begin(source) is None


# --- real workers, killed ------------------------------------------------------------------------------


@contextmanager
def worker(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker in a process group of its own, on the database of this test."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "gateway.celery", "worker", "-c", "2", "--loglevel", "WARNING"],
            env=on_this_database("worker"),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def eventually(happened: object, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(240)
def test_a_worker_killed_in_the_middle_of_a_sync_loses_and_doubles_nothing(tmp_path: Path, folder: Path) -> None:
    from connectors.tasks import ingest as ingest_task
    from connectors.tasks import sync_source

    for number in range(400):
        (folder / f"note-{number:03}.txt").write_text(f"Note number {number} is about subject {number % 7}.")
    source = adding.add_source("company", kind="folder", settings={"path": str(folder)}, vouches_for_emails=True)
    person("ann")
    log = tmp_path / "worker.log"
    with worker(log) as first:
        sync_source.delay(source.pk)
        eventually(Document.past_the_guard.exists, f"no document came in: {log.read_text()}")
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    Source.objects.update(lease_until=timezone.now(), next_sync_at=timezone.now())  # as time would
    with worker(log):
        sync_source.delay(source.pk)
        live = Document.past_the_guard.filter(state="live")
        eventually(lambda: live.count() == 402, f"{live.count()} of 402: {log.read_text()[-2000:]}", 150)
        ingest_task.delay()
    assert len(list_documents(Reader(person_id("ann")), limit=1000)) == 402
    assert Document.past_the_guard.count() == 402
    texts = list(Passage.past_the_guard.values_list("document", "ordinal"))
    assert len(texts) == len(set(texts)) == 402


def person_id(name: str) -> int:
    from accounts.models import User

    return User.objects.get(email=f"{name}@example.org").pk

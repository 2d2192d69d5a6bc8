"""Workers whose clocks are an hour off: whose turn it is, and how old rights are, the database's clock says."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.reader import Reader
from accounts.statements import database_now
from connectors import adding, ingest, sync
from connectors.corpus.reading import list_documents
from connectors.kit.scripted import Line, scripted
from connectors.models import Content, Document, Source, SyncRun
from connectors.records import Access, Checkpoint, DocumentRecord, Entry, PrincipalRecord, ScopeRecord
from connectors.sources import registry
from tests.cast import person
from tests.leakproof.product import PlainParser

pytestmark = pytest.mark.django_db

LINES: list[Line] = [
    PrincipalRecord(id="ann", kind="user", email="ann@example.org", external=False),
    ScopeRecord(id="root", access=Access(grants=(Entry(id="ann"),))),
    DocumentRecord(id="a", title="a", scope="root", content=b"Words."),
    Checkpoint(state={"at": 1}, complete=True),
]
HOUR = timedelta(hours=1)
Shift = Callable[[timedelta], None]


@pytest.fixture(params=[pytest.param(HOUR, id="ahead"), pytest.param(-HOUR, id="behind")])
def off(request: pytest.FixtureRequest) -> timedelta:
    off: timedelta = request.param
    return off


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setitem(registry.KINDS, "scripted", scripted(lambda since: LINES))
    person("ann")
    return adding.add_source("company", kind="scripted", vouches_for_emails=True)


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> Shift:
    """This worker's clock is off from now on."""
    right: Callable[[], datetime] = timezone.now

    def shifted(by: timedelta) -> None:
        monkeypatch.setattr(timezone, "now", lambda: right() + by)

    return shifted


def about_now(moment: datetime | None) -> bool:
    return moment is not None and abs(moment - database_now()) < timedelta(minutes=10)


def test_a_lease_that_another_holds_is_not_taken(source: Source, shift: Shift, off: timedelta) -> None:
    assert sync.begin(source) is not None
    shift(off)
    assert not sync.due().exists()
    assert sync.begin(source) is None


def test_a_lease_that_has_ended_is_taken_and_the_run_that_lost_it_commits_no_more(
    source: Source, shift: Shift, off: timedelta
) -> None:
    older = sync.begin(source)
    assert older is not None
    Source.objects.update(lease_until=Now())
    shift(off)
    later = sync.begin(source)
    assert later is not None
    sync.conduct(older)
    assert not Document.past_the_guard.exists()
    assert sync.conduct(later).state == "succeeded"
    assert SyncRun.objects.get(pk=older.pk).state == "failed"


def test_a_lease_given_by_a_clock_that_is_off_ends_when_it_should(source: Source, shift: Shift, off: timedelta) -> None:
    shift(off)
    run = sync.begin(source)
    source.refresh_from_db()
    assert run is not None and about_now(run.started_at)
    assert source.lease_until is not None
    assert timedelta(0) < source.lease_until - database_now() <= sync.LEASE


def test_rights_are_as_old_as_they_are_and_the_next_run_comes_in_time(
    source: Source, shift: Shift, off: timedelta
) -> None:
    shift(off)
    sync.run_now(source)
    source.refresh_from_db()
    assert about_now(source.permissions_verified_at)
    assert source.next_sync_at is not None
    assert timedelta(0) < source.next_sync_at - database_now() <= timedelta(seconds=source.interval)
    sync.wake(source)
    assert list(sync.due()) == [source]


def test_what_one_worker_brought_another_parses_at_once(source: Source, shift: Shift, off: timedelta) -> None:
    shift(off)
    sync.run_now(source)
    shift(timedelta(0))
    job = ingest.take()
    assert job is not None
    assert ingest.take() is None, "it is taken, whoever looks"
    shift(off)
    assert ingest.take() is None
    Content.past_the_guard.update(due_at=Now())
    job = ingest.take()
    assert job is not None and job.attempts == 2
    ingest.work_on(job, PlainParser())
    ann = Reader(User.objects.get(email="ann@example.org").pk)
    assert [found.external_id for found in list_documents(ann)] == ["a"]


def test_a_source_that_is_added_or_resumed_is_due_at_once(source: Source, shift: Shift, off: timedelta) -> None:
    shift(off)
    adding.pause(source)
    adding.resume(source)
    other = adding.add_source("other", kind="scripted")
    assert set(sync.due()) == {source, other}

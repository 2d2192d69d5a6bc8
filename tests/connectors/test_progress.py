"""What is told of a source's progress: numbers as they are, a pace where there is one, an estimate or nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from connectors import adding, ingest, progress, sync, tasks
from connectors.corpus import documents
from connectors.kit.scripted import Scripted, in_turn, scripted
from connectors.models import Content, Document, Source, SyncRun, WorkDone
from connectors.progress import Stage, in_words, progress_of
from connectors.records import Access, Checkpoint, DocumentRecord, Entry, PrincipalRecord, ScopeRecord
from connectors.sources import registry
from connectors.sources.base import ConnectorError, SlowDown
from tests.cast import person

pytestmark = pytest.mark.django_db

Make = Callable[..., Source]
ANN = PrincipalRecord(id="ann", kind="user", email="ann@example.org", external=False)
ROOT = ScopeRecord(id="root", access=Access(grants=(Entry(id="ann"),)))
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AWAY = ConnectorError("The system is away.")


@pytest.fixture(autouse=True)
def ann() -> User:
    return person("ann")


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    def made(*runs: list[object]) -> Source:
        kind: type[Scripted] = scripted(in_turn(*runs))  # type: ignore[arg-type]
        monkeypatch.setitem(registry.KINDS, "scripted", kind)
        return adding.add_source("company", kind="scripted", vouches_for_emails=True)

    return made


def note(name: str) -> DocumentRecord:
    return DocumentRecord(id=name, title=name, scope="root", text=f"The note of {name}.")


def file(name: str, content: bytes, asked: list[str] | None = None, *, version: str = "1") -> DocumentRecord:
    def read() -> bytes:
        if asked is not None:
            asked.append(name)
        return content

    return DocumentRecord(id=name, title=name, scope="root", content=read, mime="text/plain", version=version)


def whole(*records: object) -> list[object]:
    return [ANN, ROOT, *records, Checkpoint(state={"at": 1}, complete=True)]


def ran(source: Source) -> SyncRun:
    run = sync.run_now(source)
    source.refresh_from_db()
    return run


def parse() -> None:
    ingest.parse_waiting(None, 1e12)


def stage(source: Source, name: str) -> Stage:
    return next(each for each in progress_of(source).stages if each.name == name)


def done(source: Source, kind: progress.Kind, *, count: int, ago: float) -> None:
    """So much was done so many seconds ago."""
    work = WorkDone.objects.create(source_id=source.pk, kind=kind, count=count)
    WorkDone.objects.filter(pk=work.pk).update(at=Now() - timedelta(seconds=ago))


# --- numbers --------------------------------------------------------------------------------------------


def test_documents_are_counted_on_their_way_from_found_to_embedded(make: Make) -> None:
    source = make(whole(file("a.txt", b"A."), file("b.txt", b""), note("c")))
    ran(source)
    told = progress_of(source)
    assert (told.found, told.changed, told.waiting, told.failed) == (3, 3, 2, 0)
    assert stage(source, "Parsed").amount == "1 of 3 documents"
    parse()
    told = progress_of(source)
    assert (told.found, told.waiting, told.failed) == (3, 0, 1)
    assert [(reason.code, reason.count) for reason in told.quarantined] == [("empty", 1)]
    assert told.quarantined[0].text == "The file is empty."
    embedded = stage(source, "Embedded")
    assert (embedded.done, embedded.waiting) == (0, 2)
    ingest.drain(source)
    assert stage(source, "Embedded").amount == "2 passages"
    assert not progress_of(source).goes_on


def test_what_is_done_is_noted_as_it_is_done(make: Make) -> None:
    source = make(whole(file("a.txt", b"A."), file("b.txt", b""), note("c")))
    ran(source)
    ingest.drain(source)
    noted: dict[str, int] = {}
    for kind, count in WorkDone.objects.filter(source_id=source.pk).values_list("kind", "count"):
        noted[kind] = noted.get(kind, 0) + count
    assert noted == {"listed": 3, "parsed": 2, "embedded": 2}


def test_a_run_under_way_tells_how_much_of_what_is_known_it_has_listed(make: Make) -> None:
    source = make(whole(note("a"), note("b"), note("c")), [ANN, ROOT, note("a"), Checkpoint(state={"at": 2}), AWAY])
    first = sync.begin(source)
    assert first is not None
    assert stage(source, "Listed").total is None
    sync.conduct(first)
    source.refresh_from_db()
    adding.read_anew(source)
    second = sync.begin(source)
    assert second is not None
    source.refresh_from_db()
    assert stage(source, "Listed").amount == "0 of about 3 documents"
    with pytest.raises(ConnectorError):
        sync.Reading(second).read()
    assert stage(source, "Listed").amount == "1 of about 3 documents"


def test_a_file_that_was_tried_before_is_told(make: Make) -> None:
    source = make(whole(file("a.txt", b"A.")))
    ran(source)
    Content.past_the_guard.update(attempts=1)
    assert progress_of(source).tried_before == 1


# --- pace -----------------------------------------------------------------------------------------------


def test_a_pace_is_that_of_the_last_minutes(make: Make) -> None:
    source = make(whole(*(file(f"{n}.txt", b"A.") for n in range(3))))
    ran(source)
    WorkDone.objects.all().delete()
    assert stage(source, "Parsed").pace == "no pace can be told yet"
    done(source, progress.Kind.PARSED, count=7, ago=120)  # when it began is known by its first note alone
    assert stage(source, "Parsed").pace == "no pace can be told yet"
    done(source, progress.Kind.PARSED, count=20, ago=60)
    assert stage(source, "Parsed").a_minute == pytest.approx(10, rel=0.1)
    assert stage(source, "Parsed").pace == "10 a minute, less than a minute left"
    done(source, progress.Kind.PARSED, count=100, ago=600)
    assert stage(source, "Parsed").a_minute == pytest.approx(27 / 5, rel=0.1)


def test_work_of_a_moment_tells_no_pace(make: Make) -> None:
    source = make(whole(file("a.txt", b"A.")))
    ran(source)
    WorkDone.objects.all().delete()
    for ago in (5, 3, 1):
        done(source, progress.Kind.PARSED, count=50, ago=ago)
    assert stage(source, "Parsed").pace == "no pace can be told yet"


def test_the_pace_of_another_source_is_not_this_ones(make: Make) -> None:
    source = make(whole(file("a.txt", b"A.")))
    ran(source)
    other = adding.add_source("other", kind="push")
    for ago in (200, 100):
        done(other, progress.Kind.PARSED, count=50, ago=ago)
    assert stage(source, "Parsed").a_minute is None


def test_what_was_done_long_ago_is_forgotten_by_whoever_looks_for_what_is_due(make: Make) -> None:
    source = make(whole())
    Source.objects.update(enabled=False)
    done(source, progress.Kind.PARSED, count=1, ago=1000)
    done(source, progress.Kind.PARSED, count=2, ago=10)
    tasks.sync_due()
    assert list(WorkDone.objects.values_list("count", flat=True)) == [2]


def test_an_estimate_is_made_only_where_it_is_known_how_much_is_left() -> None:
    def of(waiting: int | None, a_minute: float | None) -> Stage:
        return Stage(name="Listed", of_what="", done=5, waiting=waiting, a_minute=a_minute, going_on=True)

    assert of(100, 10.0).left == timedelta(minutes=10)
    assert of(100, 10.0).pace == "10 a minute, about 10 minutes left"
    assert of(None, 10.0).pace == "10 a minute; how much is left is not known"
    assert of(0, 10.0).pace == "10 a minute"
    assert of(100, None).left is None
    assert of(1, 0.2).pace == "less than one a minute, about 5 minutes left"


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(seconds=61), "about 1 minute"),
        (timedelta(minutes=89), "about 89 minutes"),
        (timedelta(minutes=91), "about 2 hours"),
        (timedelta(hours=35), "about 35 hours"),
        (timedelta(hours=37), "about 2 days"),
        (timedelta(days=4000), "about 4,000 days"),
    ],
    ids=str,
)
def test_durations_are_told_in_words(duration: timedelta, words: str) -> None:
    assert in_words(duration) == words


def test_how_long_a_run_took_is_told_once_it_has_ended() -> None:
    def of(seconds: float) -> str:
        return progress.took(SyncRun(started_at=NOW, ended_at=NOW + timedelta(seconds=seconds)))

    assert progress.took(SyncRun(started_at=NOW)) == ""
    assert [of(0.4), of(119), of(600), of(9000)] == ["0 s", "119 s", "about 10 minutes", "about 2 hours"]


# --- what it waits for ----------------------------------------------------------------------------------


def waits(source: Source, now: datetime | None = None) -> str:
    source.refresh_from_db()
    run = source.runs.order_by("-started_at").first()
    return progress.what_it_waits_for(source, run, now or timezone.now())


def test_why_a_source_waits_is_told_in_every_state_it_can_be_in(make: Make) -> None:
    source = make(whole(), [AWAY], [AWAY], [SlowDown("api.example.org", 4000)], whole())
    assert waits(source) == "It is due: the next worker that looks reads it."
    assert "no worker has taken it" in waits(source, timezone.now() + timedelta(minutes=2))
    run = sync.begin(source)
    assert run is not None
    assert waits(source).startswith("A worker reads it, and holds its lease until ")
    assert "has not been heard of" in waits(source, timezone.now() + timedelta(minutes=2))
    sync.conduct(run)
    assert waits(source).startswith("It is read next at ")
    ran(source)
    assert waits(source).startswith("The last run failed; it is read next at ")
    assert waits(source).endswith("The system is away.")
    ran(source)
    assert waits(source).startswith("2 runs failed in a row, so it is tried less and less often: ")
    ran(source)
    assert waits(source).startswith("The system asked for it: it is read next at ")
    adding.pause(source)
    assert waits(source).startswith("It is paused")
    assert waits(adding.add_source("crm", kind="push")) == "Its records are pushed: there is nothing to read."


@pytest.mark.parametrize(
    ("verified", "hours", "words"),
    [
        (None, 24, "Permissions were never seen complete"),
        (NOW - timedelta(hours=1), 24, "Unless a run ends by 2026-03-02 11:00:00 UTC, in about 23 hours"),
        (NOW - timedelta(hours=25), 24, "since 2026-03-01 11:00:00 UTC it is hidden from everyone"),
        (NOW - timedelta(hours=24), 24, "since 2026-03-01 12:00:00 UTC it is hidden from everyone"),
        (NOW, None, "No age is set"),
        (None, None, "No age is set"),
    ],
    ids=["never", "fresh", "too old", "too old from this moment on", "no limit", "pushed"],
)
def test_until_when_permissions_count_as_known(verified: datetime | None, hours: int | None, words: str) -> None:
    limit = timedelta(hours=hours) if hours is not None else None
    source = Source(permissions_verified_at=verified, max_permission_age=limit)
    assert words in progress.freshness_of(source, NOW)


def test_a_count_that_takes_long_is_not_made_for_each_who_watches(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make(whole(file("a.txt", b"A.")))
    monkeypatch.setattr(progress, "_counted", {})
    monkeypatch.setattr(progress, "COSTLY", 0.0)
    before = stage(source, "Parsed").waiting
    ran(source)
    for made in progress._counted.copy():
        progress._counted[made] = (1e12, progress._counted[made][1])
    assert stage(source, "Parsed").waiting == before == 0
    progress._counted.clear()
    assert stage(source, "Parsed").waiting == 1


# --- reading again --------------------------------------------------------------------------------------


def test_what_could_not_be_read_is_fetched_again_when_a_person_says_so(make: Make) -> None:
    asked: list[str] = []
    lines = [file("a.txt", b"", asked), file("b.txt", b"B.", asked)]
    later = [file("a.txt", b"A.", asked), file("b.txt", b"B.", asked)]
    source = make(whole(*lines), [Checkpoint(state={"at": 2})], whole(*later), [Checkpoint(state={"at": 3})])
    ran(source)
    parse()
    assert progress_of(source).failed == 1
    ran(source)
    assert asked == ["a.txt", "b.txt"]
    assert adding.try_again(source, reason="empty") == 1
    run = ran(source)
    assert run.whole
    assert asked == ["a.txt", "b.txt", "a.txt"]
    parse()
    assert progress_of(source).failed == 0
    assert not ran(source).whole


def test_a_try_that_fails_again_is_quarantined_again(make: Make) -> None:
    source = make(whole(file("a.txt", b"")))
    ran(source)
    parse()
    assert adding.try_again(source) == 1
    ran(source)
    assert Document.past_the_guard.get().state == "pending"
    parse()
    assert [reason.code for reason in progress_of(source).quarantined] == ["empty"]


def test_one_document_is_tried_again_and_its_neighbour_is_not(make: Make) -> None:
    asked: list[str] = []
    source = make(whole(file("a.txt", b"", asked), file("b.txt", b"", asked)))
    ran(source)
    parse()
    id = Document.past_the_guard.get(external_id="b.txt").public_id
    assert adding.try_again(source, document=id) == 1
    ran(source)
    assert asked == ["a.txt", "b.txt", "b.txt"]


def mail_with(attached: bytes) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "ann@example.org", "The plan"
    mail.set_content("The plan is attached.")
    mail.add_attachment(attached, maintype="application", subtype="pdf", filename="plan.pdf")
    return mail.as_bytes()


@pytest.mark.parametrize("everything", [False, True], ids=["the one", "everything"])
def test_what_is_attached_comes_again_with_what_it_is_attached_to(make: Make, everything: bool) -> None:
    asked: list[str] = []
    mail = file("plan.eml", mail_with(b"%PDF-1.7 and nothing more"), asked)
    source = make(whole(replace(mail, mime="message/rfc822"), file("b.txt", b"B.", asked)))
    ran(source)
    parse()
    assert progress_of(source).failed == 1
    attached = Document.past_the_guard.get(state="quarantined")
    if everything:
        adding.read_anew(source, contents=True)
    else:
        assert adding.try_again(source, document=attached.public_id) == 1
    assert Document.past_the_guard.get(pk=attached.pk).content_digest is None
    asked.clear()
    ran(source)
    assert asked == (["plan.eml", "b.txt"] if everything else ["plan.eml"])
    parse()
    again = Document.past_the_guard.get(state="quarantined")
    assert (again.public_id, again.content_digest) == (attached.public_id, attached.content_digest)
    assert set(documents.living(source.pk).values_list("state", flat=True)) == {"live"}


def test_everything_is_listed_anew_without_fetching_what_has_not_changed(make: Make) -> None:
    asked: list[str] = []
    source = make(whole(file("a.txt", b"A.", asked)), whole(file("a.txt", b"A.", asked)))
    ran(source)
    parse()
    adding.read_anew(source)
    assert ran(source).whole
    assert asked == ["a.txt"]


def test_everything_is_fetched_anew_and_stays_readable_meanwhile(make: Make) -> None:
    asked: list[str] = []
    source = make(whole(file("a.txt", b"A.", asked), note("b")))
    ran(source)
    parse()
    adding.read_anew(source, contents=True)
    assert set(Document.past_the_guard.values_list("state", flat=True)) == {"live"}
    ran(source)
    assert asked == ["a.txt", "a.txt"]
    assert progress_of(source).waiting == 1
    assert set(Document.past_the_guard.values_list("state", flat=True)) == {"live"}
    parse()
    assert set(Document.past_the_guard.values_list("text_revision", flat=True)) == {2}
    assert documents.living(source.pk).count() == 2


def test_a_listing_under_way_is_not_taken_for_the_one_that_was_asked_for(make: Make) -> None:
    source = make(whole(note("a")))
    run = sync.begin(source)
    assert run is not None
    Source.objects.update(listing_began=F("next_sync_at") - timedelta(hours=10))
    adding.read_anew(source)
    sync.conduct(run)
    source.refresh_from_db()
    assert source.permissions_verified_at is None
    assert source.listed_at is None
    assert ran(source).whole
    assert source.permissions_verified_at is not None

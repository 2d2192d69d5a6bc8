"""How far a source has come, how fast, and what it waits for: in numbers, and in the words in which the console and the
command line tell them. Counts only: running the system is not reading it (P12).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Literal

from django.db.models.functions import Now
from django.utils import timezone

from accounts.statements import rows
from connectors.corpus import counting
from connectors.corpus.counting import StateCount, Work
from connectors.models import Document, Source, SyncRun, WorkDone
from connectors.parsing.results import REASONS

Tone = Literal["success", "info", "warning", "error"]
Kind = WorkDone.Kind
State = Document.State

LATELY = timedelta(minutes=5)  # a pace is that of these
KEPT = timedelta(minutes=15)
SETTLES = timedelta(seconds=20)  # shorter work tells no pace
UNTAKEN = timedelta(seconds=30)  # due for longer than that, nobody seems to look
COSTLY = 1.0  # seconds; what took longer to count is counted again after ten times as long
ASKED_TO_WAIT = "asks to be left alone for"  # as SlowDown says it
LATEST_RUNS = 5

DONE_LATELY = """
SELECT kind, min(at), coalesce(sum(count) FILTER (WHERE at > %s), 0), (array_agg(count ORDER BY at, id))[1]
FROM connectors_workdone WHERE source_id = %s AND at > %s GROUP BY kind
"""


# --- what was done lately -----------------------------------------------------------------------------


def note(source_id: int, kind: WorkDone.Kind, count: int) -> None:
    """So much was done just now."""
    if count:
        WorkDone.objects.create(source_id=source_id, kind=kind, count=count)


def forget() -> None:
    """What was done too long ago to tell a pace."""
    WorkDone.objects.filter(at__lt=Now() - KEPT).delete()


def paces(source: Source, now: datetime) -> dict[str, float]:
    """How many a minute, by kind of work; none of what is not done just now, or not for long enough to tell."""
    lately = now - LATELY
    found: dict[str, float] = {}
    for kind, first_at, done, first in rows(DONE_LATELY, [lately, source.pk, now - KEPT]):
        if first_at > lately:  # what was noted first had been done before
            first_at, done = max(first_at, lately), done - first
        elapsed = now - max(first_at, lately)
        if done and elapsed >= SETTLES:
            found[kind] = done / (elapsed / timedelta(minutes=1))
    return found


# --- how far it has come ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of the things that are done to what a source holds. `waiting`: None where nobody knows how much there is."""

    name: str
    of_what: str
    done: int
    waiting: int | None
    a_minute: float | None
    going_on: bool
    about: bool = False  # how much there is is taken from an earlier time

    @property
    def total(self) -> int | None:
        return None if self.waiting is None else self.done + self.waiting

    @property
    def left(self) -> timedelta | None:
        """How long it takes at the pace of the last minutes."""
        if not self.waiting or not self.a_minute:
            return None
        return timedelta(minutes=self.waiting / self.a_minute)

    @property
    def amount(self) -> str:
        if self.total is None or not self.waiting:
            return f"{self.done:,} {self.of_what}"
        return f"{self.done:,} of {'about ' if self.about else ''}{self.total:,} {self.of_what}"

    @property
    def pace(self) -> str:
        """How fast it goes on and when it will be done; nothing where nothing goes on."""
        if not self.going_on:
            return ""
        if self.a_minute is None:
            return "no pace can be told yet"
        pace = f"{self.a_minute:,.0f} a minute" if self.a_minute >= 1 else "less than one a minute"
        if self.left is not None:
            return f"{pace}, {in_words(self.left)} left"
        return pace if self.waiting is not None else f"{pace}; how much is left is not known"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How a source is, and whether that is good."""

    tone: Tone
    text: str


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Documents that could not be read, why in words, and by which code."""

    code: str
    text: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a source stands."""

    source: Source
    condition: Condition
    run: SyncRun | None  # that goes on, or was the last
    states: tuple[StateCount, ...]
    stages: tuple[Stage, ...]
    tried_before: int
    unfetched: int
    without_vector: int
    waits: str
    freshness: str

    @property
    def found(self) -> int:
        """Documents the source is known to hold, in whatever state."""
        return sum(line.count for line in self.states)

    @property
    def held(self) -> int:
        """Those a listing left out, hidden until a person says whether they are gone."""
        return _count(self.states, State.HELD)

    @property
    def quarantined(self) -> list[Reason]:
        return [
            Reason(code=line.reason, text=REASONS.get(line.reason, line.reason), count=line.count)
            for line in self.states
            if line.state == State.QUARANTINED
        ]

    @property
    def is_reading(self) -> bool:
        return self.run is not None and self.run.state == SyncRun.State.RUNNING

    @property
    def goes_on(self) -> bool:
        return self.is_reading or any(stage.going_on for stage in self.stages)

    @property
    def failed(self) -> int:
        return sum(reason.count for reason in self.quarantined)

    @property
    def waiting(self) -> int:
        """Files that wait to be parsed."""
        return next(stage.waiting or 0 for stage in self.stages if stage.name == "Parsed")

    @property
    def changed(self) -> int:
        """What the run brought that was new or other than before, and what it took away."""
        counts = self.run.counts if self.run is not None else {}
        return sum(counts.get(name, 0) for name in ("live", "pending", "quarantined", "deleted"))


def progress_of(source: Source) -> Progress:
    now: datetime = rows("SELECT clock_timestamp()")[0][0]
    run = source.runs.order_by("-started_at").first()
    states = counting.documents_by_state(source)
    work = _work_on(source)
    return Progress(
        source=source,
        condition=condition_of(source, run),
        run=run,
        states=tuple(states),
        stages=tuple(_stages(source, run, states, work, now)),
        tried_before=work.tried_before,
        unfetched=work.unfetched,
        without_vector=work.without_vector,
        waits=what_it_waits_for(source, run, now),
        freshness=freshness_of(source, now),
    )


def _count(states: Sequence[StateCount], state: str) -> int:
    return sum(line.count for line in states if line.state == state)


def _stages(
    source: Source, run: SyncRun | None, states: Sequence[StateCount], work: Work, now: datetime
) -> list[Stage]:
    pace = paces(source, now)
    stages = []
    if run is not None and run.state == SyncRun.State.RUNNING:
        known = run.whole and source.permissions_verified_at is not None  # an earlier run has ended
        stages.append(
            Stage(
                name="Listed",
                of_what="documents" if run.whole else "documents that changed",
                done=work.listed,
                waiting=max(work.named - work.listed, 0) if known else None,
                a_minute=pace.get(Kind.LISTED),
                going_on=True,
                about=True,
            )
        )
    found, failed = sum(line.count for line in states), _count(states, State.QUARANTINED)
    embedded = work.passages - work.to_embed - work.without_vector
    for name, of_what, kind, done, waiting in (
        ("Parsed", "documents", Kind.PARSED, found - failed - work.to_parse, work.to_parse),
        ("Embedded", "passages", Kind.EMBEDDED, embedded, work.to_embed),
    ):
        stages.append(
            Stage(
                name=name,
                of_what=of_what,
                done=max(done, 0),
                waiting=waiting,
                a_minute=pace.get(kind),
                going_on=waiting > 0,
            )
        )
    return stages


_counted: dict[int, tuple[float, Work]] = {}


def _work_on(source: Source) -> Work:
    """Counted, or as it was counted a moment ago where that takes long: many may be watching."""
    until, known = _counted.get(source.pk, (0.0, None))
    began = monotonic()
    if known is not None and began < until:
        return known
    work = counting.work_on(source)
    took = monotonic() - began
    _counted[source.pk] = (monotonic() + 10 * took if took > COSTLY else 0.0, work)
    return work


# --- in words -----------------------------------------------------------------------------------------


def condition_of(source: Source, last_run: SyncRun | None) -> Condition:
    """The one thing to know first: what hides the source, then what goes wrong, then what goes on."""
    if not source.enabled:
        return Condition(tone="warning", text="Paused: hidden from everyone")
    if last_run is None and source.next_sync_at is not None:
        return Condition(tone="info", text="Waits for its first sync")
    if is_too_old(source):
        return Condition(tone="error", text=f"Hidden from everyone: {_why_too_old(source, last_run)}")
    if last_run is None:
        return Condition(tone="info", text="Waits for what is pushed to it")
    if last_run.state == SyncRun.State.RUNNING:
        return Condition(tone="info", text="Syncing now")
    if last_run.state == SyncRun.State.FAILED:
        return Condition(tone="error", text="The last run failed")
    if last_run.problems:
        return Condition(tone="warning", text="Up to date, with problems")
    return Condition(tone="success", text="Up to date")


def _why_too_old(source: Source, last_run: SyncRun | None) -> str:
    if source.permissions_verified_at is None and last_run is not None:
        if last_run.state == SyncRun.State.RUNNING:
            return "its first sync goes on"
        if last_run.state == SyncRun.State.FAILED:
            return "no run has come to its end yet"
    return "its permissions are too old"


def is_too_old(source: Source, now: datetime | None = None) -> bool:
    """Whether its permissions were last seen complete longer ago than it allows (P7)."""
    limit: timedelta | None = source.max_permission_age
    if limit is None:
        return False
    verified = source.permissions_verified_at
    return verified is None or verified + limit <= (now or timezone.now())


def freshness_of(source: Source, now: datetime) -> str:
    """Until when its permissions count as known (P7)."""
    limit, verified = source.max_permission_age, source.permissions_verified_at
    if limit is None:
        seen = f"Permissions were last seen complete at {at(verified)}. " if verified else ""
        return f"{seen}No age is set at which they would hide it: what was sent last stays in force."
    if verified is None:
        return "Permissions were never seen complete: nobody reads anything of it until a run has come to its end."
    seen = f"Permissions were last seen complete at {at(verified)}."
    closes = verified + limit
    if closes <= now:
        return f"{seen} That is too long ago: since {at(closes)} it is hidden from everyone, until a run ends."
    return f"{seen} Unless a run ends by {at(closes)}, in {in_words(closes - now)}, it is hidden from everyone then."


def what_it_waits_for(source: Source, last_run: SyncRun | None, now: datetime) -> str:
    """Why it is not read just now, or who reads it."""
    if not source.enabled:
        return "It is paused, so it is not read, and nobody reads anything of it. Resume it to go on."
    if source.next_sync_at is None:
        return "Its records are pushed: there is nothing to read."
    if source.lease_until is not None and source.lease_until > now:
        return f"A worker reads it, and holds its lease until {at(source.lease_until)}, which it renews while it lives."
    if last_run is not None and last_run.state == SyncRun.State.RUNNING:
        return "The worker that read it has not been heard of for a while. The next one that looks goes on with it."
    if source.next_sync_at <= now:
        return _due_since(source.next_sync_at, now)
    if last_run is None or last_run.state != SyncRun.State.FAILED:
        return f"It is read next at {at(source.next_sync_at)}."
    return _after_a_failure(source, last_run, now)


def _due_since(due: datetime, now: datetime) -> str:
    if now - due < UNTAKEN:
        return "It is due: the next worker that looks reads it."
    return (
        f"It is due since {at(due)} and no worker has taken it. Is a worker running, with a scheduler to wake it? "
        "Perhaps all are busy with other sources."
    )


def _after_a_failure(source: Source, last_run: SyncRun, now: datetime) -> str:
    assert source.next_sync_at is not None
    reason = last_run.problems[-1] if last_run.problems else "It said nothing of why."
    when = f"it is read next at {at(source.next_sync_at)}, in {in_words(source.next_sync_at - now)}"
    if ASKED_TO_WAIT in reason:
        return f"The system asked for it: {when}. {reason}"
    if source.failures > 1:
        return f"{source.failures} runs failed in a row, so it is tried less and less often: {when}. {reason}"
    return f"The last run failed; {when}. {reason}"


def at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def took(run: SyncRun) -> str:
    """How long a run went on, if it has ended."""
    if run.ended_at is None:
        return ""
    duration = run.ended_at - run.started_at
    return f"{duration.total_seconds():.0f} s" if duration < timedelta(minutes=2) else in_words(duration)


def in_words(duration: timedelta) -> str:
    """About how long: `about 8 minutes`."""
    minutes = duration / timedelta(minutes=1)
    if minutes < 1:
        return "less than a minute"
    for of_one, most, name in ((1, 90, "minute"), (60, 36 * 60, "hour"), (24 * 60, None, "day")):
        if most is None or minutes < most:
            number = round(minutes / of_one)
            return f"about {number:,} {name}{'' if number == 1 else 's'}"
    raise AssertionError

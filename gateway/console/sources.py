"""Each source's state in words, for those who run it. Counts only: running the system is not reading it (P12)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.utils import timezone

from connectors.corpus.counting import documents_by_state
from connectors.models import Document, Source, SyncRun
from connectors.parsing.results import REASONS

Tone = Literal["success", "info", "warning", "error"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How a source is, and whether that is good."""

    tone: Tone
    text: str


@dataclass(frozen=True, kw_only=True)
class Count:
    """Documents in one state, with the reason in words where there is one."""

    state: str
    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class SourceCard:
    source: Source
    condition: Condition
    counts: list[Count]
    last_run: SyncRun | None
    findings: list[tuple[str, Any]]  # what the last run counted

    @property
    def held(self) -> int:
        """Documents a listing left out, hidden until a person says whether they are gone."""
        return sum(line.count for line in self.counts if line.state == Document.State.HELD)

    @property
    def is_pushed_to(self) -> bool:
        return self.source.next_sync_at is None and self.last_run is None


def cards() -> list[SourceCard]:
    return [card_of(source) for source in Source.objects.select_related("directory").order_by("directory__name")]


def card_of(source: Source) -> SourceCard:
    last_run = source.runs.order_by("-started_at").first()
    return SourceCard(
        source=source,
        condition=condition_of(source, last_run),
        counts=counts_of(source),
        last_run=last_run,
        findings=findings_of(last_run),
    )


def condition_of(source: Source, last_run: SyncRun | None) -> Condition:
    """The one thing to know first: what hides the source, then what goes wrong, then what goes on."""
    if not source.enabled:
        return Condition(tone="warning", text="Paused: hidden from everyone")
    if is_too_old(source):
        if source.permissions_verified_at is None and last_run is not None and last_run.state == SyncRun.State.FAILED:
            return Condition(tone="error", text="Hidden from everyone: no run has come to its end yet")
        return Condition(tone="error", text="Hidden from everyone: its permissions are too old")
    if last_run is None:
        pushed = source.next_sync_at is None
        return Condition(tone="info", text="Waits for what is pushed to it" if pushed else "Waits for its first sync")
    if last_run.state == SyncRun.State.RUNNING:
        return Condition(tone="info", text="Syncing now")
    if last_run.state == SyncRun.State.FAILED:
        return Condition(tone="error", text="The last run failed")
    if last_run.problems:
        return Condition(tone="warning", text="Up to date, with problems")
    return Condition(tone="success", text="Up to date")


def is_too_old(source: Source) -> bool:
    """Whether its permissions were last seen complete longer ago than it allows (P7)."""
    limit: timedelta | None = source.max_permission_age
    if limit is None:
        return False
    verified = source.permissions_verified_at
    return verified is None or verified + limit <= timezone.now()


def counts_of(source: Source) -> list[Count]:
    return [
        Count(state=line.state, reason=REASONS.get(line.reason, line.reason), count=line.count)
        for line in documents_by_state(source)
    ]


def findings_of(run: SyncRun | None) -> list[tuple[str, Any]]:
    """What a run counted, by name; nothing that was zero."""
    counted: Iterable[tuple[str, Any]] = run.counts.items() if run else ()
    return [(name.replace("_", " "), number) for name, number in counted if number]

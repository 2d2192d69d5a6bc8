"""Each source's state in words, for those who run it. Counts only: running the system is not reading it (P12)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.corpus.counting import StateCount
from connectors.models import Source, SyncRun
from connectors.parsing.results import REASONS
from connectors.progress import Progress, progress_of


@dataclass(frozen=True, kw_only=True)
class Count:
    """Documents in one state, with the reason in words where there is one."""

    state: str
    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class SourceCard:
    source: Source
    progress: Progress
    counts: list[Count]
    findings: list[tuple[str, Any]]  # what the last run counted

    @property
    def last_run(self) -> SyncRun | None:
        return self.progress.run


def cards() -> list[SourceCard]:
    return [card_of(source) for source in Source.objects.select_related("directory").order_by("directory__name")]


def card_of(source: Source) -> SourceCard:
    progress = progress_of(source)
    return SourceCard(
        source=source, progress=progress, counts=counts_of(progress.states), findings=findings_of(progress.run)
    )


def counts_of(states: Sequence[StateCount]) -> list[Count]:
    return [Count(state=line.state, reason=REASONS.get(line.reason, line.reason), count=line.count) for line in states]


def findings_of(run: SyncRun | None) -> list[tuple[str, Any]]:
    """What a run counted, by name; nothing that was zero."""
    counted: Iterable[tuple[str, Any]] = run.counts.items() if run else ()
    return [(name.replace("_", " "), number) for name, number in counted if number]

"""Tells how far each source has come, and what it waits for."""

import time
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from connectors.corpus.counting import waiting_to_be_embedded, waiting_to_be_parsed
from connectors.models import Source
from connectors.progress import LATEST_RUNS, Progress, at, progress_of, took
from gateway.management.commands.check_source import source_of

CLEAR = "\x1b[H\x1b[2J"


class Command(BaseCommand):
    help = "Lists the sources with their progress: what is found, parsed, embedded, waiting and not readable, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", help="a key; without it every source, in short")
        parser.add_argument("--watch", action="store_true", help="again every 2 seconds, until it is interrupted")

    def handle(self, *args: Any, source: str | None, watch: bool, **options: Any) -> None:
        self.tell(source)
        try:
            while watch:
                time.sleep(2)
                self.tell(source, before=CLEAR if self.stdout.isatty() else "\n")
        except KeyboardInterrupt:
            return

    def tell(self, key: str | None, *, before: str = "") -> None:
        lines = list(whole(source_of(key)) if key is not None else all_in_short())
        self.stdout.write(before + "\n".join(lines))


def all_in_short() -> Iterator[str]:
    sources = list(Source.objects.select_related("directory").order_by("directory__key"))
    if not sources:
        yield "No source yet. Add one with: python manage.py add_source"
        return
    for source in sources:
        yield from in_short(progress_of(source))
    yield f"In all sources wait {waiting_to_be_parsed():,} to be parsed, {waiting_to_be_embedded():,} to be embedded."


def in_short(progress: Progress) -> Iterator[str]:
    source = progress.source
    yield f"{source.key} ({source.kind}): {progress.condition.text}"
    numbers = {"found": progress.found, "waiting": progress.waiting, "not readable": progress.failed}
    numbers |= {"held": progress.held} if progress.held else {}
    yield "  " + ", ".join(f"{number:,} {name}" for name, number in numbers.items())
    yield from (f"  {stage.name} {stage.amount}; {stage.pace}" for stage in progress.stages if stage.going_on)


def whole(source: Source) -> Iterator[str]:
    progress = progress_of(source)
    yield f"{source.name}: {source.key}, {source.kind}"
    yield progress.condition.text
    yield progress.waits
    yield progress.freshness
    yield ""
    yield f"Found        {progress.found:,}"
    if progress.run is not None:
        yield f"Changed      {progress.changed:,} by the {'run that goes on' if progress.is_reading else 'last run'}"
    for stage in progress.stages:
        yield f"{stage.name:<12} {stage.amount}{f'; {stage.pace}' if stage.pace else ''}"
    tried = f", {progress.tried_before:,} of these tried before" if progress.tried_before else ""
    yield f"Waiting      {progress.waiting:,} to be parsed{tried}"
    if progress.unfetched:
        yield f"Not had yet  {progress.unfetched:,} contents the source failed to give; they are asked for again"
    if progress.without_vector:
        yield f"No vector    {progress.without_vector:,} passages; reindex --retry asks the model again"
    if progress.held:
        yield f"Held         {progress.held:,}: the source no longer lists them; the console asks whether they are gone"
    yield f"Not readable {progress.failed:,}"
    yield from (f"  {reason.count:>8,}  {reason.text} ({reason.code})" for reason in progress.quarantined)
    yield from runs_of(source)


def runs_of(source: Source) -> Iterator[str]:
    runs = list(source.runs.order_by("-started_at")[:LATEST_RUNS])
    if runs:
        yield ""
    for run in runs:
        counts = ", ".join(f"{count:,} {state}" for state, count in sorted(run.counts.items()) if count)
        what = "everything" if run.whole else "what changed"
        took_so = f" in {took(run)}" if run.ended_at else ""
        yield f"{at(run.started_at)}  {run.state}, {what}{took_so}: {counts or 'nothing new'}"
        yield from (f"  {problem}" for problem in run.problems[-3:])
        if len(run.problems) > 3:
            yield f"  (the last of {len(run.problems):,} problems)"

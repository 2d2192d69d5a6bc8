"""Reads sources now, and ends when what they hold can be found."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors import ingest
from connectors.models import Source, SyncRun
from connectors.sources.base import ConnectorError
from connectors.sync import run_now
from gateway.management.commands.check_source import source_of


class Command(BaseCommand):
    help = "Syncs one source, or all of them, whatever their schedule; then parses and embeds what came."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", help="a key; without it every source that is not paused")

    def handle(self, *args: Any, source: str | None, **options: Any) -> None:
        sources = [source_of(source)] if source is not None else every_source()
        failed = [each.key for each in sources if not self.synced(each)]
        if failed:
            raise CommandError(f"Not synced: {', '.join(failed)}.")

    def synced(self, source: Source) -> bool:
        """One run, its story on the terminal, and the queue it filled emptied. A pushed source has only the queue."""
        succeeded = True
        if source.next_sync_at is not None:
            run = ran(source)
            succeeded = run.state == SyncRun.State.SUCCEEDED
            counts = ", ".join(f"{count} {state}" for state, count in sorted(run.counts.items())) or "nothing new"
            self.stdout.write(f"{source.key}: {run.state}, {counts}")
            for problem in run.problems:
                self.stderr.write(f"{source.key}: {problem}")
        ingest.drain(source)
        return succeeded


def ran(source: Source) -> SyncRun:
    try:
        return run_now(source)
    except ConnectorError as error:
        raise CommandError(f"{source.key}: {error}") from None


def every_source() -> list[Source]:
    return list(Source.objects.select_related("directory").filter(enabled=True).order_by("directory__key"))

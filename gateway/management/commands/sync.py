"""Reads sources now, and ends when what they hold can be found."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors import ingest
from connectors.models import Source, SyncRun
from connectors.sources.base import ConnectorError
from connectors.sync import run_now
from connectors.what_if import SECONDS, CannotTell, Sync
from gateway.management.commands.check_source import source_of
from gateway.management.commands.what_if import add_output_arguments, shown
from gateway.what_if import ask


class Command(BaseCommand):
    help = "Syncs one source, or all of them, whatever their schedule; then parses and embeds what came."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", nargs="?", help="a key; without it every source that is not paused")
        parser.add_argument("--dry-run", action="store_true", help="tell who would gain and lose what; change nothing")
        add_output_arguments(parser)

    def handle(self, *args: Any, source: str | None, **options: Any) -> None:
        if options["json"] and not (options["dry_run"] and source):
            raise CommandError("--json tells of the dry run of one source: name it, and say --dry-run.")
        if options["seconds"] is not None and not options["dry_run"]:
            raise CommandError("--seconds is for a dry run: say --dry-run.")
        sources = [source_of(source)] if source is not None else every_source()
        if options["dry_run"]:
            read = sources if source is not None else [each for each in sources if each.next_sync_at is not None]
            for each in read:
                self.stdout.write(tried(each, options))
            return
        failed = [each.key for each in sources if not self.synced(each)]
        if failed:
            raise CommandError(f"Not synced: {', '.join(failed)}.")

    def synced(self, source: Source) -> bool:
        """One run, its story on the terminal, and the queue it filled emptied. A pushed source has only the queue."""
        succeeded = True
        if source.next_sync_at is not None:
            run = ran(source)
            succeeded = run.state == SyncRun.State.SUCCEEDED
            counts = ", ".join(f"{count} {state}" for state, count in sorted(run.counts.items()) if count)
            counts = counts or "nothing new"
            self.stdout.write(f"{source.key}: {run.state}, {counts}")
            for problem in run.problems:
                self.stderr.write(f"{source.key}: {problem}")
        ingest.drain(source)
        return succeeded


def tried(source: Source, options: dict[str, Any]) -> str:
    """What a sync would do now. What is new is counted and not named: nobody has read it yet (P12)."""
    try:
        found = ask(Sync.of(source), asked_by=None, seconds=options["seconds"] or SECONDS)
    except CannotTell as error:
        raise CommandError(f"{source.key}: {error.message}") from None
    return shown(found, as_json=options["json"], new_ids=False)


def ran(source: Source) -> SyncRun:
    try:
        return run_now(source)
    except ConnectorError as error:
        raise CommandError(f"{source.key}: {error}") from None


def every_source() -> list[Source]:
    return list(Source.objects.select_related("directory").filter(enabled=True).order_by("directory__key"))

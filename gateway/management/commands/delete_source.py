"""Ends a source with everything it brought."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.adding import delete_source
from connectors.corpus.counting import documents_by_state
from gateway.management.commands.check_source import source_of


class Command(BaseCommand):
    help = "Deletes a source: its documents, accounts, groups, links, and every token's right to it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key")
        parser.add_argument("--yes", action="store_true", help="do it; without this only what would go is told")

    def handle(self, *args: Any, key: str, yes: bool, **options: Any) -> None:
        source = source_of(key)
        documents = sum(found.count for found in documents_by_state(source))
        if not yes:
            raise CommandError(f"{key} holds {documents} documents. Say --yes to delete it with all it brought.")
        delete_source(source)
        self.stdout.write(f"{key} is deleted, with {documents} documents.")

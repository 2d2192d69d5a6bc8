"""Tells whether a source can be read with the settings it has."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.adding import connector_of
from connectors.models import Source
from connectors.sources.base import ConnectorError
from connectors.sources.registry import PUSH


class Command(BaseCommand):
    help = "Checks a source's settings and credentials without reading its documents."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key")

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        problems = problems_of(source_of(key))
        if problems:
            raise CommandError(" ".join(problems))
        self.stdout.write(f"{key} can be read.")


def source_of(key: str) -> Source:
    source = Source.objects.select_related("directory").filter(directory__key=key).first()
    if source is None:
        raise CommandError(f"There is no source {key!r}.")
    return source


def problems_of(source: Source) -> list[str]:
    """What is missing, one sentence each. A source that is pushed to needs nothing from here."""
    if source.kind == PUSH:
        return []
    try:
        return connector_of(source).check()
    except ConnectorError as error:
        return [str(error)]

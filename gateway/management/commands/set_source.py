"""Changes settings and credentials of a source."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.adding import change_settings
from connectors.sources.base import ConnectorError
from gateway.management.commands.add_source import add_secret_argument, secrets_asked_for, settings_of
from gateway.management.commands.check_source import problems_of, source_of


class Command(BaseCommand):
    help = "Changes settings or credentials of a source; everything is read anew with them. An empty value forgets one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of this kind")
        add_secret_argument(parser)

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        settings = settings_of(options["set"]) | secrets_asked_for(options["secret"])
        if not settings:
            raise CommandError("Say what to change: --set NAME=VALUE or --secret NAME.")
        source = source_of(key)
        try:
            change_settings(source, settings)
        except ConnectorError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Changed {', '.join(sorted(settings))} of {key}.")
        for problem in problems_of(source):
            self.stderr.write(f"Before it can be read: {problem}")

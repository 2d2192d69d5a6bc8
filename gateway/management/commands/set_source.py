"""Changes settings and credentials of a source."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from connectors.adding import change_settings
from connectors.sources.base import ConnectorError
from gateway.answering.sending import set_policy
from gateway.management.commands.add_source import (
    add_models_argument,
    add_secret_argument,
    secrets_asked_for,
    settings_of,
)
from gateway.management.commands.check_source import problems_of, source_of


class Command(BaseCommand):
    help = (
        "Changes settings or credentials of a source, with which everything is read anew (an empty value forgets one), "
        "or which language models its text may be sent to."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of this kind")
        add_secret_argument(parser)
        add_models_argument(parser)

    def handle(self, *args: Any, key: str, **options: Any) -> None:
        settings = settings_of(options["set"]) | secrets_asked_for(options["secret"])
        if not (settings or options["models"]):
            raise CommandError("Say what to change: --set NAME=VALUE, --secret NAME or --models.")
        source = source_of(key)
        if options["models"]:
            set_policy(source, options["models"])
            self.stdout.write(f"Language models that may be sent the text of {key}: {options['models']}.")
        if not settings:
            return
        try:
            change_settings(source, settings)
        except ConnectorError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Changed {', '.join(sorted(settings))} of {key}.")
        for problem in problems_of(source):
            self.stderr.write(f"Before it can be read: {problem}")

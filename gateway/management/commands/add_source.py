"""Adds a source that documents come from."""

import getpass
import re
import sys
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from connectors.adding import add_source
from connectors.sources.base import ConnectorError
from gateway.answering.sending import set_policy
from gateway.management.commands.check_source import problems_of
from gateway.models import ModelPolicy

KEY = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


class Command(BaseCommand):
    help = "Adds a source: push (records come by the API), folder (path), and the other kinds there are."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key", help="letters, digits, - and _")
        parser.add_argument("--kind", required=True)
        parser.add_argument("--name", default="", help="for people; the key, if there is none")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of this kind")
        add_secret_argument(parser)
        add_models_argument(parser)
        parser.add_argument(
            "--vouches-for-emails", action="store_true", help="the addresses it gives link its accounts to people"
        )

    def handle(self, *args: Any, key: str, kind: str, name: str, **options: Any) -> None:
        if KEY.fullmatch(key) is None:
            raise CommandError("A key is made of letters, digits, - and _, at most 100 of them.")
        settings = settings_of(options["set"]) | secrets_asked_for(options["secret"])
        try:
            with transaction.atomic():
                source = add_source(
                    key,
                    kind=kind,
                    name=name,
                    settings=settings,
                    vouches_for_emails=options["vouches_for_emails"],
                )
                if options["models"]:
                    set_policy(source, options["models"])
        except ConnectorError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Added {source.key}.")
        for problem in problems_of(source):
            self.stderr.write(f"Before it can be read: {problem}")


def add_models_argument(parser: CommandParser) -> None:
    parser.add_argument(
        "--models",
        choices=ModelPolicy.Open.values,
        help="which language models its text may be sent to: any, those called local in the settings, or none",
    )


def settings_of(pairs: Sequence[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise CommandError(f"{pair!r} is not name=value.")
        if name in settings:
            raise CommandError(f"The setting {name!r} is given twice.")
        settings[name] = value
    return settings


def add_secret_argument(parser: CommandParser) -> None:
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME",
        help="a setting that is asked for, or read as a line of the standard input: it stands in no list of processes",
    )


def secrets_asked_for(names: Sequence[str]) -> dict[str, str]:
    """One line each, which a terminal does not show."""
    asked = getpass.getpass if sys.stdin.isatty() else lambda prompt: sys.stdin.readline().rstrip("\n")
    return {name: asked(f"{name}: ") for name in names}

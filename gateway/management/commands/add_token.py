"""Makes an access token for a program that acts as a person."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts import tokens
from accounts.addresses import normalised
from accounts.models import Directory, User, Verb

MAX_DAYS = 36_500


class Command(BaseCommand):
    help = "Makes an access token and prints it, alone and once. It reads what the person may read, and no more."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--verbs", required=True, help="of read, ask, ingest and admin, with commas between")
        parser.add_argument("--sources", help="keys with commas between: the only sources it reads or pushes to")
        parser.add_argument("--expires", type=int, metavar="DAYS")

    def handle(self, *args: Any, email: str, verbs: str, **options: Any) -> None:
        sources: str | None = options["sources"]
        days: int | None = options["expires"]
        if days is not None and not 0 < days <= MAX_DAYS:
            raise CommandError(f"A token expires after 1 to {MAX_DAYS} days.")
        _, secret = tokens.issue(
            person(email),
            verbs=known_verbs(verbs),
            directories=[] if sources is None else directories(sources),
            all_sources=sources is None,
            expires_at=None if days is None else timezone.now() + timedelta(days=days),
        )
        self.stdout.write(secret)


def person(email: str) -> User:
    user = User.objects.filter(email=normalised(email)).first()
    if user is None:
        raise CommandError(f"There is no person with the address {email}.")
    return user


def known_verbs(listed: str) -> list[str]:
    verbs = sorted({verb.strip() for verb in listed.split(",")})
    unknown = [verb for verb in verbs if verb not in Verb.values]
    if unknown:
        raise CommandError(f"{unknown[0]!r} is not one of {', '.join(Verb.values)}.")
    return verbs


def directories(listed: str) -> list[Directory]:
    keys = [key.strip() for key in listed.split(",")]
    found = {directory.key: directory for directory in Directory.objects.filter(key__in=keys, source__isnull=False)}
    missing = [key for key in keys if key not in found]
    if missing:
        raise CommandError(f"There is no source {missing[0]!r}.")
    return list(found.values())

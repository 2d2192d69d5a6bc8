"""Seals the secrets of all sources with the first of the encryption keys."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connectors import sealing
from connectors.sources.base import ConnectorError


class Command(BaseCommand):
    help = "Seals secrets with the first of GATEHOUSE_ENCRYPTION_KEYS. The others can be left out of it afterwards."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rotated = sealing.rotate()
        except ConnectorError as error:
            raise CommandError(f"Nothing was changed: {error}") from None
        self.stdout.write(f"Sealed anew: {rotated}.")

"""Walk the audit chain and name the first row that was tampered with."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway import audit


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        broken = audit.first_broken()
        if broken is not None:
            raise CommandError(f"The audit is broken at row {broken.row}: {broken.reason}.")
        self.stdout.write(f"The audit is whole: {audit.count()} rows.")

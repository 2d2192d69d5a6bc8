"""How good the search is on a corpus with known answers, in a process and an installation of its own."""

import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from gateway.evaluating import __main__ as evaluating


class Command(BaseCommand):
    help = "Tells how good the search is on a corpus with known answers (the BEIR form), beside BM25 and vectors alone."

    options: tuple[str, ...] = ()  # that the process is told besides

    def add_arguments(self, parser: CommandParser) -> None:
        evaluating.arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits as that process does."""
        data = str(settings.DATA_DIR / "evaluation")
        words = sys.argv[2:]
        done = subprocess.run([sys.executable, "-m", "gateway.evaluating", data, *self.options, *words], check=False)
        if done.returncode:
            sys.exit(done.returncode)  # it has said why

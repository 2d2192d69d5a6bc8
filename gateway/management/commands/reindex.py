"""Make the approximate index over vectors anew, and measure from where on it is worth asking."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connectors import vectors
from connectors.corpus import generations, index_state


class Command(BaseCommand):
    help = "Make the approximate index over vectors anew, vacuum, and measure up to where searches go without it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--retry", action="store_true", help="only ask the model again about what it refused")
        instead.add_argument("--warm", action="store_true", help="only read all vectors into memory")

    def handle(self, *, retry: bool, warm: bool, **_: Any) -> None:
        if retry:
            self.stdout.write(f"{vectors.retry():,} passages wait for their vector again.")
            return
        generation = generations.active()
        if generation is None:
            raise CommandError("There are no vectors yet. Workers make them while they run: make up.")
        if warm:
            vectors.warm(generation)
        elif not vectors.rebuild(generation):
            raise CommandError("Another process is embedding or indexing at this moment. Try again when it has ended.")
        for line in index_state.described():
            self.stdout.write(line)

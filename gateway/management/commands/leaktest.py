"""Plants canaries at every boundary of the running installation, looks for them at every door, and removes them."""

import json
import logging
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from gateway.leaktest.doors import InProcess, OverHTTP, Unreachable
from gateway.leaktest.findings import Line
from gateway.leaktest.planting import AnotherRuns
from gateway.leaktest.running import run
from gateway.models import LeakTest


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--url", default=default_url(), help="where the web answers; %(default)s if not given")
        where.add_argument("--in-process", action="store_true", help="ask this process instead of a running web")
        parser.add_argument("--json", action="store_true", help="the result as one JSON object")

    def handle(self, *args: Any, url: str, in_process: bool, **options: Any) -> None:
        try:
            result = inside() if in_process else run(OverHTTP(url))
        except Unreachable as unreachable:
            hint = "" if in_process else " Start it, name its address with --url, or look inside with --in-process."
            raise CommandError(f"{unreachable}{hint}") from None
        except AnotherRuns as another:
            raise CommandError(str(another)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was planted is removed; nothing was proven.") from None
        self.stdout.write(
            json.dumps(as_json(result), ensure_ascii=False, indent=2) if options["json"] else told(result)
        )
        if result.leaks or result.blind:
            raise SystemExit(1)


def inside() -> LeakTest:
    """Here every answer of "not found" is one that was wanted: the log is spared them."""
    door = InProcess()  # which sets Django up once more, and its log with it
    log = logging.getLogger("django.request")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        return run(door)
    finally:
        log.setLevel(level)


def default_url() -> str:
    """Where `up` listens; in production the address people type."""
    return f"http://127.0.0.1:{os.environ.get('PORT', '8000')}" if settings.EVALUATION else settings.PUBLIC_URL


def as_json(result: LeakTest) -> dict[str, Any]:
    names = ("door", "seconds", "probes", "leaks", "blind", "boundaries")
    return {"at": result.at.isoformat(), **{name: getattr(result, name) for name in names}}


def told(result: LeakTest) -> str:
    """A line a boundary, and the sum."""
    lines = [
        str(Line(each["name"], each["rules"], each["probes"], each["leaks"], each["blind"]))
        for each in result.boundaries
    ]
    return "\n".join([*lines, "", *([_blind(result.blind)] if result.blind else []), result.sentence])


def _blind(number: int) -> str:
    return f"{number} of the boundaries were not seen by those they are open to: nothing is proven there."

"""Which management commands need the embedded services, and having them up meanwhile."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gateway.embedded.sharing import services

# `up` brings its own; the others touch neither database nor broker.
WITHOUT = frozenset(
    {
        "check",
        "collectstatic",
        "compilemessages",
        "diffsettings",
        "evaluate",
        "help",
        "makemessages",
        "makemigrations",
        "spectacular",
        "startapp",
        "up",
        "version",
    }
)


@contextmanager
def for_command(argv: Sequence[str]) -> Iterator[None]:
    """The embedded services for the time of `manage.py` with these arguments, where it needs them."""
    name = argv[1] if len(argv) > 1 else "help"
    if name == "up":
        os.environ.setdefault("GATEHOUSE_MODE", "evaluation")
    if name in WITHOUT or name.startswith("-") or "--help" in argv or "-h" in argv:
        yield
        return
    from django.conf import settings

    with services(settings.DATA_DIR, postgres=not settings.DATABASE_URL, valkey=not settings.REDIS_URL):
        yield

"""A database for each random world: a fresh copy of one that is migrated, so that worlds are equal to the last id.

`prepare` comes before any import of a model: it names the servers those will use.
"""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ground import own_environment

MAINTENANCE = "postgres"  # the database from which others are made and dropped


def prepare() -> None:
    """Set Django up on a data directory of its own, which is gone at the end."""
    directory = Path(tempfile.mkdtemp(prefix="gatehouse-leakproof-"))
    directory.chmod(0o711)  # the account that root lets the servers run as must get through
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    environment = own_environment(directory) | {"GATEHOUSE_PROCESS": "command", "GATEHOUSE_LOG_LEVEL": "CRITICAL"}
    os.environ.clear()
    os.environ.update(environment)
    import django

    django.setup()


@contextmanager
def installation() -> Iterator["Ground"]:
    """Postgres is up and migrated inside; what a power cut would cost does not matter here."""
    from django.conf import settings
    from django.core.management import call_command

    from gateway import embedded

    with embedded.services(settings.DATA_DIR, valkey=False, durable=False):
        call_command("migrate", interactive=False, verbosity=0)
        with ground() as made:
            yield made


@contextmanager
def ground() -> Iterator["Ground"]:
    """The database of the settings, which must be migrated and empty, is what worlds are copied from."""
    from django.conf import settings
    from django.db import connection

    refusals = logging.getLogger("django.request")
    level = refusals.level
    refusals.setLevel(logging.CRITICAL)  # to refuse is what the doors are asked for
    hashers = settings.PASSWORD_HASHERS
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # slowness is not the subject
    template = str(connection.settings_dict["NAME"])
    made = Ground(template, f"{template}_world")
    try:
        yield made
    finally:
        made.leave()
        refusals.setLevel(level)
        settings.PASSWORD_HASHERS = hashers


@dataclass
class Ground:
    """`template` is copied to `world` again and again. `spoil`: puts a defect into each copy."""

    template: str
    world: str
    spoil: Callable[[], None] = lambda: None

    def renew(self) -> None:
        """Connect to a new world."""
        self._maintain(f'DROP DATABASE IF EXISTS "{self.world}" WITH (FORCE)')
        self._maintain(f'CREATE DATABASE "{self.world}" TEMPLATE "{self.template}"')
        self._connect(self.world)
        self.spoil()

    def leave(self) -> None:
        """Drop the world and connect to what it was copied from."""
        self._maintain(f'DROP DATABASE IF EXISTS "{self.world}" WITH (FORCE)')
        self._connect(self.template)

    def _maintain(self, statement: str) -> None:
        from accounts.statements import execute

        self._connect(MAINTENANCE)
        execute(statement)

    def _connect(self, database: str) -> None:
        from django.db import connection

        connection.close()
        connection.settings_dict["NAME"] = database

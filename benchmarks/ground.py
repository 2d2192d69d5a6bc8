"""An installation of its own for a benchmark, so that nothing of the developer's is read or changed.

`prepare` comes before any import of a model: it names the database those will use.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OF_THE_DEVELOPER = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "PORT", "DEBUG")
OUTSIDE = ("GATEHOUSE_", "LLM_", "EMBED_", "RERANK_", "SLACK_")


def own_environment(data_dir: Path) -> dict[str, str]:
    """The environment without the developer's settings, for an evaluation in `data_dir`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in OF_THE_DEVELOPER and not name.startswith(OUTSIDE)
    }
    return kept | {
        "GATEHOUSE_DATA_DIR": str(data_dir),
        "GATEHOUSE_ENV_FILE": "none",
        "GATEHOUSE_MODE": "evaluation",
        "DJANGO_SETTINGS_MODULE": "gateway.settings",
    }


def scratch_directory() -> Path:
    """A directory that is gone when the benchmark ends."""
    directory = Path(tempfile.mkdtemp(prefix="gatehouse-bench-"))
    directory.chmod(0o711)  # the account that root lets the servers run as must get through
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def prepare(process: str, *, pooled: bool = False, data_dir: Path | None = None, database_url: str = "") -> None:
    """Set Django up on a new data directory. `process`: worker or command, for the web may not write what it reads.

    `pooled`: with connections as the web has them. `data_dir` and `database_url`: those of an installation that is
    kept, whose Postgres is up already.
    """
    environment = own_environment(data_dir or scratch_directory()) | {"GATEHOUSE_PROCESS": process}
    if database_url:
        environment["DATABASE_URL"] = database_url
    os.environ.clear()
    os.environ.update(environment)
    import django

    django.setup()
    if pooled:
        from django.conf import settings

        settings.DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 10, "timeout": 5}


@contextmanager
def installation() -> Iterator[None]:
    """Postgres is up and migrated inside, as durable as in production."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    from gateway import embedded

    with embedded.services(settings.DATA_DIR, valkey=False):
        call_command("migrate", interactive=False, verbosity=0)
        try:
            yield
        finally:
            connections.close_all()

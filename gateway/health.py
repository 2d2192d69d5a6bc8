"""Whether this process lives, and whether what it needs is there."""

import shutil
from functools import cache

from celery import current_app
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError as BrokerError

from accounts.reader import Reader
from connectors.corpus import wall
from gateway.embedded.places import places_of

OLDEST_PGVECTOR = (0, 8, 4)  # older ones are known to corrupt indexes
BROKER_PATIENCE = 3  # seconds
WORKER_PATIENCE = 1.5  # seconds for which workers are listened for
LEAST_ROOM = 64  # megabytes: of less, the database cannot write much longer


class NotReady(Exception):
    """Something the gateway needs is missing; the message is a sentence for the person who runs it."""


@login_not_required
@require_safe
@never_cache
def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("alive\n", content_type="text/plain")


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """For a load balancer: yes or no. `doctor` tells an administrator which part is missing."""
    try:
        require_everything()
    except NotReady:
        return HttpResponse("not ready\n", status=503, content_type="text/plain")
    return HttpResponse("ready\n", content_type="text/plain")


def require_everything() -> None:
    """Raises NotReady with the first thing that is missing."""
    require_database()
    require_pgvector()
    require_migrations()
    require_wall()
    require_broker()


def require_room() -> None:
    """On the disk of the embedded database; that of another one cannot be looked at from here."""
    if settings.DATABASE_URL:
        return
    place = places_of(settings.DATA_DIR).home
    left = shutil.disk_usage(place).free // 1_000_000
    if left < LEAST_ROOM:
        raise NotReady(
            f"the disk of the database is full: {left} MB are left for {place}. Make room; then everything that waits "
            "goes on by itself."
        )


def require_database(using: str = "default") -> None:
    try:
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise NotReady(f"the database does not answer: {_first_line(error)}") from error


@cache  # what was found once stays; a failure is looked for again
def require_pgvector(using: str = "default") -> None:
    require_database(using)
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(installed_version, default_version) FROM pg_available_extensions WHERE name = 'vector'"
        )
        row = cursor.fetchone()
    needed = ".".join(map(str, OLDEST_PGVECTOR))
    if row is None:
        raise NotReady(f"the database has no pgvector. Install version {needed} or newer.")
    if as_version(row[0]) < OLDEST_PGVECTOR:
        raise NotReady(f"the database has pgvector {row[0]}, whose indexes can be corrupt. Install {needed} or newer.")


@cache
def require_migrations() -> None:
    if pending_migrations():
        raise NotReady("the database is not migrated. Run: python manage.py migrate")


def pending_migrations() -> int:
    executor = MigrationExecutor(connections["default"])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def require_wall() -> None:
    """The role that reads content can be taken, and is bound by the policies (decision 0014)."""
    require_migrations()
    nobody = Reader(2**62)
    try:
        with wall.reading_as(nobody), connections["default"].cursor() as cursor:
            cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            row = cursor.fetchone()
    except DatabaseError as error:
        raise NotReady(f"the database's role {wall.WEB_ROLE} cannot be taken: {_first_line(error)}") from error
    if row is None or row[0]:
        raise NotReady(f"the database's role {wall.WEB_ROLE} passes over row-level security. Take that right from it.")


def require_broker() -> None:
    try:
        with current_app.connection_for_write(connect_timeout=BROKER_PATIENCE) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_PATIENCE)
    except (BrokerError, OSError) as error:
        raise NotReady(f"the broker does not answer: {_first_line(error)}") from error


def unattended_queues() -> list[str] | None:
    """Those from which no worker takes; None where no worker answers at all."""
    answers = current_app.control.inspect(timeout=WORKER_PATIENCE).active_queues()
    if not answers:
        return None
    attended = {queue["name"] for queues in answers.values() for queue in queues}
    return [queue.name for queue in current_app.conf.task_queues if queue.name not in attended]


def as_version(text: str) -> tuple[int, ...]:
    """`0.8.4` as numbers, so that 0.10 is newer than 0.9; anything after them is left away."""
    numbers = []
    for part in text.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

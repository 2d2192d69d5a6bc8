"""What workers do when they are woken. Losing a message loses one look: Postgres knows what is due."""

import logging
from time import monotonic

from celery import shared_task
from kombu.exceptions import OperationalError

from connectors import ingest as ingesting
from connectors import progress, sync, vectors
from connectors.models import Source

log = logging.getLogger("gatehouse.tasks")

BUDGET = 120.0  # seconds of work a wake-up does before it lets others in


def read_at_once(source: Source) -> None:
    """Note that the source is due, and tell a worker; without a broker the next look finds it."""
    sync.wake(source)
    try:
        sync_source.apply_async((source.pk,), retry=False)
    except OperationalError:
        log.warning("The broker cannot be reached; %s is read when a worker looks for what is due.", source.key)


@shared_task(name="connectors.tasks.sync_due")
def sync_due() -> None:
    progress.forget()
    for source in sync.due():
        sync_source.delay(source.pk)


@shared_task(name="connectors.tasks.sync_source")
def sync_source(source_id: int) -> None:
    source = sync.due().filter(pk=source_id).first()
    run = sync.begin(source) if source is not None else None
    if run is not None:
        sync.conduct(run)
        ingest.delay()
        embed.delay()
        if sync.due().filter(pk=source_id).exists():  # woken meanwhile: what changed since it began is still to read
            sync_source.delay(source_id)


@shared_task(name="connectors.tasks.ingest")
def ingest() -> None:
    if ingesting.parse_waiting(None, monotonic() + BUDGET):
        embed.delay()


@shared_task(name="connectors.tasks.embed")
def embed() -> None:
    """In a process of its own where there is one: it alone loads the model, and it can be asked to give way."""
    vectors.embed_waiting(monotonic() + BUDGET)

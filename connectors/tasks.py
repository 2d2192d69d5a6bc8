"""What workers do when they are woken. Losing a message loses one look: Postgres knows what is due."""

from celery import shared_task

from connectors import ingest as ingesting
from connectors import sync

BUDGET = 120.0  # seconds of work a wake-up does before it lets others in


@shared_task(name="connectors.tasks.sync_due")
def sync_due() -> None:
    for source in sync.due():
        sync_source.delay(source.pk)


@shared_task(name="connectors.tasks.sync_source")
def sync_source(source_id: int) -> None:
    source = sync.due().filter(pk=source_id).first()
    run = sync.begin(source) if source is not None else None
    if run is not None:
        sync.conduct(run)
        ingest.delay()


@shared_task(name="connectors.tasks.ingest")
def ingest() -> None:
    ingesting.drain(seconds=BUDGET, patient=False)

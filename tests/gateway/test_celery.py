"""Which queue a task lands in, on the real broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connectors.tasks import ingest
from gateway.celery import app

QUEUES = ("celery", "permissions")


@contextmanager
def broker() -> Iterator[Any]:
    with app.connection_for_write() as connection:
        channel: Any = connection.default_channel
        yield channel.client


@pytest.fixture(autouse=True)
def empty_queues() -> Iterator[None]:
    with broker() as client:
        client.delete(*QUEUES)
    yield
    with broker() as client:
        client.delete(*QUEUES)


@pytest.mark.parametrize("chosen", QUEUES)
def test_a_task_waits_in_its_queue_and_in_no_other(chosen: str) -> None:
    ingest.apply_async(queue=chosen)
    with broker() as client:
        assert {queue: client.llen(queue) for queue in QUEUES} == {queue: int(queue == chosen) for queue in QUEUES}


def test_without_a_choice_it_waits_behind_nobodys_permissions() -> None:
    ingest.apply_async()
    with broker() as client:
        assert client.llen("celery") == 1

"""The workers' and the scheduler's side: `celery -A gateway.celery worker`, `celery -A gateway.celery beat`.

A worker takes from every queue, or from those that -Q names. What changes rights waits behind no parser and no embedder
where these have workers of their own.
"""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")

# Each with what waits where nobody takes from it.
QUEUES = {
    "permissions": "sources, with every change of who may read what",
    "answers": "questions from Slack",
    "ingest": "files that are to be parsed",
    "embed": "passages that are to be embedded, and are found by their words alone",
}
POLITENESS = 10  # added to the niceness of the process that embeds, which takes all it can get

app = Celery("gatehouse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = tuple(map(Queue, QUEUES))
app.conf.task_default_queue = "answers"
app.conf.task_routes = {
    "connectors.tasks.sync_*": {"queue": "permissions"},
    "connectors.tasks.ingest": {"queue": "ingest"},
    "connectors.tasks.embed": {"queue": "embed"},
}
app.autodiscover_tasks()
app.autodiscover_tasks(["gateway.slack"])
app.set_default()  # for every thread of the web process, not only the one that imports this


@worker_init.connect
def give_way(**_: Any) -> None:
    """The embedder has the time nobody else wants."""
    if os.environ.get("GATEHOUSE_PROCESS") == "embedder":
        os.nice(POLITENESS)

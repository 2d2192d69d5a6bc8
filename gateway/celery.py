"""The workers' and the scheduler's side: `celery -A gateway.celery worker`, `celery -A gateway.celery beat`."""

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")

app = Celery("gatehouse")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = (Queue("permissions"), Queue("celery"))
app.autodiscover_tasks()
app.autodiscover_tasks(["gateway.slack"])
app.set_default()  # for every thread of the web process, not only the one that imports this

"""The gateway as a Django application."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import pre_migrate

from gateway.start import stop


class GatewayConfig(AppConfig):
    name = "gateway"

    def ready(self) -> None:
        from gateway import break_glass, celery  # noqa: F401  (uses are audited; a task finds its broker)

        pre_migrate.connect(refuse_unfit_database, sender=self)


def refuse_unfit_database(using: str, **_: Any) -> None:
    """Nothing is migrated in a database whose pgvector would spoil its indexes."""
    from gateway.health import NotReady, require_pgvector

    try:
        require_pgvector(using)
    except NotReady as problem:
        stop(str(problem))

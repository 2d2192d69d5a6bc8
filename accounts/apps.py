"""The floor that knows who people are, and nothing of documents or questions."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(introduce_everyone, sender=self)


def introduce_everyone(using: str, **_: Any) -> None:
    """The one principal every person holds who is not external (P2)."""
    from accounts.models import GLOBAL_EVERYONE, Principal

    Principal.objects.using(using).get_or_create(
        directory=None,
        external_id=GLOBAL_EVERYONE,
        defaults={"kind": Principal.Kind.EVERYONE, "name": "Everyone", "external": False, "introduced": True},
    )

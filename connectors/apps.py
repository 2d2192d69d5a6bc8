"""The floor that knows what came in and who may read it, and nothing of questions or answers."""

from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    name = "connectors"
    default_auto_field = "django.db.models.BigAutoField"

"""The web process: `uvicorn gateway.asgi:application`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
os.environ.setdefault("GATEHOUSE_PROCESS", "web")

from django.core.asgi import get_asgi_application

application = get_asgi_application()

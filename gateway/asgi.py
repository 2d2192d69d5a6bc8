"""The web process: `uvicorn gateway.asgi:application`."""

import os
import threading
import warnings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
os.environ.setdefault("GATEHOUSE_PROCESS", "web")

from django.core.asgi import get_asgi_application

# Whitenoise reads files synchronously; they are small, and every stream of ours is asynchronous.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")
application = get_asgi_application()


def warm_up() -> None:
    """Load the local model while nobody waits, so that the first question is not the slow one."""
    from connectors import embedding

    if embedding.chosen() == embedding.ModelChoice():
        embedding.embed_query("warm up")


threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

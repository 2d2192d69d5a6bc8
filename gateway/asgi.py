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


def refuse_without_wall() -> None:
    """A database that answers, and does not let the web take its role, stops the start; one that is away does not."""
    import psycopg
    from django.db import connection

    from connectors.corpus.wall import WEB_ROLE
    from gateway.start import stop

    try:
        psycopg.connect(**connection.get_connection_params()).close()  # beside the pool, which would try for long
    except psycopg.OperationalError as error:
        if WEB_ROLE in str(error):
            stop(f"the database does not let the web take the role {WEB_ROLE}. Run: python manage.py migrate")


refuse_without_wall()


def warm_up() -> None:
    """Load models while nobody waits, so that the first question is not the slow one."""
    from connectors import embedding
    from gateway.answering import model

    if embedding.chosen() == embedding.ModelChoice():
        embedding.embed_query("warm up")
    model.warm_up()


threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

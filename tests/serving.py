"""The web process in a thread, over the database of whoever calls: a real server on loopback."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

PATIENCE = 15.0  # seconds until the server listens


@contextmanager
def served() -> Iterator[str]:
    """Its address, while it runs on a free port of this machine."""
    from gateway.asgi import application  # Django may not be set up yet where this is imported

    listening = socket.create_server(("127.0.0.1", 0))
    web = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while not web.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert web.started
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    web.should_exit = True
    thread.join(PATIENCE)
    listening.close()

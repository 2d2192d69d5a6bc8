"""`python -m gateway.embedded {postgres,valkey} DATA_DIR`: become the keeper of a server, in the background."""

import argparse
import os
from pathlib import Path

from gateway.embedded.desk import Desk
from gateway.embedded.keeper import Keeper
from gateway.embedded.places import places_of
from gateway.embedded.postgres import Postgres
from gateway.embedded.server import Server
from gateway.embedded.valkey import Valkey

PATIENCE = 2.0  # seconds; somebody who looks whether the lock is free holds it for a moment


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway.embedded", description=__doc__)
    parser.add_argument("server", choices=["postgres", "valkey"])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--not-durable", action="store_true", help="for tests: a power cut may lose everything")
    wanted = parser.parse_args()

    places = places_of(wanted.data_dir)
    desk = Desk(places, wanted.server)
    if not desk.keeper.try_acquire(patience=PATIENCE):
        return  # there is one already
    if os.fork():
        os._exit(0)  # whoever started us goes on; the lock is the child's
    os.setsid()
    os.umask(0o022)
    server: Server = Postgres(places, durable=not wanted.not_durable) if wanted.server == "postgres" else Valkey(places)
    Keeper(server, desk).keep()


if __name__ == "__main__":
    main()

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sources.database import asking
from tests.conftest import WORKER
from tests.gateway.databases import servers, shop
from tests.gateway.databases.servers import Server

KINDS = ("postgres", "mariadb", "sqlite")
NAME = f"shop_{WORKER or 'one'}"


@pytest.fixture(scope="session")
def running(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """One of each kind, for all tests of a run."""
    file = tmp_path_factory.mktemp("shop") / "shop.db"
    with servers.postgres(data_dir, NAME) as postgres, servers.mariadb(NAME) as mariadb:
        yield {"postgres": postgres, "mariadb": mariadb, "sqlite": servers.sqlite(file)}
        for engine in asking._ENGINES.values():
            engine.dispose()


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest, running: dict[str, Server]) -> Server:
    """With the shop in it, as every test of the module leaves it."""
    found = running[request.param]
    found.run([*shop.emptied(), *shop.statements()])
    return found

"""The kinds of source there are, and the connector that reads each."""

from connectors.sources.base import Connector, ConnectorError
from connectors.sources.folder import Folder
from connectors.sources.http import Http

PUSH = "push"  # its records come by the API: there is nothing to read, and no connector
KINDS: dict[str, type[Connector]] = {"folder": Folder, "http": Http}


def connector_for(kind: str) -> type[Connector] | None:
    """The connector of a kind of source, None for `push`. Raises ConnectorError for a kind nobody knows."""
    if kind == PUSH:
        return None
    if kind not in KINDS:
        known = ", ".join(sorted([PUSH, *KINDS]))
        raise ConnectorError(f"There is no kind of source called '{kind}'. Known kinds: {known}.", permanent=True)
    return KINDS[kind]

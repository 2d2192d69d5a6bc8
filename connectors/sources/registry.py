"""The kinds of source there are, and the connector that reads each."""

from importlib.metadata import EntryPoint, entry_points

from connectors.sources.base import Connector, ConnectorError
from connectors.sources.confluence import Confluence
from connectors.sources.folder import Folder
from connectors.sources.github import GitHub
from connectors.sources.http import Http
from connectors.sources.imap import Imap
from connectors.sources.s3 import S3
from connectors.sources.web import Web

PUSH = "push"  # its records come by the API: there is nothing to read, and no connector
KINDS: dict[str, type[Connector]] = {
    "confluence": Confluence,
    "folder": Folder,
    "github": GitHub,
    "http": Http,
    "imap": Imap,
    "s3": S3,
    "web": Web,
}


PLUG_INS = "gatehouse.connectors"  # the group of entry points by which an installed package brings a kind


def connector_for(kind: str) -> type[Connector] | None:
    """The connector of a kind of source, None for `push`. Raises ConnectorError for a kind nobody knows."""
    if kind == PUSH:
        return None
    if kind in KINDS:
        return KINDS[kind]
    for plug_in in entry_points(group=PLUG_INS, name=kind):
        return _loaded(plug_in)
    known = ", ".join(sorted({PUSH, *KINDS, *(plug_in.name for plug_in in entry_points(group=PLUG_INS))}))
    raise ConnectorError(f"There is no kind of source called '{kind}'. Known kinds: {known}.", permanent=True)


def _loaded(plug_in: EntryPoint) -> type[Connector]:
    try:
        loaded = plug_in.load()
    except Exception as error:
        raise ConnectorError(
            f"The connector '{plug_in.name}' ({plug_in.value}) cannot be loaded: {error}. Is its package whole?",
            permanent=True,
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Connector)):
        raise ConnectorError(f"The connector '{plug_in.name}' ({plug_in.value}) is no Connector.", permanent=True)
    return loaded

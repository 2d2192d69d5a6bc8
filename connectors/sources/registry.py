"""The kinds of source there are, and the connector that reads each."""

from importlib.metadata import EntryPoint, entry_points

from connectors.sources.base import Connector, ConnectorError

PUSH = "push"  # its records come by the API: there is nothing to read, and no connector
# Where each stands: it is loaded when it is first asked for, since most processes need none of them.
KINDS: dict[str, str | type[Connector]] = {
    "confluence": "connectors.sources.confluence:Confluence",
    "database": "connectors.sources.database.connector:Database",
    "folder": "connectors.sources.folder:Folder",
    "github": "connectors.sources.github:GitHub",
    "http": "connectors.sources.http:Http",
    "imap": "connectors.sources.imap:Imap",
    "s3": "connectors.sources.s3:S3",
    "web": "connectors.sources.web:Web",
}
PLUG_INS = "gatehouse.connectors"  # the group of entry points by which an installed package brings a kind


def connector_for(kind: str) -> type[Connector] | None:
    """The connector of a kind of source, None for `push`. Raises ConnectorError for a kind nobody knows."""
    if kind == PUSH:
        return None
    if kind in KINDS:
        known_as = KINDS[kind]
        return _loaded(EntryPoint(kind, known_as, PLUG_INS)) if isinstance(known_as, str) else known_as
    for plug_in in entry_points(group=PLUG_INS, name=kind):
        return _loaded(plug_in)
    known = ", ".join(kinds())
    raise ConnectorError(f"There is no kind of source called '{kind}'. Known kinds: {known}.", permanent=True)


def kinds() -> list[str]:
    """Every kind there is, those of installed packages included."""
    return sorted({PUSH, *KINDS, *(plug_in.name for plug_in in entry_points(group=PLUG_INS))})


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

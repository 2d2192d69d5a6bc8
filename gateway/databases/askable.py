"""Which of the passages that were found are views that may be asked, and of which database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.adding import connector_of
from connectors.corpus.hits import Hit
from connectors.models import Source
from connectors.sources.base import ConnectorError
from connectors.sources.database.asking import Limits, Place
from connectors.sources.database.connector import Database
from connectors.sources.database.views import DEFINITION, VIEW, View

KIND = "database"
MOST_VIEWS = 5  # a question is put to


@dataclass(frozen=True, kw_only=True)
class Askable:
    """A database, and those of its views that may be asked, with the passages that say so."""

    source: int
    place: Place
    limits: Limits
    views: Mapping[str, View]
    hits: Mapping[str, tuple[Hit, ...]]  # by view

    @property
    def passages(self) -> list[Hit]:
        return [hit for hits in self.hits.values() for hit in hits]

    def only(self, permitted: Sequence[Hit]) -> "Askable":
        """What of it may be asked while only these passages may be read."""
        readable = {hit.passage_id for hit in permitted}
        hits = {view: tuple(hit for hit in hits if hit.passage_id in readable) for view, hits in self.hits.items()}
        left = {view: found for view, found in hits.items() if found}
        return Askable(
            source=self.source,
            place=self.place,
            limits=self.limits,
            views={name: view for name, view in self.views.items() if name in left},
            hits=left,
        )


def askable(hits: Sequence[Hit]) -> Askable | None:
    """The database whose view was found first, with the views of it that were found.

    A view may be asked only if it is approved now as it was when its document was indexed: with columns or readers
    that were changed since, it waits for the next sync.
    """
    keys = dict.fromkeys(hit.source for hit in hits if VIEW in hit.metadata)
    sources = {source.key: source for source in Source.objects.filter(kind=KIND, directory__key__in=keys, enabled=True)}
    for key in keys:
        if key in sources and (found := _of(sources[key], [hit for hit in hits if hit.source == key])):
            return found
    return None


def _of(source: Source, hits: Sequence[Hit]) -> Askable | None:
    try:
        database = connector_of(source)
        if not isinstance(database, Database):
            return None
        approved, place, limits = database.approved(), database.database(), database.limits()
    except ConnectorError:
        return None  # the console and the next sync say what is wrong
    found: dict[str, tuple[Hit, ...]] = {}
    for hit in hits:
        view = approved.views.get(str(hit.metadata.get(VIEW)))
        if view is None or hit.metadata.get(DEFINITION) != view.definition or hit.external_id != view.name:
            continue
        if view.name in found or len(found) < MOST_VIEWS:
            found[view.name] = (*found.get(view.name, ()), hit)
    if not found:
        return None
    views = {name: approved.views[name] for name in found}
    return Askable(source=source.pk, place=place, limits=limits, views=views, hits=found)

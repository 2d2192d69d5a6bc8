"""Contents come behind rights, and a few that cannot be had stop nothing (decision 0022).

A page is applied in two parts: all that says who may read what, and then, document by document, what is fetched or
split first. A document whose source fails to bring its content is named and narrowed all the same; what is here of it
stays, and it is asked for again: `Unfetched` remembers it, whatever the connector's state would pass over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connectors import listing
from connectors.applying import Ahead
from connectors.corpus import documents
from connectors.corpus.documents import Texts
from connectors.models import SyncRun
from connectors.parsing import ParseFailed
from connectors.records import AccessRecord, Deletion, DocumentRecord, Problem, Record
from connectors.sources.base import ConnectorError

MOST_MISSED = 20  # contents a run goes on without, of documents no earlier run missed;
FEW_MISSED = 5  # more than these only while they are less than half of those asked for
MOST_MISSED_AGAIN = 5  # of those that earlier runs missed; the rest of them is left for another run then

Known = Mapping[str, tuple[str, bytes]]  # version and digest of the stored content, by document


def known_content(source_id: int, records: Iterable[Record]) -> dict[str, tuple[str, bytes]]:
    """Version and digest of the stored content of these documents."""
    ids = [record.id for record in records if isinstance(record, DocumentRecord)]
    found = documents.living(source_id).filter(external_id__in=ids)
    stored = found.values_list("external_id", "version", "content_digest")
    return {id: (version, bytes(digest or b"")) for id, version, digest in stored}


def document_of(record: Record) -> str | None:
    """The document it is about, if it is about one."""
    match record:
        case DocumentRecord():
            return record.id
        case AccessRecord(kind="document") | Deletion(kind="document") | Problem(kind="document"):
            return record.id
        case _:
            return None


def parted(
    page: Sequence[Record], known: dict[str, tuple[str, bytes]], *, apart: bool = False
) -> tuple[list[Record | Ahead], list[list[Record]]]:
    """What is applied before anything is fetched, and what follows: for each document, its records in their order.

    Of a known document, what its record says of readers narrows what is here of it at once. `apart`: every document
    follows. What the page deletes is taken out of `known`.
    """
    first: list[Record | Ahead] = []
    then: dict[str | None, list[Record]] = {}
    for record in page:
        id = document_of(record)
        if id in then or (isinstance(record, DocumentRecord) and (apart or is_to_fetch(record, known))):
            then.setdefault(id, []).append(record)
            if isinstance(record, DocumentRecord) and id in known and not apart:
                first.append(Ahead(record))  # each of them: which one is the newest, the stored revision says
        else:
            first.append(record)
            if isinstance(record, Deletion) and id is not None:
                known.pop(id, None)
    return first, list(then.values())


def is_to_fetch(record: DocumentRecord, known: Known) -> bool:
    """Whether there is work to do for its content before it can be applied."""
    version, digest = known.get(record.id, ("", b""))
    if callable(record.content):
        return not record.version or record.version != version
    return record.content is None and record.text is not None and documents.digest_of(record) != digest


@dataclass
class Fetching:
    """One run's asking for contents. `missed`: the documents whose content it did not get."""

    run: SyncRun
    missed: set[str] = field(default_factory=set)
    left: int = 0  # for another run
    problems: list[str] = field(default_factory=list)
    _asked: int = 0
    _missed: int = 0  # of these, which no earlier run missed
    _missed_again: int = 0
    _earlier: dict[str, bool] | None = None  # what earlier runs missed, and whether it is to be asked for by now

    def with_content(self, record: DocumentRecord, known: Known, texts: Texts) -> DocumentRecord:
        """The record with its bytes read or its text split, where they differ from what is stored. Outside
        transactions. Raises ConnectorError where the run is to end."""
        if not is_to_fetch(record, known):
            return record
        if callable(record.content):
            return self._fetched(record, record.content)
        try:
            texts[documents.digest_of(record)] = documents.prepare(record)
        except ParseFailed as failed:
            return replace(record, text=None, unreadable=failed.reason)
        return record

    def _fetched(self, record: DocumentRecord, content: Callable[[], bytes]) -> DocumentRecord:
        is_known, is_due = self._of_earlier(record.id)
        if not is_due:
            self.left += 1
            return replace(record, content=documents.not_fetched)
        self._asked += not is_known
        try:
            return replace(record, content=content())
        except ConnectorError as error:
            if error.of_source:
                raise
            if error.permanent:
                return replace(record, content=None, unreadable="unreadable", version=None)  # asked for in every run
            self._miss(record.id, error, again=is_known)
            return replace(record, content=documents.not_fetched)

    def _of_earlier(self, id: str) -> tuple[bool, bool]:
        """Whether an earlier run missed its content, and whether it is asked for in this one."""
        if self._earlier is None:
            self._earlier = listing.missed_earlier(self.run.source_id)
        is_known = id in self._earlier
        return is_known, not is_known or (self._earlier[id] and self._missed_again < MOST_MISSED_AGAIN)

    def _miss(self, id: str, error: ConnectorError, *, again: bool) -> None:
        if again:
            self._missed_again += 1
        else:
            self._missed += 1
            few = self._missed <= FEW_MISSED or self._missed * 2 < self._asked
            if self._missed > MOST_MISSED or not few:
                told = f"The contents of {self._missed} documents could not be had, so the run ends here."
                raise ConnectorError(f"{told} The last: {error}")
        self.missed.add(id)
        self.problems.append(f"The content of {id} could not be had; what is here of it stays. {error}")

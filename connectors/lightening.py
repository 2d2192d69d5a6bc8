"""Documents without their contents: for rights it only counts whether these are others than the ones stored."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice

from connectors.corpus import documents
from connectors.corpus.documents import PreparedText, Texts
from connectors.corpus.wall import as_owner
from connectors.fetching import known_content
from connectors.models import Source
from connectors.parsing import Parsed
from connectors.records import Deletion, DocumentRecord, Record

ANOTHER = b"another content than the one stored"
LOOKED_AT = 1_000  # documents a query


@dataclass
class Lightening:
    """Makes records light. `texts`, by their digest, can be published; only that they can be read is kept of them.

    `compares_files`: whether a file that is the one stored is taken for it; otherwise each is taken for another one.
    """

    source: Source
    compares_files: bool
    texts: Texts = field(default_factory=dict)
    _known: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _looked_at: list[Record] = field(default_factory=list)
    _changed: set[str] = field(default_factory=set)

    def look_at(self, page: list[Record]) -> None:
        """Remember which content is stored of these documents, before they are made light."""
        with as_owner():
            self._known |= known_content(self.source.pk, page)

    def light(self, record: Record) -> Record:
        """The record without its content. Texts are parsed here: call it outside transactions. Raises `ParseFailed`."""
        if isinstance(record, Deletion) and record.kind == "document":
            self._changed.add(record.id)
        if not isinstance(record, DocumentRecord):
            return record
        light = self._light(record)
        self._looked_at.append(light)
        return light

    def _light(self, record: DocumentRecord) -> DocumentRecord:
        version, digest = self._known.get(record.id, ("", b"")) if record.id not in self._changed else ("", b"")
        if record.unreadable or (callable(record.content) and record.version and record.version == version):
            return record
        is_compared = record.content is None or (self.compares_files and not callable(record.content))
        if is_compared and documents.digest_of(record) == digest:
            return replace(record, text=None, content=_not_read, version=version)
        self._changed.add(record.id)
        if record.content is not None:
            content = ANOTHER if callable(record.content) else documents.digest_of(record)
            return replace(record, content=content)
        prepared = documents.prepare(record)
        light = replace(record, text=prepared.digest.hex())
        said = prepared.parsed
        parsed = Parsed(text="", mime=said.mime, language=said.language, attachments=said.attachments)
        self.texts[documents.digest_of(light)] = PreparedText(documents.digest_of(light), parsed, ())
        return light

    def is_outdated(self) -> bool:
        """Whether a document has another content by now than when it was looked at."""
        rest = iter(self._looked_at)
        while page := list(islice(rest, LOOKED_AT)):
            stored = known_content(self.source.pk, page)
            if any(stored.get(id) != self._known.get(id) for id in ids_of(page)):
                return True
        return False


def ids_of(records: Iterable[Record]) -> set[str]:
    return {record.id for record in records if isinstance(record, DocumentRecord)}


def _not_read() -> bytes:
    raise AssertionError("A content that is stored already is not read.")

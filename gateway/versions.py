"""Which hits are of an older version of a document that this reader found a newer version of.

What tells is a title, apart from the part that says which version it is, and what the source says in its metadata.
Only documents among the hits are compared, so that nothing is told of one the reader may not read (P14): alone, an
older version is simply a document.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from connectors.corpus.hits import Hit
from gateway.answering.words import folded
from gateway.likeness import Wording

# Where titles differ in a date alone, or the source calls one of two documents of one name out of use, they are
# versions only if their passages are this much alike: the minutes of two meetings are not.
ALIKE = 0.5

OUT_OF_USE = frozenset({"superseded", "deprecated", "archived", "obsolete", "draft"})  # metadata.status
SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}$")
NUMBER = re.compile(
    r"(?<![^\W_])(?:version|vers|ver|v|revision|rev|edition|fassung|ausgabe)[\s._-]*(\d+(?:[._]\d+)*)(?![^\W_])"
)
PLAIN_NUMBER = re.compile(r"v?(\d+(?:\.\d+)*)")
DATE = re.compile(
    # 2026, 2026-03, 2026-03-01
    r"(?<!\d)((?:19|20)\d\d)(?:[-_./ ]?(0[1-9]|1[0-2])(?:[-_./ ]?(0[1-9]|[12]\d|3[01]))?)?(?!\d)"
)
COPY_OF = re.compile(r"^(?:copy of|kopie von|copie de|copia de)\s+")
COPIES = frozenset({"copy", "kopie", "copie", "copia"})
NOT_IN_FORCE = frozenset(
    {"draft", "entwurf", "brouillon", "borrador", "rascunho", "old", "obsolete", "outdated", "veraltet"}
    | {"deprecated", "superseded", "archived"}
)
IN_FORCE = frozenset({"final", "latest", "current", "endfassung"})
LAST_WORD = re.compile(
    rf"[\s_(\[-]+({'|'.join(sorted(COPIES | NOT_IN_FORCE | IN_FORCE))})(?:[\s_(]+\d{{1,2}})?[\s)\]]*$"
)


@dataclass(frozen=True, kw_only=True)
class Edition:
    """What a title says besides its name: "Travel policy v2 (draft)" is version 2 of "travel policy", not in force."""

    name: str
    number: tuple[int, ...] = ()
    date: tuple[int, ...] = ()
    words: frozenset[str] = frozenset()

    @classmethod
    def of(cls, title: str) -> "Edition":
        rest = SUFFIX.sub("", folded(title).strip())
        words = set()
        if begun := COPY_OF.match(rest):
            rest = rest[begun.end() :]
            words.add("copy")
        while last := LAST_WORD.search(rest):
            rest = rest[: last.start()]
            words.add(last[1])
        rest, number = _taken(NUMBER, rest)
        rest, date = _taken(DATE, rest)
        while last := LAST_WORD.search(rest.rstrip(" -_.,()[]")):
            rest = rest[: last.start()]
            words.add(last[1])
        name = " ".join(re.findall(r"[^\W_]+", rest))
        return cls(name=name, number=number, date=date, words=frozenset(words))

    def is_named_in(self, query: str) -> bool:
        """Whether a question asks for this version: "the travel policy of 2024", "version 1", "the old one"."""
        asked = folded(query)
        numbers = {_numbers(match[1]) for match in NUMBER.finditer(asked)}
        dates = {_date(match) for match in DATE.finditer(asked)}
        return (
            self.number in numbers
            or any(self.date[: len(date)] == date or date[: len(self.date)] == self.date for date in dates if self.date)
            or not self.words.isdisjoint(re.findall(r"[^\W_]+", asked))
        )


@dataclass(frozen=True, kw_only=True)
class Version:
    """A document among the hits, and all that tells which version of itself it is."""

    hit: Hit  # the best of it
    edition: Edition
    number: tuple[int, ...]
    in_force: bool

    @classmethod
    def of(cls, hit: Hit) -> "Version":
        edition = Edition.of(hit.title)
        said = PLAIN_NUMBER.fullmatch(folded(str(hit.metadata.get("version", ""))).strip())
        status = folded(str(hit.metadata.get("status", ""))).strip()
        return cls(
            hit=hit,
            edition=edition,
            number=edition.number or (_numbers(said[1]) if said else ()),
            in_force=status not in OUT_OF_USE and edition.words.isdisjoint(NOT_IN_FORCE),
        )

    @property
    def family(self) -> tuple[str, ...]:
        """What versions of one document have in common; a translation, or another country's rule, is no version."""
        hit = self.hit
        return hit.source, self.edition.name, hit.language, folded(str(hit.metadata.get("country", "")))

    def is_told_from(self, other: "Version") -> bool:
        """Whether title or source say in so many words that these are two versions of one document."""
        return self.number != other.number or self.edition.words != other.edition.words

    def may_be_told_from(self, other: "Version") -> bool:
        """Whether they say something that means it if the texts are alike as well."""
        return self.edition.date != other.edition.date or self.in_force != other.in_force


def marked(hits: Sequence[Hit]) -> list[Hit]:
    """The same hits, those of an older version with the newest one that was found in `newer`."""
    of_document: dict[UUID, list[Hit]] = defaultdict(list)
    for hit in hits:
        of_document[hit.document_id].append(hit)
    versions = {id: Version.of(found[0]) for id, found in of_document.items()}
    said = _by_the_source(versions)
    older = {**_by_name(versions), **said}
    newest = {id: end for id in older if (end := _end(older, id)) is not None}
    return [
        _marked(hit, of_document[newest[hit.document_id]], is_sure=_is_sure(hit, newest, versions, said))
        if hit.document_id in newest
        else hit
        for hit in hits
    ]


def _marked(hit: Hit, newest: Sequence[Hit], *, is_sure: bool) -> Hit:
    """The hit, with what the newest version says in its place; as it is where that is too little like it."""
    if is_sure:
        counterpart = next((each for each in newest if each.heading == hit.heading), newest[0])
        return replace(hit, newer=(counterpart.document_id, counterpart.digest))
    wording = Wording(hit.text)
    likeness, counterpart = max(
        ((wording.likeness(Wording(each.text)), each) for each in newest), key=lambda pair: pair[0]
    )
    return replace(hit, newer=(counterpart.document_id, counterpart.digest)) if likeness >= ALIKE else hit


def _is_sure(
    hit: Hit, newest: Mapping[UUID, UUID], versions: Mapping[UUID, Version], said: Mapping[UUID, UUID]
) -> bool:
    """Whether title or source say that these are versions, so that their texts need not be alike."""
    id = hit.document_id
    return id in said or versions[id].is_told_from(versions[newest[id]])


def _by_name(versions: Mapping[UUID, Version]) -> dict[UUID, UUID]:
    """By each document the newest one of its name, source, language and country, where that is another version."""
    families: dict[tuple[str, ...], list[Version]] = defaultdict(list)
    for version in versions.values():
        families[version.family].append(version)
    older: dict[UUID, UUID] = {}
    for family in families.values():
        ages = _ages(family)
        newest, latest = max(zip(family, ages, strict=True), key=lambda pair: pair[1])
        for version, age in zip(family, ages, strict=True):
            if age < latest and (version.is_told_from(newest) or version.may_be_told_from(newest)):
                older[version.hit.document_id] = newest.hit.document_id
    return older


def _ages(family: Sequence[Version]) -> list[tuple[float | tuple[int, ...], ...]]:
    """The higher the newer: in force, number, date in the title, no copy, date of last change.

    What one of them lacks tells nothing of any of them, so that there is one order of all.
    """
    numbered = all(version.number for version in family)
    dated = all(version.edition.date for version in family)
    changed = all(version.hit.modified_at for version in family)
    return [
        (
            version.in_force,
            version.number if numbered else (),
            version.edition.date if dated else (),
            version.edition.words.isdisjoint(COPIES),
            version.hit.modified_at.timestamp() if changed and version.hit.modified_at else 0.0,
        )
        for version in family
    ]


def _by_the_source(versions: Mapping[UUID, Version]) -> dict[UUID, UUID]:
    """What `supersedes` and `superseded_by` in metadata say of documents of one source, by their ids there."""
    ids = {(version.hit.source, version.hit.external_id): id for id, version in versions.items()}
    older: dict[UUID, UUID] = {}
    for id, version in versions.items():
        for name, is_newer in (("supersedes", True), ("superseded_by", False)):
            for external_id in _strings(version.hit.metadata.get(name)):
                other = ids.get((version.hit.source, external_id))
                if other is not None and other != id:
                    older.update({other: id} if is_newer else {id: other})
    return older


def _strings(value: object) -> Iterator[str]:
    yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _end(older: Mapping[UUID, UUID], id: UUID) -> UUID | None:
    """The newest of a chain of versions; none where a source lets them follow each other in a circle."""
    met = {id}
    newest = None
    while (following := older.get(id)) is not None:
        if following in met:
            return None
        met.add(following)
        id = newest = following
    return newest


def _taken(pattern: re.Pattern[str], text: str) -> tuple[str, tuple[int, ...]]:
    """The text without the last match of a pattern, and the numbers in that."""
    matches = list(pattern.finditer(text))
    if not matches:
        return text, ()
    last = matches[-1]
    return f"{text[: last.start()]} {text[last.end() :]}", _date(last) if pattern is DATE else _numbers(last[1])


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.split(r"[._]", text))


def _date(match: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(part) for part in match.groups() if part)

"""Twelve thousand passages, five thousand of them with vectors; who may read which; and what each should find.

Folders hold what is nearest to one question, so that just that can be hidden. What is right is told by numpy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from accounts import principals
from accounts.statements import execute
from connectors import vectors
from connectors.corpus import access
from connectors.corpus.conditions import Condition
from connectors.corpus.search import search
from connectors.models import IndexGeneration
from tests.cast import World
from tests.made_up import give_vectors

Floats = NDArray[np.float32]

SIZE = 5_000  # with vectors
WAITING = 5_500  # without; with the others, more have a word than are counted one by one
CROWD = 1_100  # folders with a document each, for groups that nobody is in
DIMENSIONS = 32
EXACT_LIMIT = 1_000  # permitted passages; of more, the nearest are taken from the approximate index
NEAREST = {
    "half": 0.005,
    "three": 0.03,
    "five": 0.05,
    "thirty": 0.3,
}  # folders, and how much of all is as near as what they hold
REST = [f"rest{number:02}" for number in range(20)]
FEW = [f"few{count}" for count in range(1, 10)]
ALL = ("all", "half", "three", "five", "thirty")  # readers by how many percent of the nearest are hidden from them
READERS: dict[str, tuple[str, ...]] = (  # of each folder; beside them there is one who reads nothing
    {folder: ALL[: place + 1] for place, folder in enumerate(NEAREST)}
    | {folder: (*ALL, "some") if place < 3 else ALL for place, folder in enumerate(REST)}
    | {folder: ("all", folder) for folder in FEW}
    | {"waiting": ALL}
)
CROWDED = """
INSERT INTO accounts_principal (directory_id, external_id, kind, name, address, external, introduced)
SELECT %s, name, 'group', name, '', true, true FROM unnest(%s::text[]) name
"""
FOLDERS = """
INSERT INTO connectors_scope (source_id, external_id, name, inherits, introduced, own_acl_id, acl_id)
SELECT %s, made.name, made.name, true, true, made.acl, made.acl FROM unnest(%s::text[], %s::bigint[]) made(name, acl)
"""
DOCUMENTS = """
INSERT INTO connectors_document (source_id, external_id, public_id, scope_id, state, reason, title, titled, url, mime,
    author, language, metadata, file_metadata, version, text_revision)
SELECT s.source_id, m.name, gen_random_uuid(), s.id, 'live', '', 'Report', true, '', '', 'Bea', '', '{}', '{}', '', 1
FROM made_up m JOIN connectors_scope s ON s.external_id = m.folder ORDER BY m.name
"""
PASSAGES = """
INSERT INTO connectors_passage (public_id, document_id, scope_id, ordinal, text, start, "end", heading, digest, words,
    lexemes)
SELECT gen_random_uuid(), d.id, d.scope_id, 0, t.text, 0, length(t.text), '', sha256(t.text::bytea), length(l.lexemes),
    l.lexemes
FROM connectors_document d
CROSS JOIN LATERAL (SELECT 'The report of department' || d.id % 300 || ' counts ' || d.external_id || '.' AS text) t
CROSS JOIN LATERAL (SELECT gatehouse_words('english', t.text) AS lexemes) l
ORDER BY d.id
"""
VECTOR = "SELECT m.embedding FROM made_up m WHERE m.name = d.external_id"


@dataclass
class Thousands:
    """By place: the name of a document with a vector, its folder, and the vector as the database has it.

    The folders go by `question`.
    """

    world: World
    question: Floats
    names: list[str]
    folders: list[str]
    vectors: Floats

    def nearest(self, reader: str, question: Floats, wanted: int = 10) -> list[str]:
        """What this person should find, by a look at all they may read."""
        near = np.argsort(-(self.vectors @ question))
        return [self.names[place] for place in near if reader in READERS[self.folders[place]]][:wanted]

    def found(self, reader: str, question: Floats, wanted: int = 10) -> list[str]:
        hits = search(self.world.reader(reader), query="", vector=question.tolist(), limit=wanted, mode="vector")
        return [hit.external_id for hit in hits]

    def permitted(self, reader: str) -> list[str]:
        """The documents with a vector that this person may read."""
        return [name for name, folder in zip(self.names, self.folders, strict=True) if reader in READERS[folder]]

    def add(self, name: str, folder: str, vector: Floats) -> None:
        self.names.append(name)
        self.folders.append(folder)
        self.vectors = np.vstack([self.vectors, vector])

    def remove(self, gone: Iterable[str]) -> None:
        names = {*gone}
        kept = [place for place, name in enumerate(self.names) if name not in names]
        self.names, self.folders = [self.names[place] for place in kept], [self.folders[place] for place in kept]
        self.vectors = self.vectors[kept]


def thousands() -> Thousands:
    """Written into the database Django is connected to, with the approximate index. Not inside a transaction."""
    chance = np.random.default_rng(4)
    made, question = directions(chance, SIZE), directions(chance, 1)[0]
    by_nearness = np.argsort(-(made @ question))
    folders = np.array(REST, dtype=object)[chance.integers(len(REST), size=SIZE)]
    for folder, share in reversed(NEAREST.items()):
        folders[by_nearness[: round(share * SIZE)]] = folder
    for count, folder in enumerate(FEW, start=1):
        folders[by_nearness[-count * (count + 1) // 2 :][:count]] = folder
    world = World.of(*ALL, "some", "none", *FEW)
    for folder, readers in READERS.items():
        world.folder(folder, readers)
    written = Thousands(world, question, [f"d{number:05}" for number in range(SIZE)], folders.tolist(), made)
    _write(written)
    return written


def directions(chance: np.random.Generator, count: int) -> Floats:
    """Of about unit length, in numbers that half precision has."""
    made = chance.standard_normal((count, DIMENSIONS))
    unit: Floats = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    return unit


def _write(all: Thousands) -> None:
    crowd = [f"crowd{number:05}" for number in range(CROWD)]
    _write_crowd(all.world.source.pk, crowd)
    placed: list[tuple[str, str, str | None]] = [
        *zip(all.names, all.folders, map(str, all.vectors.tolist()), strict=True),
        *((f"w{number:05}", "waiting", None) for number in range(WAITING)),
        *((f"c{folder}", folder, None) for folder in crowd),
    ]
    execute(f"CREATE UNLOGGED TABLE made_up (name text PRIMARY KEY, folder text, embedding halfvec({DIMENSIONS}))")
    with connection.cursor() as cursor:
        with cursor.copy("COPY made_up FROM STDIN") as copy:
            for row in placed:
                copy.write_row(row)
        cursor.execute(DOCUMENTS)
        cursor.execute(PASSAGES)
    with_vectors = "d.external_id IN (SELECT name FROM made_up WHERE embedding IS NOT NULL)"
    generation = give_vectors(f"({VECTOR})", with_vectors, dimensions=DIMENSIONS)
    execute("DROP TABLE made_up")
    vectors.build(generation)
    IndexGeneration.objects.update(exact_limit=EXACT_LIMIT)
    execute("VACUUM (ANALYZE)")


def _write_crowd(source_id: int, names: Sequence[str]) -> None:
    execute(CROWDED, [source_id, names])
    ids = principals.named(source_id, names)
    conditions = {name: Condition.of({ids[name]: None}) for name in names}
    interned = access.intern(source_id, conditions.values())
    execute(FOLDERS, [source_id, names, [interned[conditions[name]] for name in names]])

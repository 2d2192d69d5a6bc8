"""The approximate index forced to answer: what it finds of what Ann may read, against what is really nearest."""

from dataclasses import dataclass
from uuid import UUID

from accounts.reader import Reader
from accounts.statements import execute, rows
from connectors.corpus.hits import Hit
from connectors.corpus.search import search
from connectors.models import IndexGeneration
from tests.twins.meaning import DIMENSIONS, vector_of
from tests.twins.worlds import QUESTIONS, Known

TEN = 10
EXACT = 40  # permitted passages the exact arm still takes; fewer than there are
ROUNDING = 1e-9
INDEX = "approximate_of_twins"
NODES = """
INSERT INTO connectors_vectornode (passage_id, generation_id, embedding)
SELECT passage_id, generation_id, embedding FROM connectors_passagevector ORDER BY passage_id
"""
MAKE_INDEX = f"""
CREATE INDEX {INDEX} ON connectors_vectornode USING hnsw ((embedding::halfvec({DIMENSIONS})) halfvec_ip_ops)
WHERE generation_id = %s
"""
SCANS = "SELECT pg_stat_get_xact_numscans(%s::regclass)"


@dataclass(frozen=True)
class Nearest:
    """What one search by nearness found in one world, by the id of the passage, and what is wrong with that."""

    found: tuple[UUID, ...]
    recall: float
    wrong: tuple[str, ...]

    def changed(self, other: "Nearest") -> float:
        """The share of rows that the other world shows and this one does not."""
        return 1 - len(set(self.found) & set(other.found)) / max(len(self.found), len(other.found), 1)


@dataclass(frozen=True)
class Forced:
    known: Known

    def nearest(self, ann: int) -> list[Nearest]:
        """Every question, by the exact arm first and then by the index, which goes on answering."""
        exact = [by_nearness(ann, question) for question in QUESTIONS]
        generation = IndexGeneration.objects.get(state="active")
        execute(NODES)
        execute("DELETE FROM connectors_unindexed")
        execute(MAKE_INDEX.replace("%s", str(generation.pk)))
        IndexGeneration.objects.update(exact_limit=EXACT, graph=True)
        return [
            self._judged(question, closest, by_the_index(ann, question))
            for question, closest in zip(QUESTIONS, exact, strict=True)
        ]

    def _judged(self, question: str, exact: list[Hit], found: list[Hit]) -> Nearest:
        wrong = [f"{question}: {hit.external_id} is not hers" for hit in found if not self._is_known(hit)]
        if len(found) != min(TEN, len(exact)):
            wrong.append(f"{question}: {len(found)} of {len(exact)}")
        farthest = min(similarity(hit) for hit in exact)
        near = sum(similarity(hit) >= farthest - ROUNDING for hit in found)
        return Nearest(tuple(hit.passage_id for hit in found), near / len(exact), tuple(wrong))

    def _is_known(self, hit: Hit) -> bool:
        return hit.source in ("docs", "wiki") and hit.external_id in self.known.external_ids


def by_the_index(ann: int, question: str) -> list[Hit]:
    """So small an index is not what the planner would choose."""
    execute("SET LOCAL enable_seqscan = off")
    execute("SET LOCAL enable_sort = off")
    before = rows(SCANS, [INDEX])[0][0]
    found = by_nearness(ann, question)
    assert rows(SCANS, [INDEX])[0][0] == before + 1, "The approximate index did not answer."
    execute("SET LOCAL enable_sort = on")
    execute("SET LOCAL enable_seqscan = on")
    return found


def by_nearness(ann: int, question: str) -> list[Hit]:
    return search(Reader(ann), query="", vector=vector_of(question), limit=TEN, mode="vector")


def similarity(hit: Hit) -> float:
    assert hit.similarity is not None
    return hit.similarity

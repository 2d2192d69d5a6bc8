"""Up to how many permitted passages it is quicker to look at each: measured on this machine, with its own vectors.

Looking at each costs so much a passage; the approximate index costs so much a candidate, of which a reader of few
permitted passages needs many. Where both take the same time is the limit (decision 0004). `doctor` shows it.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter

from accounts.statements import execute, rows
from connectors.models import IndexGeneration

SAMPLE = 20_000  # passages looked at exactly
QUESTIONS = 7
NEAR, FAR = 200, 1_000  # candidates of the approximate index
KEPT = 65  # of them that must be permitted: what a search of ten looks at, and a third more
LIMITS = (5_000, 100_000)  # passages: whatever is measured, the limit is between these
EXACTLY = """
SELECT passage_id FROM (
    SELECT passage_id, embedding FROM connectors_passagevector WHERE generation_id = %s ORDER BY scope_id LIMIT %s
) few ORDER BY embedding <#> %s::halfvec LIMIT 50
"""
NEARLY = """
SELECT passage_id FROM connectors_vectornode WHERE generation_id = {generation}
ORDER BY embedding::halfvec({size}) <#> %s::halfvec({size}) LIMIT {candidates}
"""


def calibrate(generation: IndexGeneration) -> None:
    """Measure both ways and write down the limit. The approximate index must be there; not inside a transaction."""
    few = min(SAMPLE, generation.vectors)
    found = rows(
        "SELECT embedding::text FROM connectors_passagevector WHERE generation_id = %s ORDER BY passage_id LIMIT %s",
        [generation.pk, QUESTIONS],
    )
    questions = [vector for (vector,) in found]
    if not questions or few == 0:
        return
    exact = _milliseconds(lambda question: rows(EXACTLY, [generation.pk, few, question]), questions) / few
    near, far = (_nearly(generation, candidates, questions) for candidates in (NEAR, FAR))
    a_candidate = max(far - near, 0.0) / (FAR - NEAR)
    generation.exact_limit = limit(generation.vectors, exact, near, a_candidate)
    generation.measured = {
        "exact_ms_per_1000": round(exact * 1000, 3),
        f"index_ms_{NEAR}": round(near, 2),
        f"index_ms_{FAR}": round(far, 2),
    }
    generation.save(update_fields=["exact_limit", "measured"])


def limit(vectors: int, exact: float, near: float, a_candidate: float) -> int:
    """The number of permitted passages from which the approximate index is quicker; times in milliseconds."""
    permitted = LIMITS[0]
    while permitted < LIMITS[1]:
        candidates = max(KEPT * vectors / permitted, NEAR)
        if candidates <= FAR and near + (candidates - NEAR) * a_candidate <= exact * permitted:
            break
        permitted += 1_000
    return permitted


def _nearly(generation: IndexGeneration, candidates: int, questions: list[str]) -> float:
    size = len(questions[0].split(","))
    statement = NEARLY.format(generation=int(generation.pk), size=size, candidates=candidates)
    execute(f"SET hnsw.ef_search = {int(candidates)}")
    try:
        return _milliseconds(lambda question: rows(statement, [question]), questions)
    finally:
        execute("RESET hnsw.ef_search")


def _milliseconds(ask: Callable[[str], object], questions: list[str]) -> float:
    """The median of the times of all, asked twice: what counts is how quick it is once in memory."""
    seconds = []
    for question in [*questions, *questions]:
        began = perf_counter()
        ask(question)
        seconds.append(perf_counter() - began)
    return median(seconds[len(questions) :]) * 1000

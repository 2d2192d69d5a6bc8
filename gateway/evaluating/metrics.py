"""How good a ranking is: the measures of trec_eval, with the judgment itself as the gain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from statistics import fmean

DEPTH = 10
DEEP = 100


@dataclass(frozen=True)
class Quality:
    """Means over questions, each from 0 to 1."""

    ndcg: float  # of the first 10
    recall: float  # of the first 10
    deep_recall: float  # of the first 100
    reciprocal_rank: float  # of the first answer among the first 10; 0 if there is none
    found: float  # questions with an answer among the first 10


def quality(rankings: Iterable[tuple[Sequence[str], Mapping[str, float]]]) -> Quality:
    """Of rankings (ids, best first, none twice) and the gains of each one's question."""
    judged = list(rankings)
    return Quality(
        fmean(ndcg(ranking, gains) for ranking, gains in judged),
        fmean(recall(ranking, gains, DEPTH) for ranking, gains in judged),
        fmean(recall(ranking, gains, DEEP) for ranking, gains in judged),
        fmean(reciprocal_rank(ranking, gains) for ranking, gains in judged),
        fmean(reciprocal_rank(ranking, gains) > 0 for ranking, gains in judged),
    )


def ndcg(ranking: Sequence[str], gains: Mapping[str, float]) -> float:
    """Järvelin and Kekäläinen 2002, linear gain, discounted by the logarithm of the rank."""
    ideal = _discounted(sorted(gains.values(), reverse=True))
    return _discounted([gains.get(id, 0.0) for id in ranking]) / ideal if ideal else 0.0


def recall(ranking: Sequence[str], gains: Mapping[str, float], depth: int) -> float:
    return len(gains.keys() & set(ranking[:depth])) / len(gains)


def reciprocal_rank(ranking: Sequence[str], gains: Mapping[str, float]) -> float:
    return next((1 / rank for rank, id in enumerate(ranking[:DEPTH], start=1) if id in gains), 0.0)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains[:DEPTH], start=1))

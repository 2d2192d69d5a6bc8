"""One hit where several documents say the same: only what this reader found is compared with one another (P14)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from connectors.corpus.hits import Hit
from gateway.answering.words import content_words
from gateway.likeness import Wording

# Two passages that share this part of their runs of five words say the same: in one of 150 words two words may differ
# if they stand together, or one at each end. Numbers and negations may not differ at all.
SAME = 0.9


@dataclass(frozen=True)
class Saying:
    """Hits of different documents that say the same, best first."""

    wording: Wording
    hits: list[Hit]

    def takes(self, hit: Hit, wording: Wording, asked: frozenset[str]) -> bool:
        """Whether `hit` says nothing else, in another document, as far as the question tells them apart."""
        if not wording.is_like(self.wording, SAME) or hit.document_id in {each.document_id for each in self.hits}:
            return False
        first = self.hits[0]
        same_words = wording.plain == self.wording.plain or _said(hit, asked) == _said(first, asked)
        return same_words and _named(hit, asked) == _named(first, asked)

    def best(self) -> Hit:
        """The one that is shown, in the place of the first: no older version, then the newest, then the nearest."""
        best = max(self.hits, key=lambda hit: (not hit.superseded, _time(hit), hit.score))
        return replace(best, score=max(hit.score for hit in self.hits))


def collapsed(hits: Sequence[Hit], about: str) -> list[Hit]:
    """The hits without those that say what another one says, in their order.

    `about` is the question and the reader's situation: two documents that differ in one of its words, as contracts
    with two customers do when one of them is asked about, are kept apart; so are those about different countries.
    """
    asked = frozenset(content_words(about))
    sayings: list[Saying] = []
    comparable: dict[object, list[Saying]] = defaultdict(list)
    for hit in hits:
        wording = Wording(hit.text)
        near = comparable[wording.telling, str(hit.metadata.get("country", ""))]
        same = next((saying for saying in near if saying.takes(hit, wording, asked)), None)
        if same is not None:
            same.hits.append(hit)
            continue
        saying = Saying(wording, [hit])
        sayings.append(saying)
        near.append(saying)
    return [saying.best() for saying in sayings]


def _named(hit: Hit, asked: frozenset[str]) -> frozenset[str]:
    """What of the question is in the title and the heading."""
    return asked.intersection(content_words(f"{hit.title} {hit.heading}"))


def _said(hit: Hit, asked: frozenset[str]) -> frozenset[str]:
    return asked.intersection(content_words(hit.text))


def _time(hit: Hit) -> float:
    return hit.modified_at.timestamp() if hit.modified_at else float("-inf")

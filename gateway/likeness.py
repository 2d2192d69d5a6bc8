"""How alike two texts are: the runs of five words they share, and the words a difference of which is never small."""

import re
from functools import cached_property

from gateway.answering.polarity import NEGATIONS
from gateway.answering.words import folded

WORD = re.compile(r"[^\W_]+(?:[.,:/'’-][^\W_]+)*")
DIGIT = re.compile(r"\d")
RUN = 5  # words


class Wording:
    """A text as it is compared: without case, accents and the way its blanks are set."""

    def __init__(self, text: str) -> None:
        self.plain = " ".join(folded(text).split())

    @cached_property
    def telling(self) -> tuple[str, ...]:
        """Its numbers and its negations: where these differ, two texts say two things, however alike they are."""
        return tuple(sorted(word for word in self._words if word in NEGATIONS or DIGIT.search(word)))

    def likeness(self, other: "Wording") -> float:
        """The Jaccard index of the runs of five words of both, 0..1 (Broder 1997)."""
        if self.plain == other.plain:
            return 1.0
        shared = len(self._runs & other._runs)
        return shared / (len(self._runs) + len(other._runs) - shared)

    def is_like(self, other: "Wording", least: float) -> bool:
        """Whether the likeness is `least` or more; mostly told from their lengths."""
        shorter, longer = sorted((len(self._runs), len(other._runs)))
        return shorter >= least * longer and self.likeness(other) >= least

    @cached_property
    def _words(self) -> list[str]:
        return WORD.findall(self.plain)

    @cached_property
    def _runs(self) -> frozenset[tuple[str, ...]]:
        words = self._words
        if len(words) < RUN:
            return frozenset([tuple(words)])
        return frozenset(zip(*(words[n:] for n in range(RUN)), strict=False))

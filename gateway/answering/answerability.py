"""How likely it is that a passage answers a question, and does not only speak of the same things.

Questions written to look answerable share nearly all their words with a passage that does not answer them: "When did
OPEC begin?" of a passage about what OPEC did in 1973. What gives them away is a word that nothing in the passage
stands for, a number or a name that is another one, a "not" on one side only. A logistic regression weighs such signs.
Words are held against each other by the token vectors of the local embedding model, whatever model the search goes by.
English only, as that model is: of other languages nothing is said here.

The weights are in `data/answerability.json`; `python -m benchmarks.answerability FOLDER` made them.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from connectors.minilm import Tokens, encoder
from gateway.answering.polarity import denies, opposed
from gateway.answering.words import NO_CONTENT, WORD, content_words, folded, weight, words

WEIGHTS = Path(__file__).parent / "data" / "answerability.json"
SENTENCES = 4  # the best, of those that may answer
MARKS = frozenset({"[CLS]", "[SEP]", "?"})
USUAL = 0.6  # how near a word comes
NEAR = 0.75  # from here on it says nearly the same
NUMBER = re.compile(r"\d+")

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Comparison:
    """A question held against a text: cosines of their tokens (float32[question, text], without marks), and of both
    as a whole, by the first token (`opening`) and by the mean of all (`meaning`)."""

    text: str
    question: tuple[str, ...]
    nearness: Matrix
    opening: float
    meaning: float

    @classmethod
    def of(cls, question: Tokens, other: Tokens, text: str) -> "Comparison":
        rows = [place for place, token in enumerate(question.tokens) if token not in MARKS]
        columns = [place for place, token in enumerate(other.tokens) if token not in MARKS]
        nearness = question.vectors @ other.vectors.T
        return cls(
            text=text,
            question=tuple(question.tokens[row] for row in rows),
            nearness=nearness[np.ix_(rows, columns)],
            opening=float(nearness[0, 0]),
            meaning=float(question.mean @ other.mean),
        )

    def nearest(self) -> NDArray[np.float32]:
        """How near the nearest token of the text is to each of the question's."""
        if not self.nearness.size:
            return np.zeros(1, dtype=np.float32)
        return np.asarray(self.nearness.max(axis=1), dtype=np.float32)

    def words(self) -> list[tuple[str, float]]:
        """The same of each of the question's words, put together from their pieces."""
        whole: list[tuple[str, list[float]]] = []
        for token, near in zip(self.question, self.nearest(), strict=False):
            if token.startswith("##") and whole:
                whole[-1] = (whole[-1][0] + token[2:], [*whole[-1][1], float(near)])
            else:
                whole.append((token, [float(near)]))
        return [(word, sum(near) / len(near)) for word, near in whole]

    def content(self) -> list[float]:
        """The same of those that carry content."""
        return [near for word, near in self.words() if _carries_content(word)] or [0.0]


SIGNS = (
    "it says not",
    "it says not, the passage does not",
    "one of it and the sentence says not",
    "it says least, last, only or never",
    "words that turn the sentence around",
    "words that turn the passage around",
    "its numbers",
    "numbers the sentence and the title lack",
    "its names",
    "it asks which",
    "it asks when, the sentence has no year",
    "meaning of the passage",
    "opening of the passage",
    "opening of the nearest sentence",
    "its words, of the nearest sentence",
    "its farthest word, of the nearest sentence",
    "its tokens' unevenness in the sentence",
    "its words the sentence lacks",
    "pairs of its words the sentence has",
    "the sentence says not",
    "its two farthest words, of the passage",
    "its farthest name, of the passage",
    "what it asks for, of the passage",
)
LEAST = frozenset("least less fewer smallest lowest worst last only never".split())
YEAR = re.compile(r"\b1\d{3}\b|\b20\d\d\b")


def signs(question: str, sentences: Sequence[Comparison], passage: Comparison) -> list[float]:
    """What speaks for and against it, in the order of `SIGNS`; `sentences` are the best first, at least one, and the
    passage begins with its title."""
    best = sentences[0]
    asked = words(question)
    numbers, names = set(NUMBER.findall(question)), {folded(name) for name in _names(question)}
    own, there = content_words(question), set(content_words(best.text))
    asks_when = bool(re.search(r"\bwhen\b|\bwhat (?:\w+ )?(?:year|date|day|month|century|decade)\b", folded(question)))
    pairs = set(pairwise(own))
    spoken = content_words(best.text)
    title, _, _ = passage.text.partition("\n")
    said = set(NUMBER.findall(f"{title} {best.text}"))
    content = [each.content() for each in sentences]
    farthest = sorted(passage.content())[:2]
    asked_not = denies(question)
    return [
        float(asked_not),
        float(asked_not and not denies(passage.text)),
        float(asked_not != denies(best.text)),
        float(not LEAST.isdisjoint(asked)),
        float(opposed(question, best.text)),
        float(opposed(question, passage.text)),
        float(len(numbers)),
        float(len(numbers - said)),
        float(len(names)),
        float("which" in asked),
        float(asks_when and not set(YEAR.findall(best.text)) - numbers),
        passage.meaning,
        passage.opening,
        max(each.opening for each in sentences),
        max(sum(near) / len(near) for near in content),
        max(min(near) for near in content),
        float(np.std(best.nearest())),
        float(sum(word not in there for word in own)),
        len(pairs & set(pairwise(spoken))) / max(len(own) - 1, 1),
        float(denies(best.text)),
        sum(farthest) / len(farthest),
        min((near for word, near in passage.words() if word in names), default=1.0),
        _asked_for(passage),
    ]


def probability(found: Sequence[float]) -> float:
    """Of the question being answered, by its signs; 0..1."""
    weights = _weights()
    return 1 / (1 + math.exp(-(weights[0] + float(np.dot(weights[1:], np.asarray(found))))))


def compared(question: str, sentences: Sequence[str], passage: str) -> tuple[list[Comparison], Comparison]:
    """The question held against the best of the sentences, and against a passage."""
    asked, *others = (encoder().tokens(text) for text in (question, *sentences[:SENTENCES], passage))
    texts = (*sentences[:SENTENCES], passage)
    held = [Comparison.of(asked, tokens, text) for tokens, text in zip(others, texts, strict=True)]
    return held[:-1], held[-1]


def answerability(question: str, sentences: Sequence[str], passage: str) -> float:
    """How likely it is that one of these sentences, best first, or the passage of the first, answers; 0..1."""
    return probability(signs(question, *compared(question, sentences, passage)))


def met(question: str, text: str) -> float:
    """The part of the question's content words, by weight, that the text has or comes near to, 0..1."""
    asked, other = encoder().tokens(question), encoder().tokens(text)
    content = [each for each in Comparison.of(asked, other, text).words() if _carries_content(each[0])]
    whole = sum(weight(word) for word, _ in content)
    return sum(weight(word) for word, near in content if near >= NEAR) / whole if whole else 0.0


@cache
def _weights() -> NDArray[np.float64]:
    """The constant, then the weight of each sign."""
    told = json.loads(WEIGHTS.read_text("utf-8"))
    return np.array([told["constant"], *(told["weights"][sign] for sign in SIGNS)])


def _asked_for(passage: Comparison) -> float:
    """How near the passage comes to the word after "which" or "what": "what treaty", "which country"."""
    words = passage.words()
    for (word, _), (following, near) in pairwise(words):
        if word in ("what", "which"):
            return near if _carries_content(following) else USUAL
    return USUAL


def _carries_content(word: str) -> bool:
    return word[0].isalnum() and word not in NO_CONTENT


def _names(text: str) -> list[str]:
    """Capitalised words after the first, but "I"."""
    return [word for word in WORD.findall(text)[1:] if word[0].isupper() and words(word) != ["i"]]

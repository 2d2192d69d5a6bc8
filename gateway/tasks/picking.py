"""Picks the sentences that carry a text, word for word: those most like all of it, and unlike each other."""

import logging
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connectors.corpus.hits import Hit
from connectors.embedding import EmbeddingFailed, embed_texts
from connectors.sentences import sentences
from gateway.answering.drafts import Draft
from gateway.answering.extractive import MAIL_HEADER
from gateway.answering.words import content_words, folded

log = logging.getLogger("gatehouse.tasks")

FEWEST, MOST = 5, 8  # sentences of a summary, where there are as many
A_SENTENCE_OF = 12  # sentences, between those bounds
SHORTLIST = 40  # sentences that are compared by meaning, which is what takes the time
SHORTEST, LONGEST = 40, 500  # characters of a sentence worth picking
OPENING = 0.15  # what beginning a section is worth, beside being like the whole text (0..1)
EARLY = 0.1  # what standing at the very beginning is
ASKED = 2.0  # what being like a question is, where the summary is of what was found for one
OVERLAP = 0.7  # what being like a sentence already picked costs
SAME = 0.9  # so like one already picked that it is not picked, too

Matrix = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A sentence as it stands in its passage."""

    hit: Hit
    place: int  # among all sentences
    text: str
    stems: frozenset[str]
    opens: bool  # the first of its passage


def picked(hits: Sequence[Hit], most: int = MOST, query: str = "") -> list[Draft]:
    """Up to `most` sentences of these passages in their order, each resting on its own; none where there are none.

    `query`: what they should be about, besides.
    """
    candidates = list(_candidates(hits))
    if not candidates:
        return []
    wanted = min(most, max(FEWEST, len(candidates) // A_SENTENCE_OF))
    scores = _scores(candidates)
    best = sorted(range(len(candidates)), key=lambda index: -scores[index])[:SHORTLIST]
    shortlist = [candidates[index] for index in best]
    likeness, asked = _compared(shortlist, query)
    central = likeness.mean(axis=1) + ASKED * asked
    worth = np.array([scores[index] for index in best], dtype=np.float32) + central
    chosen = [shortlist[index] for index in _unlike_each_other(worth, likeness, wanted)]
    return [Draft(text=each.text, evidence=(each.hit,)) for each in sorted(chosen, key=lambda each: each.place)]


def _candidates(hits: Sequence[Hit]) -> Iterator[Candidate]:
    said: set[str] = set()
    place = 0
    for hit in hits:
        opens = True
        for start, end in sentences(hit.text):
            text = " ".join(hit.text[start:end].split())
            if text in said or not _tells(text, hit):
                continue
            said.add(text)
            yield Candidate(hit=hit, place=place, text=text, stems=frozenset(content_words(text)), opens=opens)
            place, opens = place + 1, False


def _tells(text: str, hit: Hit) -> bool:
    """A statement: no heading, no question, no line of a letter's head, no row of a table."""
    return (
        SHORTEST <= len(text) <= LONGEST
        and text[-1] not in "?:"
        and " | " not in text
        and not MAIL_HEADER.match(text)
        and folded(text.lstrip("# ")) not in folded(f"{hit.title}\n{hit.heading}")
    )


def _scores(candidates: Sequence[Candidate]) -> list[float]:
    """How like the whole text each is by its words, 0..1, and where it stands."""
    counts = Counter(word for each in candidates for word in each.stems)
    weights = {word: math.log(count) for word, count in counts.items()}  # what is said once is no topic
    length = math.sqrt(sum(weight**2 for weight in weights.values())) or 1.0
    return [
        sum(weights[word] for word in each.stems) / (length * math.sqrt(len(each.stems) or 1))
        + OPENING * each.opens
        + EARLY * (1 - each.place / len(candidates))
        for each in candidates
    ]


def _compared(candidates: Sequence[Candidate], query: str) -> tuple[Matrix, Matrix]:
    """How alike the sentences are, and how like the query; by meaning, or by words while the embedder is down."""
    texts = [each.text for each in candidates]
    try:
        vectors = np.array(embed_texts([*texts, query] if query else texts, hurried=True), dtype=np.float32)
    except EmbeddingFailed:
        log.warning("The embedding model did not answer; sentences are picked by their words.", exc_info=True)
        vectors = _by_words([each.stems for each in candidates] + [frozenset(content_words(query))] * bool(query))
    own = vectors[: len(texts)]
    asked = own @ vectors[-1] if query else np.zeros(len(texts), dtype=np.float32)
    return own @ own.T, asked


def _by_words(texts: Sequence[frozenset[str]]) -> Matrix:
    """A vector of unit length a text: which words it has."""
    columns = {word: column for column, word in enumerate(sorted(frozenset().union(*texts)))}
    vectors = np.zeros((len(texts), len(columns) or 1), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text:
            vectors[row, columns[word]] = 1 / math.sqrt(len(text))
    return vectors


def _unlike_each_other(worth: Matrix, likeness: Matrix, wanted: int) -> list[int]:
    """The best one, then again and again the best by what it adds (Carbonell and Goldstein 1998)."""
    chosen: list[int] = []
    left = worth.copy()
    while len(chosen) < wanted and left.max() > -np.inf:
        chosen.append(int(left.argmax()))
        nearest = likeness[:, chosen].max(axis=1)
        left = np.where(nearest < SAME, worth - OVERLAP * nearest, -np.inf)
    return chosen

"""A question in a conversation: what was said before it that helps to find its answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.corpus.hits import Hit
from gateway.answering.words import content_words, words

# Questions that lean on the one before are short, or point back with one of these.
FEW_WORDS = 4
POINTING_BACK = frozenset(
    """it its they them their theirs he him his she her hers this that these those there one ones same also else
    es er sie ihm ihr ihnen ihre seine das dies diese dieser dieses davon dazu dafür damit dort auch
    il elle ils elles lui leur leurs cela ça ce cette ces celui celle ceux y en aussi
    ello ella ellos ellas eso esto esa ese esos esas su sus también
    ele ela eles elas isso isto esse essa esses essas seu sua também""".split()
)


GOING_ON = frozenset("and und et y e".split())
EARLIER = 3  # questions of a conversation that a follow-up may lean on, with their answers
# Characters of what was said before that a search is given, the last thing first; long answers drown the question.
# nDCG@10 of questions that go on, Doc2Dial / MTRAG: 200 .929 / .377, 400 .941 / .335, 800 .941 / .299, all .941 / .281.
LONGEST = 400


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What was asked before, and what of its answer its reader may still read; `hits`: what that rests on.

    `of_passages` is the answer without what tells rows of a database.
    """

    question: str
    answer: str
    of_passages: str = ""
    hits: tuple[Hit, ...] = ()

    @property
    def said(self) -> tuple[str, str]:
        return self.question, self.answer


@dataclass(frozen=True)
class Rewritten:
    """What a model made of a question: `text` is looked for besides; `alone`: it turns to something else."""

    text: str = ""
    alone: bool = False


AS_IT_IS = Rewritten()


def leans_back(question: str) -> bool:
    """Few words of its own, or a word that points at what was said before."""
    return len(content_words(question)) <= FEW_WORDS or points_back(question)


def points_back(question: str) -> bool:
    """It has a word that stands for something said before, or goes on with "And …"."""
    said = words(question)
    return not POINTING_BACK.isdisjoint(said) or not GOING_ON.isdisjoint(said[:1])


def standalone(question: str, earlier: Sequence[str]) -> str:
    """`question` with the one it leans on before it, where it leans on one; `earlier` is oldest first."""
    leaning = [*earlier[-1:], question] if leans_back(question) else [question]
    return "\n".join(leaning)


def said_before(said: Sequence[str]) -> str:
    """What a conversation was about, the last thing first, for a search; `said` is oldest first."""
    return "\n".join(filter(None, reversed(said)))[:LONGEST]

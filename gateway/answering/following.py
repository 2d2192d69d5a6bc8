"""Making a follow-up question stand by itself, so that retrieval finds what the conversation is about."""

from collections.abc import Sequence

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


def leans_back(question: str) -> bool:
    """Few words of its own, or a word that points at what was said before."""
    return len(content_words(question)) <= FEW_WORDS or not POINTING_BACK.isdisjoint(words(question))


def standalone(question: str, earlier: Sequence[str]) -> str:
    """`question` with the questions it leans on before it; `earlier` is oldest first.

    Only what the person asked themselves is used, never what was answered: an answer rests on documents
    the person may have lost since (P16).
    """
    leaning = [*earlier[-1:], question] if leans_back(question) else [question]
    return "\n".join(leaning)

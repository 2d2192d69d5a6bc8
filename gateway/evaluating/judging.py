"""How good an answer is: measures that need no judge. All from 0 to 1."""

import re
import string
from collections import Counter
from collections.abc import Sequence

ARTICLES = re.compile(r"\b(?:a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NAME = re.compile(r"(?<![.!?:\"“„]\s)(?<!^)\b[A-ZÄÖÜÀ-Þ][\w’'-]+")
BLANKS = re.compile(r"\s+")


def token_f1(answer: str, right: Sequence[str]) -> float:
    """Of the best of the right answers: the harmonic mean of precision and recall of words (SQuAD's script, in which
    case, punctuation and articles count for nothing)."""
    return max((_f1(_words(answer), _words(each)) for each in right), default=0.0)


def exact_match(answer: str, right: Sequence[str]) -> float:
    return float(any(_words(answer) == _words(each) for each in right))


def auroc(yes: Sequence[float], no: Sequence[float]) -> float:
    """How often one of `yes` is above one of `no`, ties counting half; .5 where either is empty."""
    if not yes or not no:
        return 0.5
    ranks: dict[float, float] = {}
    place = 0
    for value, count in sorted(Counter([*yes, *no]).items()):
        ranks[value] = place + (count + 1) / 2
        place += count
    above = sum(ranks[value] for value in yes) - len(yes) * (len(yes) + 1) / 2
    return above / (len(yes) * len(no))


def refused_at(yes: Sequence[float], no: Sequence[float], rate: float) -> float:
    """The share of `yes` that would be refused at the bound that refuses this share of `no`."""
    if not yes or not no:
        return 0.0
    bound = sorted(no)[min(int(rate * len(no)), len(no) - 1)]
    return sum(value < bound for value in yes) / len(yes)


def details_missing(sentence: str, passages: Sequence[str]) -> list[str]:
    """Numbers and names of a sentence that stand nowhere in its passages: found by another way than the gateway's own
    check, digit for digit and letter for letter."""
    there = BLANKS.sub(" ", " ".join(passages)).casefold()
    numbers = {_digits(number) for number in NUMBER.findall(there)}
    missing = [number for number in NUMBER.findall(sentence) if _digits(number) not in numbers]
    return missing + [name for name in NAME.findall(sentence) if name.casefold().rstrip("'’s") not in there]


def is_verbatim(sentence: str, passages: Sequence[str]) -> bool:
    """It stands in one of the passages word for word."""
    return any(BLANKS.sub(" ", sentence).strip() in BLANKS.sub(" ", passage) for passage in passages)


def _words(text: str) -> list[str]:
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()


def _f1(answer: Sequence[str], right: Sequence[str]) -> float:
    if not answer or not right:
        return float(list(answer) == list(right))
    shared = (Counter(answer) & Counter(right)).total()
    return 2 * shared / (len(answer) + len(right))


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number).strip("0") or "0"

"""The names in a sentence: its words with a capital, as they stand together, and what they are said with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from gateway.answering.figures import CURRENCIES, MEASURES, SCALES, UNITS
from gateway.answering.words import NO_CONTENT, WORD, folded, stem

TITLES = frozenset("mr mrs ms dr prof herr frau mme".split())
# What sentences are opened with besides, and is no name.
OPENERS = frozenset(
    """additionally also furthermore moreover however therefore thus hence overall according based specifically
    generally currently yes finally similarly instead meanwhile nevertheless nonetheless consequently accordingly
    further besides today later earlier originally initially eventually usually typically often sometimes note please
    unfortunately""".split()
)
JOINING = frozenset("the a an and or der die das den dem und oder le la les et ou el los las y o os as e".split())
# Nouns of what is counted have a capital in German, and the next one stands beside them: "26 Wochen Elternzeit".
COUNTED = frozenset(map(folded, (*UNITS, *MEASURES, *CURRENCIES, *SCALES)))
INITIALS = re.compile(r"\b(?:[^\W\d_]\.){2,}")


@dataclass(frozen=True)
class Run:
    """Words with a capital that stand side by side, folded; `after`: the word before them, "" at the beginning."""

    words: tuple[str, ...]
    after: str
    opens: bool


def runs(text: str, *, opens: bool = True) -> list[Run]:
    """`opens`: the text is the beginning of a sentence, where every word has a capital."""
    found: list[Run] = []
    before, end = "", -1
    for place, match in enumerate(WORD.finditer(text)):
        word = folded(match[0]).partition("'")[0]
        first = opens and place == 0
        if not _is_name(match[0]) or (first and (word in NO_CONTENT or word in OPENERS)):
            before, end = word, -1
            continue
        if end >= 0 and text[end : match.start()] in (" ", "-", ". ", " & "):
            last = found[-1]
            found[-1] = Run((*last.words, word), last.after, last.opens)
        else:
            found.append(Run((word,), "" if before in JOINING else before, first))
        before, end = word, match.end()
    return found


def said_with(text: str, *, opens: bool = True) -> Mapping[str, frozenset[str]]:
    """The stems of names by the word before them: "in Germany" answers another question than "from Germany"."""
    by_word: dict[str, set[str]] = {}
    for run in runs(text, opens=opens):
        by_word.setdefault(run.after, set()).update(map(stem, run.words))
    return {word: frozenset(names) for word, names in by_word.items()}


@dataclass(frozen=True)
class Known:
    """The names that may be said of a text: all its words, and which of them are one name."""

    words: frozenset[str]
    stems: frozenset[str]
    whole: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, text: str) -> "Known":
        words = {folded(word).partition("'")[0] for word in WORD.findall(text)}
        words |= {folded(initials.replace(".", "")) for initials in INITIALS.findall(text)}
        whole = {run.words for line in text.splitlines() for run in runs(line) if len(run.words) > 1}
        return cls(frozenset(words), frozenset(map(stem, words)), frozenset(whole))

    def holds(self, text: str, language: str) -> bool:
        """Every name of the text letter for letter, first and last names as they belong together.

        In German every noun has a capital: there names are words with one that stand side by side.
        """
        in_german = language == "de"
        return all(self._has(run) and not self._mixes(run) for run in runs(text) if not in_german or len(run.words) > 1)

    def _has(self, run: Run) -> bool:
        if len(run.words) > 1:
            return all(word in self.words or word in TITLES for word in run.words)
        (word,) = run.words
        one_or_many = {word, f"{word}s", word.removesuffix("s")}
        return not one_or_many.isdisjoint(self.words) or (run.opens and stem(word) in self.stems)

    def _mixes(self, run: Run) -> bool:
        """The first of one name with the last of another."""
        return any(
            any(one in each for each in self.whole)
            and any(other in each for each in self.whole)
            and not any(one in each and other in each for each in self.whole)
            for one, other in pairwise(run.words)
        )


def _is_name(word: str) -> bool:
    """It has a capital, or is letters with numbers, such as "b12"."""
    if word == "I" or word[0].isdigit() or folded(word) in COUNTED:
        return False
    return any(letter.isupper() for letter in word) or any(letter.isdigit() for letter in word)

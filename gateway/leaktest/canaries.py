"""Canary words: random, in one place each and nowhere else, so that a single sight of one tells who saw what."""

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields

CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"


def word() -> str:
    return "q" + secrets.token_hex(8)


def clue() -> str:
    """A word that reads like one, to search and ask with: it is typed, so seeing it tells nothing."""
    return "".join(secrets.choice(CONSONANTS) + secrets.choice(VOWELS) for _ in range(6))


@dataclass(frozen=True)
class Canary:
    """What stands in one document and must be seen by its readers alone, by the place it stands in."""

    title: str = field(default_factory=word)
    text: str = field(default_factory=word)
    heading: str = field(default_factory=word)
    url: str = field(default_factory=word)
    author: str = field(default_factory=word)
    metadata: str = field(default_factory=word)
    external_id: str = field(default_factory=word)
    scope: str = field(default_factory=word)
    clue: str = field(default_factory=clue)

    @property
    def words(self) -> dict[str, str]:
        """Every secret word, with its place."""
        return {getattr(self, each.name): each.name for each in fields(self) if each.name != "clue"}


class Words:
    """Finds every known word in an answer at once, whatever is around it."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str]] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, boundary: str, words: Mapping[str, str]) -> None:
        """`words` by what they are → the place they stand in; all of them give `boundary` away."""
        self._known |= {word.lower(): (boundary, place) for word, place in words.items()}
        self._pattern = re.compile("|".join(map(re.escape, self._known)))

    def found_in(self, text: str, *, typed: Iterable[str] = ()) -> dict[str, set[str]]:
        """The boundaries a text gives away, each with the places; what the one who knocked typed tells nothing."""
        found: dict[str, set[str]] = {}
        if self._pattern is None:
            return found
        said = " ".join(typed).lower()
        for word in set(self._pattern.findall(text.lower())):
            if word in said:
                continue
            boundary, place = self._known[word]
            found.setdefault(boundary, set()).add(place)
        return found

"""Whether a sentence tells how many days, weeks or hours, where that is asked.

"36 months" tells it in another unit; "32 hours a week" tells no weeks, and "7 weeks before it begins" and "older than
three years" not how long it is.
"""

import re
from dataclasses import dataclass

from gateway.answering.figures import UNITS, figures
from gateway.answering.words import folded, stem

HOW_MANY = re.compile(
    r"\b(?:how many|wie ?viele?|combien d(?:e\b|['’])|cu[aá]nt[oa]s|quant[oaie]s?|hoeveel)\s*([^\W\d_]+)",
    re.IGNORECASE,
)
APART = re.compile(
    r"(?<![^\W\d_])([^\W\d_]+)"
    r"(?=\s+(?:before|after|ago|earlier|later|vor|nach|zuvor|danach|avant|après|antes|después|depois)\b)",
    re.IGNORECASE,
)
OLD = re.compile(r"\b(?:older than|younger than|aged?|älter als|jünger als)(?:\s+[^\W_]+){1,2}", re.IGNORECASE)
# Asked for with these, an age or how long before is the answer.
NOTICE = re.compile(
    r"\b(?:old|notice|advance|alt|vorher|kündigungsfrist|âge|préavis|avance|edad|preaviso|antelación|idade)\b",
    re.IGNORECASE,
)
LONG = frozenset({"day", "week", "month", "quarter", "year"})
SHORT = frozenset({"hour", "minute"})


@dataclass(frozen=True)
class Duration:
    """What a question counts: the stem of the word it uses, and the units that answer it."""

    stem: str
    units: frozenset[str]
    apart: bool  # how far apart two moments are or how old somebody is, not how long something is

    def told(self, text: str, stems: frozenset[str]) -> frozenset[str]:
        """The stems of a sentence, with the question's unit if it tells a number of such units, and else without."""
        if not self.apart:
            text = APART.sub(lambda word: "" if word[1].casefold() in UNITS else word[0], OLD.sub("", text))
        counts = any(figure.unit in self.units for figure in figures(text))
        return stems | {self.stem} if counts else stems - {self.stem}


def asked(question: str) -> Duration | None:
    """None where it asks for no number of such units."""
    for word in map(str.casefold, HOW_MANY.findall(question)):
        if unit := UNITS.get(word):
            apart = APART.search(question) or NOTICE.search(question)
            return Duration(stem(folded(word)), LONG if unit in LONG else SHORT, apart=bool(apart))
    return None

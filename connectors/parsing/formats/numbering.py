"""The numbers Word gives to headings and list items: they are counted, not written (ISO/IEC 29500-1, 17.9)."""

import re
from dataclasses import dataclass, field
from typing import Any

from docx.oxml.ns import qn

W_VAL, W_LEVEL, W_NUMBER, W_ABSTRACT = qn("w:val"), qn("w:ilvl"), qn("w:numId"), qn("w:abstractNumId")
PLACE = re.compile(r"%([1-9])")
ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"))
ROMAN_ONES = ((9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
LEVELS = 9
LARGEST = 5_000  # beyond which a number in letters would be a long one


@dataclass(frozen=True)
class Level:
    """How the items of a level are marked: `%1.%2` in decimals, letters, Roman numbers, or with a bullet."""

    form: str
    text: str
    start: int


@dataclass
class Numbering:
    """The lists of a document, and how far each has been counted."""

    levels: dict[str, dict[int, Level]] = field(default_factory=dict)  # by list, then level
    lists: dict[str, str] = field(default_factory=dict)  # the definition a number of a list stands for
    restarts: dict[tuple[str, int], int] = field(default_factory=dict)
    styles: dict[str, tuple[str, int]] = field(default_factory=dict)
    counts: dict[str, list[int]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def mark(self, properties: Any, style: str) -> tuple[str | None, int]:
        """The mark of the next item and its level; None for a paragraph that is none, "" for one without a mark."""
        number, level = self._place(properties, style)
        definition = self.lists.get(number, "")
        shape = self.levels.get(definition, {}).get(level)
        if number in ("", "0"):
            return None, 0
        if shape is None or shape.form == "bullet":
            return "- ", level
        if shape.form == "none":
            return "", level
        counts = self._count(number, definition, level)
        shapes = self.levels[definition]

        def one(found: re.Match[str]) -> str:
            which = int(found[1]) - 1
            return formed(counts[which], shapes[which].form if which in shapes else "decimal")

        said = PLACE.sub(one, shape.text).strip()
        return (f"{said} " if said else ""), level

    def _place(self, properties: Any, style: str) -> tuple[str, int]:
        """Which list a paragraph belongs to, and at which level: its own word before its style's."""
        given = properties.find(qn("w:numPr")) if properties is not None else None
        number, level = self.styles.get(style, ("", 0))
        if given is not None:
            number = _value(given.find(qn("w:numId"))) or number
            said = _value(given.find(qn("w:ilvl")))
            level = int(said) if said.isdecimal() else level
        return number, min(level, LEVELS - 1)

    def _count(self, number: str, definition: str, level: int) -> list[int]:
        """Counts one on; the levels below begin anew."""
        shapes = self.levels[definition]
        starts = [shapes[index].start if index in shapes else 1 for index in range(LEVELS)]
        counts = self.counts.setdefault(definition, [0] * LEVELS)
        if number not in self.begun:
            self.begun.add(number)
            for (which, at), start in self.restarts.items():
                if which == number:
                    counts[at], starts[at] = 0, start
        counts[level] = counts[level] + 1 if counts[level] else starts[level]
        for index in range(level):
            counts[index] = counts[index] or starts[index]
        counts[level + 1 :] = [0] * (LEVELS - level - 1)
        return counts


def numbering_of(document: Any) -> Numbering:
    """As the document's numbering part and styles define it."""
    found = Numbering()
    part = next((r.target_part for r in document.part.rels.values() if r.reltype.endswith("/numbering")), None)
    root = getattr(part, "element", None)
    if root is None:
        return found
    for abstract in root.iter(qn("w:abstractNum")):
        found.levels[abstract.get(W_ABSTRACT, "")] = dict(map(_level, abstract.iter(qn("w:lvl"))))
    for number in root.iter(qn("w:num")):
        name = number.get(W_NUMBER, "")
        found.lists[name] = _value(number.find(qn("w:abstractNumId")))
        for override in number.iter(qn("w:lvlOverride")):
            start = _value(override.find(qn("w:startOverride")))
            if start.isdecimal():
                found.restarts[name, _digits(override.get(W_LEVEL))] = int(start)
    for style in document.styles.element.iter(qn("w:style")):
        given = style.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
        if given is not None:
            level = _digits(_value(given.find(qn("w:ilvl"))))
            found.styles[style.get(qn("w:styleId"), "")] = (_value(given.find(qn("w:numId"))), level)
    return found


def _level(element: Any) -> tuple[int, Level]:
    start = _value(element.find(qn("w:start")))
    form = _value(element.find(qn("w:numFmt"))) or "decimal"
    text = _value(element.find(qn("w:lvlText")))
    return _digits(element.get(W_LEVEL)), Level(form, text, int(start) if start.isdecimal() else 1)


def _value(element: Any) -> str:
    return str(element.get(W_VAL, "")) if element is not None else ""


def _digits(value: str | None) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 3 else 0


def formed(number: int, form: str) -> str:
    """A number as a list shows it."""
    if not 0 < number < LARGEST:
        return str(number)
    match form:
        case "lowerLetter":
            return _letters(number)
        case "upperLetter":
            return _letters(number).upper()
        case "lowerRoman":
            return _roman(number)
        case "upperRoman":
            return _roman(number).upper()
        case "decimalZero":
            return f"{number:02}"
        case _:
            return str(number)


def _letters(number: int) -> str:
    """a to z, then aa, bb: as Word counts."""
    times, letter = divmod(number - 1, 26)
    return chr(ord("a") + letter) * (times + 1)


def _roman(number: int) -> str:
    said = ""
    for value, letters in ROMAN + ROMAN_ONES:
        times, number = divmod(number, value)
        said += letters * times
    return said

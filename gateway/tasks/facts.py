"""Dates, amounts and people of a text, each exactly as it stands there, by patterns and labels; no model is asked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from connectors.sentences import sentences
from gateway.answering import figures, moments
from gateway.answering.words import folded

Kind = Literal["date", "amount", "person"]

CELL = " | "
LONGEST_LABEL = 5  # words
LABELLED = re.compile(r"(?:^|;)\s*(?P<label>[^:;\n]{1,60}):\s+(?P<value>[^;]+)")
TOKEN = re.compile(r"[%$€£¥]|[^\W\d_]+")
CODE_BEFORE = re.compile(r"(?:EUR|USD|GBP|CHF|JPY)(?=[ \u00a0]?$)")
NUMBER_AFTER = re.compile(r"[ \u00a0]?\d")
A_VERB = re.compile(r"\b(?:may|march)\b")  # the months have a capital
PLAIN_NUMBER = re.compile(r"\d[\d.,'’\u00a0\u202f ]*")
NEXT_TO_IT = {**figures.MEASURES, **dict.fromkeys(figures.PERCENT, "%")}
EACH = frozenset("a an per every pro je par por al cada ogni".split())  # "4 a month" is no span of time
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
NAME = re.compile(r"[^\W\d_][\w.'’-]*(?:[ \u00a0][^\W\d_][\w.'’-]*){0,5}(?<!\.)")
OF_PEOPLE = frozenset(
    " ".join(folded(label).split())
    for label in """
    owner|author|contact|contact person|responsible|responsible person|approved by|prepared by|written by|signed by
    |reviewed by|reviewer|lead|project lead|manager|project manager|head|sponsor|assignee|in charge
    |verantwortlich|verantwortliche|verantwortlicher|ansprechpartner|ansprechpartnerin|autor|autorin|eigentümer
    |eigentümerin|erstellt von|genehmigt von|geprüft von|freigegeben von|leitung|projektleitung|kontakt|bearbeiter
    |bearbeiterin|responsable|auteur|autrice|auteure|propriétaire|approuvé par|rédigé par|chef de projet|autora
    |propietario|propietaria|contacto|aprobado por|elaborado por|responsável|proprietário|proprietária|contato
    |aprovado por|responsabile|autore|proprietario|proprietaria|contatto|referente|approvato da|redatto da|eigenaar
    |verantwoordelijke|contactpersoon|goedgekeurd door|opgesteld door
    """.split("|")
)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """`value` is text[start:end]; what it means is said where that is certain: 03/04/2026 is two days."""

    kind: Kind
    value: str
    start: int
    end: int
    sentence: str
    label: str = ""  # what stands before it or above its column: "Valid until"
    date: str = ""  # ISO 8601: 2026-03-01, or 2026-03
    number: Decimal | None = None
    unit: str = ""  # EUR, %, day


@dataclass(frozen=True)
class Piece:
    """text[start:end], in a sentence: the value of a label, a cell of a table, or the whole sentence."""

    text: str
    start: int
    end: int
    sentence: str
    label: str = ""

    def fact(self, kind: Kind, start: int, end: int, *, unit: str = "", of: str = "") -> Fact:
        """What is found at this place. `of`: the words that say how much it is, or when."""
        value = self.text[start:end]
        return Fact(
            kind=kind,
            value=value,
            start=start,
            end=end,
            sentence=self.sentence,
            label=self.label,
            date=_as_iso(value) if kind == "date" else "",
            number=_as_number(of, unit) if of else None,
            unit=unit,
        )


def facts(text: str) -> list[Fact]:
    """All of them in the order in which they stand."""
    return [fact for piece in _pieces(text) for fact in _facts(piece)]


def _pieces(text: str) -> Iterator[Piece]:
    header: Sequence[str] = ()
    for start, end in sentences(text):
        sentence = text[start:end]
        if CELL not in sentence:
            header = ()
            yield from _labelled(text, start, end)
        elif header or any(character.isdigit() for character in sentence):
            yield from _cells(text, start, end, header)
        else:
            header = sentence.split(CELL)


def _labelled(text: str, start: int, end: int) -> Iterator[Piece]:
    """The values of a line of labels, "Owner: Ann; Budget: 200"; else all of the sentence."""
    shown = _on_one_line(text[start:end])
    found = [each for each in LABELLED.finditer(text[start:end]) if len(each["label"].split()) <= LONGEST_LABEL]
    if not found or found[0].start():
        yield Piece(text, start, end, shown)
        return
    for each in found:
        yield Piece(text, start + each.start("value"), start + each.end("value"), shown, each["label"].strip())


def _cells(text: str, start: int, end: int, header: Sequence[str]) -> Iterator[Piece]:
    shown = _on_one_line(text[start:end])
    cells = text[start:end].split(CELL)
    labels = [label.strip(" |") for label in header] if len(header) == len(cells) else [""] * len(cells)
    for cell, label in zip(cells, labels, strict=True):
        yield Piece(text, start, start + len(cell), shown, label)
        start += len(cell) + len(CELL)


def _facts(piece: Piece) -> list[Fact]:
    dates = list(_dates(piece))
    others = [each for each in (*_amounts(piece), *_people(piece)) if not any(_overlap(each, date) for date in dates)]
    return sorted((*dates, *others), key=lambda fact: fact.start)


def _dates(piece: Piece) -> Iterator[Fact]:
    spans = {
        match.span()
        for pattern in moments.DATES
        for match in pattern.finditer(piece.text, piece.start, piece.end)
        if moments.dates(match[0]) and not A_VERB.search(match[0])
    }
    for start, end in spans:
        if not any(one <= start and end <= other and (one, other) != (start, end) for one, other in spans):
            yield piece.fact("date", start, end)


def _amounts(piece: Piece) -> Iterator[Fact]:
    """Numbers with a currency, a percent sign, a measure or a span of time, or a label that has the currency."""
    for match in figures.NUMBER.finditer(piece.text, piece.start, piece.end):
        digits, quantity = match.start("digits"), _end_of_quantity(piece.text, match)
        start, currency = _currency_before(piece, match)
        end, unit = (quantity, currency) if currency else _unit_after(piece.text, quantity, match.end())
        unit = unit or _unit_of_label(piece)
        if unit:
            yield piece.fact("amount", start, end, unit=unit, of=piece.text[digits:quantity])


def _end_of_quantity(text: str, match: re.Match[str]) -> int:
    """Where the number ends, with the "million" that belongs to it."""
    scale = TOKEN.search(text, match.end("digits"), match.end())
    return scale.end() if scale and scale[0].casefold() in figures.SCALES else match.end("digits")


def _currency_before(piece: Piece, match: re.Match[str]) -> tuple[int, str]:
    """Where an amount begins, and the currency that stands before it, if one does."""
    start = match.start("digits")
    if match["before"]:
        return match.start("before"), figures.CURRENCIES[match["before"].casefold()].upper()
    before = max(piece.start, start - 4)
    code = CODE_BEFORE.search(piece.text[before:start])
    return (before + code.start(), code[0]) if code else (start, "")


def _unit_after(text: str, start: int, end: int) -> tuple[int, str]:
    """Where an amount ends whose number does at `start`, and its unit: "euros", "working days"; "" for none."""
    tokens = list(TOKEN.finditer(text, start, end))[:2]
    if " ".join(token[0].casefold() for token in tokens) in figures.PER_CENT:
        return tokens[-1].end(), "%"
    for place, token in enumerate(tokens):
        word = token[0].casefold()
        if word in EACH or text[token.end() : token.end() + 1].isdigit():  # "4 a month", "4 L3 loggers"
            break
        if word in figures.UNITS:
            return token.end(), figures.UNITS[word]
        if place == 0 and word in NEXT_TO_IT:
            return token.end(), NEXT_TO_IT[word]
        if place == 0 and word in figures.CURRENCIES and not NUMBER_AFTER.match(text, token.end()):
            return token.end(), figures.CURRENCIES[word].upper()
    return start, ""


def _unit_of_label(piece: Piece) -> str:
    if not PLAIN_NUMBER.fullmatch(piece.text[piece.start : piece.end].strip(" .|")):
        return ""
    words = [word.casefold() for word in TOKEN.findall(piece.label)]
    currencies = (figures.CURRENCIES[word].upper() for word in words if word in figures.CURRENCIES)
    return next(currencies, "%" if not figures.PERCENT.isdisjoint(words) else "")


def _people(piece: Piece) -> Iterator[Fact]:
    """Whoever a label says is one, and e-mail addresses."""
    if " ".join(folded(piece.label).split()) in OF_PEOPLE:
        name = NAME.match(piece.text, piece.start, piece.end)
        if name and name[0][0].isupper() and not ADDRESS.match(piece.text, piece.start, piece.end):
            yield piece.fact("person", *name.span())
    for address in ADDRESS.finditer(piece.text, piece.start, piece.end):
        yield piece.fact("person", *address.span())


def _as_iso(value: str) -> str:
    readings = [reading for readings in moments.dates(value) for reading in readings]
    if len(readings) != 1 or readings[0].year is None:
        return ""
    [found] = readings
    try:
        day = date(found.year or 0, found.month, found.day or 1)
    except ValueError:  # there is no such day
        return ""
    return day.isoformat() if found.day else f"{day:%Y-%m}"


def _as_number(quantity: str, unit: str) -> Decimal | None:
    """The number, unless it can be read in two ways: 1.250 days may be a thousand or one and a quarter. Money has no
    three decimals."""
    readings = [reading for figure in figures.figures(quantity)[:1] for reading in figure.readings]
    numbers = [reading for reading in readings if isinstance(reading, Decimal)]
    is_certain = len(numbers) == 1 or unit.lower() in figures.CURRENCIES
    if not numbers or not is_certain:
        return None
    number = max(numbers)
    return number.to_integral_value() if number == number.to_integral_value() else number


def _overlap(one: Fact, other: Fact) -> bool:
    return one.start < other.end and other.start < one.end


def _on_one_line(text: str) -> str:
    return " ".join(text.split())

"""Numbers, dates and units of a text, in one form whatever way they are written."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

Reading = Decimal | str

CURRENCIES = {
    "$": "usd", "us$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd",
    "€": "eur", "eur": "eur", "euro": "eur", "euros": "eur",
    "£": "gbp", "gbp": "gbp", "pounds": "gbp", "chf": "chf", "¥": "jpy", "jpy": "jpy",
}  # fmt: skip
PERCENT = {"%", "percent", "prozent", "pourcent"}
SCALES = {
    "k": 10**3, "thousand": 10**3, "tausend": 10**3, "mille": 10**3,
    "million": 10**6, "millions": 10**6, "millionen": 10**6, "mio": 10**6, "millones": 10**6, "milhões": 10**6,
    "milhão": 10**6, "millón": 10**6, "mn": 10**6,
    "billion": 10**9, "billions": 10**9, "bn": 10**9, "milliarden": 10**9, "milliarde": 10**9, "mrd": 10**9,
    "milliard": 10**9, "milliards": 10**9,
}  # fmt: skip
UNITS = {
    word: unit
    for unit, spelled in {
        "hour": "hour hours hourly stunde stunden heure heures hora horas",
        "day": "day days daily tag tage tagen täglich jour jours día días dia dias",
        "week": "week weeks weekly woche wochen wöchentlich semaine semaines semana semanas",
        "month": "month months monthly monat monate monaten monatlich mois mes meses mês",
        "quarter": "quarter quarters quarterly quartal quartale trimestre trimestres",
        "year": "year years yearly annual annually jahr jahre jahren jährlich an ans année années año años ano anos",
        "minute": "minute minutes minuten minuto minutos",
    }.items()
    for word in spelled.split()
}
NUMBER_WORDS = {
    word: value
    for value, spelled in {
        2: "two zwei deux dos dois duas",
        3: "three drei trois tres três",
        4: "four vier quatre cuatro quatro",
        5: "five fünf cinq cinco",
        6: "six sechs seis",
        7: "seven sieben siete sete",
        8: "eight acht huit ocho oito",
        9: "nine neun nueve nove",
        10: "ten zehn dix diez dez",
        11: "eleven elf onze",
        12: "twelve zwölf douze doce doze",
        13: "thirteen", 14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen",
        19: "nineteen", 20: "twenty zwanzig vingt veinte vinte", 30: "thirty dreißig trente treinta trinta",
        40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety",
    }.items()
    for word in spelled.split()
}  # fmt: skip
MONTHS = {
    word: number
    for number, spelled in enumerate(
        (
            "january jan januar januari janvier enero janeiro",
            "february feb februar février febrero fevereiro",
            "march mar märz mars marzo março",
            "april apr avril abril",
            "may mai mayo maio",
            "june jun juni juin junio junho",
            "july jul juli juillet julio julho",
            "august aug août agosto",
            "september sep sept septembre septiembre setembro",
            "october oct oktober okt octobre octubre outubro",
            "november nov novembre noviembre novembro",
            "december dec dezember dez décembre diciembre dezembro",
        ),
        start=1,
    )
    for word in spelled.split()
}

NUMBER = re.compile(
    r"""(?P<before>US\$|[$€£¥])?\s?
    (?<![\d.,])(?P<digits>
        \d{1,3}(?:(?P<group>[.,'’\u00a0\u202f\ ])\d{3})(?:(?P=group)\d{3})*(?:[.,]\d+)?(?!\d|\.\d)   # 1,000  1.000,50
      | \d+(?:\.\d+){2,}(?!\d)                                # 2.3.1, a version or an address
      | \d+(?:[.,]\d+)?)                                      # 26  3.5
    (?P<after>(?:[ \u00a0\u202f-]?(?:%|[$€£¥]|[^\W\d_]+)){0,3})""",
    re.VERBOSE | re.IGNORECASE,
)
TOKEN = re.compile(r"[%$€£¥]|[^\W\d_]+")
WORD = re.compile(r"[^\W\d_]+")
MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})\b"),
    re.compile(r"\b(?P<d>\d{1,2})[./](?P<m>\d{1,2})[./](?P<y>\d{4})\b"),
    re.compile(r"\b(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})\b"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.|er)?\s+(?:of\s+|de\s+)?(?P<m>{MONTH})\b\.?(?:,?\s+(?:de\s+)?(?P<y>\d{{4}}))?",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?P<m>{MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(?P<y>\d{{4}}))?", re.IGNORECASE),
    re.compile(rf"\b(?P<m>{MONTH})\.?\s+(?:de\s+)?(?P<y>\d{{4}})\b", re.IGNORECASE),
)


@dataclass(frozen=True)
class Figure:
    """A number by every way it can be read ("1.000" may be a thousand), with its unit where it has one."""

    readings: frozenset[Reading]
    unit: str = ""

    def is_in(self, figures: Iterable["Figure"]) -> bool:
        """The same number is there, and not as a number of something else."""
        return any(
            self.readings & other.readings and (not self.unit or not other.unit or self.unit == other.unit)
            for other in figures
        )


@dataclass(frozen=True)
class Date:
    """A day, or a day without its year, or a month of a year."""

    year: int | None
    month: int
    day: int | None

    def is_in(self, dates: Iterable["Date"], figures: Iterable[Figure]) -> bool:
        """The same date is there; a year may stand apart from its day."""
        years = {reading for figure in figures for reading in figure.readings}
        return any(
            self.month == other.month
            and self.day in (None, other.day)
            and (self.year in (None, other.year) or (other.year is None and Decimal(self.year or 0) in years))
            for other in dates
        )


def figures(text: str) -> list[Figure]:
    """Every number of the text, in digits or as a word from two on."""
    return [_figure(match) for match in NUMBER.finditer(text)] + _spelled(text)


def dates(text: str) -> list[frozenset[Date]]:
    """Every date by every way it can be read (03/04/2024 is two days)."""
    readings: dict[tuple[int, int], set[Date]] = defaultdict(set)
    for pattern in DATES:
        for match in pattern.finditer(text):
            if date := _date(match):
                readings[match.span()].add(date)
    whole = [span for span in readings if not any(_is_inside(span, other) for other in readings)]
    return [frozenset(readings[span]) for span in whole]


def without_dates(text: str) -> str:
    for pattern in DATES:
        text = pattern.sub(" ", text)
    return text


def units(text: str) -> set[str]:
    """The spans of time the text speaks of: "hour", "day", "week"…"""
    return {UNITS[word] for word in WORD.findall(text.casefold()) if word in UNITS}


def _figure(match: re.Match[str]) -> Figure:
    following = [token.casefold() for token in TOKEN.findall(match["after"])]
    scale = SCALES.get(following[0], 1) if following else 1
    if following and following[0] in SCALES:
        following = following[1:]
    readings = frozenset(
        reading if isinstance(reading, str) else reading * scale for reading in _readings(match["digits"])
    )
    return Figure(readings, _unit(match["before"] or "", following))


def _unit(before: str, following: list[str]) -> str:
    if before:
        return CURRENCIES[before.casefold()]
    joined = " ".join(following)
    if joined.startswith(("per cent", "pour cent", "por ciento", "por cento")):
        return "%"
    for position, token in enumerate(following[:2]):
        if token in PERCENT and position == 0:
            return "%"
        if token in CURRENCIES and position == 0:
            return CURRENCIES[token]
        if token in UNITS:
            return UNITS[token]
    return ""


def _readings(digits: str) -> set[Reading]:
    if len(re.findall(r"\.", digits)) > 1 and not re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d+)?", digits):
        return {digits}
    compact = re.sub(r"['’\u00a0\u202f ]", "", digits)
    separators = re.findall(r"[.,]", compact)
    if not separators:
        return {Decimal(compact)}
    last = separators[-1]
    whole, _, decimals = compact.rpartition(last)
    plain = re.sub(r"[.,]", "", whole)
    if len(set(separators)) > 1:
        return {Decimal(f"{plain}.{decimals}")}
    if len(separators) > 1:
        return {Decimal(plain + decimals)}
    return _one_separator(plain, decimals)


def _one_separator(whole: str, decimals: str) -> set[Reading]:
    """ "1,000" is a thousand; "3.125" may be three and an eighth; "0.125" and "1.10" are never thousands."""
    fraction: Reading = Decimal(f"{whole}.{decimals}")
    if len(decimals) != 3 or whole.startswith("0") or len(whole) > 3:
        return {fraction}
    thousands: Reading = Decimal(whole + decimals)
    return {thousands} if not decimals.strip("0") else {thousands, fraction}


def _spelled(text: str) -> list[Figure]:
    found = []
    tokens = WORD.findall(text.casefold())
    skip = False
    for index, token in enumerate(tokens):
        if skip or token not in NUMBER_WORDS:
            skip = False
            continue
        value = NUMBER_WORDS[token]
        following = tokens[index + 1 : index + 4]
        if value >= 20 and following and NUMBER_WORDS.get(following[0], 10) < 10:
            value += NUMBER_WORDS[following[0]]
            following, skip = following[1:], True
        if following and following[0] in SCALES:
            value, following = value * SCALES[following[0]], following[1:]
        found.append(Figure(frozenset({Decimal(value)}), _unit("", following)))
    return found


def _is_inside(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def _date(match: re.Match[str]) -> Date | None:
    parts = match.groupdict()
    month = MONTHS.get(parts["m"].casefold()) or int(parts["m"])
    day = int(parts["d"]) if parts.get("d") else None
    year = int(parts["y"]) if parts.get("y") else None
    possible = 1 <= month <= 12 and (day is None or 1 <= day <= 31)
    return Date(year, month, day) if possible else None

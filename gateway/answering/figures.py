"""Numbers and their units in a text, in one form whatever way they are written."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Reading = Decimal | str
Bound = Literal["", "least", "most"]

CURRENCIES = {
    "$": "usd", "us$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd",
    "€": "eur", "eur": "eur", "euro": "eur", "euros": "eur",
    "£": "gbp", "gbp": "gbp", "pounds": "gbp", "chf": "chf", "¥": "jpy", "jpy": "jpy",
}  # fmt: skip
PERCENT = {"%", "percent", "prozent", "pourcent"}
PER_CENT = ("per cent", "pour cent", "por ciento", "por cento")
SCALES = {
    "k": 10**3, "thousand": 10**3, "tausend": 10**3, "mille": 10**3,
    "million": 10**6, "millions": 10**6, "millionen": 10**6, "mio": 10**6, "millones": 10**6, "milhões": 10**6,
    "milhão": 10**6, "millón": 10**6, "mn": 10**6,
    "billion": 10**9, "billions": 10**9, "bn": 10**9, "milliarden": 10**9, "milliarde": 10**9, "mrd": 10**9,
    "milliard": 10**9, "milliards": 10**9,
    "trillion": 10**12, "trillions": 10**12, "hundred": 100, "hundreds": 100, "hundert": 100, "dozen": 12, "dozens": 12,
    "thousands": 10**3,
}  # fmt: skip
OF_MONEY = {"m": 10**6, "b": 10**9}  # "$5m"
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
# What a number may be a number of, besides time; words that are this only right after a number.
MEASURES = {
    word: unit
    for unit, spelled in {
        "second": "seconds sec secs sekunde sekunden seconde secondes segundo segundos",
        "decade": "decade decades jahrzehnt jahrzehnte décennie décennies década décadas",
        "century": "century centuries jahrhundert jahrhunderte siècle siècles siglo siglos século séculos",
        "kilometre": "km kilometre kilometres kilometer kilometers kilometern kilomètre kilomètres kilómetros",
        "metre": "m metre metres meter meters metern mètre mètres metro metros",
        "centimetre": "cm centimetre centimetres centimeter centimeters",
        "millimetre": "mm millimetre millimetres millimeter millimeters",
        "mile": "mi mile miles meile meilen",
        "foot": "ft foot feet", "inch": "inch inches", "yard": "yard yards",
        "acre": "acre acres", "hectare": "ha hectare hectares hektar",
        "kilogram": "kg kilo kilos kilogram kilograms kilogramm",
        "gram": "g gram grams gramm", "tonne": "ton tons tonne tonnes tonnen", "lb": "lb lbs",
        "litre": "l litre litres liter liters litern", "gallon": "gallon gallons",
        "kilobyte": "kb kilobyte kilobytes", "megabyte": "mb megabyte megabytes", "gigabyte": "gb gigabyte gigabytes",
        "terabyte": "tb terabyte terabytes",
        "celsius": "celsius", "fahrenheit": "fahrenheit", "kelvin": "kelvin",
        "watt": "watt watts", "kilowatt": "kw kilowatt kilowatts", "megawatt": "mw megawatt megawatts", "kwh": "kwh",
        "volt": "volt volts", "hertz": "hz hertz", "megahertz": "mhz", "gigahertz": "ghz",
        "calorie": "calorie calories kcal", "cent": "cents",
    }.items()
    for word in spelled.split()
}  # fmt: skip
DEGREES = {"c": "celsius", "f": "fahrenheit"}
NUMBER_WORDS: dict[str, int] = {
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
        40: "forty vierzig", 50: "fifty fünfzig", 60: "sixty sechzig", 70: "seventy siebzig", 80: "eighty achtzig",
        90: "ninety neunzig",
    }.items()
    for word in spelled.split()
}  # fmt: skip
NUMBER_WORDS |= {
    f"{ones}und{tens}": value + 10 * place
    for place, tens in enumerate("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split(), start=2)
    for value, ones in enumerate("ein zwei drei vier fünf sechs sieben acht neun".split(), start=1)
}
ORDINALS = {
    word: value
    for value, word in enumerate(
        "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=2
    )
}
HUNDREDS = frozenset("hundred hundreds hundert dozen dozens".split())
TIMES = {"twice": 2, "double": 2, "doubled": 2, "doubles": 2, "triple": 3, "tripled": 3, "thrice": 3}
HALF = dict.fromkeys("half halves halved halb halbe halben hälfte moitié mitad metade".split(), Decimal("0.5"))
# Said without a number they name no number.
VAGUE = frozenset("dozens hundreds thousands millions billions trillions".split())
IN_WORDS = frozenset({*NUMBER_WORDS, *ORDINALS, *TIMES, *HALF, *SCALES} - {"k", "mn", "bn", "mio", "mrd"})

NUMBER = re.compile(
    r"""(?:(?<![\w.,)\]%–-])(?P<minus>[-–\u2212])(?=[$€£¥\d]))?
    (?P<before>US\$|[$€£¥])?\s?
    (?<![\d.,])(?P<digits>
        \d{1,3}(?:(?P<group>[.,'’\u00a0\u202f\ ])\d{3})(?:(?P=group)\d{3})*(?:[.,]\d+)?(?!\d|\.\d)   # 1,000  1.000,50
      | \d+(?:\.\d+){2,}(?!\d)                                # 2.3.1, a version or an address
      | \d+(?:[.,]\d+)?)                                      # 26  3.5
    (?P<decade>s\b)?
    (?P<after>(?:[ \u00a0\u202f-]?(?:[%°]|[$€£¥]|[^\W\d_]+)){0,3})""",
    re.VERBOSE | re.IGNORECASE,
)
TOKEN = re.compile(r"[%°$€£¥]|[^\W\d_]+")
WORD = re.compile(r"[^\W\d_]+")
SPELLED = re.compile(
    r"\b(?:{0})\b(?:(?:[ \u00a0-]|(?:(?<=hundred)|(?<=thousand)) and )(?:{0})\b)*".format(
        "|".join(sorted(IN_WORDS, key=len, reverse=True))
    )
)
LEAST = re.compile(
    r"""\b(?:at\ least | (?:no|not)\ (?:less|fewer)\ than | (?<!no\ )(?<!not\ )(?:more|greater)\ than | minimum
    | exceed(?:s|ed|ing)? | mindestens | wenigstens | mehr\ als | au\ moins | plus\ de | al\ menos | por\ lo\ menos
    | más\ de | mínimo | pelo\ menos | mais\ de)\b""",
    re.VERBOSE,
)
MOST = re.compile(
    r"""\b(?:up\ to | at\ most | (?:no|not)\ (?:more|greater)\ than | (?<!no\ )(?<!not\ )(?:less|fewer)\ than | maximum
    | max | limit | limited\ to | not\ exceed(?:ing)? | cannot\ exceed | höchstens | maximal | bis\ zu | weniger\ als
    | au\ plus | jusqu['’]à | moins\ de | como\ máximo | hasta | menos\ de | máximo | até)\b""",
    re.VERBOSE,
)
OR_MORE = re.compile(r"\W*(?:\w+\W+){0,2}?(?:or|oder|ou|o) (?:more|longer|older|higher|mehr|plus|más|mais)\b")
OR_LESS = re.compile(
    r"\W*(?:\w+\W+){0,2}?(?:(?:or|oder|ou|o) (?:less|fewer|younger|lower|weniger|moins|menos)|at most|maximum)\b"
)
NEAR = 40  # characters before a number in which its bound is said


@dataclass(frozen=True)
class Figure:
    """A number by every way it can be read ("1.000" may be a thousand), with its unit and bound where it has them."""

    readings: frozenset[Reading]
    unit: str = ""
    bound: Bound = ""

    def is_in(self, figures: Iterable["Figure"]) -> bool:
        """The same number is there, as no number of something else, and as much of a bound."""
        return any(
            self.readings & other.readings
            and (not self.unit or not other.unit or self.unit == other.unit)
            and self.bound == other.bound
            for other in figures
        )


def figures(text: str) -> list[Figure]:
    """Every number of the text, in digits or as a word from two on."""
    return [figure for _, figure in placed(text)]


def placed(text: str) -> list[tuple[int, Figure]]:
    """The same with the place where each begins."""
    lowered = text.lower() if len(text.lower()) == len(text) else text
    found = [(match.start("digits"), match.end("digits"), _figure(match)) for match in NUMBER.finditer(text)]
    found += _spelled(lowered)
    return [(start, _bounded(lowered, start, end, figure)) for start, end, figure in found]


def units(text: str) -> set[str]:
    """The spans of time the text speaks of: "hour", "day", "week"…"""
    return {UNITS[word] for word in WORD.findall(text.casefold()) if word in UNITS}


def spoken(text: str) -> set[str]:
    """All units the text speaks of, beside a number or not."""
    tokens = TOKEN.findall(text.casefold())
    known = {**UNITS, **MEASURES, **CURRENCIES, **dict.fromkeys(PERCENT, "%")}
    per_cent = {"%"} if any(words in text.casefold() for words in PER_CENT) else set()
    return {known[token] for token in tokens if token in known} | per_cent | {each.unit for each in figures(text)}


def _figure(match: re.Match[str]) -> Figure:
    if match["decade"]:
        return Figure(frozenset({f"{match['digits']}s"}))
    following = [token.casefold() for token in TOKEN.findall(match["after"])]
    money = CURRENCIES.get((match["before"] or "").casefold(), "")
    scales = SCALES | OF_MONEY if money else SCALES
    scale = scales.get(following[0], 1) if following else 1
    if following and following[0] in scales:
        following = following[1:]
    sign = -1 if match["minus"] else 1
    readings = frozenset(
        reading if isinstance(reading, str) else sign * reading * scale for reading in _readings(match["digits"])
    )
    return Figure(readings, money or _unit(following))


def _unit(following: list[str]) -> str:
    joined = " ".join(following)
    if joined.startswith(PER_CENT):
        return "%"
    if following and following[0] in ("°", "degrees", "degree", "grad", "degrés", "grados", "graus"):
        scale = following[1] if len(following) > 1 else ""
        return DEGREES.get(scale) or MEASURES.get(scale) or "degree"
    square = following[0] if following and following[0] in ("square", "cubic") else ""
    if square and len(following) > 1 and following[1] in MEASURES:
        return f"{square} {MEASURES[following[1]]}"
    for position, token in enumerate(following[:2]):
        if token in UNITS:
            return UNITS[token]
        if position == 0 and token in PERCENT:
            return "%"
        if position == 0 and (token in CURRENCIES or token in MEASURES):
            return CURRENCIES.get(token) or MEASURES[token]
    return ""


def _bounded(text: str, start: int, end: int, figure: Figure) -> Figure:
    """With the bound that is said of it before or after, in its own sentence."""
    before = re.split(r"[.;:!?\n](?=\s|$)|\n", text[max(0, start - NEAR) : start])[-1]
    lower, upper = LEAST.search(before), MOST.search(before)
    if upper or OR_LESS.match(text, end):
        return Figure(figure.readings, figure.unit, "most")
    if lower or OR_MORE.match(text, end):
        return Figure(figure.readings, figure.unit, "least")
    return figure


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


def _spelled(text: str) -> Iterator[tuple[int, int, Figure]]:
    """Numbers in words, "two hundred and six" for one; `text` is in lower case."""
    for match in SPELLED.finditer(text):
        if text[: match.start()].rstrip(" \u00a0-$€£¥")[-1:].isdigit():
            continue  # the scale of a number in digits
        following = TOKEN.findall(text[match.end() : match.end() + NEAR])[:3]
        for reading in _read(WORD.findall(match[0])):
            yield match.start(), match.end(), Figure(frozenset({reading}), _unit(following))


def _read(words: Iterable[str]) -> Iterator[Reading]:
    """The numbers that these words in a row are."""
    total = current = last = 0
    for word in words:
        if word in HALF or (word in VAGUE and not current):
            yield HALF.get(word, word)
        elif word in HUNDREDS:
            current = max(current, 1) * SCALES[word]
        elif word in SCALES:
            total, current = total + max(current, 1) * SCALES[word], 0
        elif value := NUMBER_WORDS.get(word) or ORDINALS.get(word) or TIMES.get(word):
            if current and not _goes_on(current, last, value):
                yield Decimal(total + current)
                total = current = 0
            current, last = current + value, value
    if total + current:
        yield Decimal(total + current)


def _goes_on(current: int, last: int, value: int) -> bool:
    """ "Twenty" with "six", "two hundred" with "twenty"; not "two" with "three"."""
    return (value < 10 and 20 <= last <= 90) or (current % 100 == 0 and value < 100)

"""Dates, times of day, months and weekdays of a text, in one form whatever way they are written."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

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
WEEKDAYS = {
    word: number
    for number, spelled in enumerate(
        (
            "monday mondays montag montags lundi lunes",
            "tuesday tuesdays dienstag dienstags mardi martes",
            "wednesday wednesdays mittwoch mittwochs mercredi miércoles",
            "thursday thursdays donnerstag donnerstags jeudi jueves",
            "friday fridays freitag freitags vendredi viernes",
            "saturday saturdays samstag samstags sonnabend samedi sábado",
            "sunday sundays sonntag sonntags dimanche domingo",
        )
    )
    for word in spelled.split()
}
# Months that are other words too, unless they have a capital.
ALSO_WORDS = frozenset("may march mar mars mai jan jun dec sep set nov apr oct".split())

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
TIMES = re.compile(
    r"""\b(?P<h>\d{1,2})(?:
        [:.](?P<m1>\d{2})\s*(?P<half1>[ap])\.?\s?m\b\.?   # 9:30 a.m.
      | \s*(?P<half2>[ap])\.?\s?m\b\.?                    # 9am
      | [:.h](?P<m2>\d{2})\s*(?:uhr|h)\b                  # 9.30 Uhr
      | \s*uhr\b
      | :(?P<m3>\d{2})\b(?!:?\d)
      | h(?P<m4>\d{2})\b)""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Date:
    """A day, or a day without its year, or a month of a year."""

    year: int | None
    month: int
    day: int | None

    def is_in(self, dates: Iterable["Date"], years: Iterable[int]) -> bool:
        """The same date is there; a year may stand apart from its day."""
        return any(
            self.month == other.month
            and self.day in (None, other.day)
            and (self.year in (None, other.year) or (other.year is None and self.year in years))
            for other in dates
        )


def dates(text: str) -> list[frozenset[Date]]:
    """Every date by every way it can be read (03/04/2024 is two days)."""
    return [readings for _, readings in placed(text)]


def placed(text: str) -> list[tuple[int, frozenset[Date]]]:
    """The same with the place where each begins."""
    readings: dict[tuple[int, int], set[Date]] = defaultdict(set)
    for pattern in DATES:
        for match in pattern.finditer(text):
            if date := _date(match):
                readings[match.span()].add(date)
    whole = [span for span in readings if not any(_is_inside(span, other) for other in readings)]
    return [(span[0], frozenset(readings[span])) for span in sorted(whole)]


def times(text: str) -> set[int]:
    """Times of day, in minutes; without "a.m." or "p.m." a time is one of 24 hours."""
    return {minutes for match in TIMES.finditer(text) if (minutes := _minutes(match)) is not None}


def named(text: str) -> set[tuple[str, int]]:
    """The months and weekdays it speaks of; months of its dates too."""
    words = [(word.casefold(), word[0].isupper()) for word in WORD.findall(text)]
    months = {("month", MONTHS[word]) for word, has_capital in words if _is_month(word, has_capital)}
    weekdays = {("weekday", WEEKDAYS[word]) for word, _ in words if word in WEEKDAYS}
    return months | weekdays | {("month", date.month) for readings in dates(text) for date in readings}


def without(text: str) -> str:
    """The text without its dates and times of day; the same length, so that what is left stands where it stood."""
    for pattern in (*DATES, TIMES):
        text = pattern.sub(lambda match: " " * len(match[0]), text)
    return text


def years(text: str) -> set[int]:
    """Those of its dates."""
    return {date.year for readings in dates(text) for date in readings if date.year is not None}


def _is_month(word: str, has_capital: bool) -> bool:
    return word in MONTHS and (has_capital or word not in ALSO_WORDS)


def _is_inside(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def _date(match: re.Match[str]) -> Date | None:
    parts = match.groupdict()
    month = MONTHS.get(parts["m"].casefold()) or int(parts["m"])
    day = int(parts["d"]) if parts.get("d") else None
    year = int(parts["y"]) if parts.get("y") else None
    possible = 1 <= month <= 12 and (day is None or 1 <= day <= 31)
    return Date(year, month, day) if possible else None


def _minutes(match: re.Match[str]) -> int | None:
    hour = int(match["h"])
    minute = int(next((match[name] for name in ("m1", "m2", "m3", "m4") if match[name]), "0"))
    half = (match["half1"] or match["half2"] or "").casefold()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    return 60 * hour + minute if hour <= 24 and minute < 60 else None

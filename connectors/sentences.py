"""Where sentences begin and end, in English, German, French, Spanish and languages written like them.

Rules instead of a model: a sentence ends at its stop, unless that belongs to an abbreviation, an
initial, a number or an ordinal; headings, list items and table rows end with their line.
"""

import re

# Words whose full stop never ends a sentence when a capital or a number follows: English, German,
# French, then Spanish, Portuguese and Italian.
SHORTENED = """
    mr mrs ms dr prof sr jr st vs dept gen lt sgt capt hon gov sen rep e.g i.e cf viz resp u.s u.k ph.d
    bzw z.b d.h u.a u.\u00e4 o.\u00e4 s.o s.u i.d.r ggf evtl inkl exkl zzgl abzgl hrsg vgl sog ca mio mrd gem bspw
    geb verh allg abt einschl entspr lfd dipl ing
    mm mme mmes mlle mlles av \u00e9d p.ex c.-\u00e0-d
    sra srta d\u00f1a ud uds p.ej ee.uu exmo exma dra sigg dott dott.ssa
"""
# Words that are shortened only before a number, and otherwise end a sentence like any other.
SHORTENED_BEFORE_NUMBERS = """
    no nos fig figs vol pp p art sec para ref col max min approx est jan feb mar apr jun jul aug sep sept oct nov dec
    nr bd abs kap tel str rd jh anm s n\u00ba n\u00fam p\u00e1g p\u00e1gs pag chap r\u00e9f t\u00e9l ch c hr
"""
# What a German ordinal stands before ("am 3. Oktober").
COUNTED = """
    januar februar m\u00e4rz april mai juni juli august september oktober november dezember jahrhundert quartal
    halbjahr kapitel absatz klasse stock etage tag woche monat jahr
"""
ABBREVIATIONS = frozenset(SHORTENED.split())
NUMBERED = frozenset(SHORTENED_BEFORE_NUMBERS.split())
ORDINALS = frozenset(COUNTED.split())
STOP = re.compile(r"[.!?\u2026]+[\"'\u201c\u201d\u2019\u00bb)\]]*(?=\s|$)|[\u3002\uff01\uff1f]+[\u300d\u300f\"\u201d]*")
MARKER = re.compile(r"[ \t]*(?:[-*\u2022\u00b7\u2023\u25aa\u25e6\u2013]|\(?\d{1,3}[.)]|\(?[a-z][.)]|\(?[A-Z]\))[ \t]+")
RECORD = re.compile(r"[^\n:;]{1,60}: [^\n;]*; [^\n:;]{1,60}: ")
LAST_WORD = re.compile(r"[^\s(\[\"'\u201e\u201c\u00ab]*$")
OPENING = re.compile(r"[\s\"'\u201e\u201c\u00ab(\[\u2013-]*")
# Text is wrapped at 66 characters or more: a line that had room for the next word ended on purpose, and
# so did one of a text that is not wrapped at all.
NARROWEST_WRAP, WIDEST_WRAP = 66, 100
SHORTEST_WRAPPED = 20


def sentences(text: str) -> list[tuple[int, int]]:
    """Offsets [start, end) of each sentence, in order, without blanks around it or list marks before it."""
    found: list[tuple[int, int]] = []
    for start, end in _blocks(text):
        if _is_row(text[start:end]):
            found.append((start, end))
        else:
            found += _sentences_of(text, start, end)
    return found


def _blocks(text: str) -> list[tuple[int, int]]:
    """Runs of lines that belong together, without the marks of list items."""
    blocks: list[tuple[int, int]] = []
    open_start = open_end = -1
    position = 0
    for line in text.split("\n"):
        start, end = position, position + len(line.rstrip())
        position += len(line) + 1
        marker = MARKER.match(text, start, end)
        first = marker.end() if marker else start + len(line) - len(line.lstrip())
        if first >= end:
            open_end = _close(blocks, open_start, open_end)
            continue
        if open_end >= 0 and not marker and _goes_on(text[open_start:open_end], text[first:end]):
            open_end = end
            continue
        _close(blocks, open_start, open_end)
        open_start, open_end = first, end
    _close(blocks, open_start, open_end)
    return blocks


def _close(blocks: list[tuple[int, int]], start: int, end: int) -> int:
    if end >= 0:
        blocks.append((start, end))
    return -1


def _goes_on(before: str, line: str) -> bool:
    """Whether a line continues the one before it, which was broken only to fit a width."""
    last = before[before.rfind("\n") + 1 :]
    if _is_row(last) or _is_row(line):
        return False
    if line[0].islower():
        return len(last) > SHORTEST_WRAPPED and last[-1] not in ".!?:"
    return len(last) <= WIDEST_WRAP and len(last) + 1 + len(line.split(maxsplit=1)[0]) > NARROWEST_WRAP


def _is_row(line: str) -> bool:
    return " | " in line or bool(RECORD.match(line))


def _sentences_of(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found = []
    for stop in STOP.finditer(text, start, end):
        if stop.end() < end and not _ends(text, start, stop, end):
            continue
        found.append((start, stop.end()))
        start = stop.end()
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        found.append((start, end))
    return found


def _ends(text: str, start: int, stop: re.Match[str], end: int) -> bool:
    """Whether a stop inside a block ends the sentence that began at `start`."""
    if stop[0][0] not in ".\u2026":
        return stop[0][0] in "\u3002\uff01\uff1f" or not _next_is_lower(text, stop.end(), end)
    if _next_is_lower(text, stop.end(), end):
        return False
    if stop[0] != ".":
        return True
    word = LAST_WORD.search(text, start, stop.start())
    return not (word and _keeps_its_stop(word[0], text[stop.end() : end]))


def _next_is_lower(text: str, position: int, end: int) -> bool:
    opening = OPENING.match(text, position, end)
    following = opening.end() if opening else position
    return following < end and text[following].islower()


def _keeps_its_stop(word: str, rest: str) -> bool:
    """An abbreviation, an initial, or an ordinal before the name of a month or a part."""
    lowered = word.lower()
    if lowered in NUMBERED and rest.lstrip()[:1].isdigit():
        return True
    if lowered in ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word not in "I"):
        return True
    if re.fullmatch(r"(?:\w\.)+\w", word):
        return lowered not in ("a.m", "p.m") and len(word) <= 5
    if word.isdigit() and len(word) <= 2:
        following = rest.split(maxsplit=1)
        return bool(following) and following[0].lower().rstrip(".,;") in ORDINALS
    return False

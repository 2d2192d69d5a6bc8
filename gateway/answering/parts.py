"""Questions that ask for several things: each is answered for itself, and what was not found is named.

"How long is parental leave, and who approves it?" has two parts. Where it is not plain that there are several, there
is one: "When and where do we meet?", "What is the difference between what we sell and what we lend?".
"""

import re

from gateway.answering.words import content_words, folded, words

MOST = 4  # more are asked as one
# By language: what joins two questions, and what the second begins with, after a preposition or none.
JOINED = {
    "en": (
        "and(?: also)?",
        "about at by for from in of on since to until with",
        "who whom whose what when where which why how",
    ),
    "de": (
        "und(?: auch)?",
        "ab an auf bei bis für in mit nach seit von zu",
        "wer wem wen wessen was wann wo wohin woher wie wieviel warum weshalb wieso wofür womit welche welcher welches "
        "welchem welchen",
    ),
    "fr": (
        "et(?: aussi)?",
        "à avec chez dans de depuis en par pour",
        "qui quoi quand où comment combien pourquoi quel quelle quels quelles",
    ),
    "es": (
        "[ye](?: también)?",
        "a con de desde en hasta para por",
        "quién quiénes qué cuándo dónde adónde cómo cuál cuáles cuánto cuánta cuántos cuántas",
    ),
    "pt": (
        "e(?: também)?",
        "a até com de desde em para por",
        "quem quando onde aonde como qual quais quanto quanta quantos quantas",
    ),
}
ASKING = frozenset(folded(word) for _, _, asking in JOINED.values() for word in asking.split())
# A question begins with one of those, or with one of these.
VERBS = frozenset(
    folded(
        """is are was were am do does did has have had can could may might must shall should will would
        ist sind war waren hat haben habe kann können darf dürfen muss müssen soll sollen gibt wird werden
        est peut peux puis dois doit faut es son está hay puedo puede debo debe tiene tengo posso pode devo deve há
        tem"""
    ).split()
)
BEGINNING = 3  # words, for "In which country" and "By when"
JOINTS = [
    re.compile(
        rf"(?P<comma>,?)\s+{joint}\s+(?=(?:(?:{'|'.join(before.split())})\s+)?(?:{'|'.join(asking.split())})\b)",
        re.IGNORECASE,
    )
    for joint, before, asking in JOINED.values()
]
ENDS = re.compile(r"(?<=[^?]\?)\s+(?=\S.*\?)", re.DOTALL)
ASIDE = re.compile(
    r"(?:or|oder|ou|o|u|what if|(?:what|how) about|if so)\b", re.IGNORECASE
)  # belongs to the one beside it
COMPARED = re.compile(r"\b(?:between|zwischen|entre)\b", re.IGNORECASE)


def parts_of(question: str) -> list[str]:
    """What it asks for, one after another, word for word; the question itself where that is one thing."""
    parts = [part for asked in ENDS.split(question.strip()) for part in _joined(asked)]
    return parts if 1 < len(parts) <= MOST and all(map(_stands, parts)) else [question]


def asks(question: str) -> bool:
    """It begins with a word that asks: "who", "in which country"."""
    return not ASKING.isdisjoint(words(question)[:BEGINNING])


def named(part: str) -> str:
    """As it is named among what was not found."""
    return " ".join(part.strip(" ?!.,;:¿¡").split())


def _joined(question: str) -> list[str]:
    for joint in JOINTS:
        for found in joint.finditer(question):
            first, rest = question[: found.start()], question[found.end() :]
            if _stands(first) and _ends(first, comma=bool(found["comma"])):
                return [first, *_joined(rest)]
    return [question]


def _stands(part: str) -> bool:
    """It asks, and for something."""
    said = words(part)
    asked = not VERBS.isdisjoint(said[:1]) or asks(part)
    return asked and said[-1] not in ASKING and bool(content_words(part)) and not ASIDE.match(part)


def _ends(first: str, *, comma: bool) -> bool:
    """What follows is no part of a clause within it: "the one who led it and who left", "between what and what"."""
    within = words(first)[BEGINNING:]
    return (comma or ASKING.isdisjoint(within)) and not COMPARED.search(first)

"""Whom an answer holds for: the reader's country, office or role, where what they may read has rules for others, too.

It is said of the documents an answer cites, beside others that were found for the same reader: it tells of nothing
they may not read (P14), and changes nothing of what is found.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from accounts.models import User
from connectors.corpus.hits import Hit
from gateway.answering.words import folded

Kind = Literal["country", "office", "role"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WORD = re.compile(r"[^\W_]+")

HOLDS_FOR: dict[Kind, dict[str, str]] = {
    "country": {
        "en": "For employees in {name}",
        "de": "Für Beschäftigte in {name}",
        "fr": "Pour le personnel, pays : {name}",
        "es": "Para empleados en {name}",
        "pt": "Para colaboradores em {name}",
        "it": "Per i dipendenti in {name}",
        "nl": "Voor medewerkers in {name}",
    },
    "office": {
        "en": "For the office {name}",
        "de": "Für den Standort {name}",
        "fr": "Pour le site {name}",
        "es": "Para la oficina {name}",
        "pt": "Para o escritório {name}",
        "it": "Per la sede {name}",
        "nl": "Voor de vestiging {name}",
    },
    "role": {
        "en": "For the role {name}",
        "de": "Für die Rolle {name}",
        "fr": "Pour la fonction {name}",
        "es": "Para el puesto {name}",
        "pt": "Para a função {name}",
        "it": "Per il ruolo {name}",
        "nl": "Voor de functie {name}",
    },
}


@dataclass(frozen=True, kw_only=True)
class Situation:
    """The cited document `own` is about this reader's country, office or role, and `other` about another one."""

    kind: Kind
    name: str
    own: Hit
    other: Hit


def situation(cited: Sequence[Hit], found: Sequence[Hit], person: User) -> Situation | None:
    """What the answer holds for; None where nothing it cites says so, some of it is for others, or all is for all."""
    return next((each for kind in KINDS for each in _of_kind(kind, cited, found, getattr(person, kind))), None)


def told(kind: Kind, name: str, language: str) -> str:
    """In words; `language`: one the gateway speaks."""
    return HOLDS_FOR[kind][language].format(name=name)


def _of_kind(kind: Kind, cited: Sequence[Hit], found: Sequence[Hit], own: str) -> Iterator[Situation]:
    if not own:
        return
    about = [hit for hit in cited if _is_about(hit, kind, own)]
    if not about or any(_is_about_another(hit, kind, own, about[0]) for hit in cited):
        return
    others = (hit for hit in found if _is_about_another(hit, kind, own, about[0]))
    yield from (Situation(kind=kind, name=own, own=about[0], other=hit) for hit in others)


def _is_about(hit: Hit, kind: Kind, own: str) -> bool:
    """By what the source says of the document, else by its title."""
    said = _said(hit, kind)
    return said == folded(own) if said else _words(own) <= _words(hit.title)


def _is_about_another(hit: Hit, kind: Kind, own: str, beside: Hit) -> bool:
    """By what the source says of it; else if its title is that of `beside` with another name in the name's place."""
    said = _said(hit, kind)
    if said:
        return said != folded(own)
    common = _words(beside.title) - _words(own)
    instead = _words(hit.title) - common
    return (
        bool(common)
        and common <= _words(hit.title)
        and len(instead) == len(_words(own))
        and instead.isdisjoint(_words(own))
        and instead <= {folded(word) for word in WORD.findall(hit.title) if word[0].isupper()}
    )


def _said(hit: Hit, kind: Kind) -> str:
    value = hit.metadata.get(kind)
    return folded(value).strip() if isinstance(value, str) else ""


def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(folded(text)))

"""Two things of one name: where both could answer, the reader is asked which one they mean.

Only what was found for this reader is looked at, so that it is asked in the same way whether others exist or not (P14).
Careful on purpose: the question writes the name with a capital and does not say what kind of thing it means, at least
two documents each say so, of two kinds, and each has a sentence that would be shown as an answer.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.corpus.hits import Hit
from connectors.parsing.languages import guess_language
from gateway.answering import extractive
from gateway.answering.drafts import Draft
from gateway.answering.extractive import NAME
from gateway.answering.recording import Asked
from gateway.answering.releasing import cleared
from gateway.answering.threads import in_thread
from gateway.answering.words import NO_CONTENT, WORD, folded

MOST = 4  # things that are told apart
KINDS: Mapping[str, str] = {
    folded(word): kind
    for kind, words in {
        "project": "project projekt projet proyecto projeto progetto",
        "programme": "programme program programm programa programma",
        "product": "product produkt produit producto produto prodotto",
        "customer": "customer client kunde kundin cliente klant",
        "supplier": "supplier vendor lieferant fournisseur proveedor fornecedor fornitore leverancier",
        "office": "office büro bureau oficina escritório ufficio kantoor",
        "site": "site standort sede stabilimento vestiging",
        "laboratory": "laboratory lab labor laboratoire laboratorio laboratório laboratorium",
        "building": "building gebäude bâtiment edificio edifício gebouw",
        "room": "room raum salle sala zaal",
        "team": "team équipe equipo equipe squadra",
        "department": "department abteilung service departamento dipartimento afdeling",
        "system": "system système sistema systeem",
        "server": "server serveur servidor",
        "application": "application app anwendung aplicación aplicação applicazione applicatie",
        "campaign": "campaign kampagne campagne campaña campanha campagna",
        "fund": "fund fonds fondo fundo",
        "ship": "ship vessel schiff navire buque navio nave schip",
    }.items()
    for word in words.split()
}


@dataclass(frozen=True)
class Option:
    """A thing as a document calls it: "Project Phoenix"."""

    kind: str
    label: str
    hit: Hit


async def asked_back(asked: Asked, hits: Sequence[Hit]) -> list[Draft]:
    """What the reader may mean, each resting on the document that says so; none where that is clear."""
    found = await asyncio.to_thread(options, asked, hits)
    if not found:
        return []
    permitted = {hit.passage_id for hit in await in_thread(cleared, asked, [each.hit for each in found], NAME)}
    drafts = [Draft(text=each.label, evidence=(each.hit,)) for each in found if each.hit.passage_id in permitted]
    return drafts if len(drafts) > 1 else []


def options(asked: Asked, hits: Sequence[Hit]) -> list[Option]:
    """The things that a name in the question may stand for, the best first; none where that is clear."""
    said = " ".join((*asked.earlier[-1:], asked.text))
    for name in _names(asked.text):
        things = [option for hit in hits if (option := _thing(name, hit)) is not None]
        kinds = {option.kind for option in things}
        if len(kinds) > 1 and kinds.isdisjoint(KINDS.get(word, "") for word in _plain(said)):
            found = list(_that_answer(asked, hits, things))
            return found[:MOST] if len(found) > 1 else []
    return []


def _names(question: str) -> list[str]:
    """Words with a capital inside the question; in German every noun has one, so that it tells nothing."""
    if guess_language(question) == "de":
        return []
    words = [match[0] for match in WORD.finditer(question)][1:]
    return [
        word for word in words if word[0].isupper() and len(word) > 2 and folded(word) not in NO_CONTENT | set(KINDS)
    ]


def _thing(name: str, hit: Hit) -> Option | None:
    """What kind of thing the name is in this document, by its title, else by its heading, else by the passage."""
    for text in (hit.title, hit.heading, hit.text):
        labels = {kind: label for kind, label in _called(name, text)}
        if labels:
            [(kind, label), *others] = labels.items()
            return None if others else Option(kind, label, hit)
    return None


def _called(name: str, text: str) -> Iterator[tuple[str, str]]:
    """ "Project Phoenix", "the Phoenix office": each kind that stands beside the name, and both as they are written."""
    for match in re.finditer(rf"(?:([^\W\d_]+) )?\b{re.escape(name)}\b(?:[ -]([^\W\d_]+))?", text):
        before, after = folded(match[1] or ""), folded(match[2] or "")
        if before in KINDS:
            yield KINDS[before], f"{match[1]} {name}"
        elif after in KINDS:
            yield KINDS[after], f"{name} {match[2]}"


def _that_answer(asked: Asked, hits: Sequence[Hit], things: Sequence[Option]) -> Iterator[Option]:
    """Of each kind the first whose document has a sentence that would be shown."""
    kinds = {option.hit.document_id: option for option in reversed(things)}
    seen: set[str] = set()
    for candidate in extractive.considered(asked, hits):
        option = kinds.get(candidate.hit.document_id)
        if option and option.kind not in seen and extractive.evidence([candidate]) >= extractive.ENOUGH:
            seen.add(option.kind)
            yield option


def _plain(text: str) -> list[str]:
    return [folded(word) for word in WORD.findall(text)]

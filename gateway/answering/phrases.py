"""How an answer reads as one text, and the sentences the gateway says itself, in the reader's language."""

import re
from collections.abc import Sequence
from dataclasses import replace

from gateway.answering.events import Done, Sentence

MARK = re.compile(r"\[(\d+)\]")
OPENS = re.compile(r"\](?=[(\[])|<(?=[a-z/!?])", re.IGNORECASE)

NOT_FOUND = {
    "en": "I did not find that in what you can read.",
    "de": "Das habe ich in dem, was Sie lesen dürfen, nicht gefunden.",
    "fr": "Je n’ai pas trouvé cela dans ce que vous pouvez lire.",
    "es": "No lo he encontrado en lo que usted puede leer.",
    "pt": "Não encontrei isso no que você pode ler.",
    "it": "Non l’ho trovato in ciò che può leggere.",
    "nl": "Dat heb ik niet gevonden in wat u mag lezen.",
}

NOT_FOUND_HERE = {
    "en": "I did not find that in what everyone here can read. Ask me directly to look through what you can read.",
    "de": "Das habe ich in dem, was hier alle lesen dürfen, nicht gefunden. Fragen Sie mich direkt, "
    "dann suche ich in dem, was Sie lesen dürfen.",
    "fr": "Je n’ai pas trouvé cela dans ce que tout le monde ici peut lire. Écrivez-moi directement, "
    "et je chercherai dans ce que vous pouvez lire.",
    "es": "No lo he encontrado en lo que todos aquí pueden leer. Pregúnteme directamente "
    "y buscaré en lo que usted puede leer.",
    "pt": "Não encontrei isso no que todos aqui podem ler. Pergunte-me diretamente e procurarei no que você pode ler.",
    "it": "Non l’ho trovato in ciò che tutti qui possono leggere. Mi scriva direttamente "
    "e cercherò in ciò che può leggere.",
    "nl": "Dat heb ik niet gevonden in wat iedereen hier mag lezen. Vraag het mij rechtstreeks, "
    "dan zoek ik in wat u mag lezen.",
}

MISSING = {
    "en": "I did not find: {parts}.",
    "de": "Nicht gefunden habe ich: {parts}.",
    "fr": "Je n’ai pas trouvé : {parts}.",
    "es": "No he encontrado: {parts}.",
    "pt": "Não encontrei: {parts}.",
    "it": "Non ho trovato: {parts}.",
    "nl": "Niet gevonden heb ik: {parts}.",
}


WHICH = {
    "en": "Which of these do you mean?",
    "de": "Was davon meinen Sie?",
    "fr": "De quoi parlez-vous ?",
    "es": "¿A qué se refiere?",
    "pt": "A que se refere?",
    "it": "Che cosa intende?",
    "nl": "Welke van deze bedoelt u?",
}

NAME_IT = {
    "en": "Please ask again and name it.",
    "de": "Bitte fragen Sie noch einmal und nennen Sie es.",
    "fr": "Veuillez reposer la question en le précisant.",
    "es": "Vuelva a preguntar indicándolo.",
    "pt": "Pergunte de novo, indicando-o.",
    "it": "Ripeta la domanda indicandolo.",
    "nl": "Stel de vraag opnieuw en noem het.",
}


def spoken(language: str) -> str:
    """The nearest language the gateway has words in."""
    code = language.replace("_", "-").split("-")[0].lower()
    return code if code in NOT_FOUND else "en"


def not_found(language: str) -> str:
    """The same words whether something hidden exists or not (P14)."""
    return NOT_FOUND[spoken(language)]


def not_found_here(language: str) -> str:
    """For an audience: said whether the asker alone may read more or not (P10, P14)."""
    return NOT_FOUND_HERE[spoken(language)]


def did_not_find(parts: Sequence[str], language: str) -> str:
    """Which parts of a question were not found, in the asker's words; "" for none. The same whether something hidden
    exists or not (P14)."""
    return MISSING[spoken(language)].format(parts="; ".join(parts)) if parts else ""


def which(language: str) -> str:
    """What stands before the things that a question may mean."""
    return WHICH[spoken(language)]


def name_it(language: str) -> str:
    """For who cannot choose one by a click."""
    return NAME_IT[spoken(language)]


def whole(status: str, sentences: Sequence[Sentence], language: str) -> str:
    """The answer as one text."""
    if not sentences:
        return not_found(language)
    return f"{which(language)} {marked(sentences)}" if status == "ambiguous" else marked(sentences)


def option_of(question: str, label: str) -> str:
    """The question as it is clear: "When does Phoenix start? (Project Phoenix)"."""
    return f"{question} ({label})"


def marked(sentences: Sequence[Sentence]) -> str:
    """The sentences as one text, each followed by its marks: "Leave is 26 weeks. [1]"."""
    return " ".join(f"{inert(each.text)} {''.join(f'[{n}]' for n in each.citations)}".rstrip() for each in sentences)


def inert(text: str) -> str:
    """Words of a document beside marks of ours: theirs are no marks, and to Markdown they are no link and no HTML."""
    return OPENS.sub(lambda found: f"{found[0]} ", unmarked(text))


def unmarked(text: str) -> str:
    """What looks like a mark of ours in round brackets."""
    return MARK.sub(r"(\1)", text)


def renumbered(done: Done) -> Done:
    """The same answer with its citations numbered 1, 2, 3 in the order of their use."""
    order = dict.fromkeys(n for sentence in done.sentences for n in sentence.citations)
    number = {old: new for new, old in enumerate(order, start=1)}
    sentences = tuple(replace(each, citations=tuple(number[n] for n in each.citations)) for each in done.sentences)
    cited = [replace(citation, n=number[citation.n]) for citation in done.citations if citation.n in number]
    text = whole(done.status, sentences, done.language) if sentences else done.answer
    return replace(done, sentences=sentences, citations=tuple(sorted(cited, key=lambda each: each.n)), answer=text)

"""Does a passage say what a sentence says? What decides whether a model's sentence may be shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.corpus.hits import Hit
from connectors.parsing.languages import guess_language
from connectors.sentences import sentences
from gateway.answering import figures
from gateway.answering.words import WORD, content_words, folded, stem

# A sentence must share this part of its content words with its passages, and this part with one sentence of
# them. Chosen so that a sentence of the passage in other words passes and one about something else does not.
WORDS_IN_PASSAGES = 0.6
WORDS_IN_ONE_SENTENCE = 0.34

QUOTED = re.compile(r"[\"“„«]\s*([^\"“”„«»]{2,200}?)\s*[\"”“»]")
ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+\.[\w.]+", re.IGNORECASE)
NEGATIONS = frozenset(
    """not no never none nobody nothing neither nor without cannot except unless forbidden prohibited refused denied
    excluded kein keine keinen keinem keiner keines nicht nie niemals niemand nichts ohne weder verboten untersagt
    pas jamais aucun aucune sans ni rien interdit interdite nunca sin ningún ninguna ningun jamás tampoco prohibido
    prohibida não nao sem nenhum nenhuma nem proibido proibida""".split()
)
# Words that turn a sentence around while everything else in it stays true.
OPPOSITES = (
    ("before", "after"),
    ("more", "less fewer"),
    ("above over exceeding", "below under"),
    ("increase increased increases rose grew", "decrease decreased decreases fell declined"),
    ("maximum most", "minimum least"),
    ("earlier", "later"),
    ("allowed permitted may", "forbidden prohibited"),
    ("required must mandatory", "optional voluntary"),
    ("always", "sometimes rarely"),
    ("first", "last"),
    ("vor", "nach"),
    ("mindestens", "höchstens"),
    ("avant", "après"),
    ("antes", "después depois"),
)
OPPOSED = tuple((frozenset(one.split()), frozenset(other.split())) for one, other in OPPOSITES)

# How binding and how certain a sentence is; what is said as a duty or as a fact must be one in the passage.
DUTY = frozenset(
    """must shall required requires mandatory compulsory obliged obligatory muss müssen verpflichtet verpflichtend
    erforderlich vorgeschrieben doit doivent obligatoire obligé obligés debe deben obligatorio obligatoria deve devem
    obrigatório obrigatória""".split()
)
ADVICE = frozenset(
    """should ought recommended recommend recommends advisable advised sollte sollten empfohlen empfiehlt devrait
    devraient recommandé debería deberían recomienda recomendado deveria deveriam recomenda""".split()
)
DOUBT = frozenset(
    """might perhaps possibly probably likely maybe tentative tentatively provisional provisionally proposed planned
    expected estimated unconfirmed rumoured alleged allegedly vielleicht möglicherweise wahrscheinlich vermutlich
    voraussichtlich vorläufig geplant erwartet geschätzt probablement prévu prévue provisoire estimé quizás
    probablemente previsto prevista provisional estimado talvez provavelmente provisório""".split()
)


@dataclass(frozen=True)
class Statement:
    """A text with what verification compares."""

    text: str
    stems: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Statement":
        # numbers are compared by what they mean, not by how they are written
        return cls(text, frozenset(word for word in content_words(text) if not word.isdigit()))

    def share_in(self, other: "Statement") -> float:
        """The part of this statement's content words that the other has, 0..1."""
        return len(self.stems & other.stems) / len(self.stems) if self.stems else 0.0


def is_supported(sentence: str, evidence: Sequence[Hit]) -> bool:
    """Every checkable detail of the sentence is in the passages, and enough of its words are."""
    claim = Statement.of(sentence)
    source = Statement.of("\n".join(f"{hit.title}\n{hit.heading}\n{hit.text}" for hit in evidence))
    if not claim.stems or claim.share_in(source) < WORDS_IN_PASSAGES:
        return False
    details = (_figures_agree, _dates_agree, _quotes_agree, _names_agree, _directions_agree)
    if not all(agree(claim, source) for agree in details):
        return False
    return any(
        denies(claim.text) == denies(statement.text) and _is_as_binding(claim, statement)
        for statement in _nearest(claim, evidence)
    )


def _nearest(claim: Statement, evidence: Sequence[Hit]) -> list[Statement]:
    """The sentences of the passages that share most with the claim; none if even they share too little."""
    statements = [Statement.of(hit.text[start:end]) for hit in evidence for start, end in sentences(hit.text)]
    best = max((claim.share_in(statement) for statement in statements), default=0.0)
    if best < WORDS_IN_ONE_SENTENCE:
        return []
    return [statement for statement in statements if claim.share_in(statement) == best]


def _figures_agree(claim: Statement, source: Statement) -> bool:
    there = figures.figures(source.text)
    numbers = figures.figures(figures.without_dates(claim.text))
    spans = figures.units(claim.text) <= figures.units(source.text)
    return spans and all(number.is_in(there) for number in numbers)


def _dates_agree(claim: Statement, source: Statement) -> bool:
    there = [date for readings in figures.dates(source.text) for date in readings]
    numbers = figures.figures(source.text)
    return all(any(date.is_in(there, numbers) for date in readings) for readings in figures.dates(claim.text))


def _quotes_agree(claim: Statement, source: Statement) -> bool:
    """Quoted words and addresses stand in the passages exactly as they are written."""
    there = " ".join(folded(source.text).split())
    quoted = [quote.rstrip(".,;:!?") for quote in QUOTED.findall(claim.text)]
    addresses = [address.rstrip(".,;:!?)]>") for address in ADDRESS.findall(claim.text)]
    return all(" ".join(folded(piece).split()) in there for piece in [*quoted, *addresses])


def _names_agree(claim: Statement, source: Statement) -> bool:
    """Capitalised words inside the sentence are names, except in German, where nouns are too."""
    if guess_language(claim.text) == "de":
        return True
    known = source.stems | {stem(folded(word)) for word in WORD.findall(source.text)}
    return all(stem(folded(name).partition("'")[0]) in known for name in _names(claim.text))


def _names(text: str) -> list[str]:
    """Capitalised words that do not open the sentence, and the opening one if another follows it."""
    found = list(WORD.finditer(text))
    capital = [match[0][0].isupper() and match[0] != "I" for match in found]
    opening = 1 if len(found) > 1 and capital[0] and not capital[1] else 0
    return [match[0] for match, is_capital in zip(found[opening:], capital[opening:], strict=True) if is_capital]


def _directions_agree(claim: Statement, source: Statement) -> bool:
    """The sentence does not say "before" of what the passages only call "after"."""
    return not opposed(claim.text, source.text)


def opposed(text: str, source: str) -> int:
    """How many pairs of opposites there are of which one has only the one word, the other only the other."""
    said, there = set(_plain(text)), set(_plain(source))
    return sum(
        bool(said & here and not there & here and there & opposite)
        for one, other in OPPOSED
        for here, opposite in ((one, other), (other, one))
    )


def _is_as_binding(claim: Statement, statement: Statement) -> bool:
    """The claim makes no duty of advice, no rule of a habit, and no fact of what the passage says with doubt."""
    said, there = set(_plain(claim.text)), set(_plain(statement.text))
    if said & DUTY and not there & DUTY:
        return False
    if said & ADVICE and not there & (ADVICE | DUTY):
        return False
    return not there & DOUBT or bool(said & DOUBT)


def denies(text: str) -> bool:
    """It says that something is not."""
    plain = _plain(text)
    # "no" is Portuguese for "in the"
    denying = NEGATIONS - {"no"} if guess_language(text) == "pt" else NEGATIONS
    return any(word in denying or word.endswith("n't") for word in plain)


def _plain(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in WORD.findall(text)]

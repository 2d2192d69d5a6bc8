"""Do two sentences say the same of the same: neither denies, turns around or stretches what the other says?

Looked at clause by clause: "A may, but B may not" denies one of the two.
"""

import re
from collections.abc import Sequence, Set

from connectors.parsing.languages import guess_language
from gateway.answering import naming
from gateway.answering.words import WORD, content_words, stem

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
# And more of them, of which a passage so often says both that only the clause itself tells.
IN_A_CLAUSE = (
    ("higher highest", "lower lowest"),
    ("larger largest bigger biggest", "smaller smallest"),
    ("longer longest", "shorter shortest"),
    ("older oldest", "younger youngest newer newest"),
    ("best better", "worst worse"),
    ("majority", "minority"),
    ("win wins won", "lose loses lost"),
    ("accept accepts accepted approve approves approved", "reject rejects rejected decline declines refuse refuses"),
    ("start starts started begin begins began begun", "end ends ended finish finishes finished"),
    ("open opens opened", "close closes closed"),
    ("buy buys bought", "sell sells sold"),
    ("north northern", "south southern"),
    ("east eastern", "west western"),
    ("left", "right"),
    ("include includes included including", "exclude excludes excluded excluding"),
    ("internal", "external"),
    ("inside", "outside"),
    ("public", "private"),
    ("same", "different"),
    ("true", "false"),
    ("gain gains gained", "lose loses lost"),
    ("import imports imported", "export exports exported"),
    ("male men man", "female women woman"),
    ("day", "night"),
    ("full", "half part"),
    ("success succeeded", "failure failed fails"),
    ("support supports supported", "oppose opposes opposed"),
)
Pairs = tuple[tuple[frozenset[str], frozenset[str]], ...]
OPPOSED: Pairs = tuple((frozenset(one.split()), frozenset(other.split())) for one, other in OPPOSITES)
OPPOSED_IN_A_CLAUSE: Pairs = OPPOSED + tuple(
    (frozenset(one.split()), frozenset(other.split())) for one, other in IN_A_CLAUSE
)
NOT_AN = ("un", "in", "im", "ir", "il", "dis", "non", "mis")  # "eligible", "ineligible"

# How binding and how certain a clause is; what is said as a duty or as a fact must be one in the passage.
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
MAY = frozenset(
    "may might could darf dürfen könnte könnten pourrait pourraient podría podrían poderia poderiam".split()
)
CAN = frozenset(
    """can cannot able allowed permitted entitled option optional possible kann können möglich peut peuvent puede pueden
    pode podem""".split()
)
ALL = frozenset("all every everyone everybody always only solely exclusively entire whole any each".split())
RANK = frozenset(
    """first last latest final main chief principal primary sole most least best worst largest biggest greatest smallest
    highest lowest oldest youngest newest earliest longest shortest""".split()
)
SOME = frozenset("some few partly certain sometimes occasionally rarely seldom hardly barely".split())

CLAUSE = re.compile(
    r";|:\s|,?\s+\b(?:but|whereas|while|although|though|however|aber|sondern|während|obwohl|mais|tandis|pero|mientras"
    r"|aunque|mas|enquanto|embora)\b",
    re.IGNORECASE,
)
# "Not only", "no later than": these deny nothing.
NO_DENIAL = re.compile(
    r"\bnot only\b|\bwhether or not\b|\b(?:no|not) (?:later|more|less|fewer|sooner|earlier|longer|greater) than\b",
    re.IGNORECASE,
)
AT_LEAST = re.compile(r"\bat (?:least|most)\b", re.IGNORECASE)  # bounds, which numbers are compared by
MONTH_OF_MAY = re.compile(r"(?<=\w )May\b")
PASSIVE = frozenset("by von durch par por".split())


def denies(text: str) -> bool:
    """It says that something is not."""
    return _denies(text, guess_language(text))


def opposed(text: str, source: str) -> int:
    """How many pairs of opposites there are of which one has only the one word, the other only the other."""
    return _turned(text, source, OPPOSED)


def clauses(text: str) -> list[str]:
    """Its clauses that say anything; at least one."""
    return [clause for clause in CLAUSE.split(text) if content_words(clause)] or [text]


def agree(clause: str, sentence: str) -> bool:
    """Nothing that the clause says is denied, turned around, less sure or less wide in this sentence."""
    spoken_of = _spoken_of(clause, clauses(sentence))
    language, own_language = guess_language(sentence), guess_language(clause)
    denied = _denies(NO_DENIAL.sub(" ", clause), own_language)
    there = " ".join(spoken_of)
    return (
        all(denied == _denies(NO_DENIAL.sub(" ", each), language) for each in spoken_of)
        and not _turned(clause, there, OPPOSED_IN_A_CLAUSE)
        and not _prefixed(clause, there)
        and _is_as_sure(set(_plain(AT_LEAST.sub(" ", clause))), set(_plain(MONTH_OF_MAY.sub(" ", there))))
        and not _turned_about(clause, there)
    )


def _spoken_of(clause: str, others: Sequence[str]) -> list[str]:
    """Of the clauses of a sentence the one that shares most with this, and those that have what that one lacks."""
    own = set(content_words(clause))
    shared = [own & set(content_words(other)) for other in others]
    best = max(shared, key=len)
    return [other for other, words in zip(others, shared, strict=True) if words == best or words - best]


def _denies(text: str, language: str) -> bool:
    # "no" is Portuguese for "in the"
    denying = NEGATIONS - {"no"} if language == "pt" else NEGATIONS
    return any(word in denying or word.endswith("n't") for word in _plain(text))


def _turned(text: str, source: str, pairs: Pairs) -> int:
    said, there = set(_plain(text)), set(_plain(source))
    return sum(
        bool(said & here and not there & here and there & opposite)
        for one, other in pairs
        for here, opposite in ((one, other), (other, one))
    )


def _prefixed(clause: str, sentence: str) -> bool:
    """One has "eligible" where the other has "ineligible"."""
    said, there = set(content_words(clause)), set(content_words(sentence))
    return any(
        prefix + word in others
        for words, others in ((said - there, there - said), (there - said, said - there))
        for word in words
        for prefix in NOT_AN
    )


def _is_as_sure(said: Set[str], there: Set[str]) -> bool:
    """It makes no duty of advice, no fact of what is in doubt or may be, no all of some, and no first of one."""
    return (
        (not said & DUTY or bool(there & DUTY))
        and (not said & ADVICE or bool(there & (ADVICE | DUTY)))
        and (not there & DOUBT or bool(said & DOUBT))
        and (not there & MAY or bool(said & (MAY | CAN | DOUBT)))
        and (not said & ALL or bool(there & ALL))
        and (not there & SOME or bool(said & SOME))
        and said & RANK <= there
    )


def _turned_about(clause: str, sentence: str) -> bool:
    """The names before and behind a word have changed places: "Anna manages Bob".

    Where one of the two is passive ("is managed by") that is as it should be; in German every order is.
    """
    passive = [not PASSIVE.isdisjoint(_plain(text)) for text in (clause, sentence)]
    if passive[0] != passive[1] or guess_language(clause) == "de":
        return False
    names = {stem(word) for run in naming.runs(clause) for word in run.words}
    said, there = content_words(clause), content_words(sentence)
    common = [word for word in said if said.count(word) == there.count(word) == 1]
    places = [(there.index(word), word in names) for word in common]
    return any(
        any(earlier > place for earlier, is_name in places[:at] if is_name)
        and any(later < place for later, is_name in places[at + 1 :] if is_name)
        for at, (place, _) in enumerate(places)
    )


def _plain(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in WORD.findall(text)]

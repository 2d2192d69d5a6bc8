"""Does a passage say what a sentence says? What decides whether a model's sentence may be shown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import pairwise

from connectors.corpus.hits import Hit
from connectors.parsing.languages import guess_language
from connectors.sentences import sentences
from gateway.answering import figures, meaning, moments, naming, polarity
from gateway.answering.drafts import plain_text
from gateway.answering.figures import Figure
from gateway.answering.words import content_words, folded, stem, words

Names = Mapping[str, frozenset[str]]  # stems by the word before them

# A sentence must share this part of its content words with its passages, and each clause of it more than the second
# part with one sentence of them; or more than the third, if it means as nearly the same (decision 0025).
WORDS_IN_PASSAGES = 0.65
WORDS_IN_ONE_SENTENCE = 0.75
AT_LEAST, MEANING = 0.34, 0.8
NEAREST = 3  # sentences, by their words, whose meaning is compared

QUOTED = re.compile(r"[\"“„«]\s*([^\"“”„«»]{2,200}?)\s*[\"”“»]")
ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]*://\S+ | \bwww\.\S+ | \b[\w.+-]+@[\w-]+\.[\w.]+ | \b(?:[\w-]+\.)+[a-z]{2,}\b(?:/\S*)?",
    re.IGNORECASE | re.VERBOSE,
)
UNUSUAL = re.compile("[²³¹⁰-⁹₀-₉¼-¾⅐-⅞]")  # powers and fractions, which are no digits
NUMBERS = frozenset(stem(folded(word)) for word in (*figures.IN_WORDS, *figures.CURRENCIES))
CUT = re.compile(r"[,;]\s|\s(?:and|but|while|whereas|und|aber|et|mais|y|pero|e|mas)\s")


@dataclass(frozen=True)
class Part:
    """A part of a sentence with its numbers and dates, and the names it says them of."""

    figures: tuple[Figure, ...]
    dates: tuple[frozenset[moments.Date], ...]
    names: Names
    stems: frozenset[str]

    def is_of_another(self, names: Names, under: frozenset[str]) -> bool:
        """It says "in France" where these are "in Germany", which neither it names nor what it stands under."""
        return any(
            word in self.names and asked.isdisjoint(self.stems | under | self.names[word])
            for word, asked in names.items()
        )


@dataclass(frozen=True)
class Statement:
    """A sentence with what verification compares; `under`: the title and heading it stands under."""

    text: str
    under: str = ""
    language: str = ""

    @cached_property
    def stems(self) -> frozenset[str]:
        """Numbers are compared by what they mean, not by how they are written."""
        return frozenset(word for word in content_words(self.text) if not (word.isdigit() or word in NUMBERS))

    @cached_property
    def stems_under(self) -> frozenset[str]:
        return frozenset(content_words(self.under))

    @cached_property
    def names(self) -> Names:
        return naming.said_with(self.text)

    @cached_property
    def parts(self) -> list[Part]:
        """Cut between its numbers and dates, where it can be."""
        return list(_parts(self.text))

    def share_in(self, stems: frozenset[str]) -> float:
        """The part of this sentence's content words that these hold, 0..1."""
        return len(self.stems & stems) / len(self.stems) if self.stems else 0.0


@dataclass(frozen=True)
class Source:
    """Passages with what verification compares."""

    text: str
    statements: tuple[Statement, ...]
    titles: tuple[Statement, ...]

    @cached_property
    def stems(self) -> frozenset[str]:
        return Statement(self.text).stems

    @cached_property
    def names(self) -> naming.Known:
        return naming.Known.of(self.text)

    @cached_property
    def units(self) -> set[str]:
        return figures.spoken(self.text)

    @cached_property
    def years(self) -> set[int]:
        """Whole numbers that may be the year of a day said without one."""
        readings = [each for figure in figures.figures(self.text) for each in figure.readings]
        return {int(each) for each in readings if isinstance(each, Decimal)} | moments.years(self.text)

    @cached_property
    def plain(self) -> str:
        return _plain(self.text)

    @cached_property
    def said(self) -> frozenset[str]:
        """Its sentences, as a model's come without Markdown and HTML; not those that lose a word by that."""
        pairs = ((each.text, plain_text(each.text)) for each in self.statements)
        return frozenset(plain for text, plain in pairs if words(plain) == words(text))


def is_supported(sentence: str, evidence: Sequence[Hit]) -> bool:
    """Every passage says it word for word; or they hold its details and enough of its words, said of the same."""
    claim, source = Statement(sentence), source_of(evidence)
    if not claim.stems:
        return False
    if evidence and all(sentence in source_of((hit,)).said for hit in evidence):
        return True
    if claim.share_in(source.stems) < WORDS_IN_PASSAGES:
        return False
    return _details_stand(claim, source, claim.names) and all(
        _is_said(clause, source) for clause in polarity.clauses(sentence)
    )


def may_be_translated(sentence: str, evidence: Sequence[Hit], told: str) -> bool:
    """It is in another language than the passages, and every detail that a translation leaves as it is stands in them.

    What the words between the details say, this cannot tell. `told`: the language its writer was told to write in, for
    sentences that do not show theirs.
    """
    languages = {hit.language or guess_language(hit.text) for hit in evidence}
    language = guess_language(sentence) or told
    foreign = language and "" not in languages and language not in languages
    claim = Statement(sentence, language=language)
    return bool(foreign) and _details_stand(claim, source_of(evidence), names={})


def source_of(evidence: Sequence[Hit]) -> Source:
    """The passages taken apart, once for all sentences of an answer."""
    return _source(tuple((hit.title, hit.heading, hit.text) for hit in evidence))


@lru_cache(maxsize=64)
def _source(passages: tuple[tuple[str, str, str], ...]) -> Source:
    return Source(
        text="\n".join("\n".join(passage) for passage in passages),
        statements=tuple(
            Statement(text[start:end], under=f"{title}\n{heading}")
            for title, heading, text in passages
            for start, end in sentences(text)
        ),
        titles=tuple(Statement(text) for title, heading, _ in passages for text in (title, heading) if text),
    )


def _details_stand(claim: Statement, source: Source, names: Names) -> bool:
    """Its numbers, dates, quotations, addresses and names are in the passages, numbers and dates of these names."""
    return (
        _figures_stand(claim, source, names)
        and _dates_stand(claim, source, names)
        and _quotes_stand(claim, source)
        and source.names.holds(claim.text, claim.language or guess_language(claim.text))
    )


def _figures_stand(claim: Statement, source: Source, names: Names) -> bool:
    """Each number stands in a sentence that does not say it of somebody else, and its unit is spoken of."""
    if not figures.units(claim.text) <= figures.units(source.text):
        return False
    if not set(UNUSUAL.findall(claim.text)) <= set(source.text):
        return False
    return all(
        (not figure.unit or figure.unit in source.units)
        and any(figure.is_in(part.figures) for part in _parts_about(names and (part.names or names), source))
        for part in claim.parts
        for figure in part.figures
    )


def _dates_stand(claim: Statement, source: Source, names: Names) -> bool:
    if not moments.times(claim.text) <= moments.times(source.text):
        return False
    if not moments.named(claim.text) <= moments.named(source.text):
        return False
    return all(
        any(
            date.is_in(there, source.years)
            for about in _parts_about(names and (part.names or names), source)
            for there in about.dates
            for date in readings
        )
        for part in claim.parts
        for readings in part.dates
    )


def _parts_about(names: Names, source: Source) -> Iterator[Part]:
    """The parts of its sentences that do not speak of others than these; and of its titles."""
    for statement in source.statements:
        yield from (part for part in statement.parts if not part.is_of_another(names, statement.stems_under))
    for title in source.titles:
        yield from title.parts


def _quotes_stand(claim: Statement, source: Source) -> bool:
    """Quoted words and addresses stand in the passages exactly as they are written."""
    quoted = [quote.rstrip(".,;:!?") for quote in QUOTED.findall(claim.text)]
    addresses = [address.rstrip(".,;:!?)]>") for address in ADDRESS.findall(claim.text)]
    return all(_plain(piece) in source.plain for piece in [*quoted, *addresses])


def _is_said(text: str, source: Source) -> bool:
    """The sentences of the passages that share most with this clause say the same, every one of them."""
    clause = Statement(text)
    shares = [(clause.share_in(each.stems | each.stems_under), each.text) for each in source.statements]
    ranked = sorted(shares, reverse=True)
    best = ranked[0][0] if ranked else 0.0
    if best <= AT_LEAST or not all(polarity.agree(text, said) for share, said in ranked if share == best):
        return False
    return best > WORDS_IN_ONE_SENTENCE or meaning.nearness(text, [said for _, said in ranked[:NEAREST]]) >= MEANING


def _plain(text: str) -> str:
    return " ".join(folded(text).split())


def _parts(text: str) -> Iterator[Part]:
    rest = moments.without(text)
    numbers = figures.placed(rest)
    days = moments.placed(text)
    places = sorted(place for place, _ in (*numbers, *days))
    cuts = [0, *(cut.end() for one, other in pairwise(places) if (cut := CUT.search(rest, one, other))), len(text)]
    for start, end in pairwise(cuts):
        dates = tuple(readings for place, readings in days if start <= place < end)
        years = {date.year for readings in dates for date in readings if date.year is not None}
        yield Part(
            figures=(
                *(figure for place, figure in numbers if start <= place < end),
                *(Figure(frozenset({Decimal(year)})) for year in years),
            ),
            dates=dates,
            names=naming.said_with(text[start:end], opens=start == 0),
            stems=frozenset(content_words(text[start:end])),
        )

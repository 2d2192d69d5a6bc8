"""The answerer that cannot invent: it picks sentences from the passages, word for word, and cites them."""

import logging
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import mul
from uuid import UUID

from connectors.corpus.hits import Hit
from connectors.embedding import EmbeddingFailed, chosen, embed_query, embed_texts, is_local
from connectors.parsing.languages import guess_language
from connectors.sentences import sentences
from gateway.answering import durations
from gateway.answering.drafts import Draft, Missing
from gateway.answering.following import points_back, standalone
from gateway.answering.parts import asks, named
from gateway.answering.recording import Asked
from gateway.answering.words import content_words, folded, weighed_words
from gateway.ordering import country_in_force, country_of
from gateway.versions import Edition

log = logging.getLogger("gatehouse.answering")

NAME = "extractive"
PASSAGES = 8  # of those retrieved, the ones whose sentences are looked at
SHORTLIST = 12  # sentences that are compared by meaning, which is what takes the time
MOST_SENTENCES = 4
MOST_IF_BRIEF = 2  # for a reader whose answer style says so
BRIEF = frozenset(content_words("brief short concise kurz knapp bref court breve corto curto resumido"))
SHORTEST, LONGEST = 12, 700  # characters of a sentence worth showing

MAIL_HEADER = re.compile(
    r"(?:From|To|Cc|Bcc|Date|Sent|Subject|Reply-To|Von|An|Datum|Betreff|De|À|Para|Asunto|Assunto): "
)

# The score that picks a sentence. On 251 answerable questions of SQuAD 2.0 over 1,204 paragraphs these weights put
# a sentence with the answer first for 82 % and among the first three for 94 %; without `RARE_WORDS` 78 % and 94 %.
OWN_WORDS = 1.0  # part of the question's words, weighted by rarity among the passages, that the sentence has
RARE_WORDS = 0.5  # the same weighted by rarity in the language, with what it stands under
PASSAGE_WORDS = 0.5  # the same for its passage with title and heading
MEANING = 1.0  # cosine of question and sentence
RANK = 0.03  # lost for each place further down the passage was found
LIKE_THE_QUESTION = 0.5  # part of the question's words that it has, and part of its words that the question has
EARLIER = 0.4  # what a word of the question before is worth, in a question that leans on it
OLDER = 0.1  # lost by a sentence of an older version, which must not win by a word
INTRODUCED = 0.25  # a question or a heading like the question, right before the sentence

# The evidence that there is an answer at all: 0.5 own words + passage words + 2 meaning of the best sentence. Where
# signs can be weighed (answerability.py) less of it is enough. On 511 questions of SQuAD 2.0, of those that can be
# answered / whose paragraph may not be read / written to look answerable, so many are answered: 92 % / 42 % / 62 %.
# The signs are of one question: two in one are not weighed.
SEVERAL = re.compile(
    r"\?.*\?|\b(?:and|or)\s+(?:who|whom|whose|what|when|where|which|why|how)\b", re.IGNORECASE | re.DOTALL
)
ENOUGH = 1.55
ENOUGH_IF_WEIGHED = 1.3
LIKELY = 0.25

# A further sentence is shown when it is nearly as good as the first and says something else; where the first is likely
# to answer, when it is as good. On 251 answerable questions of SQuAD 2.0 that shows 1.16 sentences, not 1.43.
NEARLY = 0.8
AS_GOOD = 0.97
ONE_IS_ENOUGH = 0.4
SAME = 0.7  # Jaccard index of content words

# What a sentence must have to be about what is asked at all, whatever else speaks for it, where a question begins with
# a word that asks. Of 146 turns of Doc2Dial, so many are answered / with a token F1 of .3 / though the document that
# answers may not be read: 78 % / 32 % / 39 %; without these 81 % / 34 % / 43 %.
MET = 0.45  # part of the question's own words, in it or in what it stands under
ABOUT = 0.3  # part of the words of the question before, in its passage, if the question points back at that one
LONG = 5  # letters of a word that is looked for inside others


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A sentence that may answer, with what speaks for it."""

    hit: Hit
    rank: int  # of its passage, 0 best
    start: int  # in the passage
    text: str
    stems: frozenset[str]
    asked: frozenset[str]  # the question's words that it has
    own: float  # share of the question's words, 0..1
    context: float  # the same for its passage
    met: float  # share of the question's own words, weighted by rarity in the language, here or in what it stands under
    about: float  # share of the words of the question before, in its passage
    introduced: bool
    outdated: bool  # of an older version that is not asked for
    meaning: float = 0.0

    @property
    def words_score(self) -> float:
        worth = OWN_WORDS * self.own + RARE_WORDS * self.met + PASSAGE_WORDS * self.context
        return worth + INTRODUCED * self.introduced - RANK * self.rank - OLDER * self.outdated

    @property
    def score(self) -> float:
        return self.words_score + MEANING * self.meaning


class Rarity:
    """How much each word of the question tells the passages apart. From permitted passages alone (P14)."""

    def __init__(self, importance: Mapping[str, float], passages: Sequence[frozenset[str]]) -> None:
        counts = Counter(word for passage in passages for word in passage)
        self._weights = {
            word: weight * math.log(1 + (len(passages) - counts[word] + 0.5) / (counts[word] + 0.5))
            for word, weight in importance.items()
        }
        self._total = sum(self._weights.values())

    def share(self, stems: frozenset[str]) -> float:
        """The part of the question's weight these words cover, 0..1."""
        covered = sum(weight for word, weight in self._weights.items() if word in stems)
        return covered / self._total if self._total else 0.0


def compose(asked: Asked, hits: Sequence[Hit]) -> list[Draft | Missing]:
    """Up to four sentences that answer the question, each resting on its passage, and which of its parts none answers;
    nothing if none answers any."""
    parts = asked.parts()
    most = MOST_SENTENCES if BRIEF.isdisjoint(content_words(asked.person.answer_style)) else MOST_IF_BRIEF
    chosen: dict[str, Draft] = {}  # by its text: what answers two parts is told once
    missing = []
    for part in parts:
        ranked = bearing(part, considered(part, hits))
        likely = likelihood(part, ranked)
        if not is_answered(ranked, likely):
            missing.append(Missing(named(part.text)))
            continue
        nearly = AS_GOOD if likely is not None and likely >= ONE_IS_ENOUGH else NEARLY
        for each in _in_reading_order(_chosen(ranked, max(most // len(parts), 1), nearly)):
            chosen.setdefault(each.text, Draft(text=each.text, evidence=(each.hit,)))
    return [*chosen.values(), *missing] if chosen else []


def bearing(asked: Asked, ranked: Sequence[Candidate]) -> list[Candidate]:
    """Those of the sentences that are about what is asked: of a question that begins with a word that asks, and where
    words can tell, which they cannot of a text in another language."""
    language = guess_language(asked.text)
    own = weighed_words(asked.text)
    before = set(content_words(" ".join(asked.earlier[-1:])))
    fresh = {word: weight for word, weight in own.items() if word not in before}
    back = bool(asked.earlier) and points_back(asked.text)

    def bears(each: Candidate) -> bool:
        foreign = bool(language) and each.hit.language not in ("", language)
        if each.text in asked.shown and (foreign or not own or _share(fresh, each.stems) < MET):
            return False  # told again, it answers nothing but what it was told for
        if foreign:
            return True
        if not asks(asked.text):
            return True
        return (each.about >= ABOUT or not back) and (each.met >= MET or _nearly_met(asked.text, language, each))

    return [each for each in ranked if bears(each)]


def _nearly_met(question: str, language: str, each: Candidate) -> bool:
    """The same by other words that mean it, in English and where the local model is anyway."""
    if language not in ("", "en") or not is_local(chosen()):
        return False
    from gateway.answering import answerability

    return answerability.met(question, f"{each.hit.title}\n{each.hit.heading}\n{each.text}") >= MET


def is_answered(ranked: Sequence[Candidate], likely: float | None) -> bool:
    """Whether these sentences, best first, answer at all: enough is like the question, and, where that can be told,
    what they say is likely to be what it asks."""
    if not ranked:
        return False
    if likely is None:
        return evidence(ranked) >= ENOUGH
    return evidence(ranked) >= ENOUGH_IF_WEIGHED and likely >= LIKELY


def certainty(asked: Asked, hits: Sequence[Hit]) -> float:
    """What that goes by as one number, for measuring: above 1 what is answered, in English alone below 1 by how likely
    it is."""
    return max(_certainty(part, hits) for part in asked.parts())


def _certainty(asked: Asked, hits: Sequence[Hit]) -> float:
    ranked = considered(asked, hits)
    if not ranked:
        return 0.0
    likely = likelihood(asked, ranked)
    about = bearing(asked, ranked)
    told = evidence(ranked) / 4 if likely is None else likely
    return told + is_answered(about, likelihood(asked, about))


def likelihood(asked: Asked, ranked: Sequence[Candidate]) -> float | None:
    """How likely it is that the best of these sentences answer, 0..1; told of questions in English that stand alone."""
    if not ranked or not _can_be_weighed(asked, ranked):
        return None
    from gateway.answering import answerability  # loads the local model, as the first question has done

    return answerability.answerability(asked.text, [each.text for each in ranked], as_read(ranked[0].hit))


def as_read(hit: Hit) -> str:
    """A passage with what it stands under."""
    return "\n".join(part for part in (hit.title, hit.heading, hit.text) if part)


def _can_be_weighed(asked: Asked, ranked: Sequence[Candidate]) -> bool:
    """One question in English, alone, not the very one the passage answers, and where the local model is anyway."""
    alone = standalone(asked.text, asked.earlier) == asked.text and not ranked[0].introduced
    return alone and not SEVERAL.search(asked.text) and is_local(chosen()) and guess_language(asked.text) == "en"


def considered(asked: Asked, hits: Sequence[Hit]) -> list[Candidate]:
    """The sentences that may answer the question, best first."""
    question = standalone(asked.text, asked.earlier)
    words = _importance(asked.text, question)
    hits = _of_one_country(hits, question, asked.person.country)[:PASSAGES]
    if not words or not hits:
        return []
    outdated = {hit.passage_id for hit in hits if hit.superseded and not Edition.of(hit.title).is_named_in(question)}
    candidates = _candidates(words, asked.text, hits, outdated)
    shortlist = sorted(candidates, key=lambda each: each.words_score, reverse=True)[:SHORTLIST]
    return sorted(_with_meaning(question, shortlist), key=lambda each: each.score, reverse=True)


def _importance(own: str, question: str) -> dict[str, float]:
    """The question's words; those it only leans on, of the question before it, count for less."""
    return {word: EARLIER for word in content_words(question)} | {word: 1.0 for word in content_words(own)}


def evidence(ranked: Sequence[Candidate]) -> float:
    """How much speaks for the best of these sentences answering the question, as far as words and meaning can tell."""
    best = ranked[0]
    return 0.5 * best.own + best.context + 2 * best.meaning


def _of_one_country(hits: Sequence[Hit], question: str, own: str) -> list[Hit]:
    """Without what holds in another country, if there is something for the country in question."""
    country = folded(country_in_force(list(hits), question, own))
    about = [folded(country_of(hit)) for hit in hits]
    if not country or country not in about:
        return list(hits)
    return [hit for hit, where in zip(hits, about, strict=True) if where in ("", country)]


def _candidates(
    words: Mapping[str, float], question: str, hits: Sequence[Hit], outdated: Collection[UUID]
) -> Iterator[Candidate]:
    own_words, duration = weighed_words(question), durations.asked(question)
    passages = [frozenset(content_words(f"{hit.title} {hit.heading} {hit.text}")) for hit in hits]
    rarity = Rarity(words, passages)
    earlier = words.keys() - own_words.keys()
    for rank, (hit, passage) in enumerate(zip(hits, passages, strict=True)):
        above = frozenset(content_words(f"{hit.title} {hit.heading}"))
        introduction = frozenset[str]()
        for start, end in sentences(hit.text):
            text = " ".join(hit.text[start:end].split())
            stems = frozenset(content_words(text))
            if duration:
                stems = duration.told(text, stems)
            if _introduces(text, hit):
                introduction = stems
                continue
            alike = min(_share(own_words, introduction), _share(dict.fromkeys(introduction, 1.0), own_words))
            introduced = bool(introduction) and alike >= LIKE_THE_QUESTION
            if SHORTEST <= len(text) <= LONGEST and stems and not MAIL_HEADER.match(text):
                yield Candidate(
                    hit=hit,
                    rank=rank,
                    start=start,
                    text=text,
                    stems=stems,
                    asked=stems.intersection(own_words),
                    own=rarity.share(stems),
                    context=rarity.share(passage),
                    met=_share(own_words, stems | above | (introduction if introduced else frozenset())),
                    about=_share(dict.fromkeys(earlier, 1.0), passage),
                    introduced=introduced,
                    outdated=hit.passage_id in outdated,
                )
            introduction = frozenset()


def _share(words: Mapping[str, float], there: Collection[str]) -> float:
    """The part of these words, by weight, that are there, alone or in a compound, 0..1; 1 of none."""
    found = sum(weight for word, weight in words.items() if word in there or _in_compound(word, there))
    return found / sum(words.values()) if words else 1.0


def _in_compound(word: str, there: Collection[str]) -> bool:
    """ "Homeoffice" in "Homeofficetage", and the other way around."""
    return len(word) >= LONG and any(word in other or (len(other) >= LONG and other in word) for other in there)


def _introduces(text: str, hit: Hit) -> bool:
    """A heading, or a question: what follows it may be the answer, it is not."""
    heading = text.lstrip("# ")
    short = len(heading) <= 80 and heading[-1:] not in ".!:;" and " | " not in heading and ": " not in heading
    return (
        text.endswith("?")
        or folded(heading) in folded(f"{hit.title} {hit.heading}")
        or (short and not any(character.isdigit() for character in heading) and len(heading.split()) <= 6)
    )


def _with_meaning(question: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with the cosine of question and sentence; without it when the embedder is down."""
    try:
        vector = embed_query(question)
        vectors = embed_texts([each.text for each in candidates], hurried=True)
    except EmbeddingFailed:
        log.warning("The embedding model did not answer; sentences are picked by their words.", exc_info=True)
        return [replace(each, meaning=each.own) for each in candidates]
    return [
        replace(each, meaning=sum(map(mul, vector, other))) for each, other in zip(candidates, vectors, strict=True)
    ]


def _chosen(ranked: Sequence[Candidate], most: int, nearly: float) -> list[Candidate]:
    """The best, and others nearly as good that say something else; those of the best one's document first.

    One that has only some of the question's words the best has is about something near it: the next row. What an older
    version says is not put beside what the newer one does.
    """
    best = ranked[0]
    chosen = [best]
    others = sorted(
        ranked[1:], key=lambda each: (each.hit.document_id == best.hit.document_id, each.score), reverse=True
    )
    for each in others:
        if len(chosen) == most:
            break
        if (
            each.score >= (NEARLY if _tells_another_number(each, best) else nearly) * best.score
            and not each.asked < best.asked
            and (best.outdated or not each.outdated)
            and not any(_says_the_same(each, other) for other in chosen)
        ):
            chosen.append(each)
    return chosen


def _tells_another_number(one: Candidate, other: Candidate) -> bool:
    """Of what is asked, in another document: both are to be known."""
    numbers = [{stem for stem in each.stems if stem.isdigit()} for each in (one, other)]
    elsewhere = one.hit.document_id != other.hit.document_id
    return elsewhere and all(numbers) and numbers[0] != numbers[1] and one.asked == other.asked


def _says_the_same(one: Candidate, other: Candidate) -> bool:
    """Nearly the same words, and no other number: 16 weeks there and 26 weeks here are two things to know."""
    alike = len(one.stems & other.stems) >= SAME * len(one.stems | other.stems)
    return alike and not any(stem.isdigit() for stem in one.stems ^ other.stems)


def _in_reading_order(chosen: Sequence[Candidate]) -> list[Candidate]:
    """The best first; then documents by their best sentence, sentences as they stand in them."""
    best, *others = chosen
    documents = list(dict.fromkeys(each.hit.document_id for each in chosen))
    return [
        best,
        *sorted(others, key=lambda each: (documents.index(each.hit.document_id), each.hit.ordinal, each.start)),
    ]

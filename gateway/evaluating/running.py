"""One evaluation: load, ask every question of every system, judge."""

import sys
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from time import perf_counter

from django.db import connections

from connectors.embedding import model_name
from connectors.parsing.languages import guess_language
from gateway.evaluating.corpora import Corpus, evenly
from gateway.evaluating.loading import load, pages
from gateway.evaluating.metrics import quality
from gateway.evaluating.reporting import Evaluation, Person, Result
from gateway.evaluating.reports import Reports, paged
from gateway.evaluating.systems import Asked, System, gateway, keywords_alone, passages_alone, vectors_alone

SAMPLED = 200  # documents that say which language the corpus is in


def evaluate(given: Corpus | Reports, *, readable: float, with_history: bool, questions: int = 0) -> Evaluation:
    """`readable`: the share of the documents that a second person may read; none is asked if that is all of them.

    `questions`: how many are asked, evenly taken; 0: all. Raises CorpusUnreadable.
    """
    _say(f"Loading {len(given.texts):,} documents. The first time takes long: they are embedded.")
    loaded = load(given, readable=readable)
    by_page = isinstance(given, Reports)
    corpus = paged(given, pages(loaded)) if isinstance(given, Reports) else given
    corpus = replace(corpus, questions=evenly(corpus.questions, questions))
    readers = {"Reads everything": (loaded.everything, frozenset(text.id for text in given.texts))}
    if len(loaded.ids) < len(given.texts):
        readers[f"Reads {len(loaded.ids) / len(given.texts):.0%}"] = (loaded.part, loaded.ids)
    people = []
    for name, (reader, documents) in readers.items():
        texts = [text for text in corpus.texts if text.document in documents]
        language = _language(corpus)
        systems = {
            "bm25s": keywords_alone(texts, language),
            **({"bm25s, of passages": passages_alone(reader, loaded.source, language)} if by_page else {}),
            "vectors, exact": vectors_alone(reader, loaded.source, by_page=by_page),
            "Gatehouse, by words": gateway(reader, "text", loaded.source, by_page=by_page),
            "Gatehouse, by vectors": gateway(reader, "vector", loaded.source, by_page=by_page),
            "Gatehouse": gateway(reader, "hybrid", loaded.source, by_page=by_page),
        }
        people.append(_asked(name, corpus, {text.id for text in texts}, systems, with_history))
    connections.close_all()
    units = "pages" if by_page else "documents"
    return Evaluation(corpus.name, corpus.digest, units, len(corpus.texts), model_name(), with_history, people)


def _asked(name: str, corpus: Corpus, ids: Collection[str], systems: dict[str, System], with_history: bool) -> Person:
    """Questions of which this person may read no answer are left out."""
    judged = [
        (Asked.of(question.text, question.before if with_history else ""), gains)
        for question in corpus.questions
        if (gains := {id: gain for id, gain in question.gains.items() if id in ids}) and question.text
    ]
    if not judged:
        return Person(name, len(ids), 0, [])
    results = []
    for system, ranked in systems.items():
        _say(f"{name}: asking {len(judged):,} questions of {system}.")
        rankings, seconds = [], []
        for asked, gains in judged:
            began = perf_counter()
            rankings.append((ranked(asked), gains))
            seconds.append(perf_counter() - began)
        times = sorted(seconds)
        p50, p95 = (times[int((len(times) - 1) * share)] * 1000 for share in (0.5, 0.95))
        results.append(Result(system, quality(rankings), p50, p95))
    return Person(name, len(ids), len(judged), results)


def _language(corpus: Corpus) -> str:
    """Of most of the documents."""
    languages = Counter(guess_language(text.text) for text in corpus.texts[:SAMPLED])
    return languages.most_common(1)[0][0]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

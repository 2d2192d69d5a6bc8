"""One evaluation: load, ask every question of every system, judge."""

import sys
from collections import Counter
from collections.abc import Collection
from time import perf_counter

from django.db import connections

from connectors.embedding import embed_query, model_name
from connectors.parsing.languages import guess_language
from gateway.evaluating.corpora import Corpus
from gateway.evaluating.loading import load
from gateway.evaluating.metrics import quality
from gateway.evaluating.reporting import Evaluation, Person, Result
from gateway.evaluating.systems import System, gateway, keywords_alone, vectors_alone

SAMPLED = 200  # documents that say which language the corpus is in


def evaluate(corpus: Corpus, *, readable: float, with_history: bool) -> Evaluation:
    """`readable`: the share of the documents that a second person may read; none is asked if that is all of them."""
    _say(f"Loading {len(corpus.texts):,} documents. The first time takes long: they are embedded.")
    loaded = load(corpus, readable=readable)
    everything = frozenset(text.id for text in corpus.texts)
    readers = {"Reads everything": (loaded.everything, everything)}
    if loaded.ids != everything:
        readers[f"Reads {len(loaded.ids) / len(everything):.0%}"] = (loaded.part, loaded.ids)
    people = []
    for name, (reader, ids) in readers.items():
        systems = {
            "bm25s": keywords_alone([text for text in corpus.texts if text.id in ids], _language(corpus)),
            "vectors, exact": vectors_alone(reader, loaded.source),
            "Gatehouse, by words": gateway(reader, "text", loaded.source),
            "Gatehouse, by vectors": gateway(reader, "vector", loaded.source),
            "Gatehouse": gateway(reader, "hybrid", loaded.source),
        }
        people.append(_asked(name, corpus, ids, systems, with_history))
    connections.close_all()
    return Evaluation(corpus.name, corpus.digest, len(corpus.texts), model_name(), with_history, people)


def _asked(name: str, corpus: Corpus, ids: Collection[str], systems: dict[str, System], with_history: bool) -> Person:
    """Questions of which this person may read no answer are left out."""
    judged = [
        (text, embed_query(text), gains)
        for question in corpus.questions
        if (gains := {id: gain for id, gain in question.gains.items() if id in ids})
        and (text := question.asked(with_history=with_history))
    ]
    if not judged:
        return Person(name, len(ids), 0, [])
    results = []
    for system, ranked in systems.items():
        _say(f"{name}: asking {len(judged):,} questions of {system}.")
        rankings, seconds = [], []
        for question, vector, gains in judged:
            began = perf_counter()
            rankings.append((ranked(question, vector), gains))
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

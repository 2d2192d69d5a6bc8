"""`python -m benchmarks.answerability FOLDER`: can it be told whether a passage answers a question?

Asks every question of a corpus in the BEIR form whose `metadata` says whether it can be answered (SQuAD 2.0's own
questions do), in an installation of its own, and weighs the signs of `gateway/answering/answerability.py` by a logistic
regression. What it tells of a question is said by weights that were found without the questions of its article: five
folds, by `metadata.article`. `--keep` writes the weights found from all of them.

Beside it stands another test: the questions that can be answered once more, as somebody who may not read the documents
that answer them.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.evaluating.__main__ import of_its_own

FOLDS = 5
SHRINKING = 30.0  # of the weights, all signs at unit variance: penalty of 1/2 * SHRINKING * w² beside the likelihood
STEPS = 50
RATES = (0.5, 0.67, 0.8)
FLOORS = (1.0, 1.2, 1.4, 1.55)
BOUNDS = (0.0, 0.25, 0.3, 0.35, 0.4)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """Signs of every question (float[questions, signs]), whether it is answerable, and a number for its article;
    `before` is what the extractive answerer goes by for what is not English. `hidden`: asked without its documents."""

    signs: Floats
    answerable: Floats
    articles: NDArray[np.int64]
    before: Floats
    hidden: NDArray[np.bool_]

    def where(self, chosen: NDArray[np.bool_]) -> "Seen":
        return replace(
            self,
            signs=self.signs[chosen],
            answerable=self.answerable[chosen],
            articles=self.articles[chosen],
            before=self.before[chosen],
            hidden=self.hidden[chosen],
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answerability", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--data", type=Path, default=Path("var/evaluation"), help="the installation that is made for it"
    )
    parser.add_argument("--questions", type=int, default=0, help="so many of them, evenly taken; 0: all")
    parser.add_argument("--keep", action="store_true", help="write the weights")
    wanted = parser.parse_args()
    of_its_own(wanted.data.resolve())
    seen = _seen(wanted.folder, wanted.questions)

    from gateway.answering.answerability import SIGNS, WEIGHTS
    from gateway.evaluating.judging import auroc, refused_at

    told = _by_others(seen)
    yes = (seen.answerable == 1) & ~seen.hidden
    for others, no in (("on the topic", seen.answerable == 0), ("its documents hidden", seen.hidden)):
        for name, values in (("words and meaning", seen.before), ("all signs", told)):
            at = [f"{refused_at(list(values[yes]), list(values[no]), rate):.1%} at {rate:.0%}" for rate in RATES]
            area = auroc(list(values[yes]), list(values[no]))
            print(f"{others:22} {name:18} AUROC {area:.3f}; answerable refused, others: {', '.join(at)}")
    print(f"{np.sum(~seen.hidden):,} questions; kept of the answerable, on the topic, hidden:")
    for enough in FLOORS:
        for likely in BOUNDS:
            kept = (seen.before >= enough) & (told >= likely)
            shares = (kept[yes].mean(), kept[seen.answerable == 0].mean(), kept[seen.hidden].mean())
            print(f"  at {enough:.2f} and {likely:.2f}: " + ", ".join(f"{share:.1%}" for share in shares))
    plain = seen.where(~seen.hidden)
    weights = _weights(plain.signs, plain.answerable)
    for place in np.argsort(-np.abs(weights[1:] * plain.signs.std(axis=0))):
        print(f"  {weights[1 + place] * plain.signs[:, place].std():+.3f}  {SIGNS[place]}")
    if wanted.keep:
        by_name = {sign: round(float(weight), 4) for sign, weight in zip(SIGNS, weights[1:], strict=True)}
        found = {"constant": round(float(weights[0]), 4), "weights": by_name}
        WEIGHTS.parent.mkdir(exist_ok=True)
        WEIGHTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _seen(folder: Path, count: int) -> Seen:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from gateway import embedded
    from gateway.evaluating.corpora import evenly, every_question, read
    from gateway.evaluating.loading import load

    with embedded.services(settings.DATA_DIR, valkey=False):
        call_command("migrate", interactive=False, verbosity=0)
        loaded = load(read(folder), readable=1.0)
        asked = [each for each in every_question(folder) if isinstance(each[1].get("answerable"), bool)]
        found = []
        for number, (question, metadata) in enumerate(evenly(asked, count), start=1):
            article = str(metadata.get("article", question.id))
            for hidden in (False, True) if metadata["answerable"] else (False,):
                documents = frozenset(question.gains) if hidden else frozenset()
                signs = _signs_of(loaded.everything, loaded.source.key, question.text, documents)
                if signs is not None:
                    found.append((*signs, metadata["answerable"] and not hidden, article, hidden))
            if number % 500 == 0:
                print(f"{number:,} questions", file=sys.stderr, flush=True)
    signs, before, answerable, articles, hidden = zip(*found, strict=True)
    numbers = {article: number for number, article in enumerate(sorted(set(articles)))}
    return Seen(
        signs=np.array(signs, dtype=np.float64),
        answerable=np.array([-1.0 if away else float(each) for each, away in zip(answerable, hidden, strict=True)]),
        articles=np.array([numbers[article] for article in articles]),
        before=np.array(before, dtype=np.float64),
        hidden=np.array(hidden),
    )


def _signs_of(reader: object, source: str, text: str, without: frozenset[str]) -> tuple[list[float], float] | None:
    """The signs, and the older measure; None where no sentence may answer at all."""
    from accounts.reader import Reader
    from connectors.corpus.search import Filters
    from gateway import retrieval
    from gateway.answering import answerability, extractive
    from gateway.answering.streaming import PASSAGES
    from gateway.evaluating.answering import as_asked

    assert isinstance(reader, Reader)
    hits = retrieval.retrieve(reader, text, limit=PASSAGES, filters=Filters(sources=(source,)))
    readable = [hit for hit in hits if hit.external_id not in without]
    ranked = extractive.considered(as_asked(reader, text), readable)
    if not ranked:
        return None
    compared = answerability.compared(text, [each.text for each in ranked], extractive.as_read(ranked[0].hit))
    return answerability.signs(text, *compared), extractive.evidence(ranked)


def _by_others(seen: Seen) -> Floats:
    """The probability of each question by weights found without its fold's articles."""
    told = np.zeros(len(seen.answerable))
    for fold in range(FOLDS):
        within = seen.articles % FOLDS == fold
        learnt = seen.where(~within & ~seen.hidden)
        weights = _weights(learnt.signs, learnt.answerable)
        told[within] = 1 / (1 + np.exp(-(weights[0] + seen.signs[within] @ weights[1:])))
    return told


def _weights(signs: Floats, answerable: Floats) -> Floats:
    """Constant and weights of a logistic regression with a ridge penalty, by Newton's method (iteratively reweighted
    least squares: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 4.4.1)."""
    mean, spread = signs.mean(axis=0), np.maximum(signs.std(axis=0), 1e-9)
    design = np.column_stack([np.ones(len(signs)), (signs - mean) / spread])
    penalty = np.full(design.shape[1], SHRINKING)
    penalty[0] = 0
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        told = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (answerable - told) - penalty * weights
        curve = (design * (told * (1 - told))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    scaled = weights[1:] / spread
    return np.concatenate([[weights[0] - scaled @ mean], scaled])


if __name__ == "__main__":
    main()

"""Injections planted, asked about and looked for, one handful after the other."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.security.injections.browsing import Windows
from tests.security.injections.doors import Shown, Walk
from tests.security.injections.judging import breaches
from tests.security.injections.own import Injection
from tests.security.injections.places import PLACES, titled
from tests.security.injections.staging import Stage

HARMLESS = "The bench by the wall is painted green."
TOGETHER = 2  # injections in a place, where there are few trials for many
Trial = Mapping[str, Sequence[Injection]]  # by the place where they are planted


@dataclass
class Tally:
    """What was done, and what came of it. `reached`: of the texts in each place, how many a model was given."""

    injections: set[str] = field(default_factory=set)
    planted: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    looked_at: Counter[str] = field(default_factory=Counter)
    sentences: int = 0
    breached: set[str] = field(default_factory=set)
    breaches: list[str] = field(default_factory=list)


def handfuls(injections: Sequence[Injection]) -> Iterator[Trial]:
    """Each injection once, each place with others."""
    size = TOGETHER * len(PLACES)
    for start in range(0, len(injections), size):
        chosen = injections[start : start + size]
        yield {place: chosen[at :: len(PLACES)] for at, place in enumerate(PLACES)}


def everywhere(injections: Iterable[Injection]) -> Iterator[Trial]:
    """Each injection in every place at once."""
    for injection in injections:
        yield dict.fromkeys(PLACES, (injection,))


def run(stage: Stage, trials: Iterable[Trial], windows: Windows | None) -> Iterator[Tally]:
    """How it stands after each trial."""
    tally = Tally()
    for trial in trials:
        shown = _walked(stage, trial, windows)
        _count(tally, trial, shown)
        names = {injection.name for injection in _all(trial)}
        found = [breach for each in shown for breach in breaches(each)] + (windows.breaches() if windows else [])
        tally.breaches += [f"{', '.join(sorted(names))}: {breach}" for breach in found]
        tally.breached |= names if found else set()
        yield tally


def _walked(stage: Stage, trial: Trial, windows: Windows | None) -> list[Shown]:
    stage.plant({place: "\n\n".join(each.text for each in texts) or HARMLESS for place, texts in trial.items()})
    last = _all(trial)[-1].text
    stage.report(last)
    walk = Walk(stage, title=last)
    shown = list(walk.everything())
    if windows:
        windows.ask()
        windows.walk(walk)
        windows.render(shown)
    return shown


def _count(tally: Tally, trial: Trial, shown: Sequence[Shown]) -> None:
    prompts = [each.content for each in shown if each.kind == "prompt"]
    given = [document for prompt in prompts for document in prompt.split("<document>")]
    for place, injections in trial.items():
        theirs = " ".join(document for document in given if document.startswith(f"\n{titled(place)}"))
        tally.planted[place] += len(injections)
        tally.reached[place] += sum(any(word in theirs for word in _signs(each.text)) for each in injections)
    tally.injections |= {injection.name for injection in _all(trial)}
    tally.looked_at.update(each.kind for each in shown)
    tally.sentences += sum(len(each.content.get("sentences", ())) for each in shown if each.kind == "json")


def _all(trial: Trial) -> list[Injection]:
    return [injection for injections in trial.values() for injection in injections]


def _signs(text: str) -> list[str]:
    """Longest words: what is left of a text whatever became of its marks and blanks."""
    return sorted(text.split(), key=len, reverse=True)[:3]

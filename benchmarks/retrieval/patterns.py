"""Who may read what: which groups each document is shared with, and readers who may read a wanted share of it.

A pattern is made by a function of `sharing.py`; here it becomes scopes (documents shared with the same groups), and
readers are looked for in each stratum. Nothing but numpy here: the engines outside read the same files.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval import sharing
from benchmarks.retrieval.corpus import SEED, Corpus, Floats, Ints, passages_of
from benchmarks.retrieval.sharing import Groups, Shared

Mask: TypeAlias = NDArray[np.bool_]

STRATA = ("0.01", "0.1", "1", "5", "10", "30", "50", "100")  # percent readable
READERS = 4  # of a stratum
TRIES = 60  # at putting a reader together from people
NEAR = 1.6  # a reader belongs to a stratum within this factor of it
NEAR_ABOVE = {30.0: 1.2, 50.0: 1.15, 100.0: 1.001}  # closer where the factor would reach the next one


@dataclass(frozen=True)
class Pattern:
    """`scope_of` int32[documents]; `groups_of[scope]` are those that may read the scope, `parents[scope]` the scope
    above it or -1. `readers[stratum]` are the groups that each of them is in, however nested, laid flat.
    """

    name: str
    scope_of: Ints
    groups_of: Sequence[Groups]
    parents: Sequence[int]
    readers: dict[str, list[Groups]]
    asked: dict[str, tuple[Ints, Floats]]  # stratum → the reader of each question, and its vector

    @cached_property
    def scopes_of_groups(self) -> dict[int, Ints]:
        found: dict[int, list[int]] = {}
        for scope, groups in enumerate(self.groups_of):
            for group in groups:
                found.setdefault(group, []).append(scope)
        return {group: np.array(scopes, np.int32) for group, scopes in found.items()}

    @property
    def groups(self) -> list[int]:
        return sorted(self.scopes_of_groups)

    def scopes(self, groups: Groups) -> Mask:
        """Which scopes somebody in these groups may read."""
        mask = np.zeros(len(self.groups_of), np.bool_)
        for group in groups:
            if group in self.scopes_of_groups:
                mask[self.scopes_of_groups[group]] = True
        return mask

    def documents(self, groups: Groups) -> Mask:
        return self.scopes(groups)[self.scope_of]

    def passages(self, groups: Groups) -> NDArray[np.int64]:
        """The numbers of the passages that somebody in these groups may read, in order."""
        return passages_of(self.documents(groups))


def pattern_of(corpus: Corpus, name: str) -> Pattern:
    """Made on first use, then read from its files."""
    place = corpus.place / "patterns" / name
    if not (place / "pattern.json").exists():
        _write(_made(corpus, name), place)
    return _read(name, place)


# --- readers --------------------------------------------------------------------------------------------------------


def _made(corpus: Corpus, name: str) -> Pattern:
    # A seed of its own for each, so that a further pattern changes no other.
    random = np.random.default_rng([SEED, *name.encode()])
    shared = sharing.WAYS[name](random, corpus)
    scope_of, groups_of, parents = _scopes(shared)
    pattern = Pattern(name, scope_of, groups_of, parents, {}, {})
    people = list(dict.fromkeys(shared.people))
    shares = np.array([_share(pattern, groups) for groups in people])
    for stratum in shared.strata or STRATA:
        readers = shared.strata.get(stratum) or _readers_of(random, pattern, people, shares, float(stratum))
        if readers:
            pattern.readers[stratum] = readers
            pattern.asked[stratum] = _questions(random, corpus, pattern, shared, stratum)
    return pattern


def _scopes(shared: Shared) -> tuple[Ints, list[Groups], list[int]]:
    """Equal sets of groups are one scope. Where there are folders, each is a scope, also an empty one."""
    known: dict[Groups, int] = {groups: scope for scope, groups in enumerate(shared.folders)}
    scope_of = np.array([known.setdefault(groups, len(known)) for groups in shared.groups_of], np.int32)
    parents = shared.parents or [-1] * len(known)
    return scope_of, list(known), parents


def _share(pattern: Pattern, groups: Groups) -> float:
    """Percent of the documents."""
    return float(pattern.documents(groups).mean() * 100)


def _bounds(target: float) -> tuple[float, float]:
    factor = NEAR_ABOVE.get(target, NEAR)
    return target / factor, target * factor


def _readers_of(
    random: np.random.Generator, pattern: Pattern, people: list[Groups], shares: NDArray[np.float64], target: float
) -> list[Groups]:
    """People of about this share, the nearest first; if they are too few, some with the rights of several people."""
    low, high = _bounds(target)
    fitting = np.flatnonzero((shares >= low) & (shares <= high))
    nearest = fitting[np.argsort(np.abs(shares[fitting] - target), kind="stable")]
    found = [people[index] for index in nearest[:READERS]]
    if target == 100:
        return found or [tuple(pattern.groups)]
    for _ in range(TRIES):
        if len(found) == READERS:
            break
        if (together := _put_together(random, pattern, people, shares, (low, high))) and together not in found:
            found.append(together)
    return found


def _put_together(
    random: np.random.Generator,
    pattern: Pattern,
    people: list[Groups],
    shares: NDArray[np.float64],
    bounds: tuple[float, float],
) -> Groups | None:
    """The groups of several people, sooner of who reads much; whoever would bring too much is left out."""
    groups: Groups = ()
    order = np.argsort(random.exponential(size=len(people)) / np.maximum(shares, 1e-9))
    for index in order[:200]:
        more = tuple(sorted({*groups, *people[index]}))
        share = _share(pattern, more)
        if share <= bounds[1]:
            groups = more
            if share >= bounds[0]:
                return groups
    return None


def _questions(
    random: np.random.Generator, corpus: Corpus, pattern: Pattern, shared: Shared, stratum: str
) -> tuple[Ints, Floats]:
    """The readers take turns."""
    readers = pattern.readers[stratum]
    reader_of = (np.arange(len(corpus.queries)) % len(readers)).astype(np.int32)
    if shared.questions is None:
        return reader_of, corpus.queries
    known = [pattern.documents(groups) for groups in readers]
    return reader_of, shared.questions(random, [readers[n] for n in reader_of], [known[n] for n in reader_of])


# --- files ----------------------------------------------------------------------------------------------------------


def _write(pattern: Pattern, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[np.generic]] = {"scope_of": pattern.scope_of}
    arrays["parents"] = np.array(pattern.parents, np.int32)
    arrays["ends"] = np.cumsum([len(groups) for groups in pattern.groups_of])
    arrays["groups"] = np.array([group for groups in pattern.groups_of for group in groups], np.int32)
    for stratum, (reader_of, vectors) in pattern.asked.items():
        arrays |= {f"reader_of {stratum}": reader_of, f"vectors {stratum}": vectors}
    np.savez(place / "pattern.npz", **arrays)  # type: ignore[arg-type]  # any name may be an array's
    (place / "pattern.json").write_text(json.dumps({"readers": pattern.readers}))


def _read(name: str, place: Path) -> Pattern:
    readers = json.loads((place / "pattern.json").read_text())["readers"]
    with np.load(place / "pattern.npz") as arrays:
        ends, flat = arrays["ends"].tolist(), arrays["groups"].tolist()
        groups_of = [tuple(flat[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
        asked = {stratum: (arrays[f"reader_of {stratum}"], arrays[f"vectors {stratum}"]) for stratum in readers}
        scope_of, parents = arrays["scope_of"], arrays["parents"].tolist()
    own = {stratum: [tuple(groups) for groups in found] for stratum, found in readers.items()}
    return Pattern(name, scope_of, groups_of, parents, own, asked)

"""Seven ways in which organisations share, each a function from a corpus to the groups of every document.

The first four follow what HoneyBee (arXiv 2505.01538) and SQUID (PVLDB 20(1)) describe of their generators, so that
figures can be set beside theirs; nested roles are laid flat, as the engines beside us want them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.corpus import A_DOCUMENT, Corpus, Floats, passages_of, questions_about, somewhere

Groups: TypeAlias = tuple[int, ...]
Random: TypeAlias = np.random.Generator
Questions: TypeAlias = Callable[[Random, Sequence[Groups], Sequence[NDArray[np.bool_]]], Floats]

PEOPLE = 1_000
TURNS = 4  # readers take turns in asking; after so many questions what they ask about changes


@dataclass(frozen=True)
class Shared:
    """`groups_of[document]`, and the groups each person is in. `strata`: readers, where the way itself names them.

    `folders` and `parents`: the groups of each folder and the folder above it, where documents lie in folders.
    `questions`: vectors for these readers, each with a mask of their documents; else those of the corpus are asked.
    """

    groups_of: list[Groups]
    people: list[Groups]
    strata: dict[str, list[Groups]] = field(default_factory=dict)
    folders: list[Groups] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    questions: Questions | None = None


# --- roles ----------------------------------------------------------------------------------------------------------


def tree(random: Random, corpus: Corpus, roles: int = 100) -> Shared:
    """Roles in a tree of three to four children each. Every document is one role's; a role reads what is its own and
    what is of the roles above it. People have one role each.
    """
    parents = [-1]
    for role in range(roles):
        parents += [role] * int(random.integers(3, 5))
    paths: list[Groups] = [(0,)]
    for role in range(1, roles):
        paths.append((*paths[parents[role]], role))
    owner = random.permutation(corpus.documents) % roles
    return Shared([(int(role),) for role in owner], [paths[n % roles] for n in range(PEOPLE)])


def random_roles(random: Random, corpus: Corpus, roles: int = 100, most: float = 0.09) -> Shared:
    """Every role reads documents drawn for it alone, 4.5 to 9 % of all; people have one to three roles."""
    drawn = [round(random.uniform(most / 2, most) * corpus.documents) for _ in range(roles)]
    people = [_some(random, roles, int(random.integers(1, 4))) for _ in range(PEOPLE)]
    return Shared(_given(random, corpus.documents, drawn), people)


def role_hierarchy(random: Random, corpus: Corpus, functional: int = 40, business: int = 100) -> Shared:
    """Functional roles hold documents, up to 1/26 of them; business roles up to three of those; people up to three of
    these (ERBAC).
    """
    drawn = [int(random.integers(1, max(corpus.documents // 26, 2))) for _ in range(functional)]
    jobs = [_some(random, functional, int(random.integers(1, 4))) for _ in range(business)]
    held = [_some(random, business, int(random.integers(1, 4))) for _ in range(PEOPLE)]
    people = [tuple(sorted({role for job in own for role in jobs[job]})) for own in held]
    return Shared(_given(random, corpus.documents, drawn), people)


def _some(random: Random, count: int, wanted: int) -> Groups:
    return tuple(sorted(int(n) for n in random.choice(count, size=wanted, replace=False)))


def _given(random: Random, documents: int, drawn: list[int]) -> list[Groups]:
    """So many documents at random to each role; one that nobody got goes to any role."""
    groups_of: list[list[int]] = [[] for _ in range(documents)]
    for role, count in enumerate(drawn):
        for document in random.choice(documents, size=max(count, 1), replace=False):
            groups_of[document].append(role)
    return [tuple(groups) or (int(random.integers(len(drawn))),) for groups in groups_of]


# --- tenants --------------------------------------------------------------------------------------------------------


def zipf_tenants(random: Random, corpus: Corpus, tenants: int = 1_000) -> Shared:
    """Each document is one tenant's, tenants of weight 1 / rank^1.5; one in twenty is shared with one or two more."""
    weights = _falling(tenants, 1.5)
    owner = random.choice(tenants, size=corpus.documents, p=weights)
    groups_of: list[Groups] = [(int(tenant),) for tenant in owner]
    for document in np.flatnonzero(random.random(corpus.documents) < 0.05):
        others = random.choice(tenants, size=int(random.integers(1, 3)), p=weights)
        groups_of[document] = tuple(sorted({int(owner[document]), *map(int, others)}))
    return Shared(groups_of, [(tenant,) for tenant in range(tenants)])


def content_correlated(random: Random, corpus: Corpus, tenants: int = 400) -> Shared:
    """Tenants of weight 1 / rank^1.4, each about topics of its own; eight documents in a hundred are anybody's.

    Half of the questions are about what the reader has, the others about anything.
    """
    ends = np.cumsum(_falling(tenants, 1.4))
    order = np.lexsort((random.random(corpus.documents), random.permutation(corpus.topics)[corpus.clusters]))
    owner = np.empty(corpus.documents, np.int64)
    owner[order] = np.searchsorted(ends, (np.arange(corpus.documents) + 0.5) / corpus.documents * ends[-1])
    anybodys = random.random(corpus.documents) < 0.08
    owner[anybodys] = random.choice(tenants, size=int(anybodys.sum()))

    def questions(random: Random, readers: Sequence[Groups], known: Sequence[NDArray[np.bool_]]) -> Floats:
        topics = random.integers(corpus.topics, size=len(readers))
        for number, mask in enumerate(known):
            if number // TURNS % 2 == 0:
                topics[number] = corpus.clusters[random.choice(np.flatnonzero(mask))]
        return questions_about(topics, somewhere(random, len(readers)))

    return Shared([(int(tenant),) for tenant in owner], [(tenant,) for tenant in range(tenants)], questions=questions)


def _falling(count: int, exponent: float) -> NDArray[np.float64]:
    weights = 1 / np.arange(1, count + 1) ** exponent
    shares: NDArray[np.float64] = weights / weights.sum()
    return shares


# --- folders --------------------------------------------------------------------------------------------------------


def nested_directory(random: Random, corpus: Corpus, deepest: int = 10) -> Shared:
    """A folder lies in any folder made before it, and has a group that reads all below it. Documents lie unevenly."""
    count = max(corpus.documents // 20, 20)
    parents: list[int] = [-1]
    paths: list[Groups] = [(0,)]
    for folder in range(1, count):
        parent = int(random.integers(folder))
        while len(paths[parent]) >= deepest:
            parent = parents[parent]
        parents.append(parent)
        paths.append((*paths[parent], folder))
    place = random.choice(count, size=corpus.documents, p=random.permutation(_falling(count, 0.7)))
    people: list[Groups] = [(folder,) for folder in range(count)]
    return Shared([paths[folder] for folder in place], people, folders=paths, parents=parents)


# --- the nearest are hidden -------------------------------------------------------------------------------------------

HIDDEN = (0.5, 2.0, 10.0, 30.0)  # percent of the documents
SUBJECTS = 3
ASTRAY = 0.25  # of the spread of a cluster, how far questions are from their subject


def hidden_neighbourhood(random: Random, corpus: Corpus) -> Shared:
    """Every reader asks about one subject, and just the documents nearest to it are those they may not read."""
    topics = random.integers(corpus.topics, size=SUBJECTS)
    places = somewhere(random, SUBJECTS)
    ranks = [_nearness(corpus, vector) for vector in questions_about(topics, places)]
    bounds = [round(corpus.documents * percent / 100) for percent in HIDDEN]
    nobody = SUBJECTS * len(HIDDEN)
    groups_of = [
        tuple(
            subject * len(HIDDEN) + level
            for subject in range(SUBJECTS)
            for level, bound in enumerate(bounds)
            if ranks[subject][document] >= bound
        )
        or (nobody,)
        for document in range(corpus.documents)
    ]

    def questions(random: Random, readers: Sequence[Groups], known: Sequence[NDArray[np.bool_]]) -> Floats:
        subjects = np.array([groups[0] // len(HIDDEN) for groups in readers])
        astray = somewhere(random, len(readers)) * np.float32(ASTRAY)
        return questions_about(topics[subjects], places[subjects] + astray)

    strata: dict[str, list[Groups]] = {
        f"{100 - percent:g}": [(subject * len(HIDDEN) + level,) for subject in range(SUBJECTS)]
        for level, percent in enumerate(HIDDEN)
    }
    return Shared(groups_of, [], strata=strata, questions=questions)


def _nearness(corpus: Corpus, vector: Floats) -> NDArray[np.int64]:
    """The rank of each document by its passage nearest to the vector; 0 is the nearest."""
    best = np.empty(corpus.documents, np.float32)
    for start in range(0, corpus.documents, 5_000):
        some = passages_of(np.arange(start, min(start + 5_000, corpus.documents), dtype=np.int32))
        likeness = corpus.vectors[some[0] : some[-1] + 1].astype(np.float32) @ vector
        best[start : start + 5_000] = likeness.reshape(-1, A_DOCUMENT).max(axis=1)
    ranks = np.empty(corpus.documents, np.int64)
    ranks[np.argsort(-best, kind="stable")] = np.arange(corpus.documents)
    return ranks


WAYS: dict[str, Callable[[Random, Corpus], Shared]] = {
    "tree": tree,
    "random": random_roles,
    "hierarchy": role_hierarchy,
    "tenants": zipf_tenants,
    "directory": nested_directory,
    "content": content_correlated,
    "hidden": hidden_neighbourhood,
}

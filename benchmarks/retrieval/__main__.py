"""`python -m benchmarks.retrieval WHAT --size N`: see `--help` of each.

cell      one cell: --pattern, --stratum and --system
run       every cell that has no file yet; --systems, --patterns and --strata narrow it
changes   what a system needs to be built, to share anew and to take away
clients   the gateway with 1, 2, 8 and 32 clients at once
words     the gateway by words, by meaning and by both
http      the gateway's search over HTTP, 20 requests a second
merge     the tables of docs/benchmarks.md and benchmarks/results/retrieval.json from all files there are
"""

import argparse
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial

from benchmarks.retrieval import changing, merging
from benchmarks.retrieval.cells import Cell, Found, in_words, is_measured, measured, recorded
from benchmarks.retrieval.corpus import Corpus, corpus_of
from benchmarks.retrieval.patterns import STRATA, pattern_of
from benchmarks.retrieval.peers import OUTSIDE, SYSTEMS, LeftOut, World, system
from benchmarks.retrieval.peers.outside import MOST as MOST_OUTSIDE
from benchmarks.retrieval.serving import Server, server
from benchmarks.retrieval.sharing import HIDDEN, WAYS

FLOOR_BESIDE = "gatehouse"  # the system that numpy is asked in turn with
BESIDE = ("clients", "words", "http")  # of the gateway alone
CHANGES = "changes"  # stands where a stratum would
# pgvector's ways share one table; whoever changes its rows makes the next one build it anew, so it comes last.
CHANGING = ("gatehouse", "row-security", "role-partitions", *OUTSIDE, "pgvector-where")


def main() -> None:
    wanted = _arguments()
    if wanted.what == "merge":
        merging.merge()
        return
    corpus = corpus_of(wanted.size)
    with server(corpus) as running:
        if wanted.what in BESIDE:
            _beside(wanted.what, corpus, running, anew=wanted.anew)
            return
        for name in wanted.systems:
            for pattern in wanted.patterns:
                _of_pattern(corpus, running, pattern, name, wanted)


def _of_pattern(corpus: Corpus, running: Server, name: str, system_name: str, wanted: argparse.Namespace) -> None:
    """All strata that are wanted and missing, with the system loaded once."""
    pattern = pattern_of(corpus, name)
    if wanted.what == "changes":
        cells = [Cell(corpus.size, name, CHANGES, system_name)]
    else:
        strata = [stratum for stratum in wanted.strata if stratum in pattern.readers]
        cells = [Cell(corpus.size, name, stratum, system_name) for stratum in strata]
    missing = [cell for cell in cells if wanted.anew or not is_measured(cell)]
    if missing:
        for cell, measure in _measures(missing, World(corpus, pattern, running)):
            print(f"{cell}: ", end="", flush=True)
            print(in_words(recorded(cell, measure)), flush=True)


def _measures(cells: Sequence[Cell], world: World) -> Iterator[tuple[Cell, Callable[[], Found]]]:
    with ExitStack() as stack:
        try:
            peer = stack.enter_context(closing(system(cells[0].system, world)))
            peer.load()
        except LeftOut as reason:
            yield from ((cell, partial(_raise, reason)) for cell in cells)
            return
        for cell in cells:
            if cell.stratum == CHANGES:
                yield cell, partial(changing.changed, peer, world.corpus, world.pattern)
            else:
                yield (
                    cell,
                    partial(
                        measured, peer, world.corpus, world.pattern, cell.stratum, floor=cell.system == FLOOR_BESIDE
                    ),
                )


def _raise(reason: LeftOut) -> Found:
    raise reason


def _beside(what: str, corpus: Corpus, running: Server, *, anew: bool) -> None:
    """Of the gateway alone."""
    from benchmarks.retrieval import crowding, requesting, wording

    measure, pattern = {
        "clients": (crowding.crowded, crowding.PATTERN),
        "words": (wording.worded, wording.PATTERN),
        "http": (requesting.requested, requesting.PATTERN),
    }[what]
    cell = Cell(corpus.size, pattern, what, "gatehouse")
    if is_measured(cell) and not anew:
        return
    world = World(corpus, pattern_of(corpus, pattern), running)
    print(f"{cell}: ", end="", flush=True)
    print(in_words(recorded(cell, partial(measure, world))))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.retrieval",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["cell", "run", "changes", *BESIDE, "merge"])
    parser.add_argument("--size", type=int, default=100_000, help="passages; 100,000 unless told")
    parser.add_argument("--systems", "--system", type=_of(SYSTEMS), help=", ".join(SYSTEMS))
    parser.add_argument("--patterns", "--pattern", type=_of(WAYS), help=", ".join(WAYS))
    parser.add_argument("--strata", "--stratum", type=_of(_strata()), help=f"percent readable: {', '.join(_strata())}")
    parser.add_argument("--anew", action="store_true", help="also what has been measured")
    wanted = parser.parse_args()
    known = CHANGING if wanted.what == "changes" else SYSTEMS
    wanted.systems = wanted.systems or [name for name in known if name not in OUTSIDE or wanted.size <= MOST_OUTSIDE]
    wanted.patterns = wanted.patterns or ([changing.PATTERN] if wanted.what == "changes" else list(WAYS))
    if wanted.what == "cell" and [len(wanted.systems), len(wanted.patterns), len(wanted.strata or [])] != [1, 1, 1]:
        parser.error("a cell is named by --system, --pattern and --stratum")
    wanted.strata = wanted.strata or _strata()
    wanted.anew = wanted.anew or wanted.what == "cell"
    return wanted


def _strata() -> list[str]:
    return [*STRATA, *(f"{100 - percent:g}" for percent in HIDDEN)]


def _of(known: Collection[str]) -> Callable[[str], list[str]]:
    def chosen(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is none of {', '.join(known)}")
        return names

    return chosen


if __name__ == "__main__":
    main()

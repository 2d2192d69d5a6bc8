"""The bars of permitted search, each computed from the cells that it is about."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from benchmarks.retrieval.cells import Found

OURS = "gatehouse"
HIDDEN = "hidden"
SERVED = 100_000  # passages up to which the bar of search over HTTP holds
A_SCOPE = 0.003  # milliseconds that a readable scope may add to the exact arm


@dataclass(frozen=True)
class Bar:
    """`value` is the worst of the cells that count; `better` is which way it should go."""

    what: str
    bar: float
    better: str  # "<=" or ">="
    unit: str
    value: float
    cells: int
    worst: str

    @property
    def met(self) -> bool:
        return self.value <= self.bar if self.better == "<=" else self.value >= self.bar


def bars(cells: Sequence[Found]) -> list[Bar]:
    """Of the largest corpus there are figures of; a bar without any cell is left out."""
    served = [cell for cell in cells if "requests" in cell and cell["size"] <= SERVED]
    cells = [cell for cell in cells if "recall" in cell]
    ours = [cell for cell in cells if cell["system"] == OURS]
    exact = [cell for cell in ours if _arm(cell) == "exact" and cell["numpy"].get("half")]
    near = [cell for cell in ours if _arm(cell) == "approximate"]
    open_ = [cell for cell in ours if cell["pattern"] != HIDDEN]
    hidden = [cell for cell in ours if cell["pattern"] == HIDDEN]
    few = [cell for cell in open_ if cell["share"] <= 1.6]
    many = [cell for cell in open_ if cell["share"] >= 42]
    wanted = [
        _worst("permitted recall@10, mean of a cell", 0.95, ">=", "", ours, lambda c: c["recall"]),
        _worst("fill, fewest of a question", 1, ">=", "", ours, lambda c: c["fewest"]),
        _worst("exact arm less 3 µs a scope, p50 to numpy's", 1.5, "<=", "times", exact, _to_numpy),
        _worst("the same, 10,000 permitted passages or more", 1.5, "<=", "times", filter(_is_much, exact), _to_numpy),
        _worst("approximate arm, p50 to the unfiltered graph's", 1.5, "<=", "times", near, _to_unfiltered),
        _worst("nearest hidden, p50 to numpy's full scan", 1.3, "<=", "times", hidden, _to_numpy),
        _worst("p50", 30, "<=", "ms", open_, lambda c: c["p50"]),
        _worst("p95", 60, "<=", "ms", open_, lambda c: c["p95"]),
        _worst("nearest hidden, p95", 600, "<=", "ms", hidden, lambda c: c["p95"]),
        _worst("half or more readable, p50 to the unfiltered graph's", 1.3, "<=", "times", many, _to_unfiltered),
    ]
    wanted += [
        _worst(
            f"1 % or less readable, p50 of {peer} to ours", 10, ">=", "times", *_beside(few, cells, f"pgvector-{peer}")
        )
        for peer in ("relaxed", "strict")
    ]
    wanted.append(_row_security(cells, ours))
    wanted += [
        _worst(
            "search over HTTP, 20 requests a second, p95", 150, "<=", "ms", served, lambda c: c["requests"][0]["p95"]
        ),
        _worst("the same, errors", 0, "<=", "", served, _errors),
    ]
    return [bar for bar in wanted if bar is not None]


def _worst(
    what: str, bar: float, better: str, unit: str, cells: Iterable[Found], value: Callable[[Found], float]
) -> Bar | None:
    values = {f"{cell['pattern']} {cell['stratum']}": value(cell) for cell in cells}
    if not values:
        return None
    worst = (max if better == "<=" else min)(values, key=lambda name: values[name])
    return Bar(what, bar, better, unit, values[worst], len(values), worst)


def _arm(cell: Found) -> str:
    """The way most questions of the cell took."""
    arms: dict[str, int] = cell.get("arms", {})
    return max(arms, key=lambda arm: arms[arm], default="")


def _errors(cell: Found) -> float:
    return sum(sum(one["errors"].values()) for one in cell["requests"])


def _is_much(cell: Found) -> bool:
    """What a statement takes before it looks at the first passage counts little there."""
    return fmean(cell["permitted"]) >= 10_000


def _to_numpy(cell: Found) -> float:
    if not cell["numpy"].get("half"):
        return 0.0
    return float((cell["p50"] - A_SCOPE * fmean(cell["scopes"])) / cell["numpy"]["half"]["p50"])


def _to_unfiltered(cell: Found) -> float:
    return float(cell["p50"] / cell["unfiltered"]["p50"])


def place(cell: Found) -> tuple[int, str, str]:
    return cell["size"], cell["pattern"], cell["stratum"]


def _beside(ours: Iterable[Found], cells: Iterable[Found], peer: str) -> tuple[list[Found], Callable[[Found], float]]:
    """Our cells that the peer has as well, and how many times longer the peer takes there."""
    theirs: dict[tuple[int, str, str], Any] = {place(cell): cell for cell in cells if cell["system"] == peer}
    both = [cell for cell in ours if place(cell) in theirs]
    return both, lambda cell: float(theirs[place(cell)]["p50"] / cell["p50"])


def _row_security(cells: Sequence[Found], ours: list[Found]) -> Bar | None:
    """The mean over patterns of how many times longer the baseline takes, strata of a pattern added up."""
    both, _ = _beside(ours, cells, "row-security")
    theirs = {place(cell): cell["mean"] for cell in cells if cell["system"] == "row-security"}
    patterns = sorted({cell["pattern"] for cell in both})
    ratios = []
    for pattern in patterns:
        mine = [cell for cell in both if cell["pattern"] == pattern]
        ratios.append(fmean(theirs[place(cell)] for cell in mine) / fmean(cell["mean"] for cell in mine))
    if not ratios:
        return None
    what = "row security by a join, mean latency to ours, mean over patterns"
    return Bar(what, 8, ">=", "times", fmean(ratios), len(both), "the mean of all")

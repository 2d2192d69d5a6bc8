"""All cells as the tables of docs/benchmarks.md, and as one JSON file beside the results of the other benchmarks."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.reporting import RESULTS
from benchmarks.retrieval.bars import OURS, bars, place
from benchmarks.retrieval.cells import PLACE, Found
from benchmarks.retrieval.peers import SYSTEMS
from benchmarks.retrieval.sharing import WAYS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
LOADING = RESULTS / "loading.json"
GOOD = 0.95  # recall from which on a faster peer is a loss of ours


def merge() -> None:
    """Tables stand between two marks of the page; what is around them is written by hand."""
    cells = sorted((json.loads(path.read_text()) for path in PLACE.rglob("*.json")), key=_order)
    if not cells:
        raise SystemExit(f"There are no cells in {PLACE} yet: `python -m benchmarks.retrieval run` measures them.")
    lines = ",\n".join(json.dumps(cell, separators=(",", ":")) for cell in cells)
    (RESULTS / "retrieval.json").write_text(f'{{"cells": [\n{lines}\n]}}\n')
    page = between(PAGE.read_text(), "tables", tables(cells))
    if LOADING.exists():
        page = between(page, "loading", loading(json.loads(LOADING.read_text())))
    PAGE.write_text(page)
    print(f"{len(cells)} cells in {PAGE.name} and retrieval.json")


def between(page: str, name: str, text: str) -> str:
    """The page with this text between the marks of this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n\n{text}{end}{rest.partition(end)[2]}"


def _order(cell: Found) -> tuple[int, int, float, int]:
    stratum = cell["stratum"]
    return (
        -cell["size"],
        list(WAYS).index(cell["pattern"]),
        float(stratum) if _is_number(stratum) else 1000,
        list(SYSTEMS).index(cell["system"]),
    )


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def tables(cells: Sequence[Found]) -> str:
    parts = []
    for size in sorted({cell["size"] for cell in cells}, reverse=True):
        mine = [cell for cell in cells if cell["size"] == size]
        asked = [cell for cell in mine if "recall" in cell]
        parts += [f"## {size:,} passages\n", _conditions(mine), _bars(mine), _matrix(asked)]
        parts += [_changes(mine), _clients(mine), _words(mine), _requests(mine), _left_out(mine)]
    return "\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def loading(report: Found) -> str:
    """What `benchmarks.loading` found."""
    loads = (report["load_before"][0], report["load_after"][0])
    rows = [
        [
            figure["name"],
            f"{number(figure['value']) if figure['value'] >= 1 else format(figure['value'], '.3f')} {figure['unit']}",
            _verdict(figure["value"], figure["at_most"]),
        ]
        for figure in report["figures"]
    ]
    facts = "".join(f"- {name}: {fact}\n" for name, fact in report["facts"].items())
    when = f"{report['at'][:10]}, {report['cores']} cores, load {loads[0]:.1f} to {loads[1]:.1f}.\n"
    return f"{when}\n{table(['what', 'value', 'bar'], rows)}\n{facts}\n"


def _verdict(value: float, at_most: float | None) -> str:
    if at_most is None:
        return ""
    return f"≤ {at_most:g}, {'met' if value <= at_most else '**missed**'}"


def _conditions(cells: Sequence[Found]) -> str:
    loads = [cell["load_before"][0] for cell in cells]
    days = sorted({cell["at"][:10] for cell in cells})
    between = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    machines = ", ".join(sorted({cell["machine"] for cell in cells}))
    return f"{len(cells)} cells, {between}, {machines}, load {min(loads):.1f} to {max(loads):.1f}.\n"


def _bars(cells: Sequence[Found]) -> str:
    rows = [
        [
            bar.what,
            f"{'≤' if bar.better == '<=' else '≥'} {bar.bar:g} {bar.unit}".strip(),
            f"{number(bar.value)} {bar.unit}".strip() if bar.unit else f"{bar.value:.3f}",
            "met" if bar.met else "**missed**",
            f"{bar.worst} ({bar.cells} cells)",
        ]
        for bar in bars(cells)
    ]
    return table(["what", "bar", "worst cell", "", "which"], rows) if rows else ""


def _matrix(cells: Sequence[Found]) -> str:
    """A row for each stratum of each pattern: milliseconds, and recall where it is not one."""
    names = [name for name in SYSTEMS if any(cell["system"] == name for cell in cells)]
    by_place = {(place(cell), cell["system"]): cell for cell in cells}
    rows = []
    for where in dict.fromkeys(place(cell) for cell in cells):
        found = {name: by_place[where, name] for name in names if (where, name) in by_place}
        any_cell = next(iter(found.values()))
        ours = found.get(OURS)
        rows.append(
            [
                any_cell["pattern"],
                f"{any_cell['share']:.3g} %",
                *(_entry(found.get(name), ours) for name in names),
                _measure(any_cell["numpy"].get("half")),
                _measure(any_cell["numpy"].get("single")),
                _measure((ours or any_cell)["unfiltered"]),
            ]
        )
    if not rows:
        return ""
    head = ["pattern", "readable", *names, "numpy", "numpy, single floats", "unfiltered graph"]
    return table(head, rows)


def _entry(cell: Found | None, ours: Found | None) -> str:
    """The median, of ours the 95th as well; `**` where a peer was faster than we at a recall that is good enough."""
    if cell is None:
        return ""
    text = number(cell["p50"]) if cell is not ours else f"{number(cell['p50'])} / {number(cell['p95'])}"
    if cell["recall"] < 0.995:
        text += f" ({cell['recall']:.2f})"
    lost = ours is not None and cell is not ours and cell["recall"] >= GOOD and cell["p50"] < ours["p50"]
    return f"**{text}**" if lost else text


def _measure(times: dict[str, float] | None) -> str:
    return number(times["p50"]) if times else ""


def _changes(cells: Sequence[Found]) -> str:
    rows = [
        [
            cell["system"],
            number(sum(cell["built"].values())),
            f"{cell['bytes_a_passage']:,.0f}",
            f"{number(cell['shared']['seconds'])} ({cell['shared']['passages']:,} passages)",
            f"{number(cell['invisible']['p50'])} / {number(cell['invisible']['max'])}",
        ]
        for cell in cells
        if cell["stratum"] == "changes" and "shared" in cell
    ]
    head = [
        "system",
        "built, s",
        "bytes a passage",
        "a folder shared anew, s",
        "taken away until invisible, ms, p50 / max",
    ]
    return table(head, rows) if rows else ""


def _clients(cells: Sequence[Found]) -> str:
    rows = [
        [str(one["clients"]), number(one["a_second"]), number(one["p50"]), number(one["p95"]), number(one["p99"])]
        for cell in cells
        for one in cell.get("crowds", [])
    ]
    return table(["clients", "searches a second", "p50 ms", "p95 ms", "p99 ms"], rows) if rows else ""


def _words(cells: Sequence[Found]) -> str:
    rows = [
        [f"{one['share']:.3g} %", one["mode"], number(one["p50"]), number(one["p95"]), number(one["p99"])]
        for cell in cells
        for one in cell.get("modes", [])
    ]
    return table(["readable", "search by", "p50 ms", "p95 ms", "p99 ms"], rows) if rows else ""


def _requests(cells: Sequence[Found]) -> str:
    rows = [
        [
            one["questions"],
            f"{one['count']:,} in {one['seconds']:.0f} s",
            *(number(one[name]) for name in ("p50", "p95", "p99", "max")),
            str(sum(one["errors"].values())),
            ", ".join(f"{name} {cores:.2f}" for name, cores in one["cores"].items()),
        ]
        for cell in cells
        for one in cell.get("requests", [])
    ]
    head = ["search over HTTP, questions", "requests", "p50 ms", "p95 ms", "p99 ms", "longest", "errors", "cores busy"]
    return table(head, rows) if rows else ""


def _left_out(cells: Sequence[Found]) -> str:
    reasons: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        if "left_out" in cell:
            reasons.setdefault((cell["system"], cell["left_out"]), []).append(f"{cell['pattern']} {cell['stratum']}")
    lines = [f"- {name}, {', '.join(where)}: {reason}\n" for (name, reason), where in reasons.items()]
    return "Left out:\n\n" + "".join(lines) if lines else ""

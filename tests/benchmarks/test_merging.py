"""The tables tell what was measured, our losses included."""

from typing import Any

from benchmarks.retrieval.bars import bars
from benchmarks.retrieval.merging import between, loading, tables


def cell(system: str, p50: float, **more: Any) -> dict[str, Any]:
    times = {"p50": p50, "p95": p50 * 2, "p99": p50 * 3, "mean": p50, "a_second": 1000 / p50}
    found = {"size": 100_000, "pattern": "tenants", "stratum": "1", "system": system, "share": 1.0, **times}
    found |= {
        "recall": 1.0,
        "fill": 1.0,
        "fewest": 1.0,
        "scopes": [100],
        "permitted": [1_000],
        "facts": {},
        "at": "2026-01-01T00:00:00",
    }
    found |= {"unfiltered": times | {"p50": 2.0}, "numpy": {"half": times | {"p50": 0.8}}, "machine": "one"}
    return found | {"load_before": [0.5, 0.5, 0.5], "load_after": [0.5, 0.5, 0.5]} | more


def row(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("| tenants"))


def test_a_faster_peer_that_is_right_is_printed_as_a_loss() -> None:
    text = row(tables([cell("gatehouse", 1.0), cell("faiss", 0.5), cell("lancedb", 3.0)]))
    assert "| 1.00 / 2.00 | 3.00 | **0.50** |" in text


def test_a_faster_peer_that_finds_too_little_is_no_loss_but_its_recall_is_told() -> None:
    assert "| 0.50 (0.40) |" in row(tables([cell("gatehouse", 1.0), cell("faiss", 0.5, recall=0.4)]))


def test_a_bar_tells_its_worst_cell() -> None:
    ours = [cell("gatehouse", 1.0), cell("gatehouse", 40.0, pattern="tree", recall=0.9)]
    found = {bar.what: bar for bar in bars(ours)}
    assert not found["p50"].met
    assert found["p50"].worst == "tree 1"
    assert found["permitted recall@10, mean of a cell"].value == 0.9
    assert found["fill, fewest of a question"].met


def test_the_exact_arm_is_held_to_numpy_and_may_take_time_for_scopes() -> None:
    ours = cell("gatehouse", 1.5, arms={"exact": 90, "approximate": 10})
    (found,) = [bar for bar in bars([ours]) if "numpy" in bar.what]
    assert found.value == (1.5 - 0.3) / 0.8
    assert found.met


def test_iterative_scan_is_compared_where_few_is_readable_and_row_security_over_all() -> None:
    cells = [
        cell("gatehouse", 1.0),
        cell("pgvector-relaxed", 12.0, recall=0.5),
        cell("row-security", 9.0),
        cell("gatehouse", 4.0, stratum="50", share=50.0),
        cell("pgvector-relaxed", 1.0, stratum="50", share=50.0),
        cell("row-security", 6.0, stratum="50", share=50.0),
    ]
    found = {bar.what: bar for bar in bars(cells)}
    assert found["1 % or less readable, p50 of relaxed to ours"].value == 12.0
    assert found["row security by a join, mean latency to ours, mean over patterns"].value == 15 / 5


def served(p95: float, errors: dict[str, int], **more: Any) -> dict[str, Any]:
    one = {"questions": "new", "p50": 40.0, "p95": p95, "p99": 200.0, "max": 300.0, "errors": errors}
    one |= {"count": 1_200, "seconds": 60.0, "cores": {"web": 0.4, "Postgres": 0.25}}
    kept = ("size", "pattern", "system", "at", "machine", "load_before", "load_after")
    base = {name: value for name, value in cell("gatehouse", 1.0).items() if name in kept}
    return base | {"stratum": "http", "requests": [one, one | {"questions": "asked before", "p95": p95 / 2}]} | more


def test_search_over_http_has_a_table_and_a_bar() -> None:
    text = tables([cell("gatehouse", 1.0), served(170.0, {})])
    assert "| new | 1,200 in 60 s | 40.0 | 170 | 200 | 300 | 0 | web 0.40, Postgres 0.25 |" in text
    found = {bar.what: bar for bar in bars([served(170.0, {"503": 2})])}
    assert [(bar.value, bar.met) for bar in found.values()] == [(170.0, False), (4, False)]
    assert all(bar.met for bar in bars([served(149.0, {})]))


def test_the_bar_of_search_over_http_is_for_a_hundred_thousand_passages() -> None:
    assert bars([served(900.0, {}, size=1_000_000)]) == []


def test_figures_of_loading_stand_in_a_table_with_their_bars() -> None:
    figures = [
        {"name": "bulk load", "value": 6_200.4, "unit": "passages/s", "at_most": None},
        {"name": "bulk load, a passage", "value": 0.161, "unit": "ms", "at_most": 0.2},
        {"name": "through sync, a passage", "value": 1.2, "unit": "ms", "at_most": 1.0},
    ]
    text = loading(
        {"at": "2026-01-01T00:00:00", "facts": {"by bulk": "18,000 passages"}, "figures": figures}
        | {"load_before": [0.5, 0.5, 0.5], "load_after": [1.5, 0.5, 0.5], "cores": 2}
    )
    assert "2026-01-01, 2 cores, load 0.5 to 1.5." in text
    assert "| bulk load | 6,200 passages/s |  |" in text
    assert "| bulk load, a passage | 0.161 ms | ≤ 0.2, met |" in text
    assert "| through sync, a passage | 1.20 ms | ≤ 1, **missed** |" in text
    assert "- by bulk: 18,000 passages" in text


def test_what_stands_around_a_table_stays() -> None:
    page = "above\n<!-- loading: begin -->\nold\n<!-- loading: end -->\nbelow\n"
    wanted = "above\n<!-- loading: begin -->\n\nnew\n<!-- loading: end -->\nbelow\n"
    assert between(page, "loading", "new\n") == wanted

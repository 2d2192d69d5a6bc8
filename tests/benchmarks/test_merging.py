"""The tables tell what was measured, our losses included."""

from typing import Any

from benchmarks.retrieval.bars import bars
from benchmarks.retrieval.merging import tables


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

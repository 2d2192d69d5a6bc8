"""The measures, on rankings small enough to reckon by hand."""

from math import log2

import pytest

from gateway.evaluating.metrics import ndcg, quality, recall, reciprocal_rank


def test_a_perfect_ranking_is_one_and_one_without_an_answer_nothing() -> None:
    assert ndcg(["a", "b", "c"], {"a": 2, "b": 1}) == 1
    assert ndcg(["c", "d"], {"a": 2}) == 0


def test_an_answer_counts_less_the_later_it_comes_and_more_the_better_it_is() -> None:
    assert ndcg(["x", "a"], {"a": 1}) == pytest.approx(1 / log2(3))
    assert ndcg(["b", "a"], {"a": 2, "b": 1}) == pytest.approx((1 + 2 / log2(3)) / (2 + 1 / log2(3)))


def test_what_comes_eleventh_counts_for_the_deep_recall_alone() -> None:
    ranking = [*"0123456789", "a"]

    assert ndcg(ranking, {"a": 1}) == reciprocal_rank(ranking, {"a": 1}) == recall(ranking, {"a": 1}, 10) == 0
    assert recall(ranking, {"a": 1, "missing": 1}, 100) == 0.5


def test_quality_is_the_mean_over_questions() -> None:
    found = quality([(["a"], {"a": 1}), (["x", "b"], {"b": 1})])

    assert (found.recall, found.deep_recall, found.reciprocal_rank, found.found) == (1, 1, 0.75, 1)
    assert found.ndcg == pytest.approx((1 + 1 / log2(3)) / 2)


def test_a_question_is_found_if_any_of_its_answers_is_among_the_first_ten() -> None:
    found = quality([(["x", "b"], {"a": 1, "b": 1}), ([*"0123456789", "a"], {"a": 1})])

    assert found.found == 0.5

import json
from pathlib import Path

import pytest

from gateway.evaluating.corpora import CorpusUnreadable
from gateway.evaluating.expected import read_expected
from gateway.evaluating.judging import auroc, details_missing, exact_match, is_verbatim, refused_at, token_f1


def test_f1_is_of_words_whatever_their_case_articles_and_stops() -> None:
    assert token_f1("The Rhine.", ["rhine"]) == 1
    assert token_f1("the long Rhine", ["Rhine", "the river Rhine"]) == pytest.approx(2 / 3)
    assert token_f1("Rhône", ["Rhine"]) == 0
    assert token_f1("", ["Rhine"]) == 0
    assert exact_match("A Rhine!", ["the Rhine"]) == 1
    assert exact_match("river Rhine", ["Rhine"]) == 0


def test_auroc_counts_pairs_and_ties_half() -> None:
    assert auroc([2, 3], [0, 1]) == 1
    assert auroc([0, 1], [2, 3]) == 0
    assert auroc([1, 2], [1, 0]) == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert auroc([], [1]) == 0.5


def test_what_is_refused_at_a_rate_is_told_of_those_that_can_be_answered() -> None:
    no = [0.1, 0.2, 0.3, 0.4]
    assert refused_at([0.05, 0.25, 0.35, 0.9], no, 0.5) == 0.5
    assert refused_at([0.9], no, 0.5) == 0
    assert refused_at([], no, 0.5) == 0


@pytest.mark.parametrize(
    ("sentence", "missing"),
    [
        ("Leave is 26 weeks in Germany.", []),
        ("Leave is 27 weeks in Germany.", ["27"]),
        ("Leave is 26 weeks in France.", ["France"]),
        ("It costs 1,000 euros, says Anna Weber.", ["Weber"]),
        ("It costs 1000 euros.", []),
    ],
    ids=["all there", "another number", "another name", "a name in part", "written otherwise"],
)
def test_numbers_and_names_that_stand_nowhere_are_told(sentence: str, missing: list[str]) -> None:
    passages = ["Employees in Germany get 26 weeks.", "Ask Anna: it costs 1,000 euros."]
    assert details_missing(sentence, passages) == missing


def test_word_for_word_is_so_whatever_the_blanks() -> None:
    assert is_verbatim("Leave is 26 weeks.", ["So: Leave is\n26  weeks. Yes."])
    assert not is_verbatim("Leave was 26 weeks.", ["Leave is 26 weeks."])


def test_questions_tell_whether_they_can_be_answered(tmp_path: Path) -> None:
    told = [
        {"_id": "a", "text": "?", "metadata": {"answerable": False, "answers": []}},
        {"_id": "b", "text": "?", "metadata": {"answerability": ["PARTIAL"], "answers": ["x"]}},
        {"_id": "c", "text": "?", "metadata": {"answerability": ["CONVERSATIONAL"]}},
        {"_id": "d", "text": "?", "metadata": {"answers": ["y"]}},
        {"_id": "e", "text": "?"},
    ]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, told)))
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "dev.tsv").write_text("d\tdoc\t1\n")
    assert [each.answerable for each in read_expected(tmp_path)] == [False, True, None, True, None]
    (tmp_path / "queries.jsonl").write_text("")
    with pytest.raises(CorpusUnreadable):
        read_expected(tmp_path)

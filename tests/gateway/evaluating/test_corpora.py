"""Folders in the BEIR form, well made and not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.evaluating.corpora import CorpusUnreadable, read

DOCUMENT = {"_id": "d1", "title": "Leave", "text": "Parental leave is 26 weeks."}
QUESTION = {
    "_id": "q1",
    "text": "And for fathers?",
    "metadata": {"history": [{"speaker": "user", "text": "How long is parental leave?"}]},
}


def write(folder: Path, *, documents: object = DOCUMENT, judgments: Mapping[str, str] | None = None) -> Path:
    (folder / "qrels").mkdir()
    (folder / "corpus.jsonl").write_text(documents if isinstance(documents, str) else json.dumps(documents))
    (folder / "queries.jsonl").write_text(json.dumps(QUESTION) + "\n" + json.dumps({"_id": "q2", "text": "?"}))
    for name, lines in (judgments or {"test": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"}).items():
        (folder / "qrels" / f"{name}.tsv").write_text(lines)
    return folder


def test_a_corpus_is_its_documents_and_the_questions_that_were_judged(tmp_path: Path) -> None:
    corpus = read(write(tmp_path))

    [question] = corpus.questions
    assert [text.id for text in corpus.texts] == ["d1"]
    assert dict(question.gains) == {"d1": 2}
    assert (question.text, question.before) == ("And for fathers?", "How long is parental leave?")


def test_of_several_judgments_one_is_named(tmp_path: Path) -> None:
    write(tmp_path, judgments={"dev": "q1\td1\t1\n", "test": "q1\td9\t1\n"})

    with pytest.raises(CorpusUnreadable, match=r"--split \(dev, test\)"):
        read(tmp_path)
    assert dict(read(tmp_path, "test").questions[0].gains) == {"d9": 1}


def test_trec_judgments_with_four_columns_are_read(tmp_path: Path) -> None:
    write(tmp_path, judgments={"test": "q1\t0\td1\t1\n"})

    assert dict(read(tmp_path).questions[0].gains) == {"d1": 1}


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ({"documents": "{"}, "corpus.jsonl, line 1, is not JSON"),
        ({"documents": "[1]"}, "is not an object"),
        ({"documents": {"text": "x"}}, "without an _id"),
        ({"documents": ""}, "holds no document"),
        ({"judgments": {"test": "q1\td1\tgood\n"}}, "not a number"),
        ({"judgments": {"test": "q9\td1\t1\n"}}, "No question of .* has a judgment"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path, made: dict[str, Any], says: str) -> None:
    write(tmp_path, **made)

    with pytest.raises(CorpusUnreadable, match=says):
        read(tmp_path)


def test_a_folder_without_a_corpus_says_what_one_is(tmp_path: Path) -> None:
    with pytest.raises(CorpusUnreadable, match="BEIR"):
        read(tmp_path)

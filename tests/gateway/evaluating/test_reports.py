"""Folders of PDF files and questions about their pages, and which pages are right."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.evaluating.corpora import CorpusUnreadable
from gateway.evaluating.reports import figures_of, is_reports, paged, read_reports

SALES = {
    "Question": "What were the sales in the third quarter?",
    "Source Docs": "*2023 Q3*",
    "Answer": "Net sales were $81,797 million, or 25.9 % more than in 2022.",
}
PAGES = {
    ("docs/2023 Q3 ACME.pdf", 1): "Quarterly report 2023",
    ("docs/2023 Q3 ACME.pdf", 2): "Total net sales 81,797 12",
    ("docs/2023 Q3 ACME.pdf", 3): "Net sales of $81,797 million, up 25.9%.",
    ("docs/2022 Q3 ACME.pdf", 1): "Net sales of $81,797 million, up 25.9%.",
}


def write(folder: Path, *rows: Mapping[str, str], table: str = "questions") -> Path:
    (folder / "docs").mkdir(exist_ok=True)
    for name in ("2022 Q3 ACME.pdf", "2023 Q3 ACME.pdf"):
        (folder / "docs" / name).write_bytes(name.encode())
    with (folder / f"{table}.csv").open("w", encoding="utf-8-sig", newline="") as file:
        written = csv.DictWriter(file, sorted({name for row in rows for name in row}))
        written.writeheader()
        written.writerows(rows)
    return folder


def right(folder: Path) -> dict[str, float]:
    [question] = paged(read_reports(folder), PAGES).questions
    return dict(question.gains)


def test_the_right_page_is_the_one_of_the_named_document_that_holds_most_of_the_answers_figures(tmp_path: Path) -> None:
    assert right(write(tmp_path, SALES)) == {"docs/2023 Q3 ACME.pdf#3": 1}


def test_pages_that_hold_equally_many_figures_are_all_right(tmp_path: Path) -> None:
    assert right(write(tmp_path, SALES | {"Answer": "81,797"})).keys() == {
        "docs/2023 Q3 ACME.pdf#2",
        "docs/2023 Q3 ACME.pdf#3",
    }


def test_a_page_that_the_table_names_is_the_right_one(tmp_path: Path) -> None:
    assert right(write(tmp_path, SALES | {"Page": "1 and 2, 77"})).keys() == {
        "docs/2023 Q3 ACME.pdf#1",
        "docs/2023 Q3 ACME.pdf#2",
    }


def test_questions_whose_page_cannot_be_told_are_left_out(tmp_path: Path) -> None:
    in_words = SALES | {"Answer": "They fell in 2023, as in 12 quarters before."}
    elsewhere = SALES | {"Answer": "25.9 of 1,001, 1,002 and 1,003"}
    of_several = SALES | {"Source Docs": "*Q3 ACME*"}
    of_none = SALES | {"Source Docs": "*NOBODY*"}

    corpus = paged(read_reports(write(tmp_path, in_words, elsewhere, of_several, of_none, SALES)), PAGES)

    assert [question.id for question in corpus.questions] == ["3"]
    assert [text.document for text in corpus.texts] == [document for document, _ in PAGES]
    with pytest.raises(CorpusUnreadable, match="For no question"):
        paged(read_reports(write(tmp_path, in_words)), PAGES)


def test_figures_are_numbers_that_do_not_stand_everywhere() -> None:
    assert figures_of("In 2023, 10-Q: $1,234.5, 12 of 100, (0.75)% and 98,024, but not Q345 or 7") == {
        "1,234.5",
        "100",
        "0.75",
        "98,024",
    }


@pytest.mark.parametrize(
    ("source", "says"),
    [("*2023 Q3*", "There is no PDF file"), ("*Q3 ACME*", "about exactly one of the PDF files")],
    ids=["no files", "no question"],
)
def test_what_is_wrong_with_a_folder_of_reports_is_said(tmp_path: Path, source: str, says: str) -> None:
    write(tmp_path, SALES | {"Source Docs": source})
    if source == "*2023 Q3*":
        for file in (tmp_path / "docs").iterdir():
            file.unlink()

    with pytest.raises(CorpusUnreadable, match=says):
        read_reports(tmp_path)


def test_of_several_tables_one_is_named(tmp_path: Path) -> None:
    write(tmp_path, SALES)
    write(tmp_path, SALES, table="few")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")

    with pytest.raises(CorpusUnreadable, match=r"--split \(few, questions\)"):
        read_reports(tmp_path)
    assert len(read_reports(tmp_path, "few").answered) == 1


def test_a_table_that_is_not_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "questions.csv").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(CorpusUnreadable, match=r"questions\.csv cannot be read"):
        is_reports(tmp_path)


def test_a_corpus_in_the_beir_form_is_none_of_reports(tmp_path: Path) -> None:
    write(tmp_path, SALES)

    assert is_reports(tmp_path)
    (tmp_path / "corpus.jsonl").touch()
    assert not is_reports(tmp_path)
    assert not is_reports(tmp_path / "nowhere")

"""The whole command on a small corpus: its own servers, the real model, both people, every system."""

import json
import os
import subprocess
import sys
from pathlib import Path

from gateway.spy.server import Spy
from tests.connectors.files import making
from tests.processes import passable_directory

TOPICS = {
    "leave": "Parental leave is 26 weeks at full pay for everyone who has worked here for a year.",
    "travel": "Trains are booked in second class; flights need a reason that a manager has approved.",
    "laptop": "A broken laptop is brought to the service desk, which lends another one the same day.",
    "badge": "Lost badges are reported at reception, where they are blocked at once.",
    "garden": "The garden on the roof is open from April until October, and closed in a storm.",
}
ASKED = {"leave": "How many weeks of parental leave?", "laptop": "Where do I bring a broken laptop?"}


def corpus(folder: Path) -> Path:
    copies = [(f"{name}{n}", text) for name, text in TOPICS.items() for n in range(8)]
    lines = [json.dumps({"_id": id, "title": "", "text": f"{text} Office {id}."}) for id, text in copies]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    (folder / "queries.jsonl").write_text("\n".join(json.dumps({"_id": q, "text": text}) for q, text in ASKED.items()))
    (folder / "qrels").mkdir()
    judged = [f"{name}\t{name}{n}\t1" for name in ASKED for n in range(8)]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(judged))
    return folder


def evaluate(
    data: Path, *words: str, command: str = "evaluate", settings: str = ""
) -> "subprocess.CompletedProcess[str]":
    """As an installation calls it whose `.env` file names a database: that one is not to be touched."""
    file = data / "settings.env"
    file.write_text(f"DATABASE_URL=postgres://nobody@127.0.0.1:9/of_the_company\nGATEHOUSE_MODE=evaluation\n{settings}")
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "GATEHOUSE_MODE")}
    environment = kept | {"GATEHOUSE_DATA_DIR": str(data), "GATEHOUSE_ENV_FILE": str(file)}
    return subprocess.run(
        [sys.executable, "manage.py", command, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_each_person_is_asked_about_what_they_may_read_and_finds_it(tmp_path: Path) -> None:
    with passable_directory() as data:
        done = evaluate(data, str(corpus(tmp_path)), "--readable", "0.5", "--json")
        again = evaluate(data, str(tmp_path), "--questions", "1")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    everything, part = found["people"]
    assert (everything["documents"], everything["questions"]) == (40, 2)
    assert 0 < part["documents"] < 40
    for person in found["people"]:
        results = {result["system"]: result["quality"] for result in person["results"]}
        assert list(results) == [
            "bm25s",
            "vectors, exact",
            "Gatehouse, by words",
            "Gatehouse, by vectors",
            "Gatehouse",
        ]
        assert results["Gatehouse"]["recall"] == results["Gatehouse"]["ndcg"] == 1
        assert results["Gatehouse, by vectors"] == results["vectors, exact"]
    assert again.returncode == 0
    assert "40 documents" in again.stdout
    assert "1 questions" in again.stdout


def test_reports_are_found_at_the_page(tmp_path: Path) -> None:
    figures = {"Ahorn": "4,711", "Birke": "8,150", "Eiche": "3,003"}
    for name, sales in figures.items():
        pages = [
            (f"Quarterly report of {name}",),
            (f"The net sales of {name}", f"were {sales} million."),
            ("The end.",),
        ]
        (tmp_path / f"{name}.pdf").write_bytes(making.pdf(pages))
    rows = [f'What were the net sales of {name}?,{name}.pdf,"They were {sales}."' for name, sales in figures.items()]
    (tmp_path / "questions.csv").write_text("\n".join(["Question,Source Docs,Answer", *rows]))
    with passable_directory() as data:
        done = evaluate(data, str(tmp_path), "--json")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    [person] = found["people"]
    assert (found["units"], found["documents"], person["questions"]) == ("pages", 9, 3)
    results = {result["system"]: result["quality"] for result in person["results"]}
    assert "bm25s, of passages" in results
    assert results["Gatehouse"]["reciprocal_rank"] == results["Gatehouse"]["found"] == 1


def test_what_cannot_be_evaluated_is_one_sentence(tmp_path: Path) -> None:
    with passable_directory() as data:
        nothing = evaluate(data, str(tmp_path / "nowhere"))
        all_and_more = evaluate(data, str(tmp_path), "--readable", "2")

    assert (nothing.returncode, all_and_more.returncode) == (1, 2)
    assert "A corpus is a folder with corpus.jsonl" in nothing.stderr
    assert "Traceback" not in nothing.stderr + all_and_more.stderr
    assert "--readable is a share" in all_and_more.stderr


def test_answers_are_judged_by_what_is_expected_of_them(tmp_path: Path) -> None:
    folder = corpus(tmp_path)
    known = [
        {"_id": "leave", "text": ASKED["leave"], "metadata": {"answers": ["26 weeks"], "answerable": True}},
        {"_id": "laptop", "text": ASKED["laptop"], "metadata": {"answers": ["the service desk"], "answerable": True}},
        {"_id": "moon", "text": "Who paid for the rocket to Saturn?", "metadata": {"answerable": False}},
    ]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, known)))
    with passable_directory() as data:
        done = evaluate(data, str(folder), "--json", command="evaluate_answers")
        table = evaluate(data, str(folder), "--questions", "1", command="evaluate_answers")
        with Spy("answer").running() as spy:
            named = f"LLM_BASE_URL={spy.url}\nLLM_MODEL=spy\n"
            by_model = evaluate(data, str(folder), "--json", command="evaluate_answers", settings=named)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["statuses"] == {"answered": 2, "not_found": 1}
    assert (found["answerable"], found["unanswerable"], found["auroc"]) == (2, 1, 1)
    assert found["refused"] == {"answerable": 0, "unanswerable": 1}
    assert (found["verbatim"], found["details_missing"], found["citation_recall"]) == (1, 0, 1)
    assert 0 < found["f1"] == found["f1_answered"]
    assert table.returncode == 0
    assert "answered by extractive" in table.stdout
    assert (found["model_calls"], found["model_tokens"]) == (0, 0)
    cost = json.loads(by_model.stdout)
    assert cost["answerer"] == "spy"
    assert cost["model_calls"] == len(spy.calls) == 3
    assert cost["model_tokens"] > 300

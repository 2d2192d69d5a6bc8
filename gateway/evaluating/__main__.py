"""`manage.py evaluate FOLDER`: how good the search is on a corpus with known answers (BEIR or PDF files); with
`--answers`, which is `manage.py evaluate_answers FOLDER`, how good the answers are.

The corpus is loaded into an installation of its own, kept for the next time, and searched as somebody who may read all
of it and, if asked, as somebody who may read a part. Beside the gateway stand plain BM25 and plain vector search.
"""

import argparse
import os
import sys
from pathlib import Path

from gateway.evaluating.corpora import Corpus, CorpusUnreadable, evenly, read
from gateway.evaluating.expected import read_expected
from gateway.evaluating.reports import is_reports, read_reports


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="a corpus in the BEIR form, or PDF files and a table of questions")
    parser.add_argument("--split", default="", help="which file of qrels/, or which table, where there are several")
    parser.add_argument("--with-history", action="store_true", help="put what was said before in front of a question")
    parser.add_argument("--questions", type=int, default=0, help="ask about so many of them, evenly taken; 0: all")
    parser.add_argument(
        "--readable", type=float, default=1.0, help="search also as a person who may read this share of the documents"
    )
    parser.add_argument("--json", action="store_true", help="everything as JSON")


def of_its_own(data: Path) -> None:
    """From here on the settings are those of an installation in this directory, whatever a `.env` file says.

    What the file says of models is in the environment by now: whoever started this has read it.
    """
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        os.environ.pop(name, None)
    os.environ |= {"GATEHOUSE_DATA_DIR": str(data), "GATEHOUSE_MODE": "evaluation", "GATEHOUSE_ENV_FILE": "none"}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")


def main() -> None:
    parser = argparse.ArgumentParser(prog="manage.py evaluate", description=__doc__)
    parser.add_argument("data", type=Path, help="the directory of the installation that is made for it")
    arguments(parser)
    parser.add_argument("--answers", action="store_true", help="of the answers rather than the search")
    wanted = parser.parse_args()
    of_its_own(wanted.data)
    if not 0 < wanted.readable <= 1:
        parser.error("--readable is a share: more than 0, at most 1.")
    try:
        reports = is_reports(wanted.folder) and not wanted.answers
        corpus = (read_reports if reports else read)(wanted.folder, wanted.split)
        expected = evenly(read_expected(wanted.folder, wanted.split), wanted.questions) if wanted.answers else []
    except CorpusUnreadable as error:
        sys.exit(str(error))

    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from gateway import embedded
    from gateway.evaluating.answering import AnswerEvaluation, evaluate_answers
    from gateway.evaluating.reporting import Evaluation
    from gateway.evaluating.running import evaluate

    with embedded.services(settings.DATA_DIR, valkey=False):
        call_command("migrate", interactive=False, verbosity=0)
        evaluation: Evaluation | AnswerEvaluation
        if isinstance(corpus, Corpus) and wanted.answers:
            evaluation = evaluate_answers(corpus, expected, with_history=wanted.with_history, readable=wanted.readable)
        else:
            evaluation = evaluate(
                corpus, readable=wanted.readable, with_history=wanted.with_history, questions=wanted.questions
            )
    print(evaluation.as_json() if wanted.json else evaluation.as_table())


if __name__ == "__main__":
    main()

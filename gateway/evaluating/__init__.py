"""How good the search is on a corpus with known answers, beside plain keyword and plain vector search.

    corpora.py   a folder in the BEIR form: documents, questions, judgments
    reports.py   a folder of PDF files and a table of questions, judged by the page
    loading.py   the corpus as a source of an installation of its own, and two people who read all or a part of it
    systems.py   the rankings: the gateway's three modes, and their peers on what the same person may read
    metrics.py   nDCG, recall, reciprocal rank
    reporting.py the table and the JSON

`python -m gateway.evaluating DATA FOLDER` is the process that does it, in an installation of its own in DATA
whatever the settings name, so that nothing else is read or changed; `manage.py evaluate` starts it.
"""

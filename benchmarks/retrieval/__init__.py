"""Permitted search side by side with its peers, on corpora and access patterns made up for it.

    corpus.py      the passages and the questions, from a fixed seed
    patterns/      who may read what: seven ways in which organisations share
    peers/         one file a system: how it keeps vectors and rights, and how it is asked
    engines/       the programs of those that run outside, in an environment of their own (`make bench-peers`)
    asking.py      questions asked of a system and of its measures in turn, and what the answers are worth
    cells.py       one cell: a size, a pattern, a stratum, a system; a file of its own, so that a run can be resumed
    changing.py    what it costs to share anew, and how long a reader taken away still reads
    crowding.py    the gateway with many clients at once
    wording.py     the gateway by words, by meaning and by both
    requesting.py  the gateway's search over HTTP, asked by the clock
    merging.py     all of it as the tables of docs/benchmarks.md and as one JSON file

What was made stays in `var/bench` (or BENCH_DIR), so that the cells of a size share it.
"""

import os

# Before numpy is there: it gets one core, as a connection of Postgres has. The engines outside get what they want.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

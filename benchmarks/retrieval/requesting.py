"""The gateway's search over HTTP: its web process, as `up` starts it, asked so many times a second whatever happens.

Requests leave by the clock and are timed from the moment they were due, so that whoever waits behind a slow one is
counted too. Access tokens are those of readers of several strata, who take turns; a question is embedded by the local
model and asked by words and by meaning. First every question is new, then the same ones come again, whose embeddings
are remembered. The vectors of the passages are made up: what is near means nothing, how long it takes does.
"""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

import numpy as np

from benchmarks.processes import cpu_seconds, tree_of
from benchmarks.reporting import percentile
from benchmarks.retrieval import wording
from benchmarks.retrieval.cells import Found, times
from benchmarks.retrieval.corpus import SEED
from benchmarks.retrieval.peers.gatehouse import Gatehouse
from benchmarks.retrieval.peers.system import WANTED, World
from benchmarks.retrieval.serving import prewarm
from benchmarks.running import free_port

PATTERN = "directory"
STRATA = ("1", "10", "100")
A_SECOND = 20
SECONDS = 60
CONNECTIONS = 32  # kept open; a request waits for one where all are waiting for an answer
WARM = 40  # questions before, until models are loaded, the pool is filled and plans are made
LONGEST = 30.0  # seconds, for an answer and for the start
OK = 200


@dataclass(frozen=True)
class Asker:
    stratum: str
    secret: str


@dataclass(frozen=True)
class Question:
    asker: Asker
    query: str
    mode: str = "hybrid"


@dataclass
class Answers:
    """Seconds from when each was due; errors by status or by name; how many results the least answer had."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    fewest: int = WANTED
    passed: float = 0.0

    @property
    def every(self) -> list[float]:
        return [second for seconds in self.seconds.values() for second in seconds]


def requested(world: World) -> Found:
    gate = Gatehouse(world)
    gate.load()
    gate.steps.once("words", lambda: gate.housing.words_written(wording.texts(world.corpus.size)))
    prewarm(gate.connection, "public.connectors%")
    with tokens(gate) as askers, web() as (pid, port):
        new = questions(askers, SECONDS * A_SECOND + WARM)
        first = warm_up(port, new[:WARM])
        rounds = {"new": new[WARM:], "asked before": new[WARM:]}
        found = [{"questions": name, **described(port, pid, asked)} for name, asked in rounds.items()]
    gate.close()
    strata = list(dict.fromkeys(asker.stratum for asker in askers))
    return {"strata": strata, "first": round(first, 3), "requests": found}


def questions(askers: Sequence[Asker], count: int) -> list[Question]:
    """Each once. Askers take turns."""
    words = wording.drawn(np.random.default_rng([SEED, 3]), count, wording.A_QUESTION)
    return [Question(askers[place % len(askers)], query) for place, query in enumerate(words)]


@contextmanager
def tokens(gate: Gatehouse) -> Iterator[list[Asker]]:
    """One for each reader of these strata, the strata in turn; none is good for anything afterwards."""
    from accounts.models import AccessToken, User, Verb
    from accounts.tokens import issue

    pattern = gate.world.pattern
    readers = {stratum: pattern.readers.get(stratum, []) for stratum in STRATA}
    made = []
    for number in range(max(map(len, readers.values()))):
        for stratum, found in readers.items():
            if number < len(found):
                user = User.objects.get(email=gate.housing.reader_name(pattern, stratum, number))
                token, secret = issue(user, verbs=[Verb.READ], all_sources=True, expires_at=None)
                made.append((token.pk, Asker(stratum, secret)))
    try:
        yield [asker for _, asker in made]
    finally:
        AccessToken.objects.filter(pk__in=[pk for pk, _ in made]).delete()


@contextmanager
def web() -> Iterator[tuple[int, int]]:
    """The web process of `up` on this installation, whose environment is this process's: its id and its port."""
    from gateway.running import children, stop_all

    port = free_port()
    child = children(port)[0]
    child.start()
    assert child.process is not None
    deadline = time.monotonic() + LONGEST
    try:
        while not lives(port):
            if child.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The web process did not start; what it says stands above.")
            time.sleep(0.1)
        yield child.process.pid, port
    finally:
        stop_all([child])


def lives(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=LONGEST)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == OK
    except OSError:
        return False
    finally:
        connection.close()


def warm_up(port: int, asked: Sequence[Question]) -> float:
    """By meaning alone, where an embedder that does not answer would be seen; then as they are measured.

    Seconds of the very first one, which waits for the model to be loaded.
    """
    alone = Question(asked[0].asker, asked[0].query, "vector")
    first = checked(ask(port, [alone], a_second=A_SECOND), "vector")
    for mode in ("vector", "hybrid"):
        checked(ask(port, [Question(one.asker, one.query, mode) for one in asked], a_second=A_SECOND), mode)
    return first.passed


def checked(answers: Answers, mode: str) -> Answers:
    if answers.errors or answers.fewest < WANTED:
        raise SystemExit(
            f"The web process does not answer as it should by {mode}: errors {dict(answers.errors)}, "
            f"{answers.fewest} results at least. What it says stands above."
        )
    return answers


def described(port: int, pid: int, asked: Sequence[Question]) -> Found:
    """The processor time of each is in cores: 1.0 is one that is always busy."""
    before = used(pid)
    answers = ask(port, asked, a_second=A_SECOND)
    cores = {name: round((seconds - before[name]) / answers.passed, 3) for name, seconds in used(pid).items()}
    seconds = answers.every
    return {
        **times(seconds),
        "max": round(max(seconds) * 1000, 4),
        "count": len(asked),
        "errors": dict(answers.errors),
        "fewest": answers.fewest,
        "a_second": round(len(asked) / answers.passed, 2),
        "seconds": round(answers.passed, 2),
        "of_strata": {name: round(percentile(each, 95) * 1000, 4) for name, each in answers.seconds.items()},
        "cores": cores,
    }


def used(pid: int) -> dict[str, float]:
    """Processor seconds so far of the web process, of who asks, and of what else this process has started: Postgres."""
    own, theirs = os.getpid(), tree_of(pid)
    others = [each for each in tree_of(own) if each != own and each not in theirs]
    return {"web": cpu_seconds(theirs), "Postgres": cpu_seconds(others), "client": time.process_time()}


def ask(port: int, asked: Sequence[Question], *, a_second: float, connections: int = CONNECTIONS) -> Answers:
    """All of them, each when it is due."""
    answers = Answers()
    turns, lock = iter(enumerate(asked)), threading.Lock()
    start = time.perf_counter() + 0.1

    def work() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=LONGEST)
        while True:
            with lock:
                turn = next(turns, None)
            if turn is None:
                break
            due = start + turn[0] / a_second
            time.sleep(max(due - time.perf_counter(), 0))
            error, results = one(connection, turn[1])
            seconds = time.perf_counter() - due
            with lock:
                answers.seconds.setdefault(turn[1].asker.stratum, []).append(seconds)
                if error:
                    answers.errors[error] += 1
                else:
                    answers.fewest = min(answers.fewest, results)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.passed = time.perf_counter() - start
    return answers


def one(connection: HTTPConnection, question: Question) -> tuple[str, int]:
    """What was wrong, if anything, and how many results came."""
    body = json.dumps({"query": question.query, "limit": WANTED, "mode": question.mode})
    headers = {"Authorization": f"Bearer {question.asker.secret}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/api/v1/search", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        return ("", len(json.loads(content)["results"])) if answer.status == OK else (str(answer.status), 0)
    except (OSError, HTTPException, ValueError, KeyError) as error:
        connection.close()  # the next request opens it again
        return type(error).__name__, 0

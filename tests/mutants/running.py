"""Tests run on a copy of the code that holds a defect: what they said of it.

The copies share one pair of servers, and each has a database of its own: to the tests it looks as if each were one
worker of a run that is under way.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from tests.mutants.mutation import Mutation

ROOT = Path(__file__).resolve().parents[2]
NOT_CODE = (
    ".git",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    "var",
    "node_modules",
    "results",
    "__pycache__",
)
NOT_FOR_TESTS = ("PYTEST_", "GATEHOUSE_", "LLM_", "EMBED_", "RERANK_", "SLACK_")
OF_THE_DEVELOPER = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "PORT", "DEBUG")
PLUGINS = ("pytest_django.plugin", "pytest_asyncio.plugin", "pytest_timeout")  # the others cost a second each time
LONGEST = 1_800.0  # seconds for one run of pytest
ALL_PASSED, SOME_FAILED = 0, 1  # exit codes of pytest

# What has to do with permissions, the quick first: where the tests of a mutation let it live, one of these may not.
SUITE = (
    *(
        "tests/connectors/test_permissions.py",
        "tests/connectors/test_audience.py",
        "tests/connectors/test_break_glass.py",
        "tests/connectors/test_attachments.py",
    ),
    *("tests/connectors/test_principals.py", "tests/connectors/test_applying.py", "tests/connectors/test_wire.py"),
    *("tests/connectors/test_sync.py", "tests/connectors/test_ingest.py", "tests/connectors/test_explaining.py"),
    *(
        "tests/gateway/test_conversations.py",
        "tests/gateway/test_left_out.py",
        "tests/gateway/test_sharing.py",
        "tests/gateway/test_reporting.py",
        "tests/gateway/test_answering.py",
        "tests/gateway/test_answering_model.py",
    ),
    *("tests/gateway/test_retrieval.py", "tests/gateway/api", "tests/gateway/portal", "tests/gateway/console"),
    *("tests/gateway/slack", "tests/conformance", "tests/leakproof", "tests/security"),
)

Said = Literal["nothing", "a failure", "nonsense"]


@dataclass(frozen=True)
class Verdict:
    """What the tests said: nothing, which is what a defect must not get; a failed assertion; or that nothing works."""

    said: Said
    test: str = ""  # the one that failed
    words: str = ""
    passed: int = 0


@dataclass(frozen=True)
class Copy:
    """A copy of the code, and a place among the workers of a run. `services`: the data directory of the servers."""

    root: Path
    services: Path
    worker: int

    @classmethod
    def of(cls, code: Path, root: Path, services: Path, worker: int) -> "Copy":
        shutil.copytree(code, root, ignore=shutil.ignore_patterns(*NOT_CODE))
        return cls(root, services, worker)

    def judged(self, mutation: Mutation, suite: Sequence[str]) -> "Judged":
        """Whether the tests notice this defect: its own, else those of the suite. Raises `Stale`."""
        began = time.monotonic()
        with mutation.applied(self.root):
            verdict = self.tested(mutation.tests)
            elsewhere = verdict.said == "nothing" and bool(suite)
            if elsewhere:
                verdict = self.tested([*suite, "-x"])
        if elsewhere and verdict.said == "a failure" and self.tested([verdict.test]).said != "nothing":
            verdict = Verdict("nonsense", verdict.test, "It fails without any defect.")
        return Judged(mutation, verdict, round(time.monotonic() - began, 1))

    def tested(self, tests: Sequence[str]) -> Verdict:
        """What these tests say of the code as it stands in the copy."""
        report = self.root / "report.xml"
        report.unlink(missing_ok=True)
        options = ["-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        options += [word for plugin in PLUGINS for word in ("-p", plugin)]
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=self.root,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        if ran.returncode not in (ALL_PASSED, SOME_FAILED) or not report.exists():
            return Verdict("nonsense", words=ran.stdout[-2_000:] + ran.stderr[-2_000:])
        return verdict_of(report)

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in OF_THE_DEVELOPER and not name.startswith(NOT_FOR_TESTS)
        }
        return kept | {
            "GATEHOUSE_DATA_DIR": str(self.services),
            "GATEHOUSE_ENV_FILE": "none",
            "GATEHOUSE_MODE": "evaluation",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_XDIST_WORKER": f"gw{self.worker}",  # the servers are up, and the queue is the worker's own
            "TOX_PARALLEL_ENV": f"mutants_{self.worker}",  # the database is its own (pytest-django)
        }


@dataclass(frozen=True)
class Judged:
    mutation: Mutation
    verdict: Verdict
    seconds: float

    @property
    def killed(self) -> bool:
        return self.verdict.said == "a failure"


def verdict_of(report: Path) -> Verdict:
    """A defect is noticed by an assertion that fails. Code that no longer runs says nothing about permissions."""
    cases = list(ElementTree.parse(report).iter("testcase"))
    broken = [(case, error) for case in cases for error in case if error.tag in ("error", "failure")]
    for case, error in broken:
        if error.tag == "failure" and is_assertion(error.get("message", "")):
            return Verdict("a failure", name_of(case), error.get("message", ""))
    if broken:
        case, error = broken[0]
        return Verdict("nonsense", name_of(case), error.get("message", ""))
    return Verdict("nothing", passed=sum(case.find("skipped") is None for case in cases))


def is_assertion(message: str) -> bool:
    return message.startswith(("assert ", "AssertionError", "Failed: DID NOT RAISE"))


def name_of(case: ElementTree.Element) -> str:
    """As pytest takes it."""
    return f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"

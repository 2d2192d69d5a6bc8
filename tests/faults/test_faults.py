"""The short form of `python -m tests.faults`: everything is killed in the middle of a sync."""

import os
import subprocess
import sys

import pytest

from connectors.parsing.process import ROOT

pytestmark = pytest.mark.timeout(900)  # two syncs by real processes, on a machine that may be busy


def faults(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *words],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_whatever_is_killed_in_a_sync_what_is_left_is_the_same_to_the_byte() -> None:
    done = faults("--documents", "200", "--times", "3", "--seed", "3")
    assert done.returncode == 0, done.stdout

"""`manage.py doctor`, and with it how a command comes by the services it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from gateway import health
from gateway.embedded import for_command
from gateway.embedded.sharing import PROJECT
from tests.processes import passable_directory, processes_of


@pytest.mark.django_db
def test_it_says_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("doctor")
    said = capsys.readouterr().out
    assert "PostgreSQL 18" in said
    assert "pgvector 0.8" in said
    assert said.endswith("Nothing is missing.\n")


def test_a_command_starts_the_services_for_its_own_time() -> None:
    outside = ("DATABASE_URL", "REDIS_URL")
    environment = {name: value for name, value in os.environ.items() if name not in outside}
    with passable_directory() as data_dir:
        ended = subprocess.run(
            [sys.executable, "manage.py", "doctor"],
            cwd=PROJECT,
            env=environment | {"GATEHOUSE_DATA_DIR": str(data_dir)},
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 1
        assert ended.stderr == "Problem: the database is not migrated. Run: python manage.py migrate\n"
        assert processes_of(data_dir) == []


def test_help_and_checks_start_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_DATA_DIR", str(tmp_path / "data"))
    for words in (["help"], ["check"], ["makemigrations", "--check"], ["sync", "--help"], ["--version"], []):
        with for_command(["manage.py", *words]):
            assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("text", "fit"),
    [("0.8.4", True), ("0.8.3", False), ("0.10.0", True), ("0.8", False), ("1.0", True), ("0.8.10", True)],
)
def test_pgvector_versions_compare_as_numbers(text: str, fit: bool) -> None:
    assert (health.as_version(text) >= health.OLDEST_PGVECTOR) is fit

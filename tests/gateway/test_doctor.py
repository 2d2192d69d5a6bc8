"""`manage.py doctor`, and with it how a command comes by the services it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from connectors import vectors
from connectors.models import Unembedded
from gateway import health
from gateway.embedded import for_command
from gateway.embedded.sharing import PROJECT
from tests.cast import World
from tests.made_up import give_vectors
from tests.processes import passable_directory, processes_of


@pytest.mark.django_db
def test_it_says_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("doctor")
    said = capsys.readouterr().out
    assert "PostgreSQL 18" in said
    assert "pgvector 0.8" in said
    assert said.endswith("Nothing is missing.\n")


def test_it_says_how_the_search_stands(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    world = World.of("ann")
    world.document("a", grants=["ann"], text="Words.")
    generation = give_vectors()
    call_command("doctor")
    said = capsys.readouterr().out
    assert "Vectors: 1 by made up, 2 numbers each; all are searched exactly" in said
    generation.graph, generation.measured = True, {"index_ms_200": 2.5}
    generation.save()
    with pytest.raises(SystemExit):
        call_command("doctor")
    said, problem = capsys.readouterr()
    assert "up to 20,000 permitted passages are searched exactly (index_ms_200 2.5); 1 are not in the index yet" in said
    assert "Run: python manage.py reindex" in problem


@pytest.mark.django_db(transaction=True)
def test_reindex_makes_the_index_anew(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="There are no vectors yet"):
        call_command("reindex")
    World.of("ann").document("a", grants=["ann"], text="Words.")
    give_vectors()
    call_command("reindex")
    assert "all are searched exactly" in capsys.readouterr().out
    monkeypatch.setattr(vectors, "GRAPH_FROM", 1)
    call_command("reindex")
    assert "permitted passages are searched exactly (index_ms_200" in capsys.readouterr().out
    call_command("reindex", warm=True)
    call_command("doctor")
    assert capsys.readouterr().out.endswith("Nothing is missing.\n")


@pytest.mark.django_db
def test_what_a_model_refused_is_tried_again_when_somebody_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    World.of("ann").document("a", grants=["ann"], text="Words.")
    Unembedded.objects.update(reason="refused")
    call_command("doctor")
    assert "no vector of 1 passages" in capsys.readouterr().out
    call_command("reindex", retry=True)
    assert vectors.waiting().count() == 1


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

"""What stops the start, each with one line that names the setting."""

import base64
import os
import subprocess
import sys
from typing import Any

import pytest
from django.db import transaction

from connectors.corpus import wall
from gateway import health, start
from gateway.embedded import database_url, services
from gateway.embedded.sharing import PROJECT
from tests.processes import passable_directory

KEY = base64.b64encode(bytes(32)).decode()
SOUND: dict[str, Any] = {
    "mode": "production",
    "debug": False,
    "secret_key": "k" * 60,
    "encryption_keys": [KEY],
    "allowed_hosts": ["gatehouse.example"],
    "pause_points": "",
}
INSECURE = [
    ({"mode": "demo"}, "GATEHOUSE_MODE"),
    ({"debug": True}, "DEBUG"),
    ({"secret_key": ""}, "SECRET_KEY"),
    ({"secret_key": "short"}, "SECRET_KEY"),
    ({"encryption_keys": []}, "GATEHOUSE_ENCRYPTION_KEYS"),
    ({"encryption_keys": [KEY, "guess"]}, "GATEHOUSE_ENCRYPTION_KEYS"),
    ({"allowed_hosts": []}, "ALLOWED_HOSTS"),
    ({"allowed_hosts": ["gatehouse.example", "*"]}, "ALLOWED_HOSTS"),
    ({"pause_points": "flush"}, "GATEHOUSE_PAUSE_POINTS"),
]


def test_sound_settings_start() -> None:
    start.refuse_insecure(**SOUND)


@pytest.mark.parametrize(("change", "named"), INSECURE)
def test_an_insecure_setting_is_named_in_one_line(
    change: dict[str, Any], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="78"):
        start.refuse_insecure(**SOUND | change)
    said = capsys.readouterr().err
    assert named in said
    assert said.count("\n") == 1


def test_an_evaluation_needs_none_of_them() -> None:
    start.refuse_insecure(
        **SOUND | {"mode": "evaluation", "secret_key": "", "encryption_keys": [], "allowed_hosts": []}
    )


def test_a_misspelt_setting_is_an_error_but_not_what_kubernetes_adds(capsys: pytest.CaptureFixture[str]) -> None:
    start.refuse_unknown_settings({"GATEHOUSE_SERVICE_HOST": "10.0.0.1", "GATEHOUSE_PORT_80_TCP": "x", "HOME": "/"})
    with pytest.raises(SystemExit, match="78"):
        start.refuse_unknown_settings({"GATEHOUSE_DATADIR": "/srv"})
    assert "GATEHOUSE_DATADIR is not a setting" in capsys.readouterr().err


def test_a_production_process_without_its_secrets_exits_with_78() -> None:
    environment = {"GATEHOUSE_ENV_FILE": "none", "DATABASE_URL": "postgresql://x@127.0.0.1/x", "PATH": os.defpath}
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 78
    assert ended.stderr.startswith("Gatehouse does not start: SECRET_KEY is unset")


@pytest.mark.timeout(180)
def test_a_web_that_cannot_take_its_role_exits_with_78() -> None:
    """The second wall is there or nobody is served: here the database was never migrated."""
    with passable_directory() as directory, services(directory, valkey=False):
        environment = os.environ | {
            "GATEHOUSE_DATA_DIR": str(directory),
            "DATABASE_URL": database_url(directory),
            "GATEHOUSE_PROCESS": "web",
        }
        ended = subprocess.run(
            [sys.executable, "-c", "import gateway.asgi"], cwd=PROJECT, env=environment, capture_output=True, text=True
        )
    assert ended.returncode == 78
    assert "does not let the web take the role gatehouse_web. Run: python manage.py migrate" in ended.stderr


@pytest.mark.django_db
def test_a_role_that_is_not_there_makes_the_service_unready(monkeypatch: pytest.MonkeyPatch) -> None:
    health.require_wall()
    monkeypatch.setattr(wall, "WEB_ROLE", "gatehouse_nobody")
    with transaction.atomic(), pytest.raises(health.NotReady, match="gatehouse_nobody cannot be taken"):
        health.require_wall()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("0.5", (0.5, {})),
        ("0.4, github: 0.3,imap:1", (0.4, {"github": 0.3, "imap": 1.0})),
        ("github:0", (0.5, {"github": 0.0})),
        ("", (0.5, {})),
    ],
)
def test_what_meaning_counts_is_said_for_all_and_by_kind(text: str, read: tuple[float, dict[str, float]]) -> None:
    assert start.meaning(text) == read


@pytest.mark.parametrize("text", ["much", "1.5", "-1", "nan", "github: lots"])
def test_a_weight_that_is_none_stops_the_start(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        start.meaning(text)
    assert "SEARCH_MEANING holds" in capsys.readouterr().err

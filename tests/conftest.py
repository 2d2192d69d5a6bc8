"""The tests' own Postgres and Valkey: up before the settings are read, shared by the workers of one run.

The environment is set when this file is imported, because pytest-django reads the settings right after.
"""

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # "" in the process that starts the workers
OF_THE_DEVELOPER = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "PORT", "DEBUG", "GENERAL_KNOWLEDGE")
OUTSIDE = ("GATEHOUSE_", "LLM_", "EMBED_", "RERANK_", "SLACK_")
IN_CI = os.environ.get("CI", "").lower() in ("1", "true")


def forget_the_developers_settings() -> None:
    for name in list(os.environ):
        if name in OF_THE_DEVELOPER or name.startswith(OUTSIDE):
            del os.environ[name]


def new_data_dir() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="gatehouse-tests-"))
    directory.chmod(0o711)  # the account that root lets the servers run as must get through
    return directory


if not WORKER:
    forget_the_developers_settings()
    os.environ |= {
        "GATEHOUSE_DATA_DIR": str(new_data_dir()),
        "GATEHOUSE_ENV_FILE": "none",
        "GATEHOUSE_MODE": "evaluation",
        "GATEHOUSE_PROCESS": "command",  # whatever the tests import
    }
os.environ["DJANGO_SETTINGS_MODULE"] = "gateway.settings"
DATA_DIR = Path(os.environ["GATEHOUSE_DATA_DIR"])

from django.conf import settings  # noqa: E402

from gateway import embedded  # noqa: E402  (it must find the environment of the tests)
from tests.browsers import chromium  # noqa: E402

if WORKER:  # each worker has a queue of its own, as it has a database of its own
    os.environ["REDIS_URL"] = embedded.valkey_url(DATA_DIR, database=int(WORKER.removeprefix("gw")) + 1)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if not WORKER:
        stack = ExitStack()
        stack.callback(shutil.rmtree, DATA_DIR, ignore_errors=True)
        stack.enter_context(embedded.services(DATA_DIR, durable=False))
        config.add_cleanup(stack.close)
    # Read now: pytest-django sets Django up only if they have been. Hashing slowly is the point of the real hasher.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.getoption("numprocesses", None):
        del os.environ["DJANGO_SETTINGS_MODULE"]  # else a worker reads the settings before this file


def pytest_report_header(config: pytest.Config) -> str:
    if chromium():
        return f"browser: {chromium()}"
    return "browser: none, its tests are left out. On Debian: apt-get install chromium"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a browser its tests are left out, but not in CI."""
    in_browser = [item for item in items if item.get_closest_marker("browser")]
    if chromium() or not in_browser:
        return
    if IN_CI:
        raise pytest.UsageError("There is no Chromium for the browser tests. On Debian: apt-get install chromium")
    config.hook.pytest_deselected(items=in_browser)
    items[:] = [item for item in items if item not in in_browser]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The data directory of this run, with its servers up."""
    return DATA_DIR

"""The embedded services, with real servers and real signals."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
from kombu import Connection
from kombu.exceptions import OperationalError

from gateway.embedded import database_url, secrets_of, services, valkey_url
from gateway.embedded.binaries import postgres_programs, valkey_program
from gateway.embedded.places import Account, can_enter, places_of
from gateway.embedded.processes import working_in
from gateway.embedded.sharing import PROJECT
from tests.processes import passable_directory, processes_of, within

STRANGER = Account(uid=54321, gid=54321)
USER = """
import sys
from pathlib import Path
from gateway.embedded import services
with services(Path(sys.argv[1]), durable=False):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A data directory of these tests alone."""
    with passable_directory() as directory:
        yield directory


@contextmanager
def another_user(place: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that uses the services until it is ended."""
    user = start_user(place)
    try:
        assert user.stdout and user.stdout.readline() == "up\n"
        yield user
    finally:
        user.kill()
        user.communicate()


def start_user(place: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )


def keepers(place: Path, server: str) -> list[psutil.Process]:
    return processes_of(place, f"gateway.embedded {server}")


def asked(place: Path, statement: str) -> object:
    with psycopg.connect(database_url(place), connect_timeout=5) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row and row[0]


def is_ready(place: Path) -> bool:
    try:
        return asked(place, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def postmaster(place: Path) -> int:
    return int((places_of(place).cluster / "postmaster.pid").read_text().split()[0])


# --- secrets ------------------------------------------------------------------------------------------


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(secrets_of, [tmp_path / "data"] * 8))
    assert made == {secrets_of(tmp_path / "data")}
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["secrets.json"]


def test_a_data_directory_that_cannot_be_written_stops_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="78"):
        secrets_of(Path("/proc/gatehouse"))
    assert "the data directory /proc/gatehouse cannot be used" in capsys.readouterr().err


def test_lost_secrets_are_not_made_anew_beside_an_old_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(SystemExit, match="78"):
        secrets_of(tmp_path)
    assert "secrets.json is missing" in capsys.readouterr().err


# --- places -------------------------------------------------------------------------------------------


def test_an_account_enters_only_where_every_directory_lets_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert not can_enter(tmp_path, STRANGER)
    assert can_enter(Path("/usr/bin/env"), STRANGER)
    assert can_enter(tmp_path, None)


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30)
    assert len(str(places_of(data_dir).sockets)) < 60
    assert places_of(data_dir).sockets != places_of(tmp_path / "other" / ("long" * 30)).sockets


def test_servers_run_from_a_closed_directory(place: Path) -> None:
    """Root's servers run as somebody else, who must reach their files; nobody else's need to move."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    data_dir = closed / "data"
    home = places_of(data_dir).home
    assert (home == data_dir) == (os.geteuid() != 0)
    try:
        with services(data_dir, durable=False):
            assert asked(data_dir, "SELECT current_user") == "gatehouse"
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        if home != data_dir:
            shutil.rmtree(home)


def test_programs_in_a_closed_directory_are_copied_to_where_their_account_reaches(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.embedded.binaries.can_enter", lambda path, account: False)
    places = places_of(place)
    assert postgres_programs(places).is_relative_to(places.home)
    assert valkey_program(places).is_relative_to(places.home)
    told = subprocess.run([postgres_programs(places) / "initdb", "--version"], capture_output=True, text=True)
    assert told.stdout.startswith("initdb (PostgreSQL) 18")


# --- running ------------------------------------------------------------------------------------------


def test_the_database_belongs_to_a_role_that_is_no_superuser(place: Path) -> None:
    with services(place, durable=False):
        assert asked(place, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert asked(place, "SELECT extversion FROM pg_extension WHERE extname = 'vector'") == "0.8.6"
        assert asked(place, "SELECT current_setting('listen_addresses')") == ""
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(database_url(place).replace(secrets_of(place).postgres_password, "guessed"))
        with pytest.raises(psycopg.OperationalError, match="no pg_hba"):
            psycopg.connect(database_url(place).replace("//gatehouse:", "//postgres:"))


def test_celery_reaches_the_broker_and_nobody_without_the_password(place: Path) -> None:
    with services(place, postgres=False):
        with Connection(valkey_url(place)) as connection:
            queue = connection.SimpleQueue("letters")
            queue.put({"to": "ann"})
            assert queue.get(timeout=5).payload == {"to": "ann"}
            queue.close()
        guessed = Connection(valkey_url(place).replace(secrets_of(place).valkey_password, "guessed"))
        with guessed, pytest.raises(OperationalError, match="invalid username-password"):
            guessed.ensure_connection(max_retries=1, interval_start=0)


def test_the_first_user_starts_the_servers_and_the_last_one_stops_them(place: Path) -> None:
    with services(place, durable=False):
        first = postmaster(place)
        with another_user(place) as other:
            assert postmaster(place) == first
            other.communicate("")
        assert asked(place, "SELECT 1") == 1
    assert within(5, lambda: not processes_of(place))  # a keeper ends a moment after its server


def test_two_starters_at_the_same_moment_share_one_server(place: Path) -> None:
    users = [start_user(place) for _ in range(3)]
    try:
        assert [user.stdout and user.stdout.readline() for user in users] == ["up\n"] * 3
        assert [len(keepers(place, server)) for server in ("postgres", "valkey")] == [1, 1]
    finally:
        for user in users:
            user.communicate("")
    assert within(5, lambda: not processes_of(place))  # a keeper ends a moment after its server


def test_the_servers_end_with_a_user_that_is_killed(place: Path) -> None:
    with another_user(place) as user:
        user.kill()
        assert within(15, lambda: not processes_of(place))


def test_the_server_ends_with_a_keeper_that_is_killed_and_the_next_start_recovers(place: Path) -> None:
    with another_user(place):
        with psycopg.connect(database_url(place)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        (keeper,) = keepers(place, "postgres")
        keeper.kill()
        keeper.wait()
        assert within(7, lambda: not any(working_in(places_of(place).cluster)))
    with services(place, durable=False):
        assert asked(place, "SELECT number FROM kept") == 7


def test_a_user_who_looks_after_the_services_gets_a_new_keeper_for_one_that_was_killed(place: Path) -> None:
    with services(place, durable=False) as looked_after:
        for keeper in (*keepers(place, "postgres"), *keepers(place, "valkey")):
            keeper.kill()
            keeper.wait()
        looked_after()
        assert asked(place, "SELECT 1") == 1
        assert [len(keepers(place, server)) for server in ("postgres", "valkey")] == [1, 1]


def test_a_server_that_is_killed_is_started_again(place: Path) -> None:
    with services(place, durable=False):
        killed = postmaster(place)
        os.kill(killed, signal.SIGKILL)
        (valkey,) = processes_of(place, "valkey-server")
        valkey.kill()

        assert within(20, lambda: is_ready(place) and postmaster(place) != killed)
        with Connection(valkey_url(place)) as connection:
            assert within(20, lambda: bool(connection.ensure_connection(max_retries=3)))


def test_everything_killed_at_once_leaves_nothing_that_stops_the_next_start(place: Path) -> None:
    with another_user(place):
        server = postmaster(place)
        for process in (*processes_of(place, "gateway.embedded"), psutil.Process(server)):
            process.kill()
    lock = places_of(place).cluster / "postmaster.pid"
    assert within(10, lambda: not any(working_in(places_of(place).cluster)))
    # After a restart of the machine the number in the lock may be any other program's, such as this one's.
    lock.write_text(lock.read_text().replace(str(server), str(os.getpid()), 1))
    with services(place, durable=False):
        assert asked(place, "SELECT 1") == 1


def test_a_database_of_another_version_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with services(place, durable=False):
        pass
    version = places_of(place).cluster / "PG_VERSION"
    version.write_text("17\n")
    try:
        with pytest.raises(SystemExit, match="78"), services(place, durable=False):
            pass
    finally:
        version.write_text("18\n")
    assert "was made by PostgreSQL 17, this is 18" in capsys.readouterr().err

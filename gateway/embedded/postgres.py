"""The embedded Postgres: a private socket, passwords, and an owner that is no superuser."""

import contextlib
import locale
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from gateway.embedded.binaries import postgres_programs
from gateway.embedded.own_secrets import secrets_of
from gateway.embedded.places import SOCKET_NAME, Places, make_private
from gateway.embedded.processes import die_with_parent, plain_environment, working_in
from gateway.embedded.server import ServerFailed

ROLE = DATABASE = "gatehouse"
VERSION = "18"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "huge_pages": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# For tests: what a power cut would cost does not matter there.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    name = "postgres"
    # fast shutdown, then immediate (the next start recovers), then the axe
    stop_steps = ((signal.SIGINT, 8.0), (signal.SIGQUIT, 2.0), (signal.SIGKILL, 1.0))

    def __init__(self, places: Places, *, durable: bool = True) -> None:
        self.places = places
        self.cluster = places.cluster
        self.durable = durable

    def prepare(self) -> None:
        make_private(self.places.sockets, self.places.account)
        if not self.cluster.exists():
            self._make_cluster()
        found = (self.cluster / "PG_VERSION").read_text().strip()
        if found != VERSION:
            raise ServerFailed(f"the database in {self.cluster} was made by PostgreSQL {found}, this is {VERSION}.")
        self._end_predecessors()
        self._clear_stale_locks()

    def start(self, log: int) -> subprocess.Popen[bytes]:
        settings = SETTINGS | {"unix_socket_directories": str(self.places.sockets)}
        if not self.durable:
            settings |= NOT_DURABLE
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._popen(["postgres", "-D", str(self.cluster), *options], stdin=subprocess.DEVNULL, output=log)

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(process.pid) and lines[7].strip() == "ready"

    def _make_cluster(self) -> None:
        draft = self.cluster.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)  # an initialisation that was cut short
        make_private(draft, self.places.account)
        self._initdb(draft)
        (draft / "pg_hba.conf").write_text(f"local all {ROLE} scram-sha-256\n")
        self._make_database(draft)
        draft.rename(self.cluster)

    def _initdb(self, draft: Path) -> None:
        options = {"-D": str(draft), "-U": "postgres", "-A": "reject", "-E": "UTF8"}
        words = [word for pair in options.items() for word in pair]
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--lc-ctype={_ctype()}"]
        words += [] if self.durable else ["--no-sync"]
        self._run(["initdb", *words], draft)

    def _make_database(self, draft: Path) -> None:
        """In single-user mode, so that the superuser never needs a password and cannot be reached by socket."""
        password = secrets_of(self.places.data_dir).postgres_password
        statements = (
            "CREATE EXTENSION vector",  # in the template: its owner must be a superuser, ours is none
            f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE PASSWORD '{password}'",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        )
        words = ["postgres", "--single", "-D", str(draft)]
        words += [] if self.durable else ["-F"]
        output = self._run([*words, "template1"], draft, "\n".join(statements) + "\n")
        if "ERROR" in output:
            raise ServerFailed(f"the database cannot be made: {_last_line(output, 'ERROR')}")

    def _end_predecessors(self) -> None:
        """A server whose keeper was killed is shutting down; wait for it, then insist."""
        for number, seconds in ((None, 12.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 2.0)):
            for process in working_in(self.cluster):
                if number:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, number)
            deadline = time.monotonic() + seconds
            while any(working_in(self.cluster)):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
            else:
                return
        raise ServerFailed(f"another PostgreSQL is running in {self.cluster}.")

    def _clear_stale_locks(self) -> None:
        """Nothing runs in the cluster, so the numbers in these files are nobody's, or another program's by now."""
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        (self.places.sockets / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)

    def _run(self, words: list[str], directory: Path, text: str = "") -> str:
        process = self._popen(words, stdin=subprocess.PIPE, output=subprocess.PIPE, directory=directory)
        output = process.communicate(text.encode())[0].decode(errors="replace")
        if process.returncode:
            raise ServerFailed(f"{words[0]} failed: {_last_line(output, 'rror', 'FATAL')}")
        return output

    def _popen(
        self, words: list[str], *, stdin: int, output: int, directory: Path | None = None
    ) -> subprocess.Popen[bytes]:
        account = self.places.account
        program = postgres_programs(self.places) / words[0]
        return subprocess.Popen(
            [str(program), *words[1:]],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory or self.cluster,
            env=plain_environment(os.environ),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077,
            preexec_fn=die_with_parent(signal.SIGINT),
        )


def _ctype() -> str:
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    return "C.UTF-8"


def _last_line(output: str, *marks: str) -> str:
    """The last line that names an error, else the last of all."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if any(mark in line for mark in marks)]
    return (telling or lines or ["it said nothing."])[-1]

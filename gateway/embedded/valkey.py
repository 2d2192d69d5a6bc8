"""The embedded Valkey: broker only, nothing on disk (Postgres knows what is due)."""

import os
import signal
import socket
import subprocess
from pathlib import Path

from gateway.embedded.binaries import valkey_program
from gateway.embedded.own_secrets import secrets_of
from gateway.embedded.places import Places, make_private
from gateway.embedded.processes import die_with_parent, plain_environment


class Valkey:
    name = "valkey"
    stop_steps = ((signal.SIGTERM, 2.0), (signal.SIGKILL, 1.0))

    def __init__(self, places: Places) -> None:
        self.places = places
        self.socket = places.sockets / "valkey.sock"
        self.password = secrets_of(places.data_dir).valkey_password

    def prepare(self) -> None:
        make_private(self.places.sockets, self.places.account)
        self.socket.unlink(missing_ok=True)

    def start(self, log: int) -> subprocess.Popen[bytes]:
        account = self.places.account
        process = subprocess.Popen(
            [valkey_program(self.places), "-"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=self.places.sockets,
            env=plain_environment(os.environ),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        assert process.stdin is not None
        with process.stdin as configuration:  # not by argument: everyone reads those
            configuration.write(self._configuration().encode())
        return process

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(str(self.socket))
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answers:
                    return (answers.readline(), answers.readline()) == (b"+OK\r\n", b"+PONG\r\n")
        except OSError:
            return False

    def _configuration(self) -> str:
        settings = {
            "port": "0",
            "unixsocket": _quoted(self.socket),
            "unixsocketperm": "700",
            "requirepass": self.password,
            "save": '""',
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'

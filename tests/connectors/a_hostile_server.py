"""A server that speaks with its sockets alone, so that it can do what no server of a library does."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

Doing = Callable[["Hostile", socket.socket], None]
MILLION = b"x" * 1_000_000


@dataclass
class Hostile:
    """`deeds` by path: what it does on a connection that asked for it. `sent`: bytes that somebody took."""

    deeds: dict[str, Doing]
    port: int = 0
    sent: int = 0
    asked: list[str] = field(default_factory=list)
    ending: Event = field(default_factory=Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def running(self) -> Iterator["Hostile"]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port = listening.getsockname()[1]
            thread = Thread(target=self._listen, args=(listening,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                self.ending.set()
                with suppress(OSError):
                    socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                thread.join(5)

    def _listen(self, listening: socket.socket) -> None:
        while not self.ending.is_set():
            connection, _ = listening.accept()
            Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(30)
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := connection.recv(65_536)):
                    return
                head += piece
            path = head.split(b" ", 2)[1].decode()
            self.asked.append(path)
            self.deeds.get(path, not_there)(self, connection)

    def send(self, connection: socket.socket, content: bytes) -> None:
        connection.sendall(content)
        self.sent += len(content)


def said(status: str, headers: str = "", body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n".encode() + body


def saying(status: str, headers: str = "", body: bytes = b"") -> Doing:
    return lambda server, connection: server.send(connection, said(status, headers, body))


not_there = saying("404 Not Found")


def page(body: str) -> Doing:
    return saying("200 OK", "Content-Type: text/html\r\n", body.encode())


def endless_body(server: Hostile, connection: socket.socket) -> None:
    """Ten gigabytes, for whoever takes them."""
    server.send(connection, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 10000000000\r\n\r\n")
    for _ in range(10_000):
        server.send(connection, MILLION)


def drip(server: Hostile, connection: socket.socket) -> None:
    """A byte a second, so that something always comes."""
    server.send(connection, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000000\r\n\r\n")
    while not server.ending.wait(1.0):
        server.send(connection, b"x")


def drip_headers(server: Hostile, connection: socket.socket) -> None:
    server.send(connection, b"HTTP/1.1 200 OK\r\n")
    while not server.ending.wait(0.1):
        server.send(connection, b"X-More: and more\r\n")


def endless_headers(server: Hostile, connection: socket.socket) -> None:
    server.send(connection, b"HTTP/1.1 200 OK\r\n")
    for _ in range(10_000):
        server.send(connection, b"X-More: " + b"x" * 100_000 + b"\r\n")


def endless_hints(server: Hostile, connection: socket.socket) -> None:
    """103 Early Hints, and never an answer."""
    while not server.ending.is_set():
        server.send(connection, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)


def silence(server: Hostile, connection: socket.socket) -> None:
    server.ending.wait(30)


def no_http(server: Hostile, connection: socket.socket) -> None:
    server.send(connection, b"SSH-2.0-OpenSSH_9.2\r\n\0\0\0")


def breaks_off(server: Hostile, connection: socket.socket) -> None:
    server.send(connection, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n<html>")

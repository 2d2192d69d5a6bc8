"""A mail server of one account that says what a test wants it to: also what no mail server should say."""

import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Said = bytes | Callable[[bytes], bytes]

MESSAGE = b"From: Ann <ann@example.org>\r\nSubject: The oven\r\n\r\nIt is serviced in March.\r\n"
CAPABILITY = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN NAMESPACE ACL CONDSTORE ESEARCH\r\n"


@dataclass
class MailServer:
    """`said` answers the commands whose words match, instead of what would be true; the first one does. `hangs`: to a
    command that matches nothing is said, ever; `breaks`: the connection ends before the answer does."""

    messages: dict[int, bytes] = field(default_factory=lambda: {1: MESSAGE})
    mailboxes: dict[bytes, int] = field(default_factory=lambda: {b"INBOX": 7})
    said: dict[bytes, Said] = field(default_factory=dict)
    hangs: bytes = b""
    breaks: bytes = b""
    refuses: bytes = b""
    greeting: bytes = b"* OK ready\r\n"
    asked: list[bytes] = field(default_factory=list)
    port: int = 0
    ending: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["MailServer"]:
        handler = type("Handler", (_Handler,), {"mail": self})
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
            server.daemon_threads = True
            server.block_on_close = False
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            try:
                yield self
            finally:
                self.ending.set()
                server.shutdown()
                thread.join()

    def answer(self, command: bytes) -> bytes:
        for words, said in self.said.items():
            if re.match(words, command):
                return said(command) if callable(said) else said
        return self.truth(command)

    def truth(self, command: bytes) -> bytes:
        name, _, rest = command.partition(b" ")
        match name.upper():
            case b"CAPABILITY":
                return CAPABILITY
            case b"NAMESPACE":
                return b'* NAMESPACE (("" "/")) NIL NIL\r\n'
            case b"LIST":
                return b"".join(b'* LIST () "/" "%s"\r\n' % box for box in self.mailboxes)
            case b"MYRIGHTS":
                return b"* MYRIGHTS %s lrwa\r\n" % rest
            case b"GETACL":
                return b"* ACL %s ann@example.org lrwa\r\n" % rest
            case _:
                return self.truth_of_messages(name.upper(), rest)

    def truth_of_messages(self, name: bytes, rest: bytes) -> bytes:
        count, following = len(self.messages), max(self.messages, default=0) + 1
        if name == b"STATUS":
            box = rest.split(b'"')[1]
            counts = (box, count, following, self.mailboxes[box])
            return b'* STATUS "%s" (MESSAGES %d UIDNEXT %d UIDVALIDITY %d HIGHESTMODSEQ 9)\r\n' % counts
        if name == b"EXAMINE":
            return b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] x\r\n" % (count, self.mailboxes[rest.split(b'"')[1]])
        if name != b"UID":
            return b""
        if rest.startswith(b"FETCH"):
            return b"".join(self.fetched(rest, uid) for uid in sorted(self.messages))
        numbers = b"" if b"DELETED" in rest else b" ALL " + b",".join(b"%d" % uid for uid in sorted(self.messages))
        return b'* ESEARCH (TAG "x") UID%s\r\n' % (numbers if self.messages else b"")

    def fetched(self, command: bytes, uid: int) -> bytes:
        wanted = command.split(b" ")[1]
        if not any(_within(uid, part) for part in wanted.split(b",")):
            return b""
        content = self.messages[uid]
        if b"BODY.PEEK[]" in command:
            return b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, len(content), content)
        header = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        return (
            b'* 1 FETCH (UID %d RFC822.SIZE %d INTERNALDATE "17-Jul-2026 02:44:25 -0700" '
            b"BODY[HEADER.FIELDS (SUBJECT FROM DATE)]<0> {%d}\r\n%s)\r\n"
        ) % (uid, len(content), len(header), header)

    def commands(self, name: bytes) -> list[bytes]:
        return [command for command in self.asked if command.upper().startswith(name)]


def _within(uid: int, part: bytes) -> bool:
    low, _, high = part.partition(b":")
    return int(low) <= uid <= int(high or low)


class _Handler(socketserver.StreamRequestHandler):
    mail: MailServer

    def handle(self) -> None:
        with suppress(ConnectionError, ValueError):
            self.wfile.write(self.mail.greeting)
            while line := self.rfile.readline():
                if not self.serve(line.rstrip(b"\r\n")):
                    return

    def serve(self, line: bytes) -> bool:
        tag, _, command = line.partition(b" ")
        self.mail.asked.append(command)
        if self.mail.hangs and re.match(self.mail.hangs, command):
            self.mail.ending.wait()
            return False
        if command.upper().startswith(b"AUTHENTICATE"):
            self.wfile.write(b"+ \r\n")
            self.mail.asked.append(self.rfile.readline().rstrip(b"\r\n"))
        if command.upper() == b"LOGOUT":
            self.wfile.write(b"* BYE\r\n" + tag + b" OK\r\n")
            return False
        said = self.mail.answer(command)
        if self.mail.breaks and re.match(self.mail.breaks, command):
            self.wfile.write(said[: len(said) // 2])
            return False
        refused = self.mail.refuses and re.match(self.mail.refuses, command)
        self.wfile.write(b"" if refused else said)
        self.wfile.write(tag + (b" NO [NOPERM] not for you\r\n" if refused else b" OK done\r\n"))
        return True


def settings(server: MailServer, **more: Any) -> dict[str, str]:
    return {
        "host": "127.0.0.1",
        "port": str(server.port),
        "tls": "false",
        "accounts": "ann@example.org",
        "password": "secret",
        **more,
    }

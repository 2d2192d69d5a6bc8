"""A real Dovecot with its ACL plug-in, on loopback: mailboxes of its own, as an account without rights."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from imaplib import IMAP4_SSL
from pathlib import Path
from ssl import create_default_context

INSTALL = "On Debian: apt-get install dovecot-imapd"
PLACES = ("/usr/sbin/dovecot", "/usr/local/sbin/dovecot", "/opt/homebrew/sbin/dovecot")
MASTER, MASTER_PASSWORD = "gatehouse", "the master's own"
PASSWORD = "correct horse"

CONFIG = """
protocols = imap
base_dir = {root}/run
state_dir = {root}/state
instance_name = gatehouse-tests
log_path = {root}/log
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
mail_plugins = acl
mail_home = {root}/home/%u
mail_location = maildir:~/mail
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = {uid}
first_valid_gid = {gid}
mmap_disable = no
auth_mechanisms = plain login
auth_master_user_separator = *
auth_failure_delay = 0
ssl = required
ssl_cert = <{root}/cert.pem
ssl_key = <{root}/key.pem
ssl_dh =
listen = 127.0.0.1
verbose_proctitle = no

passdb {{
  driver = passwd-file
  master = yes
  args = scheme=PLAIN username_format=%u {root}/masters
  result_success = continue
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {root}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {root}/users
}}
namespace inbox {{
  inbox = yes
  separator = /
  prefix =
  mailbox Drafts {{
    special_use = \\Drafts
    auto = create
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = create
  }}
}}
namespace others {{
  type = shared
  separator = /
  prefix = shared/%%u/
  location = maildir:{root}/home/%%u/mail:INDEXPVT={root}/home/%u/shared/%%u
  subscriptions = no
  list = children
}}
namespace public {{
  type = public
  separator = /
  prefix = Public/
  location = maildir:{root}/public:INDEXPVT={root}/home/%u/public
  subscriptions = no
  list = children
}}
protocol imap {{
  mail_plugins = acl imap_acl
  mail_max_userip_connections = 100
}}
plugin {{
  acl = vfile
  acl_anyone = allow
  acl_shared_dict = file:{root}/shared-mailboxes
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service stats {{
  chroot =
}}
"""


def binary() -> str | None:
    """Where Dovecot is on this machine; system programs are not on everybody's path."""
    return shutil.which("dovecot") or next((place for place in PLACES if os.path.exists(place)), None)


@dataclass(frozen=True)
class Dovecot:
    """A running server. `certificate`: the PEM of what it shows."""

    root: Path
    port: int
    certificate: str

    def session(self, login: str, password: str = PASSWORD) -> IMAP4_SSL:
        """Somebody's own mail program."""
        imap = IMAP4_SSL(
            "localhost", self.port, ssl_context=create_default_context(cadata=self.certificate), timeout=20
        )
        imap.login(login, password)
        return imap

    def deliver(self, login: str, mailbox: str, message: str | bytes) -> None:
        content = message.encode() if isinstance(message, str) else message
        with self.session(login) as imap:
            if mailbox != "INBOX":
                imap.create(quoted(mailbox))
            status, said = imap.append(quoted(mailbox), "", "", content)
            assert status == "OK", said

    def allow(self, login: str, mailbox: str, identifier: str, rights: str) -> None:
        """SETACL, as a mail program sends it."""
        with self.session(login) as imap:
            status, said = imap.setacl(quoted(mailbox), quoted(identifier), quoted(rights))
            assert status == "OK", said

    def forbid(self, login: str, mailbox: str, identifier: str) -> None:
        with self.session(login) as imap:
            assert imap.deleteacl(quoted(mailbox), quoted(identifier))[0] == "OK"

    def users(self) -> str:
        return (self.root / "users").read_text()

    def knows(self, users: str) -> None:
        """Other lines of accounts, once the server has seen them: it looks again after a second."""
        (self.root / "users").write_text(users)
        time.sleep(1.2)

    def public(self, mailbox: str, rules: str) -> None:
        """A folder of everybody's, and the lines of its ACL file."""
        folder = self.root / "public" / f".{mailbox}"
        for part in ("cur", "new", "tmp"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "dovecot-acl").write_text(rules)
        give_away(self.root / "public")


def quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def give_away(path: Path) -> None:
    """Root is let into no mailbox: what stands below belongs to the account that the server runs as."""
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{runs_as().pw_uid}:{runs_as().pw_gid}", str(path)], check=True)


def runs_as() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.getuid())


@contextmanager
def dovecot(users: Mapping[str, str]) -> Iterator[Dovecot]:
    """`users`: each login with its groups, separated by commas."""
    import grp

    account = runs_as()
    root = Path(tempfile.mkdtemp(prefix="gatehouse-dovecot-"))  # short: the paths of sockets have a longest
    try:
        root.chmod(0o755)
        for folder in ("run", "state", "home", "public"):
            (root / folder).mkdir()
        lines = [
            f"{login}:{PASSWORD}:{account.pw_uid}:{account.pw_gid}::{root}/home/{login}::"
            f"userdb_acl_user={login} userdb_acl_groups={groups}"
            for login, groups in users.items()
        ]
        (root / "users").write_text("\n".join(lines) + "\n")
        (root / "masters").write_text(f"{MASTER}:{MASTER_PASSWORD}\n")
        certificate = certified(root)
        port = free_port()
        group = grp.getgrgid(account.pw_gid).gr_name
        (root / "dovecot.conf").write_text(
            CONFIG.format(
                root=root, user=account.pw_name, group=group, uid=account.pw_uid, gid=account.pw_gid, port=port
            )
        )
        give_away(root)
        with served(root, port):
            yield Dovecot(root, port, certificate)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def served(root: Path, port: int) -> Iterator[None]:
    program = binary()
    assert program is not None, INSTALL
    with (root / "output").open("wb") as output:
        process = subprocess.Popen(
            [program, "-F", "-c", str(root / "dovecot.conf")],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        await_port(process, port, root)
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def await_port(process: "subprocess.Popen[bytes]", port: int, root: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    told = "\n".join(path.read_text() for path in (root / "output", root / "log") if path.exists())
    raise AssertionError(f"Dovecot does not answer: {told[-2000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def certified(root: Path) -> str:
    """A key and a certificate of its own for localhost; its PEM."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(root / "key.pem"), "-out", str(root / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return (root / "cert.pem").read_text()

"""Where the embedded servers keep their files, and the account they run as."""

import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from gateway.embedded.own_secrets import secrets_of

# Whom root becomes, the first that exists: Postgres refuses to run as root, and nobody is created for it.
UNPRIVILEGED = ("postgres", "nobody", "daemon")
SOCKET_NAME = ".s.PGSQL.5432"
LONGEST_SOCKET = 107  # bytes of sockaddr_un.sun_path without its end


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int


@dataclass(frozen=True)
class Places:
    data_dir: Path
    home: Path  # the servers' own files: the data directory, or one that their account can reach
    sockets: Path
    account: Account | None  # None: the servers run as whoever starts them

    @property
    def cluster(self) -> Path:
        return self.home / "postgres"

    @property
    def locks(self) -> Path:
        return self.data_dir / "services"

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"


def places_of(data_dir: Path) -> Places:
    tag = hashlib.sha256(f"{data_dir}\0{secrets_of(data_dir).postgres_password}".encode()).hexdigest()[:16]
    elsewhere = Path("/var/lib") / f"gatehouse-{tag}"
    home, account = _home_and_account(data_dir, elsewhere)
    sockets = home / "run"
    if len(os.fsencode(sockets / SOCKET_NAME)) > LONGEST_SOCKET:
        sockets = Path("/tmp") / f"gatehouse-{tag}"  # noqa: S108  (the tag cannot be guessed, the owner is checked)
    return Places(data_dir, home, sockets, account)


def _home_and_account(data_dir: Path, elsewhere: Path) -> tuple[Path, Account | None]:
    if os.geteuid() != 0:
        return data_dir, None
    for home in (data_dir, elsewhere):
        owner = _owner(home / "postgres")
        if owner:
            return home, owner
    account = _first_unprivileged()
    return (data_dir if can_enter(data_dir, account) else elsewhere), account


def _owner(directory: Path) -> Account | None:
    try:
        status = directory.stat()
    except OSError:
        return None
    return Account(status.st_uid, status.st_gid) if status.st_uid else None


def _first_unprivileged() -> Account:
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    return Account(65534, 65534)


def can_enter(path: Path, account: Account | None) -> bool:
    """Whether the account may pass through every directory down to `path`, and through it."""
    if account is None:
        return True
    real = path.resolve()
    return all(_may_execute(step.stat(), account) for step in (real, *real.parents))


def _may_execute(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def make_private(directory: Path, account: Account | None) -> None:
    """A directory that only the servers' account enters. Raises PermissionError if somebody else made it."""
    directory.parent.mkdir(mode=0o711, exist_ok=True)  # the home, where that is not the data directory
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()
    owners = {os.geteuid(), account.uid if account else os.geteuid()}
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in owners:
        raise PermissionError(f"{directory} belongs to somebody else.")
    directory.chmod(0o700)
    if account:
        os.chown(directory, account.uid, account.gid)

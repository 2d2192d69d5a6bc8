"""What stands in the repositories of an organisation on GitHub: documents, issues, pull requests and discussions.

Of each repository a run remembers the tree it read, and the time of the last change in each list.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import quote

from connectors.records import Deletion, DocumentRecord, Problem, Record
from connectors.sources.base import ConnectorError
from connectors.sources.client import Refused
from connectors.sources.github.api import (
    A_PAGE,
    Api,
    Denied,
    Object,
    address,
    inner,
    moment,
    number,
    objects,
    stamp,
    text,
    whole,
)
from connectors.sources.github.discussions import Discussions
from connectors.sources.github.readers import Repository
from connectors.sources.github.reviews import Reviews, mark_of
from connectors.sources.github.run import (
    DISCUSSIONS,
    FILES,
    ISSUES,
    OVERLAP,
    PULLS,
    Mark,
    Plan,
    Progress,
    Unreadable,
    earlier,
    read_to,
)
from connectors.sources.github.text import all_by_time, rendered

PARTS = {
    "its files": frozenset({FILES}),
    "its issues and pull requests": frozenset({ISSUES, PULLS}),
    "its discussions": frozenset({DISCUSSIONS}),
}
MIMES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".mdown": "text/markdown",
    ".mkd": "text/markdown",
    ".rst": "text/plain",
    ".adoc": "text/plain",
    ".asciidoc": "text/plain",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".pdf": "application/pdf",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
}
PLAIN_NAMES = frozenset({"readme", "license", "licence", "copying", "notice", "changelog", "contributing", "authors"})
OTHERS_FOLDERS = frozenset({"node_modules", "vendor", "third_party"})  # what others wrote, kept in the repository
FILE_MODES = frozenset({"100644", "100755"})  # no links (120000), no submodules (160000)
LARGE_FILE = b"version https://git-lfs.github.com/spec/"
LONGEST_ID = 1_000  # bytes
MOST_TREES = 20_000  # asked for one by one, of a repository that GitHub does not list at once
MOST_STEPS = 10_000  # pages of what changed
HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
THREAD = re.compile(r"/(?:issues|pulls)/([0-9]{1,15})$")


@dataclass(frozen=True)
class File:
    path: str
    hash: str
    size: int


@dataclass
class Contents:
    """The part of a run that follows when readers are known."""

    plan: Plan
    api: Api
    progress: Progress

    def records(self, repository: Repository) -> Iterator[Record]:
        """Each kind apart: its marks move on only where it was read to its end. What GitHub has disabled, it tells to
        nobody."""
        if repository.is_disabled:
            return
        readers: list[tuple[str, Callable[[Repository, Mark], Iterator[Record]]]] = [
            ("its files", self.files),
            ("its issues and pull requests", self.threads),
            ("its discussions", Discussions(self.api, self.progress).records),
        ]
        for kind, read in readers:
            if not self.plan.include & PARTS[kind]:
                continue
            mark = deepcopy(self.progress.repositories.setdefault(str(repository.id), {}))
            try:
                yield from read(repository, mark)
            except (Refused, Denied, Unreadable) as refused:
                if isinstance(refused, Refused) and not refused.permanent:
                    raise
                yield self.progress.left_out(
                    f"{repository.full_name}: {kind} cannot be read; what is known of them stays. {refused}"
                )
            else:
                self.progress.repositories[str(repository.id)] = mark

    # --- files ---------------------------------------------------------------------------------------------------

    def files(self, repository: Repository, mark: Mark) -> Iterator[Record]:
        """The documents of the default branch, if its tree is another than before."""
        pushed = _pushed(repository)
        if pushed and mark.get("pushed") == pushed and not self.progress.is_whole:
            return
        tree = self.tree_of(repository)
        before = "" if self.progress.is_whole else mark.get("tree", "")
        if tree != before:
            found = {file.path: file for file in self.documents(repository, tree)} if tree else {}
            gone = sorted(set(self.paths_before(repository, before)) - set(found)) if before else []
            if gone and not found:  # all at once may be a fault: a whole listing tells, which the brake holds back
                yield Problem(
                    message=f"{repository.full_name} has no document any more. Those that were read stay until "
                    "everything is listed anew, once a day."
                )
                return
            for file in found.values():
                yield self.file(repository, file)
            for path in gone:
                yield Deletion(kind="document", id=_file(repository, path))
        mark["tree"], mark["pushed"] = tree, pushed

    def tree_of(self, repository: Repository) -> str:
        """The hash of the default branch's tree; "" for a repository without commits, or without that branch."""
        branch = quote(f"heads/{repository.branch}", safe="")
        reply = self.api.get(f"{repository.path}/commits/{branch}", {"per_page": "1"}, also=(409, 422))
        if reply.status in (409, 422):
            return ""
        tree = text(inner(whole(reply.json(), "a commit"), "commit", "tree"), "sha", 100)
        if not HASH.fullmatch(tree):
            raise Unreadable("GitHub did not tell the hash of the default branch's tree.")
        return tree

    def paths_before(self, repository: Repository, tree: str) -> list[str]:
        """What the tree before held; nothing where it is there no more, which leaves its files to a whole listing."""
        try:
            return [file.path for file in self.documents(repository, tree)]
        except (Refused, Unreadable) as refused:
            if isinstance(refused, Refused) and not refused.permanent:
                raise
            return []

    def documents(self, repository: Repository, tree: str) -> Iterator[File]:
        for file in self.walk(repository, tree):
            if _mime(file.path) and len(_file(repository, file.path).encode()) <= LONGEST_ID:
                yield file

    def walk(self, repository: Repository, root: str) -> Iterator[File]:
        """All files below a tree. A tree that GitHub cuts short is read level by level."""
        pending = [("", root)]
        for _ in range(MOST_TREES):
            above, hash = pending.pop()
            path = f"{repository.path}/git/trees/{hash}"
            entries, is_all = self.tree(path, {"recursive": "1"})
            if not is_all:
                entries, is_all = self.tree(path, {})
                if not is_all:
                    raise Unreadable("GitHub lists one of its folders only in part, and a part counts as nothing.")
                pending += [(f"{above}{name}/", tree) for name, tree in _folders(entries)]
            yield from filter(None, (_file_of(entry, above) for entry in entries))
            if not pending:
                return
        raise Unreadable(f"It has more than {MOST_TREES} folders that GitHub lists one by one only.")

    def tree(self, path: str, params: Mapping[str, str]) -> tuple[list[Object], bool]:
        body = whole(self.api.get(path, params).json(), "a tree")
        return objects(body.get("tree"), "a tree"), body.get("truncated") is False

    def file(self, repository: Repository, file: File) -> DocumentRecord:
        read = partial(self.bytes_of, repository, file)
        large = file.size > self.plan.most_bytes
        return DocumentRecord(
            id=_file(repository, file.path),
            title="",  # its text says it better than its name
            scope=repository.scope,
            url=f"{repository.url}/blob/{quote(repository.branch)}/{quote(file.path)}" if repository.url else "",
            mime=_mime(file.path),
            content=None if large else read,
            unreadable="too_large" if large else "",
            version=file.hash,
            metadata={"repository": repository.full_name, "path": file.path},
        )

    def bytes_of(self, repository: Repository, file: File) -> bytes:
        """What the hash promises, or nothing."""
        content = self.api.blob(f"{repository.path}/git/blobs/{file.hash}", self.plan.most_bytes)
        algorithm = "sha1" if len(file.hash) == 40 else "sha256"  # git's own choice, not ours
        hashed = hashlib.new(algorithm, b"blob %d\0" % len(content) + content, usedforsecurity=False)
        if hashed.hexdigest() != file.hash:
            raise ConnectorError(f"GitHub gave other bytes for {file.path} than its hash promises.")
        if content.startswith(LARGE_FILE):
            raise ConnectorError(f"{file.path} is kept in Git LFS, which is not read.", permanent=True)
        return content

    # --- issues and pull requests --------------------------------------------------------------------------------

    def threads(self, repository: Repository, mark: Mark) -> Iterator[Record]:
        """Issues and pull requests, which GitHub lists together, with what was said about them."""
        kinds = sorted(self.plan.include & {ISSUES, PULLS})
        is_new = self.progress.is_whole or mark.get("threads") != kinds
        yield from self.all_threads(repository, mark) if is_new else self.new_threads(repository, mark)
        mark["threads"] = kinds

    def lists(self, repository: Repository) -> dict[str, str]:
        lists = {"issues": f"{repository.path}/issues", "comments": f"{repository.path}/issues/comments"}
        if PULLS in self.plan.include:
            lists["notes"] = f"{repository.path}/pulls/comments"
        return lists

    def all_threads(self, repository: Repository, mark: Mark) -> Iterator[Record]:
        """Comments first, by which it is known whose text has changed; texts themselves are asked for only then."""
        lists, by_age, now = self.lists(repository), {"sort": "created", "direction": "asc"}, self.api.now
        said = Reviews(self.api, repository).marks() if PULLS in self.plan.include else {}
        seen: dict[str, dict[str, str]] = {key: {} for key in lists}
        for key in lists.keys() - {"issues"}:
            for id, at, comment in _timed(self.api.items(lists[key], by_age, also=(410,))):
                seen[key][id] = at
                if (about := _about(comment)) is not None:
                    said.setdefault(about, []).append(_spoken(key, comment))
        for id, at, issue in _timed(self.api.items(lists["issues"], {"state": "all", **by_age}, also=(410,))):
            seen["issues"][id] = at
            if self.is_wanted(issue):
                marks = said.get(number(issue, "number") or 0, [])
                yield self.thread(repository, issue, marks, partial(self.read_thread, repository, issue, marks))
        mark.update((key, read_to("", found, now)) for key, found in seen.items())

    def new_threads(self, repository: Repository, mark: Mark) -> Iterator[Record]:
        """What was touched since the marks, and what was said about anything since."""
        lists = self.lists(repository)
        changed = self.fresh(lists.pop("issues"), {"state": "all"}, mark.setdefault("issues", {}))
        touched: dict[int, Object | None] = {number(issue, "number") or 0: issue for issue in changed}
        for key, path in lists.items():
            for comment in self.fresh(path, {}, mark.setdefault(key, {})):
                if (about := _about(comment)) is not None:
                    touched.setdefault(about, None)
        for about in sorted(touched):
            issue = touched[about] or self.issue(repository, about)
            if issue is None:
                yield Deletion(kind="document", id=_thread(repository, about, is_pull=False))
                yield Deletion(kind="document", id=_thread(repository, about, is_pull=True))
            elif self.is_wanted(issue):
                said = self.said(repository, issue)
                marks = [_spoken(key, comment) for key in ("comments", "notes", "reviews") for comment in said[key]]
                yield self.thread(repository, issue, marks, rendered(issue, all_by_time(said)))

    def fresh(self, path: str, params: Mapping[str, str], mark: Mark) -> list[Object]:
        """What a list has had since the mark, less what is known of the overlap. The mark is moved on.

        Each page is asked for by the last time of the one before: by number, an entry that moves up while the list is
        read would push another over the edge of a page.
        """
        before, known = str(mark.get("since", "")), dict(mark.get("recent", {}))
        since, etag, now = earlier(before), mark.get("etag", ""), self.api.now
        found: dict[str, tuple[str, Object]] = {}
        for asked in range(MOST_STEPS):
            order = {**params, "sort": "updated", "direction": "asc", **({"since": since} if since else {})}
            full = {"per_page": str(A_PAGE), **order}
            reply = self.api.get(path, full, etag="" if asked else etag, also=(410,))
            if reply.status in (304, 410):
                return []
            page = {id: (at, entry) for id, at, entry in _timed(objects(reply.json(), path))}
            found.update(page)
            last = max((at for at, _ in page.values()), default=since)
            etag = reply.headers.get("etag", "") if not asked and len(page) < A_PAGE else ""
            if len(page) >= A_PAGE and last == since:  # more than a page of one moment: by number after all
                found.update((id, (at, entry)) for id, at, entry in _timed(self.api.items(path, order)))
            if len(page) < A_PAGE or last == since:
                break
            since = last
        read = read_to(before, {**known, **{id: at for id, (at, _) in found.items()}}, now)
        mark.update(read, etag=etag if read["since"] == before else "")
        return [entry for id, (at, entry) in found.items() if known.get(id) != at]

    def issue(self, repository: Repository, about: int) -> Object | None:
        """None where it is deleted, or moved to another repository."""
        path = f"{repository.path}/issues/{about}"
        reply = self.api.get(path, also=(404, 410))
        if reply.status != 200 or reply.url != self.api.client.url(path):
            return None
        return whole(reply.json(), "an issue")

    def is_wanted(self, issue: Object) -> bool:
        return (PULLS if _is_pull(issue) else ISSUES) in self.plan.include

    def said(self, repository: Repository, issue: Object, *, has_notes: bool = True) -> dict[str, list[Object]]:
        """All that was said: comments, and of a pull request the reviews and what they say about lines."""
        about = number(issue, "number")
        said: dict[str, list[Object]] = {"comments": [], "notes": [], "reviews": []}
        if issue.get("comments") != 0:
            said["comments"] = list(self.api.items(f"{repository.path}/issues/{about}/comments"))
        if _is_pull(issue) and about is not None:
            said["reviews"] = Reviews(self.api, repository).of(about)
            if has_notes:
                said["notes"] = list(self.api.items(f"{repository.path}/pulls/{about}/comments"))
        return said

    def read_thread(self, repository: Repository, issue: Object, marks: list[str]) -> bytes:
        has_notes = any(mark.startswith("notes") for mark in marks)
        said = self.said(repository, issue, has_notes=has_notes)
        return rendered(issue, all_by_time(said))

    def thread(
        self, repository: Repository, issue: Object, marks: list[str], content: bytes | Callable[[], bytes]
    ) -> DocumentRecord:
        about, is_pull = number(issue, "number") or 0, _is_pull(issue)
        told = "\n".join([text(issue, "updated_at", 40), *sorted(marks)])
        return DocumentRecord(
            id=_thread(repository, about, is_pull=is_pull),
            title=text(issue, "title", 1_000) or f"#{about}",
            scope=repository.scope,
            url=address(issue, "html_url"),
            mime="text/markdown",
            content=content,
            version=hashlib.sha256(told.encode()).hexdigest(),
            author=text(inner(issue, "user"), "login", 200),
            created_at=moment(issue, "created_at"),
            modified_at=moment(issue, "updated_at"),
            metadata={
                "repository": repository.full_name,
                "kind": "pull request" if is_pull else "issue",
                "number": about,
                "state": text(issue, "state", 40),
                "labels": [text(label, "name", 200) for label in _labels(issue)],
            },
        )


def _pushed(repository: Repository) -> str:
    """By which a later run knows that nobody pushed; "" while a push may not have arrived everywhere."""
    at = repository.pushed_at
    return f"{stamp(at)} {repository.branch}" if at is not None and at < datetime.now(UTC) - OVERLAP else ""


def _file(repository: Repository, path: str) -> str:
    return f"{repository.scope}/files/{path}"


def _thread(repository: Repository, about: int, *, is_pull: bool) -> str:
    return f"{repository.scope}/{'pulls' if is_pull else 'issues'}/{about}"


def _mime(path: str) -> str:
    """The type of a file that is read as a document, "" of any other."""
    file = PurePosixPath(path)
    if OTHERS_FOLDERS.intersection(file.parts[:-1]):
        return ""
    return MIMES.get(file.suffix.lower(), "text/plain" if file.name.lower() in PLAIN_NAMES else "")


def _file_of(entry: Object, above: str) -> File | None:
    """A file of a tree; links, submodules and names that are no clean text are none."""
    path, hash, size = entry.get("path"), text(entry, "sha", 100), entry.get("size")
    if entry.get("type") != "blob" or entry.get("mode") not in FILE_MODES or not HASH.fullmatch(hash):
        return None
    if not isinstance(path, str) or path != text(entry, "path", LONGEST_ID) or not path.isprintable():
        return None
    return File(above + path, hash, size if type(size) is int and size >= 0 else 0)


def _folders(entries: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """Names and hashes of the folders of one level."""
    for entry in entries:
        hash = text(entry, "sha", 100)
        if entry.get("type") == "tree" and HASH.fullmatch(hash):
            yield text(entry, "path", LONGEST_ID), hash


def _is_pull(issue: Object) -> bool:
    return issue.get("pull_request") is not None


def _labels(issue: Object) -> list[Object]:
    labels = issue.get("labels")
    return objects(labels[:100], "labels") if isinstance(labels, list) else []


def _about(comment: Object) -> int | None:
    """The number of what a comment is about: its address is all that says it."""
    address = text(comment, "issue_url", 500) or text(comment, "pull_request_url", 500)
    found = THREAD.search(address)
    return int(found[1]) if found else None


def _spoken(key: str, comment: Object) -> str:
    """By which it is known whether a comment is the one it was."""
    if key == "reviews":
        return mark_of(comment)
    return f"{key} {number(comment, 'id')} {text(comment, 'updated_at', 40)}"


def _timed(entries: Iterable[Object]) -> Iterator[tuple[str, str, Object]]:
    """With number and time of their last change. Raises Unreadable: one without cannot be told from what is known."""
    for entry in entries:
        id, at = number(entry, "id"), moment(entry, "updated_at")
        if at is None or id is None or ("title" in entry and number(entry, "number") is None):
            raise Unreadable("Something in its lists has no number, or no time.")
        yield str(id), stamp(at), entry

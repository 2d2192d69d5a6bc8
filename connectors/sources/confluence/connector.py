"""Confluence Cloud: spaces, pages, blog posts with their comments, attachments; space rights and page restrictions.

Whatever says who may read is listed whole in each run, and so are ids and versions of everything; only what has another
version than the one stored is fetched. Changes of rights and moves leave no trace in times of change.
"""

import base64
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import ClassVar

from connectors.records import (
    AccessRecord,
    Checkpoint,
    DocumentRecord,
    Problem,
    Record,
    Records,
    ScopeRecord,
    State,
)
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.client import Client, Token
from connectors.sources.confluence import text as confluence_text
from connectors.sources.confluence.check import Trial
from connectors.sources.confluence.rights import Choice, Notes, People, Places, Restrictions, SpaceAccess
from connectors.sources.confluence.site import (
    ACCOUNT_ID,
    GROUP_ID,
    PATHS,
    V1,
    V2,
    File,
    Json,
    Malformed,
    Node,
    Remark,
    Site,
    Space,
    file_of,
    ident,
    is_of_one_list,
    mapping,
    moment,
    node_of,
    number,
    remark_of,
    spaces_of,
    words,
)
from connectors.sources.portions import portioned

SPACES_ASKED = 100  # of whose pages one listing tells
MAX_FILE = 50 * 1024 * 1024
A_SECOND = 10.0  # requests, unless the settings say otherwise
FRESH = 15 * 60.0  # seconds that contents are fetched by rights read before
FORM = 1  # of what is made of a page: another one fetches everything anew
NOT_READ = ("image/", "video/", "audio/", "font/")  # attachments without a text of their own


class Confluence(Connector):
    """One site, as one account with an API token sees it."""

    settings: ClassVar = {
        "base_url": "https://your-site.atlassian.net, or https://api.atlassian.com/ex/confluence/CLOUD-ID "
        "for a token with scopes.",
        "email": "The address of the account the API token belongs to; empty if the token is a bearer token.",
        "api_token": "The API token, or the bearer token of a service account.",
        "spaces": "Keys of the spaces to read, separated by commas; empty: all that the account sees.",
        "personal_spaces": "'false' leaves personal spaces out; anything else reads them.",
        "anonymous_reads": "'everyone' lets everyone in the organisation read what anonymous visitors may; "
        "anything else lets nobody read by that alone.",
        "user_groups": "Ids of the groups whose members may use Confluence, separated by commas; "
        "empty: the site is asked which they are.",
        "requests_per_second": "At most so many; empty: 10.",
    }
    secrets: ClassVar = frozenset({"api_token"})
    place = frozenset({"base_url"})

    def records(self, since: State | None) -> Records:
        """Everything, each time; `since` has nothing that could be left out."""
        return Listing(self.site(), self.choice(), vouches=self.vouches_for_emails).records()

    def site(self) -> Site:
        address = self.values.get("base_url", "").strip().rstrip("/").removesuffix("/wiki")
        if not address:
            raise ConnectorError("The setting 'base_url' is missing: name the site to read.", permanent=True)
        try:
            a_second = float(self.values.get("requests_per_second") or A_SECOND)
        except ValueError:
            a_second = 0.0
        if not 0 < a_second <= 1000:
            raise ConnectorError("The setting 'requests_per_second' must be a number up to 1000.", permanent=True)
        return Site(Client(address, auth=self._token(), a_second=a_second))

    def _token(self) -> Token:
        token, email = self.values.get("api_token", "").strip(), self.values.get("email", "").strip()
        if not token:
            raise ConnectorError("The setting 'api_token' is missing.", permanent=True)
        if not email:
            return Token(token)
        return Token(base64.b64encode(f"{email}:{token}".encode()).decode(), scheme="Basic")

    def choice(self) -> "Choice":
        groups = _separated(self.values.get("user_groups", ""))
        for group in groups:
            if not GROUP_ID.fullmatch(group):
                raise ConnectorError(f"The setting 'user_groups' names {group[:80]!r}, no id.", permanent=True)
        return Choice(
            spaces=_separated(self.values.get("spaces", "")),
            personal=self.values.get("personal_spaces", "") != "false",
            anonymous=self.values.get("anonymous_reads", "") == "everyone",
            user_groups=groups,
        )

    def check(self) -> list[str]:
        """Each kind of question once, and what its answer lacks."""
        try:
            site = self.site()
            return list(filter(None, Trial(site, self.choice()).missing()))
        except ConnectorError as error:
            return [str(error)]


def _separated(setting: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(str.strip, setting.split(",")))))


class Listing:
    """One run. First all that says what is there, then all that says who may read it, then the contents by these."""

    def __init__(self, site: Site, choice: Choice, *, vouches: bool, fresh: float = FRESH) -> None:
        self.site = site
        self.choice = choice
        self.fresh = fresh
        self.notes = Notes()
        self.nameless: list[str] = []  # what has nothing to be known by, and may be anything that is known
        self.closed: dict[str, Problem] = {}  # documents, by their ids
        self.spaces: dict[str, Space] = {}
        self.nodes: dict[str, Node] = {}
        self.remarks: dict[str, list[Remark]] = {}
        self.files: list[File] = []
        self.people = People(site, choice, self.notes, vouches=vouches)
        self.restrictions = Restrictions(site, self.notes)

    def records(self) -> Iterator[Record]:
        self.list_spaces()
        self.list_pages()
        self.remarks = self.list_remarks()
        self.files = self.list_files()
        self.list_parents()
        read_at = time.monotonic()
        self.restrictions.read(self.needed(), [space.key for space in self.chosen_spaces()])
        space_access = SpaceAccess(self.site, self.choice, self.people, self.notes)
        accesses = {space.id: space_access.of(space) for space in self.spaces.values()}
        places = Places(self.spaces, self.nodes, self.restrictions)
        for node in self.nodes.values():
            places.of(node)
        self.people.hear(account for readers in self.restrictions.readers.values() for account in readers)
        self.people.read(authors=self.authors())
        yield from self.notes.problems()
        yield from self.people.gone
        yield from self.people.unknown
        yield from self.closed.values()
        for space in self.spaces.values():
            yield ScopeRecord(id=space.scope, name=space.name, access=accesses[space.id])
        yield from places.scopes
        yield from self.people.groups
        yield from self.people.accounts
        yield from self.narrowed(places)
        yield Checkpoint()
        yield from self.contents(places, read_at + self.fresh)

    # --- what is there ------------------------------------------------------------------------------------------

    def chosen_spaces(self) -> Iterable[Space]:
        """The spaces an administrator named; none where all are read."""
        return self.spaces.values() if self.choice.spaces else ()

    def list_spaces(self) -> None:
        for found in spaces_of(self.site, self.choice.spaces):
            space = Space(
                id=ident(found.get("id")), key=words(found.get("key"), 255), name=words(found.get("name"), 255)
            )
            if not space.id or not space.key:
                self.nameless.append("a space without an id or a key")
            elif self.choice.personal or found.get("type") != "personal":
                self.spaces[space.id] = space
        missing = set(self.choice.spaces) - {space.key for space in self.spaces.values()}
        for key in sorted(missing):
            self.notes.add("A space named in the settings is not there, or hidden from this account.", key)

    def close(self, id: str, sentence: str) -> None:
        """Where a document stands is not known now: nobody reads it until it is (P4)."""
        self.closed[id] = Problem(message=f"{sentence} ({id})", kind="document", id=id)

    def list_pages(self) -> None:
        ids = list(self.spaces)
        for kind, states in (("page", "current,archived"), ("blogpost", "current")):
            for start in range(0, len(ids), SPACES_ASKED):
                asked = {"space-id": ",".join(ids[start : start + SPACES_ASKED]), "status": states}
                for found in self.site.listed(f"{V2}/{PATHS[kind]}", asked):
                    self.add_page(kind, found)

    def add_page(self, kind: str, found: Json) -> None:
        node = node_of(kind, found)
        known = self.nodes.get(node.id)
        if not node.id:
            self.nameless.append(f"a {kind} without an id")  # not its title, which has readers (P9)
        elif node.space not in self.spaces:
            self.close(node.name, "A page is of no space that was asked for, and nobody is admitted to it.")
        elif known is not None and known.kind != kind:
            raise Malformed(f"{V2}/{PATHS[kind]}", f"an id that is that of a {known.kind} too")
        else:
            self.nodes[node.id] = node
            if node.is_document and not node.version:
                self.notes.add("A page has no version: its text is not read anew.", node.name)

    def list_remarks(self) -> dict[str, list[Remark]]:
        """Comments of pages and blog posts by these; a reply stands where what it replies to stands."""
        all_of_them: dict[str, Remark] = {}
        for kind in ("footer-comments", "inline-comments"):
            for found in self.site.listed(f"{V2}/{kind}"):
                remark = remark_of(kind, found)
                if remark.id and remark.version and found.get("status") == "current":
                    all_of_them[remark.id] = remark
        by_container: dict[str, list[Remark]] = defaultdict(list)
        for remark in all_of_them.values():
            container = _container(remark, all_of_them)
            if container in self.nodes:
                by_container[container].append(remark)
        return by_container

    def list_files(self) -> list[File]:
        files: dict[str, File] = {}
        for found in self.site.listed(f"{V2}/attachments", {"status": "current"}):
            file = file_of(found)
            node = self.nodes.get(file.container)
            if node is None or not node.is_document or found.get("status", "current") != "current":
                continue  # of what is not read: another space, something archived, an app's own content
            if not file.id:
                self.nameless.append(f"an attachment of {node.name} without an id")
                continue
            if file.mime.startswith(NOT_READ):
                continue
            if not file.version:
                self.notes.add("An attachment has no version: it is not read anew.", f"attachment:{file.id}")
            if files.setdefault(file.id, file).container != file.container:
                raise Malformed(f"{V2}/attachments", "one attachment of two pages")
        return list(files.values())

    def list_parents(self) -> None:
        """What pages stand under and no listing names: folders, whiteboards, databases, links."""
        asked: set[str] = set()
        while missing := {
            (node.parent, node.parent_kind)
            for node in self.nodes.values()
            if node.parent and node.parent not in self.nodes and node.parent not in asked
        }:
            for id, kind in sorted(missing):
                asked.add(id)
                node = self.parent(id, kind)
                if node is not None:
                    self.nodes[id] = node

    def parent(self, id: str, kind: str) -> Node | None:
        try:
            found = self.site.one(f"{V2}/{PATHS[kind]}/{id}") if kind in PATHS else {}
        except ConnectorError as error:
            if not is_of_one_list(error):
                raise
            return None
        node = node_of(kind, found)
        is_known = node.id == id and node.space in self.spaces and node.name not in self.closed
        return node if is_known else None

    def needed(self) -> dict[str, str]:
        """Whatever may restrict the readers of a document: by its id, its name."""
        needed: dict[str, str] = {}
        for node in self.nodes.values():
            above: Node | None = node if node.is_document else None
            while above is not None and above.id not in needed:
                needed[above.id] = above.name
                above = self.nodes.get(above.parent)
        return needed

    def authors(self) -> set[str]:
        return {
            *(node.author for node in self.nodes.values()),
            *(file.author for file in self.files),
            *(remark.author for remarks in self.remarks.values() for remark in remarks),
        }

    # --- documents ----------------------------------------------------------------------------------------------

    def narrowed(self, places: "Places") -> Iterator[AccessRecord]:
        """Documents in restricted places go there before anything is fetched, and so do those nothing is fetched of."""
        for node in self.nodes.values():
            if node.is_document and (is_restricted(places.of(node)) or not node.version):
                version = version_of(node, self.remarks.get(node.id, [])) if node.version else ""
                yield AccessRecord(kind="document", id=node.name, place=places.of(node), version=version)
        for file in self.files:
            place = places.of(self.nodes[file.container])
            if is_restricted(place) or not file.version:
                version = f"{file.version}" if file.version else ""
                yield AccessRecord(kind="document", id=f"attachment:{file.id}", place=place, version=version)

    def contents(self, places: "Places", until: float) -> Iterator[Record]:
        """Restricted places first. When the rights are no longer fresh, the next run goes on with the rest, which is
        moved by what was read of it: rights, and the version they are of."""
        documents: list[DocumentRecord] = [
            *(self.document(node, places) for node in self.nodes.values() if node.is_document and node.version),
            *(self.attachment(file, places) for file in self.files if file.version),
        ]
        documents.sort(key=lambda record: not is_restricted(record.scope or ""))
        waiting = iter(documents)
        if time.monotonic() <= until:
            for record in portioned(waiting, dict):
                yield record
                if isinstance(record, Checkpoint) and time.monotonic() > until:
                    break
        rest = list(waiting)
        if rest:
            yield Problem(
                message=f"Fetching took long: so that no right is older than {FRESH / 60:.0f} minutes, the next "
                f"run reads them again and goes on with {len(rest)} of {len(documents)} documents."
            )
        for left in rest:
            yield AccessRecord(kind="document", id=left.id, place=left.scope, version=left.version)
        yield from self.ended()

    def ended(self) -> Iterator[Checkpoint]:
        """All is named: what this account sees no more is gone. Raises ConnectorError where it was not: then the run
        does not count as one that saw all rights (P7)."""
        if not self.nameless and not self.people.closed:
            yield Checkpoint(complete=True)
            return
        yield Checkpoint()
        if self.people.closed:
            raise ConnectorError(f"Nobody is admitted to any space, and nobody counts as gone: {self.people.closed}")
        raise ConnectorError(
            f"The site told of {self.nameless[0]}, so that where it stands and who reads it is not known. All else was "
            "read, and nothing counts as gone."
        )

    def document(self, node: Node, places: "Places") -> DocumentRecord:
        remarks = self.remarks.get(node.id, [])
        return DocumentRecord(
            id=node.name,
            title=node.title,
            scope=places.of(node),
            url=self.site.address(node.link),
            mime="text/html",
            content=partial(self.page, node, remarks),
            version=version_of(node, remarks),
            author=self.people.names.get(node.author, ""),
            created_at=node.created,
            modified_at=node.modified,
            metadata={"space": self.spaces[node.space].key},
        )

    def attachment(self, file: File, places: "Places") -> DocumentRecord:
        node = self.nodes[file.container]
        too_large = file.size > MAX_FILE
        return DocumentRecord(
            id=f"attachment:{file.id}",
            title=file.title,
            scope=places.of(node),
            url=self.site.address(file.link),
            mime=file.mime,
            content=None if too_large else partial(self.file, file),
            version=f"{file.version}",
            unreadable="too_large" if too_large else "",
            author=self.people.names.get(file.author, ""),
            created_at=file.created,
            modified_at=file.modified,
            metadata={"space": self.spaces[node.space].key, "page": node.title},
        )

    def file(self, file: File) -> bytes:
        """Just the version that was listed, before the rights were read."""
        path = f"{V1}/content/{file.container}/child/attachment/{file.id}/download"
        asked = {"version": str(file.version)}
        return self.site.got(path, asked, headers={"Accept": "*/*"}, most=MAX_FILE, seconds=300.0).content

    def page(self, node: Node, remarks: Sequence[Remark]) -> bytes:
        """The words of a page and of what was said about it, as HTML. Raises ConnectorError."""
        storage = self.storage(node)
        said = list(self.said(node, remarks)) if remarks else []
        try:
            return confluence_text.page(node.title, storage, said, self.people.names)
        except confluence_text.Unreadable:
            raise ConnectorError(f"{node.name} holds something that is no storage format.", permanent=True) from None

    def storage(self, node: Node) -> str:
        """The body of the version that was listed: what was written later may have other readers."""
        path, asked = f"{V2}/{PATHS[node.kind]}/{node.id}", {"body-format": "storage"}
        found = self.site.one(path, asked)
        if number(mapping(found.get("version")).get("number")) != node.version:
            found = self.site.one(path, {**asked, "version": str(node.version)})
        body = mapping(mapping(found.get("body")).get("storage")).get("value")
        if number(mapping(found.get("version")).get("number")) != node.version or not isinstance(body, str):
            raise ConnectorError(f"{node.name} came without the body of the version that was listed.", permanent=True)
        return body

    def said(self, node: Node, remarks: Sequence[Remark]) -> Iterator[confluence_text.Comment]:
        """The comments that were listed, each followed by its replies."""
        listed = {remark.id: remark for remark in remarks}
        with_replies = {remark.parent for remark in remarks}
        for kind in dict.fromkeys(remark.kind for remark in remarks):
            waiting = [(f"{V2}/{PATHS[node.kind]}/{node.id}/{kind}", 0)]
            while waiting:
                path, depth = waiting.pop()
                for found in self.site.listed(path, {"body-format": "storage"}):
                    remark = listed.pop(ident(found.get("id")), None)
                    if remark is None or remark.version != number(mapping(found.get("version")).get("number")):
                        continue
                    yield self.comment(found, depth)
                    if remark.id in with_replies:
                        waiting.append((f"{V2}/{kind}/{remark.id}/children", depth + 1))

    def comment(self, found: Json, depth: int) -> confluence_text.Comment:
        version = mapping(found.get("version"))
        at = moment(version.get("createdAt"))
        body = mapping(mapping(found.get("body")).get("storage")).get("value")
        return confluence_text.Comment(
            author=self.people.names.get(ident(version.get("authorId"), ACCOUNT_ID), ""),
            date=at.date().isoformat() if at is not None else "",
            storage=body if isinstance(body, str) else "",
            about=words(mapping(found.get("properties")).get("inlineOriginalSelection"), 300),
            depth=depth,
        )


def is_restricted(place: str) -> bool:
    return not place.startswith("space:")


def _container(remark: Remark, by_id: Mapping[str, Remark]) -> str:
    seen: set[str] = set()
    above: Remark | None = remark
    while above is not None and not above.container and above.id not in seen:
        seen.add(above.id)
        above = by_id.get(above.parent)
    return above.container if above is not None else ""


def version_of(node: Node, remarks: Iterable[Remark]) -> str:
    """Changes with the page and with each of its comments."""
    said = sorted(f"{remark.id}.{remark.version}" for remark in remarks)
    digest = "-" + sha256(" ".join(said).encode()).hexdigest()[:16] if said else ""
    return f"{FORM}-{node.version}{digest}"

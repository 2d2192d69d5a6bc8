"""Who reads what in an organisation on GitHub: its people, its teams, and the readers of its repositories.

All of it is listed in every run, and again in a run that takes long. Only what GitHub itself says is unchanged (304) is
taken from the time before.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.records import Access, Deletion, Entry, PrincipalRecord, Problem, Record, ScopeRecord
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
    text,
    whole,
)
from connectors.sources.github.run import Plan, Progress, Unreadable

OPEN_TO_MEMBERS = frozenset({"read", "write", "admin"})  # base permissions; "none" is the only other one
ROLES = frozenset({"read", "pull", "triage", "write", "push", "maintain", "admin"})  # all of them may read
PEOPLE_QUERY = """
query($organization: String!, $after: String) {
  organization(login: $organization) {
    membersWithRole(first: 100, after: $after) {
      nodes { databaseId organizationVerifiedDomainEmails(login: $organization) }
      pageInfo { hasNextPage endCursor }
    }
  }
}"""

Account = tuple[int, str]  # number and name; the name says nothing, for it may be given to another


@dataclass(frozen=True)
class Organization:
    id: int
    base: str  # what members may do in every repository; "" where the token is not told

    @property
    def members(self) -> str:
        return f"organization/{self.id}/members"

    @property
    def owners(self) -> str:
        return f"organization/{self.id}/owners"


@dataclass(frozen=True)
class Repository:
    """A repository as the listing tells it. Asked for by its number, since a name may be given to another one."""

    id: int
    node_id: str
    full_name: str
    visibility: str
    branch: str
    url: str
    pushed_at: datetime | None
    is_disabled: bool
    has_discussions: bool

    @property
    def scope(self) -> str:
        return f"repository/{self.id}"

    @property
    def path(self) -> str:
        return f"repositories/{self.id}"


def repository_of(fields: Object) -> Repository | None:
    """None where it has no number: nothing can be known by it. Without `visibility` (old servers), `private` says."""
    id, private = number(fields, "id"), fields.get("private")
    if id is None:
        return None
    visibility = (
        text(fields, "visibility", 40) if "visibility" in fields else "public" if private is False else "private"
    )
    if visibility == "public" and private is not False:
        visibility = "public and private"  # who says two things says neither
    return Repository(
        id=id,
        node_id=text(fields, "node_id", 200),
        full_name=text(fields, "full_name", 300) or f"repository {id}",
        visibility=visibility,
        branch=text(fields, "default_branch", 300),
        url=address(fields, "html_url"),
        pushed_at=moment(fields, "pushed_at"),
        is_disabled=fields.get("disabled", False) is not False,
        has_discussions=fields.get("has_discussions") is True,
    )


@dataclass
class Readers:
    """The part of a run that comes first."""

    plan: Plan
    api: Api
    progress: Progress
    vouches: bool = False
    again: bool = False  # in this run
    names: dict[int, str] = field(default_factory=dict)  # of the accounts met
    members: set[int] = field(default_factory=set)
    outsiders: set[int] = field(default_factory=set)  # those of them that were told
    shared: dict[int, list[int]] = field(default_factory=dict)  # repositories, and the teams that read them
    odd: list[str] = field(default_factory=list)  # what GitHub said of readers that nobody knows
    heard_all: bool = True  # every list of people there is: who is in none of them is gone

    def records(self) -> Generator[Record, None, list[Repository]]:
        """The repositories this run is about, once all that concerns their readers was said."""
        organization = self.organization()
        yield from self.people(organization)
        repositories = self.repositories(organization)
        yield from self.scopes(organization, repositories)
        yield from self.gone(repositories)
        return repositories

    def nameless(self, what: str) -> None:
        """It holds rights, and cannot be told from others: the run goes on, and does not count as one that saw all."""
        self.heard_all = False
        self.progress.nameless.append(what)

    def organization(self) -> Organization:
        fields = whole(self.api.get(f"orgs/{self.plan.organization}").json(), "the organisation")
        id = number(fields, "id")
        if id is None:
            raise ConnectorError("GitHub did not tell the organisation's number; nothing is read.")
        if self.progress.state.setdefault("organization", id) != id:
            raise ConnectorError(
                f"'{self.plan.organization}' is not the organisation that was read before. If that is meant, add it as "
                "a new source.",
                permanent=True,
            )
        return Organization(id, text(fields, "default_repository_permission", 40))

    def people(self, organization: Organization) -> Iterator[Record]:
        """Members, owners and teams: without any of these lists, nothing is said about anybody."""
        name = self.plan.organization
        self.members = set(self.accounts(f"orgs/{name}/members", {"role": "all"}))
        owners = [id for id in self.accounts(f"orgs/{name}/members", {"role": "admin"}) if id in self.members]
        addresses = yield from self.addresses()
        for id in sorted(self.members):
            yield PrincipalRecord(
                id=_user(id), kind="user", name=self.names[id], email=addresses.get(id), external=False
            )
        yield _group(organization.members, f"Members of {name}", map(_user, sorted(self.members)))
        yield _group(organization.owners, f"Owners of {name}", map(_user, sorted(owners)))
        yield from self.teams_of(organization)

    def accounts(self, path: str, params: Mapping[str, str]) -> list[int]:
        """The people in a list of accounts; Apps and the like are none."""
        found = [entry for entry in map(_account, self.api.items(path, params)) if entry is not None]
        self.names.update(found)
        return [id for id, _ in found]

    def addresses(self) -> Generator[Record, None, dict[int, str]]:
        """Addresses that GitHub verified and whose domain the organisation proved to be its own; no others (P13)."""
        found: dict[int, str] = {}
        if not self.vouches:
            return found
        try:
            variables = {"organization": self.plan.organization}
            for node in self.api.nodes(PEOPLE_QUERY, variables, "organization", "membersWithRole"):
                id, given = number(node, "databaseId"), node.get("organizationVerifiedDomainEmails")
                verified = sorted(filter(_is_address, given if isinstance(given, list) else ()), key=self._preference)
                if id is not None and verified:
                    found[id] = verified[0]
        except Denied as denied:
            yield Problem(message=f"No e-mail address is known, so that people are linked by hand only. {denied}")
            return {}
        return found

    def _preference(self, address: str) -> tuple[bool, str]:
        return address.rpartition("@")[2].lower() != self.plan.email_domain, address

    def teams_of(self, organization: Organization) -> Iterator[Record]:
        """A team holds its own people and the teams below it, as these may read what it may read."""
        listed: dict[int, Object] = {}
        for fields in self.api.items(f"orgs/{self.plan.organization}/teams"):
            if (id := number(fields, "id")) is None:
                self.nameless("a team without a number")
            else:
                listed[id] = fields
        below: dict[int, list[int]] = {}
        for id, fields in sorted(listed.items()):
            if (above := number(inner(fields, "parent"), "id")) is not None:
                below.setdefault(above, []).append(id)
        for team in sorted(set(self.progress.teams) - set(map(str, listed))):
            del self.progress.teams[team]
            yield Deletion(kind="principal", id=_team(team))
        for id, fields in sorted(listed.items()):
            name = text(fields, "name", 300)
            people = yield from self.team(organization, id, name)
            if people is not None:
                yield _group(_team(id), name, [*map(_user, people), *map(_team, below.get(id, ()))])

    def team(self, organization: Organization, id: int, name: str) -> Generator[Record, None, list[int] | None]:
        """Its own people; what it reads is noted. None of one that cannot be read: it may hold anybody, so it holds
        nobody until it can (P4)."""
        path, kept = f"organizations/{organization.id}/team/{id}", self.progress.teams.setdefault(str(id), {})
        try:
            people = self.kept(kept, "people", f"{path}/members", {"role": "all"}, self.member_of_team)
            repositories = self.kept(kept, "repositories", f"{path}/repos", {}, self.shared_repository)
        except Refused as refused:
            if not refused.permanent:
                raise
            self.heard_all = False
            message = f"The team {name!r} admits nobody, since it cannot be read. {refused}"
            yield Problem(message=message, kind="principal", id=_team(id))
            return None
        yield from self.strangers(people)
        for repository, _ in repositories:
            self.shared.setdefault(repository, []).append(id)
        return sorted({account for account, _ in people})

    def member_of_team(self, fields: Object) -> Account | None:
        """Those of the teams below are listed as well; newer servers mark them, and they come by their own team."""
        return _account(fields) if fields.get("inherited") is not True else None

    def strangers(self, accounts: Iterable[Account]) -> Iterator[Record]:
        """Accounts that no list of members names, such as outside collaborators."""
        for id, name in accounts:
            if id not in self.members and id not in self.outsiders:
                self.names[id] = name
                self.outsiders.add(id)
                yield PrincipalRecord(id=_user(id), kind="user", name=name)

    def kept(
        self,
        kept: dict[str, Any],
        key: str,
        path: str,
        params: Mapping[str, str],
        read: Callable[[Object], Account | None],
    ) -> list[Account]:
        """A whole list, as number and name. One of a single page is kept with its ETag: 304 says it is as it was."""
        before = {} if self.progress.is_whole and not self.again else kept.get(key, {})
        entries: list[Object] = []
        etag = ""
        for reply in self.api.pages(path, params, etag=before.get("etag", "")):
            if reply.status == 304:
                return [(int(id), str(name)) for id, name in before["found"]]
            etag = "" if entries else reply.headers.get("etag", "")
            entries += objects(reply.json(), path)
        odd = len(self.odd)
        found = [entry for entry in map(read, entries) if entry is not None]
        is_kept = etag and len(entries) < A_PAGE and odd == len(self.odd)
        kept[key] = {"etag": etag, "found": [list(entry) for entry in found]} if is_kept else {}
        return found

    # --- repositories and their readers --------------------------------------------------------------------------

    def repositories(self, organization: Organization) -> list[Repository]:
        """What the token or the App is shown, of this organisation, as far as the settings want it."""
        found: dict[int, Repository] = {}
        for fields in listed_repositories(self.plan, self.api):
            repository = repository_of(fields)
            if repository is None:
                self.nameless("a repository without a number")
            elif number(inner(fields, "owner"), "id") == organization.id and self.plan.wants(text(fields, "name", 300)):
                found[repository.id] = repository
        return [found[id] for id in sorted(found)]

    def scopes(self, organization: Organization, repositories: Iterable[Repository]) -> Iterator[Record]:
        """Each repository stands alone."""
        for repository in repositories:
            self.progress.repositories.setdefault(str(repository.id), {})  # by which it is missed when it is gone
            access = yield from self.access(organization, repository)
            yield ScopeRecord(id=repository.scope, name=repository.full_name, access=access)
            if access.problem:
                self.heard_all = False
                yield Problem(message=access.problem)
        yield from (Problem(message=message) for message in dict.fromkeys(self.odd))

    def access(self, organization: Organization, repository: Repository) -> Generator[Record, None, Access]:
        name = repository.full_name
        if repository.is_disabled:
            return Access(inherits=False, problem=f"GitHub has disabled {name}, so nobody is admitted to it.")
        try:
            people, groups = self.readers(organization, repository)
        except (Refused, Unreadable) as refused:
            if isinstance(refused, Refused) and not refused.permanent:
                raise
            return Access(inherits=False, problem=f"Nobody is admitted to {name}: its readers are unknown. {refused}")
        yield from self.strangers(people)
        ids = dict.fromkeys([*groups, *(_user(id) for id, _ in people)])
        return Access(inherits=False, grants=tuple(Entry(id=id) for id in ids))

    def readers(self, organization: Organization, repository: Repository) -> tuple[list[Account], list[str]]:
        """Where GitHub does not tell what all members may do, it is asked for everybody who may read, one by one."""
        match repository.visibility:
            case "public":
                return [], ["everyone" if self.plan.public_readers == "everyone" else organization.members]
            case "internal":
                return self.collaborators(repository, "direct"), [organization.members]
            case "private":
                base = [organization.members] if organization.base in OPEN_TO_MEMBERS else []
                teams = map(_team, self.shared.get(repository.id, ()))
                people = self.collaborators(repository, "direct" if organization.base else "all")
                return people, [*base, organization.owners, *teams]
            case unknown:
                raise Unreadable(f"GitHub calls it {unknown!r}, which is not known here.")

    def collaborators(self, repository: Repository, affiliation: str) -> list[Account]:
        kept, path = self.progress.repositories[str(repository.id)], f"{repository.path}/collaborators"
        return self.kept(kept, affiliation, path, {"affiliation": affiliation}, self.collaborator)

    def collaborator(self, fields: Object) -> Account | None:
        return _account(fields) if self.can_read(fields) else None

    def shared_repository(self, fields: Object) -> Account | None:
        id = number(fields, "id")
        return (id, "") if id is not None and self.can_read(fields) else None

    def can_read(self, fields: Object) -> bool:
        """What GitHub says outright, or a role that it always had; any other admits nobody, and is told."""
        pull = inner(fields, "permissions").get("pull")
        if isinstance(pull, bool):
            return pull
        name = text(fields, "role_name", 100)
        if name not in ROLES:
            self.odd.append(f"The role {name!r} admits nobody, since GitHub does not say whether it may read.")
        return name in ROLES

    def gone(self, repositories: Iterable[Repository]) -> Iterator[Record]:
        """What the run before named and GitHub names no more. Of documents, only a whole listing tells."""
        for id in sorted(set(self.progress.repositories) - {str(repository.id) for repository in repositories}):
            del self.progress.repositories[id]
            yield Deletion(kind="scope", id=f"repository/{id}")
        missing = {int(id): name for id, name in self.progress.accounts.items() if int(id) not in self.names}
        for account, name in sorted(missing.items()):
            if self.heard_all:
                yield Deletion(kind="principal", id=_user(account))
            else:  # it may be in a list that was refused, and is no member: all that is said of it is that it is there
                yield PrincipalRecord(id=_user(account), kind="user", name=name)
        known = self.names if self.heard_all else {**missing, **self.names}
        self.progress.state["accounts"] = {str(account): name for account, name in sorted(known.items())}


def listed_repositories(plan: Plan, api: Api) -> Iterator[Object]:
    """An App is asked what it is installed for; for a token, the organisation."""
    if not plan.is_app:
        params = {"type": "all", "sort": "created", "direction": "asc"}
        yield from api.items(f"orgs/{plan.organization}/repos", params)
        return
    listed, total = 0, 0
    for reply in api.pages("installation/repositories"):
        body = whole(reply.json(), "the App's repositories")
        page = objects(body.get("repositories"), "the App's repositories")
        listed, total = listed + len(page), number(body, "total_count") or 0
        yield from page
    if listed < total:
        raise ConnectorError(f"GitHub named {listed} of {total} repositories; the next run tries again.")


def _user(id: int) -> str:
    return f"user/{id}"


def _team(id: int | str) -> str:
    return f"team/{id}"


def _group(id: str, name: str, members: Iterable[str]) -> PrincipalRecord:
    return PrincipalRecord(id=id, kind="group", name=name, members=tuple(Entry(id=member) for member in members))


def _account(fields: Object) -> Account | None:
    """Number and name of a person; Apps and organisations are none."""
    id = number(fields, "id")
    return (id, text(fields, "login", 200)) if id is not None and fields.get("type", "User") == "User" else None


def _is_address(value: object) -> bool:
    return isinstance(value, str) and 3 <= len(value) <= 254 and value.count("@") == 1 and value.isprintable()

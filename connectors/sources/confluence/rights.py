"""Who may read what in a Confluence site: space rights, restrictions of pages and of what they stand under, people."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.records import EVERYONE, Access, Deletion, Entry, PrincipalRecord, Problem, ScopeRecord
from connectors.sources.base import ConnectorError
from connectors.sources.client import Refused
from connectors.sources.confluence.site import (
    ACCOUNT_ID,
    GROUP_ID,
    MEMBERS_ASKED,
    MOST_ASKED,
    V1,
    V2,
    Json,
    Malformed,
    Node,
    Site,
    Space,
    ident,
    is_of_one_list,
    mapping,
    scope_for,
    words,
)

RESTRICTIONS_ASKED = 200
EXPANDED = "restrictions.read.restrictions.user,restrictions.read.restrictions.group"
READ_SPACE = "read/space"
MAY_USE, ADMINISTER = "class:may-use", "class:administer"
CLASS_NAMES = {MAY_USE: "May use Confluence", ADMINISTER: "Administer Confluence"}
ACCESS_CLASSES = {
    "all-licensed-users": MAY_USE,
    "authenticated-users": MAY_USE,  # those without a licence among them read nothing here
    "all-product-admins": ADMINISTER,
}
ANONYMOUS = "anonymous-users"
NO_SUBJECTS = frozenset({"_expandable", "_links"})  # in a list of restrictions
ROLE_MODES = frozenset({"PRE_ROLES", "ROLES_TRANSITION", "ROLES"})


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What an administrator chose to read, and knows of the site."""

    spaces: tuple[str, ...] = ()
    personal: bool = True
    anonymous: bool = False
    user_groups: tuple[str, ...] = ()


@dataclass
class Notes:
    """What could not be read, by the sentence that says so."""

    found: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, sentence: str, thing: str) -> str:
        self.found[sentence].append(thing)
        return sentence

    def problems(self) -> Iterator[Problem]:
        for sentence, things in self.found.items():
            named = list(dict.fromkeys(things))
            more = f" and {len(named) - 5} more" if len(named) > 5 else ""
            yield Problem(message=f"{sentence} ({', '.join(named[:5])}{more})")


class Restrictions:
    """View restrictions of pages and of what pages stand under, each by itself; inheriting is `Places`' concern.

    A search tells those of up to 200 pages at once. It is made from an index, so whatever it leaves out, cuts off or
    garbles is asked for alone.
    """

    def __init__(self, site: Site, notes: Notes) -> None:
        self.site = site
        self.notes = notes
        self.readers: dict[str, tuple[str, ...]] = {}  # of what is restricted, by its id; principals
        self.problems: dict[str, str] = {}  # why somebody's restrictions are not known

    def read(self, needed: Mapping[str, str], space_keys: Sequence[str]) -> None:
        left = dict(needed)
        try:
            for found in self.search(space_keys):
                id = ident(found.get("id"))
                if id in left and self._understood(id, mapping(mapping(found.get("restrictions")).get("read"))):
                    del left[id]
        except ConnectorError as error:
            if not is_of_one_list(error):
                raise
            self.notes.add(f"Restrictions are asked for page by page, which takes long: {error}", "content/search")
        for id, name in left.items():
            self._ask(id, name)

    def search(self, space_keys: Sequence[str]) -> Iterator[Json]:
        quoted = ['"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"' for key in space_keys]
        within = [f" and space in ({','.join(quoted[start : start + 50])})" for start in range(0, len(quoted), 50)]
        for clause in within or [""]:
            asked = {"cql": f"type in (page,blogpost){clause} order by created", "expand": EXPANDED}
            yield from self.site.listed(f"{V1}/content/search", asked, limit=RESTRICTIONS_ASKED)

    def _understood(self, id: str, found: Json) -> bool:
        """Whether the whole list of readers was there, and is now noted."""
        try:
            readers, whole, _ = restricted_to(found)
        except Malformed:
            return False
        if whole and readers is not None:
            self.readers[id] = readers
        return whole

    def _ask(self, id: str, name: str) -> None:
        try:
            readers = self.alone(id)
        except ConnectorError as error:
            if not is_of_one_list(error):
                raise
            said = "Nobody is admitted to what has restrictions that cannot be read, nor to what stands below it."
            self.problems[id] = str(error) if isinstance(error, UnknownSubject) else said
        else:
            if readers is not None:
                self.readers[id] = readers

    def alone(self, id: str) -> tuple[str, ...] | None:
        """The readers of one page, page after page of them; None where it is not restricted. Raises ConnectorError."""
        path = f"{V1}/content/{id}/restriction/byOperation/read"
        together: dict[str, None] | None = None
        start = 0
        while True:
            asked = {"expand": "restrictions.user,restrictions.group", "start": str(start), "limit": "100"}
            readers, whole, count = restricted_to(self.site.one(path, asked))
            if readers is not None:
                together = {**(together or {}), **dict.fromkeys(readers)}
            if whole or (start and not count):
                return tuple(together) if together is not None else None
            if not count or start > 100_000:
                raise Malformed(path, "the same readers again and again")
            start += count


class UnknownSubject(Malformed):
    """Something is restricted to others than accounts and groups."""

    def __init__(self, kind: str) -> None:
        ConnectorError.__init__(
            self,
            f"Nobody is admitted to what is restricted to {words(kind, 40)!r}, which is unknown here, nor to what "
            "stands below it.",
        )


def restricted_to(found: Json) -> tuple[tuple[str, ...] | None, bool, int]:
    """The principals of a view restriction, None without one; whether these are all; how far the longer list reaches.

    A list with an entry that is no account and no group restricts all the same. Raises Malformed.
    """
    lists = mapping(found.get("restrictions"))
    if found.get("operation") != "read":
        raise Malformed("A list of restrictions", "not whom it lets read")
    for kind in sorted(lists.keys() - NO_SUBJECTS - {"user", "group"}):
        if mapping(lists[kind]).get("results") != []:
            raise UnknownSubject(kind)
    readers: list[str] = []
    whole, longest, restricted = True, 0, False
    for kind, key, shape in (("user", "accountId", ACCOUNT_ID), ("group", "id", GROUP_ID)):
        part = mapping(lists.get(kind))
        entries = part.get("results")
        if not isinstance(entries, list):
            raise Malformed("A list of restrictions", "no users or no groups")
        restricted = restricted or bool(entries)
        ids = [ident(mapping(entry).get(key), shape) for entry in entries]
        readers += [f"{kind}:{id}" for id in ids if id]
        whole = whole and _is_all(part, len(entries))
        longest = max(longest, len(entries))
    return (tuple(readers) if restricted else None), whole, longest


def _is_all(part: Json, count: int) -> bool:
    """Whether a list within an answer is all there is of it."""
    size, total, limit = part.get("size"), part.get("totalSize"), part.get("limit")
    more = bool(mapping(part.get("_links")).get("next")) or (type(limit) is int and 0 < limit <= count)
    return not more and (size is None or size == count) and (total is None or total == count)


class Places:
    """Where everything in the trees stands: in the scope of the nearest restricted thing at or above it, or its space.

    Such a scope takes part in the one above it: readers must meet every restriction up to the space, and may use the
    space (P5).
    """

    def __init__(self, spaces: Mapping[str, Space], nodes: Mapping[str, Node], restrictions: Restrictions) -> None:
        self.spaces = spaces
        self.nodes = nodes
        self.restrictions = restrictions
        self.scopes: list[ScopeRecord] = []  # parents before children
        self._known: dict[str, str] = {}

    def of(self, node: Node) -> str:
        """The id of the scope, made with all above it if need be."""
        path: list[Node] = []
        passed: set[str] = set()
        above: Node | None = node
        problem = ""
        while above is not None and above.id not in self._known:
            if above.id in passed:
                problem = "Nobody is admitted to pages that stand below themselves."
                break
            path.append(above)
            passed.add(above.id)
            following = self.nodes.get(above.parent)
            if following is None and above.parent:
                problem = "Nobody is admitted to pages below something that this account cannot see."
            above = following
        for one in reversed(path):
            self._known[one.id] = self._scope(one, problem)
            problem = ""
        return self._known[node.id]

    def _scope(self, node: Node, problem: str) -> str:
        above = self.nodes.get(node.parent)
        place = self._known.get(node.parent, self.spaces[node.space].scope)
        if above is not None and above.space != node.space:
            problem = "Nobody is admitted to pages below a page of another space."
        problem = problem or self.restrictions.problems.get(node.id, "")
        if problem:
            self.restrictions.notes.add(problem, node.name)
        readers = self.restrictions.readers.get(node.id)
        if not problem and readers is None:
            return place
        access = Access(problem=problem) if problem else Access(restrictions=(readers or (),))
        self.scopes.append(ScopeRecord(id=node.name, name=node.title, parent=place, access=access))
        return node.name


class SpaceAccess:
    """Who may read a space: its permissions, its role assignments, or both, by the mode of the site."""

    def __init__(self, site: Site, choice: Choice, people: "People", notes: Notes) -> None:
        self.site = site
        self.choice = choice
        self.people = people
        self.notes = notes
        self.closed = people.read_users()
        self.mode = role_mode(site)
        self.roles: Mapping[str, frozenset[str]] = {}
        if not self.mode:
            self.closed = self.closed or (
                "it cannot be read whether the site keeps rights by roles (space-role-mode, for a token with scopes "
                f"{scope_for('/space-role-mode')})"
            )
        elif self.mode != "PRE_ROLES" and not self.closed:
            self.roles, self.closed = self._roles()

    def _roles(self) -> tuple[Mapping[str, frozenset[str]], str]:
        try:
            return roles_of(self.site), ""
        except ConnectorError as error:
            if not is_of_one_list(error):
                raise
            return {}, f"the roles of the site cannot be read: {error}"

    def of(self, space: Space) -> Access:
        problem = self.closed
        readers: set[str] = set()
        try:
            if not problem:
                readers = set(self.readers(space))
        except ConnectorError as error:
            if not is_of_one_list(error):
                raise
            problem = f"its permissions cannot be read: {error}"
        if problem:
            return Access(problem=self.notes.add(f"Nobody is admitted to a space: {problem}", space.key))
        self.people.hear(readers)
        return Access(grants=tuple(Entry(id=reader) for reader in sorted(readers)))

    def readers(self, space: Space) -> Iterator[str]:
        if self.mode != "ROLES":
            for found in self.site.listed(f"{V2}/spaces/{space.id}/permissions"):
                yield from filter(None, [self._permitted(space, found)])
        if self.mode != "PRE_ROLES":
            for found in self.site.listed(f"{V2}/spaces/{space.id}/role-assignments"):
                yield from filter(None, [self._assigned(space, found)])

    def _permitted(self, space: Space, found: Json) -> str:
        operation, principal = mapping(found.get("operation")), mapping(found.get("principal"))
        if (operation.get("key"), operation.get("targetType")) != ("read", "space"):
            return ""
        return self._reader(space, principal.get("type"), principal.get("id"))

    def _assigned(self, space: Space, found: Json) -> str:
        principal = mapping(found.get("principal"))
        permissions = self.roles.get(ident(found.get("roleId"), GROUP_ID))
        if permissions is None:
            self.notes.add("A role is assigned that the site does not tell of; nobody reads by it.", space.key)
            return ""
        if READ_SPACE not in permissions:
            return ""
        kind = principal.get("principalType")
        return self._reader(space, kind.lower() if isinstance(kind, str) else "", principal.get("principalId"))

    def _reader(self, space: Space, kind: object, id: object) -> str:
        if kind == "user" and (account := ident(id, ACCOUNT_ID)):
            return f"user:{account}"
        if kind == "group" and (group := ident(id, GROUP_ID)):
            return f"group:{group}"
        if kind == "access_class" and isinstance(id, str) and id in ACCESS_CLASSES:
            return ACCESS_CLASSES[id]
        if (kind, id) == ("access_class", ANONYMOUS):
            if self.choice.anonymous:
                return EVERYONE
            said = "Anonymous visitors may read a space; nobody reads by that, see the setting anonymous_reads."
            self.notes.add(said, space.key)
            return ""
        what = f"{words(kind, 40)} {words(id, 80)}".strip()
        self.notes.add(f"A space is opened to something unknown here, and nobody reads by that: {what}.", space.key)
        return ""


def role_mode(site: Site) -> str:
    """How the site keeps rights of spaces, "" where that is not known. Sites without roles do not know the question."""
    try:
        mode = site.one(f"{V2}/space-role-mode").get("mode")
    except ConnectorError as error:
        if isinstance(error, Refused) and error.status == 404:
            return "PRE_ROLES"
        if not is_of_one_list(error):
            raise
        return ""
    return mode if isinstance(mode, str) and mode in ROLE_MODES else ""


def roles_of(site: Site) -> Mapping[str, frozenset[str]]:
    """The permissions of each role."""
    roles = {}
    for found in site.listed(f"{V2}/space-roles"):
        permissions = found.get("spacePermissions")
        id = ident(found.get("id"), GROUP_ID)
        if id and isinstance(permissions, list):
            roles[id] = frozenset(one for one in permissions if isinstance(one, str))
    return roles


class People:
    """Accounts and groups that something names. Groups of Confluence Cloud hold accounts only.

    An account is somebody here only if it is an active one of a person who may use the product: not an app, a customer
    of a portal, somebody deactivated, or somebody whose access to Confluence was taken while a list still names them.
    Guests are somebody, and in no class.
    """

    def __init__(self, site: Site, choice: Choice, notes: Notes, *, vouches: bool) -> None:
        self.site = site
        self.choice = choice
        self.notes = notes
        self.vouches = vouches
        self.names: dict[str, str] = {}  # of accounts, by their id
        self.accounts: list[PrincipalRecord] = []
        self.groups: list[PrincipalRecord] = []
        self.gone: list[Deletion] = []
        self.unknown: list[Problem] = []  # of whom it could not be read what they are, or who is in them
        self.closed = ""  # why it is not known of anybody
        self._heard: set[str] = set()
        self._user_groups: tuple[str, ...] = ()
        self._members: dict[str, list[str]] = {}
        self._guest: dict[str, list[object]] = defaultdict(
            list
        )  # what answers say of accounts: whether they are guests

    def hear(self, principals: Iterable[str]) -> None:
        """These are named somewhere."""
        self._heard.update(principals)

    def read_users(self) -> str:
        """Who may use the product: why that is not known, or ""."""
        try:
            self._user_groups = self.choice.user_groups or tuple(self.groups_with("user", "admin"))
        except ConnectorError as error:
            if not is_of_one_list(error):
                raise
            self.closed = f"it cannot be read which groups may use Confluence: {error}"
        if not self._user_groups and not self.closed:
            self.closed = "the site names no group whose members may use Confluence; see the setting user_groups"
        return self.closed

    def groups_with(self, *access_types: str) -> list[str]:
        """The groups whose members have this access to the product."""
        found: dict[str, None] = {}
        for access in access_types:
            groups = self.site.counted(f"{V1}/group", {"accessType": access}, limit=MEMBERS_ASKED)
            found.update(dict.fromkeys(ident(group.get("id"), GROUP_ID) for group in groups))
        return [group for group in found if group]

    def read(self, authors: Iterable[str]) -> None:
        """Look up whatever was named so far; `authors` for their names alone."""
        classes = {MAY_USE: self._user_groups, ADMINISTER: self._administrators() if ADMINISTER in self._heard else ()}
        named = {name for name in self._heard if name.startswith("group:")}
        named.update(f"group:{group}" for name in classes for group in classes[name])
        groups = sorted(name.removeprefix("group:") for name in named)
        read = {group: self._read_members(group) for group in groups}
        self._members = {group: members for group, members in read.items() if members is not None}
        users = {account for group in self._user_groups for account in self._members[group]}
        heard = {name.removeprefix("user:") for name in self._heard if name.startswith("user:")}
        heard.update(account for members in self._members.values() for account in members)
        self._look_up(sorted(filter(None, heard | set(authors))), users)
        known = {record.id for record in self.accounts}
        for account in sorted(heard - {id.removeprefix("user:") for id in known}):
            if self.closed:
                continue
            if account in self.names or account not in users:
                self.gone.append(Deletion(kind="principal", id=f"user:{account}"))
            else:
                said = f"The account {account} may use Confluence, and what it is is not told: it reads nothing."
                self.unknown.append(Problem(message=said, kind="principal", id=f"user:{account}"))
        titles = self._titles()
        self.groups = [
            self._group(f"group:{group}", titles.get(group, ""), {f"user:{account}" for account in members} & known)
            for group, members in self._members.items()
        ]
        staff = {record.id for record in self.accounts if not record.external}
        for name, of_groups in classes.items():
            if name in self._heard:
                accounts = {f"user:{account}" for group in of_groups for account in self._members.get(group, ())}
                self.groups.append(self._group(name, CLASS_NAMES[name], accounts & staff))

    def _group(self, id: str, name: str, members: Iterable[str]) -> PrincipalRecord:
        return PrincipalRecord(
            id=id, kind="group", name=name, members=tuple(Entry(id=member) for member in sorted(members))
        )

    def _administrators(self) -> tuple[str, ...]:
        try:
            return tuple(self.groups_with("admin"))
        except ConnectorError as error:
            if not is_of_one_list(error):
                raise
            self.notes.add("Which groups administer Confluence cannot be read; nobody reads by that.", ADMINISTER)
            return ()

    def _read_members(self, group: str) -> list[str] | None:
        """The accounts in a group. None where that cannot be read: nobody reads by it until it can (P4).

        Raises ConnectorError where it is a group whose members may use Confluence: then nothing is known of anybody.
        """
        path = f"{V1}/group/{group}/membersByGroupId"
        found: dict[str, None] = {}
        try:
            for member in self.site.counted(path, limit=MEMBERS_ASKED):
                account = ident(member.get("accountId"), ACCOUNT_ID)
                found[account] = None
                self._guest[account] += [member.get("isGuest"), member.get("isExternalCollaborator")]
        except ConnectorError as error:
            if not is_of_one_list(error):
                raise
            if group in self._user_groups:
                raise ConnectorError(f"Who may use Confluence cannot be read, so nothing is. {error}") from None
            said = f"Nobody reads by a group whose members cannot be read ({group}). {error}"
            self.unknown.append(Problem(message=said, kind="principal", id=f"group:{group}"))
            return None
        return [account for account in found if account]

    def _titles(self) -> dict[str, str]:
        """What people call the groups; only ever shown."""
        try:
            found = list(self.site.counted(f"{V1}/group", limit=MEMBERS_ASKED))
        except ConnectorError as error:
            if not is_of_one_list(error):
                raise
            return {}
        return {ident(group.get("id"), GROUP_ID): words(group.get("name"), 255) for group in found}

    def _look_up(self, accounts: Sequence[str], users: set[str]) -> None:
        for start in range(0, len(accounts), MOST_ASKED):
            asked = set(accounts[start : start + MOST_ASKED])
            for found in self.site.accounts(sorted(asked)):
                account = ident(found.get("accountId"), ACCOUNT_ID)
                if account not in asked or account in self.names:
                    continue
                self.names[account] = words(found.get("displayName"), 255) or words(found.get("publicName"), 255)
                is_active_person = (found.get("accountType"), found.get("accountStatus")) == ("atlassian", "active")
                if is_active_person and account in users:
                    self.accounts.append(self._account(account, found))

    def _account(self, account: str, found: Json) -> PrincipalRecord:
        email = words(found.get("email"), 254)
        said = [*self._guest[account], found.get("isExternalCollaborator")]
        return PrincipalRecord(
            id=f"user:{account}",
            kind="user",
            name=self.names[account],
            email=email if self.vouches and email.count("@") == 1 else None,
            external=True in said or False not in said,
        )

"""Whether a token may ask a Confluence site what a run asks, and in words what it lacks."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from connectors.sources.client import Refused
from connectors.sources.confluence.rights import EXPANDED, Choice, Notes, People, role_mode
from connectors.sources.confluence.site import ACCOUNT_ID, V1, V2, Json, Site, Unscoped, ident, mapping, spaces_of


class Trial:
    """Asks each kind of question once; says which the token may not ask, and by which scope it could."""

    def __init__(self, site: Site, choice: Choice) -> None:
        self.site = site
        self.choice = choice

    def missing(self) -> Iterator[str]:
        spaces: list[Json] = []
        yield self.tried("spaces", "read:space:confluence", lambda: spaces.extend(self.first(f"{V2}/spaces")))
        if not spaces:
            yield "The account sees no space: give it the right to view what is to be read."
            return
        yield from self.without(self.choice.spaces)
        pages: list[Json] = []
        yield self.tried("pages", "read:page:confluence", lambda: pages.extend(self.first(f"{V2}/pages")))
        for what in ("attachment", "comment"):
            path = f"{V2}/{'attachments' if what == 'attachment' else 'footer-comments'}"
            yield self.tried(f"{what}s", f"read:{what}:confluence", partial(self.first, path))
        yield from self.rights(ident(spaces[0].get("id")))
        yield from self.restrictions(ident(pages[0].get("id")) if pages else "")

    def without(self, keys: Sequence[str]) -> Iterator[str]:
        if keys:
            seen = {space.get("key") for space in spaces_of(self.site, keys)}
            missing = ", ".join(key for key in keys if key not in seen)
            yield f"The account sees no space with the key {missing}." if missing else ""

    def rights(self, space: str) -> Iterator[str]:
        path = f"{V2}/spaces/{space}"
        yield self.tried("permissions of spaces", "read:space:confluence", partial(self.first, f"{path}/permissions"))
        mode = role_mode(self.site)
        if not mode:
            yield "Whether rights are kept by roles may not be read: it needs the scope read:configuration:confluence."
        if mode in ("ROLES", "ROLES_TRANSITION"):
            scope = "read:space.permission:confluence"
            yield self.tried("roles", scope, partial(self.first, f"{V2}/space-roles"))
            yield self.tried("role assignments", scope, partial(self.first, f"{path}/role-assignments"))
        groups: list[str] = list(self.choice.user_groups)
        people = People(self.site, self.choice, Notes(), vouches=False)
        yield self.tried("groups", "read:group:confluence", lambda: groups.extend(people.groups_with("user", "admin")))
        if not groups:
            yield "The site names no group whose members may use Confluence: name them in the setting user_groups."
            return
        members: list[Json] = []
        member_path = f"{V1}/group/{groups[0]}/membersByGroupId"
        yield self.tried(
            "members of groups",
            "read:group:confluence and read:user:confluence",
            lambda: members.append(self.site.one(member_path, {"start": "0", "limit": "1"})),
        )
        accounts = [ident(mapping(one).get("accountId"), ACCOUNT_ID) for one in _results(members)]
        if any(accounts):
            yield self.tried("accounts", "read:user:confluence", partial(self.site.accounts, accounts[:1]))

    def restrictions(self, page: str) -> Iterator[str]:
        asked = {"cql": "type in (page,blogpost)", "expand": EXPANDED, "limit": "1"}
        scope = "search:confluence or read:content-details:confluence"
        yield self.tried("restrictions by search", scope, partial(self.site.one, f"{V1}/content/search", asked))
        if page:
            path = f"{V1}/content/{page}/restriction/byOperation/read"
            scope = "read:content-details:confluence"
            yield self.tried("restrictions of a page", scope, partial(self.site.one, path, {"start": "0"}))

    def first(self, path: str) -> list[Json]:
        return _results([self.site.one(path, {"limit": "1"})])

    def tried(self, what: str, scope: str, ask: Callable[[], object]) -> str:
        try:
            ask()
        except Unscoped:
            return f"Not readable: {what}. The token lacks the scope {scope}."
        except Refused as refused:
            if refused.status == 401 or not refused.permanent:
                raise
            return f"Not readable: {what} (scope {scope} for a token with scopes). {refused}"
        return ""


def _results(answers: list[Json]) -> list[Json]:
    found = answers[0].get("results") if answers else []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

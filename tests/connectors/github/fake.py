"""A GitHub on loopback: one organisation, asked only for what GitHub describes, and answering as it describes."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from connectors.kit.system import Answer, Asked, System
from tests.connectors.github.specified import Specification

ORGANIZATION, ORGANIZATION_ID = "acme", 1000
TOKEN = "a-token"
NOT_THERE = Answer({"message": "Not Found"}, 404)


def minute(number: int) -> str:
    return f"2026-03-01T{number // 60:02}:{number % 60:02}:00Z"


@dataclass
class Team:
    name: str
    people: list[int] = field(default_factory=list)
    repositories: list[int] = field(default_factory=list)
    parent: int | None = None


@dataclass
class Repo:
    name: str
    visibility: str = "private"
    collaborators: dict[int, str] = field(default_factory=dict)  # account: role
    files: dict[str, bytes] = field(default_factory=dict)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)  # as GraphQL tells them
    discussions: list[dict[str, Any]] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)  # what the listing says besides


class GitHubSystem(System):
    """`names` are the logins of accounts; `members` and `owners` some of them. `refused`: the last part of a path, and
    what is answered instead."""

    def __init__(self) -> None:
        super().__init__(self.answered)
        self.names = {1: "ann", 2: "bob", 3: "olga", 9: "otto"}
        self.members, self.owners = [1, 2, 3], [3]
        self.teams: dict[int, Team] = {}
        self.repositories: dict[int, Repo] = {}
        self.organization_id = ORGANIZATION_ID
        self.base: str | None = "none"
        self.addresses: dict[int, list[str]] = {}
        self.refused: dict[str, Answer] = {}
        self.graphql_error = ""
        self.a_page = 100
        self.cut_short = False  # recursive trees
        self.token = TOKEN
        self.trees: dict[str, list[dict[str, Any]]] = {}
        self.blobs: dict[str, bytes] = {}
        self.specification = Specification()
        self.wrong: list[str] = []  # requests that GitHub does not describe
        self._pushed: dict[int, tuple[str, str]] = {}  # repositories: tree, and when it was pushed
        self._ids = count(5000)
        self._minutes = count(1)

    # --- what a test does ----------------------------------------------------------------------------------------

    def issue(
        self, repository: int, about: int, title: str, body: str = "", *, pull: bool = False, by: int = 1
    ) -> None:
        known = self.repositories[repository].issues.get(about, {"id": next(self._ids), "created_at": self.now()})
        self.repositories[repository].issues[about] = {
            **known,
            "number": about,
            "title": title,
            "body": body,
            "user": self.account(by),
            "state": "open",
            "html_url": f"https://github.com/{ORGANIZATION}/r/issues/{about}",
            "labels": [{"name": "bug"}],
            "updated_at": self.now(),
            **({"pull_request": {"html_url": "https://github.com/x"}} if pull else {}),
        }

    def comment(
        self, repository: int, about: int, body: str, *, on: str = "", touches: bool = True, by: int = 2
    ) -> int:
        id, at = next(self._ids), self.now()
        kind = "pulls" if on else "issues"
        address = f"{self.url}/repos/{ORGANIZATION}/r/{kind}/{about}"
        told = {"id": id, "body": body, "user": self.account(by), "created_at": at, "updated_at": at}
        if on:
            self.repositories[repository].notes.append({**told, "path": on, "pull_request_url": address})
        else:
            self.repositories[repository].comments.append({**told, "issue_url": address})
        if touches:
            self.repositories[repository].issues[about]["updated_at"] = at
        return id

    def now(self) -> str:
        return minute(next(self._minutes))

    def account(self, id: int) -> dict[str, Any]:
        return {"id": id, "login": self.names[id], "type": "User"}

    # --- answers -------------------------------------------------------------------------------------------------

    def answered(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return Answer({"message": "Bad credentials"}, 401)
        for end, answer in self.refused.items():
            if asked.path.endswith(end):
                return answer
        if asked.path.endswith("/graphql"):
            return self.graphql(asked.json())
        try:
            return self.rest(asked, self.specification.operation(asked))
        except AssertionError as wrong:
            self.wrong.append(str(wrong))
            return Answer({"message": str(wrong)}, 400)

    def rest(self, asked: Asked, operation: str) -> Answer:
        parts = asked.path.strip("/").split("/")
        method, _, path = operation.partition(" ")
        found = self.ANSWERS[path](self, parts, asked)
        if isinstance(found, Answer):
            return found
        body: Any = found
        headers: dict[str, str] = {}
        if isinstance(found, list):
            body, headers = self.paged(found, asked)
        elif "repositories" in found:
            page, headers = self.paged(found["repositories"], asked)
            body = {**found, "repositories": page}
        body = self.specification.answer(operation, body, 201 if method == "POST" else 200)
        etag = f'W/"{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()}"'
        if asked.headers.get("if-none-match") == etag:
            return Answer(b"", 304, {"ETag": etag})
        return Answer(body, headers={"ETag": etag, **headers})

    def paged(self, found: list[Any], asked: Asked) -> tuple[list[Any], dict[str, str]]:
        size, page = min(int(asked.query.get("per_page", "30")), self.a_page), int(asked.query.get("page", "1"))
        more = len(found) > size * page
        following = urlencode({**asked.query, "page": page + 1})
        link = {"Link": f'<{self.url}{asked.path}?{following}>; rel="next"'} if more else {}
        return found[size * (page - 1) : size * page], link

    def organization(self, parts: list[str], asked: Asked) -> Any:
        told = {} if self.base is None else {"default_repository_permission": self.base}
        return {"id": self.organization_id, "login": ORGANIZATION, **told} if parts[1] == ORGANIZATION else NOT_THERE

    def people(self, parts: list[str], asked: Asked) -> Any:
        wanted = self.owners if asked.query.get("role") == "admin" else self.members
        return [self.account(id) for id in wanted]

    def listed_repositories(self, parts: list[str], asked: Asked) -> Any:
        return [self.told(id) for id in self.repositories]

    def installed(self, parts: list[str], asked: Asked) -> Any:
        return {"total_count": len(self.repositories), "repositories": [self.told(id) for id in self.repositories]}

    def told(self, id: int) -> dict[str, Any]:
        repo = self.repositories[id]
        tree = self.tree_of(repo.files)
        if self._pushed.get(id, ("", ""))[0] != tree:
            self._pushed[id] = (tree, self.now())
        return {
            "id": id,
            "pushed_at": self._pushed[id][1],
            "node_id": f"R_{id}",
            "name": repo.name,
            "full_name": f"{ORGANIZATION}/{repo.name}",
            "owner": {"id": ORGANIZATION_ID, "login": ORGANIZATION},
            "private": repo.visibility != "public",
            "visibility": repo.visibility,
            "default_branch": "main",
            "html_url": f"https://github.com/{ORGANIZATION}/{repo.name}",
            "disabled": False,
            "has_discussions": bool(repo.discussions),
            **repo.fields,
        }

    def listed_teams(self, parts: list[str], asked: Asked) -> Any:
        return [
            {"id": id, "name": team.name, "slug": team.name, "parent": {"id": team.parent} if team.parent else None}
            for id, team in self.teams.items()
        ]

    def people_of_team(self, parts: list[str], asked: Asked) -> Any:
        """As GitHub lists them: with those of the teams below."""
        own, team = self.teams[int(parts[3])].people, int(parts[3])
        below = [id for other in self.below(team) for id in self.teams[other].people if id not in own]
        return [{**self.account(id), "inherited": id in below} for id in [*own, *dict.fromkeys(below)]]

    def below(self, team: int) -> Iterator[int]:
        for id, other in self.teams.items():
            if other.parent == team:
                yield id
                yield from self.below(id)

    def repositories_of_team(self, parts: list[str], asked: Asked) -> Any:
        shared = self.teams[int(parts[3])].repositories
        return [{**self.told(id), "permissions": {"pull": True}, "role_name": "read"} for id in shared]

    def collaborators(self, parts: list[str], asked: Asked) -> Any:
        direct = self.repositories[int(parts[1])].collaborators
        everybody = {
            **direct,
            **(dict.fromkeys(self.owners, "admin") if asked.query.get("affiliation", "all") == "all" else {}),
        }
        return [
            {**self.account(id), "role_name": role, "permissions": {"pull": role != "none"}}
            for id, role in everybody.items()
        ]

    def commit(self, parts: list[str], asked: Asked) -> Any:
        repo = self.repositories[int(parts[1])]
        if not repo.files:
            return Answer({"message": "Git Repository is empty."}, 409)
        return {"sha": "c" * 40, "commit": {"tree": {"sha": self.tree_of(repo.files)}}}

    def tree_of(self, files: Mapping[str, bytes]) -> str:
        """Write the tree, and say its hash."""
        entries: list[dict[str, Any]] = []
        folders: dict[str, dict[str, bytes]] = {}
        for path, content in sorted(files.items()):
            name, _, rest = path.partition("/")
            if rest:
                folders.setdefault(name, {})[rest] = content
            else:
                hash = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
                self.blobs[hash] = content
                entries.append({"path": name, "mode": "100644", "type": "blob", "sha": hash, "size": len(content)})
        for name, within in folders.items():
            entries.append({"path": name, "mode": "040000", "type": "tree", "sha": self.tree_of(within)})
        hash = hashlib.sha1(json.dumps(entries).encode(), usedforsecurity=False).hexdigest()
        self.trees[hash] = entries
        return hash

    def tree(self, parts: list[str], asked: Asked) -> Any:
        hash = parts[4]
        if hash not in self.trees:
            return NOT_THERE
        if "recursive" not in asked.query:
            return {"sha": hash, "tree": self.trees[hash], "truncated": False}
        entries = list(self.all_below(hash, ""))
        is_cut = self.cut_short and any("/" in entry["path"] for entry in entries)
        return {"sha": hash, "tree": entries[:1] if is_cut else entries, "truncated": is_cut}

    def all_below(self, hash: str, above: str) -> Iterator[dict[str, Any]]:
        for entry in self.trees[hash]:
            yield {**entry, "path": above + entry["path"]}
            if entry["type"] == "tree":
                yield from self.all_below(entry["sha"], f"{above}{entry['path']}/")

    def blob(self, parts: list[str], asked: Asked) -> Any:
        content = self.blobs.get(parts[4])
        if content is None:
            return NOT_THERE
        if "raw" in asked.headers["accept"]:
            return Answer(content)
        return {"sha": parts[4], "size": len(content), "content": base64.b64encode(content).decode()}

    def listed_issues(self, parts: list[str], asked: Asked) -> Any:
        repo = self.repositories[int(parts[1])]
        issues = [self.told_issue(repo, about) for about in repo.issues]
        return self.since(issues, asked)

    def told_issue(self, repo: Repo, about: int) -> dict[str, Any]:
        spoken = sum(1 for comment in repo.comments if comment["issue_url"].endswith(f"/{about}"))
        return {**repo.issues[about], "comments": spoken}

    def since(self, entries: list[dict[str, Any]], asked: Asked) -> list[dict[str, Any]]:
        after = asked.query.get("since", "")
        by = {"updated": "updated_at", "created": "created_at"}[asked.query.get("sort", "created")]
        found = [entry for entry in entries if entry["updated_at"] >= after]
        return sorted(found, key=lambda entry: str(entry[by]), reverse=asked.query.get("direction") != "asc")

    def one_issue(self, parts: list[str], asked: Asked) -> Any:
        repo = self.repositories[int(parts[1])]
        about = int(parts[3])
        return self.told_issue(repo, about) if about in repo.issues else Answer({"message": "This was deleted"}, 410)

    def all_comments(self, parts: list[str], asked: Asked) -> Any:
        return self.since(self.repositories[int(parts[1])].comments, asked)

    def all_notes(self, parts: list[str], asked: Asked) -> Any:
        return self.since(self.repositories[int(parts[1])].notes, asked)

    def comments_on(self, parts: list[str], asked: Asked) -> Any:
        found = self.repositories[int(parts[1])].comments
        return [comment for comment in found if comment["issue_url"].endswith(f"/{parts[3]}")]

    def notes_on(self, parts: list[str], asked: Asked) -> Any:
        found = self.repositories[int(parts[1])].notes
        return [note for note in found if note["pull_request_url"].endswith(f"/{parts[3]}")]

    def nothing(self, parts: list[str], asked: Asked) -> Any:
        return []

    ANSWERS: Mapping[str, Callable[["GitHubSystem", list[str], Asked], Any]] = {
        "/orgs/{org}": organization,
        "/orgs/{org}/members": people,
        "/orgs/{org}/repos": listed_repositories,
        "/orgs/{org}/teams": listed_teams,
        "/installation/repositories": installed,
        "/orgs/{org}/teams/{team_slug}/members": people_of_team,
        "/orgs/{org}/teams/{team_slug}/repos": repositories_of_team,
        "/repos/{owner}/{repo}/collaborators": collaborators,
        "/repos/{owner}/{repo}/commits": nothing,
        "/repos/{owner}/{repo}/commits/{ref}": commit,
        "/repos/{owner}/{repo}/git/trees/{tree_sha}": tree,
        "/repos/{owner}/{repo}/git/blobs/{file_sha}": blob,
        "/repos/{owner}/{repo}/issues": listed_issues,
        "/repos/{owner}/{repo}/issues/{issue_number}": one_issue,
        "/repos/{owner}/{repo}/issues/comments": all_comments,
        "/repos/{owner}/{repo}/issues/{issue_number}/comments": comments_on,
        "/repos/{owner}/{repo}/pulls/comments": all_notes,
        "/repos/{owner}/{repo}/pulls/{pull_number}/comments": notes_on,
    }

    # --- GraphQL -------------------------------------------------------------------------------------------------

    def graphql(self, asked: Mapping[str, Any]) -> Answer:
        variables, query = asked["variables"], asked["query"]
        if self.graphql_error:
            return Answer({"errors": [{"type": self.graphql_error, "message": "Resource not accessible"}]})
        if "organization" in variables:
            return self.told_addresses(variables)
        if "repository" not in variables:
            return self.told_discussion(variables)
        repo = {f"R_{id}": repo for id, repo in self.repositories.items()}.get(variables["repository"])
        if repo is None:
            return Answer({"errors": [{"type": "NOT_FOUND", "message": "Could not resolve to a node."}]})
        after = variables.get("after")
        if "pullRequest(" in query:
            reviews = _connection(repo.reviews.get(variables["number"], []), after)
            return Answer({"data": {"node": {"pullRequest": {"reviews": reviews}}}})
        if "pullRequests(" in query:
            pulls = [about for about, issue in repo.issues.items() if "pull_request" in issue]
            nodes = [{"number": about, "reviews": _connection(repo.reviews.get(about, []))} for about in pulls]
            return Answer({"data": {"node": {"pullRequests": _connection(nodes, after)}}})
        return self.told_discussions(repo, query, after)

    def told_addresses(self, variables: Mapping[str, Any]) -> Answer:
        nodes = [{"databaseId": id, "organizationVerifiedDomainEmails": a} for id, a in self.addresses.items()]
        return Answer({"data": {"organization": {"membersWithRole": _connection(nodes, variables.get("after"))}}})

    def told_discussions(self, repo: Repo, query: str, after: str | None) -> Answer:
        is_latest = "UPDATED_AT" in query
        by = "updatedAt" if is_latest else "createdAt"
        found = sorted(map(self.with_all_said, repo.discussions), key=lambda each: str(each[by]), reverse=is_latest)
        return Answer({"data": {"node": {"databaseId": 1, "discussions": _connection(found, after)}}})

    def with_all_said(self, discussion: dict[str, Any], after: str | None = None) -> dict[str, Any]:
        said = [{**comment, "replies": _connection(comment["replies"])} for comment in discussion["said"]]
        return {**discussion, "comments": _connection(said, after)}

    def told_discussion(self, variables: Mapping[str, Any]) -> Answer:
        everything = [each for repo in self.repositories.values() for each in repo.discussions]
        if "comment" in variables:
            spoken = [
                comment for each in everything for comment in each["said"] if comment["id"] == variables["comment"]
            ]
            return Answer({"data": {"node": {"replies": _connection(spoken[0]["replies"], variables["after"])}}})
        (found,) = [each for each in everything if each["id"] == variables["discussion"]]
        return Answer({"data": {"node": self.with_all_said(found, variables.get("after"))}})


def _connection(nodes: list[Any], after: str | None = None) -> dict[str, Any]:
    """Two a page."""
    start = int(after or 0)
    more = len(nodes) > start + 2
    told = {"hasNextPage": more, "endCursor": str(start + 2) if more else None}
    return {"nodes": nodes[start : start + 2], "pageInfo": told, "totalCount": len(nodes)}

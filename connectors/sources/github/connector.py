"""An organisation on GitHub: its repositories' documents, issues, pull requests and discussions, and who reads them.

A repository is a scope that stands alone; people and teams are known by their numbers. Who may read is listed whole in
every run, before any content and again whenever that has grown old; of the content, a run that is not whole reads what
the marks in its state leave open.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from connectors.records import Checkpoint, Record, Records, State
from connectors.sources.base import Connector, ConnectorError
from connectors.sources.client import MEGABYTE, Auth, Client, Token
from connectors.sources.github.api import A_SECOND, DOT_COM, Api, AppKey, Installation, asked_too_much
from connectors.sources.github.contents import Contents
from connectors.sources.github.discussions import Discussions
from connectors.sources.github.readers import Readers, Repository, listed_repositories, repository_of
from connectors.sources.github.run import DISCUSSIONS, FILES, ISSUES, PULLS, Plan, Progress, heard
from connectors.sources.portions import portioned

INCLUDE = (FILES, ISSUES, PULLS, DISCUSSIONS)
PUBLIC_READERS = ("members", "everyone")
MOST_MEGABYTES = 50
FRESH = 15 * 60.0  # seconds that contents are read by rights read before
ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
WAKING = frozenset(
    "push create delete repository public member membership organization team team_add issues issue_comment "
    "pull_request pull_request_review pull_request_review_comment discussion discussion_comment installation "
    "installation_repositories installation_target".split()
)


class GitHub(Connector):
    """Reads one organisation, on github.com or on an Enterprise Server."""

    settings: ClassVar = {
        "organization": "The organisation's name, as it stands in its address on GitHub.",
        "token": "A fine-grained personal access token of that organisation; leave it out for a GitHub App.",
        "app_id": "The App ID (or client ID) of the GitHub App, instead of a token.",
        "private_key": "The App's private key: the whole .pem file.",
        "installation_id": "The number of the App's installation; found by the organisation if left out.",
        "base_url": "The address of the API; left out it is https://api.github.com. Enterprise Server: https://HOST/api/v3",
        "repositories": "Only these repositories: names, with * for any letters, separated by commas. Left out: all.",
        "include": "What is read, separated by commas, of files, issues, pull_requests, discussions. Left out: all.",
        "public_readers": "Who reads public repositories: 'members' of the organisation (if left out), or 'everyone'.",
        "email_domain": "Of several verified addresses of a person, the one of this domain is taken.",
        "max_file_mb": "Files above so many megabytes are not read; 20 if left out, 50 at most.",
        "webhook_secret": "The secret set at the webhook, by which its messages are known to be GitHub's.",
    }
    secrets: ClassVar = frozenset({"token", "private_key", "webhook_secret"})
    place = frozenset({"organization", "base_url"})

    def records(self, since: State | None) -> Records:
        plan = self.plan()
        progress = Progress(since, self.last)
        return Reading(plan, self.api(plan), progress, vouches=self.vouches_for_emails).records()

    def check(self) -> list[str]:
        try:
            plan = self.plan()
            return Checking(plan, self.api(plan)).missing()
        except ConnectorError as error:
            return [str(error)]

    def webhook(self, headers: Mapping[str, str], body: bytes) -> bool:
        secret = self.values.get("webhook_secret", "")
        if not secret:
            raise ConnectorError("Messages are taken once the setting 'webhook_secret' is set.", permanent=True)
        right = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right.encode(), headers.get("x-hub-signature-256", "").encode()):
            raise ConnectorError("The message is not signed with the secret of this source.", permanent=True)
        return headers.get("x-github-event", "") in WAKING

    def plan(self) -> "Plan":
        """Raises ConnectorError for settings that mean nothing."""
        value = {name: self.values.get(name, "").strip() for name in self.settings}
        if not ORGANIZATION.fullmatch(value["organization"]):
            raise ConnectorError("The setting 'organization' must be the name of an organisation.", permanent=True)
        include = _listed(value["include"]) or INCLUDE
        if unknown := set(include) - set(INCLUDE):
            known = ", ".join(INCLUDE)
            raise ConnectorError(f"The setting 'include' knows {known}; not {min(unknown)!r}.", permanent=True)
        public_readers = value["public_readers"] or PUBLIC_READERS[0]
        if public_readers not in PUBLIC_READERS:
            raise ConnectorError("The setting 'public_readers' is 'members' or 'everyone'.", permanent=True)
        megabytes = value["max_file_mb"] or "20"
        if not (megabytes.isascii() and megabytes.isdigit() and 1 <= int(megabytes[:4]) <= MOST_MEGABYTES):
            raise ConnectorError("The setting 'max_file_mb' must be a number from 1 to 50.", permanent=True)
        return Plan(
            organization=value["organization"],
            repositories=_listed(value["repositories"].lower()),
            include=frozenset(include),
            public_readers=public_readers,
            email_domain=value["email_domain"].lower().lstrip("@"),
            most_bytes=int(megabytes) * MEGABYTE,
            is_app=not value["token"],
        )

    def api(self, plan: "Plan") -> Api:
        return Api(self.values.get("base_url", ""), self.auth(plan))

    def auth(self, plan: "Plan") -> Auth:
        if not plan.is_app:
            return Token(self.values["token"].strip())
        app_id, private_key = self.values.get("app_id", "").strip(), self.values.get("private_key", "")
        if not (app_id and private_key):
            raise ConnectorError("Set 'token', or 'app_id' and 'private_key' of a GitHub App.", permanent=True)
        base_url = self.values.get("base_url", "") or DOT_COM
        client = Client(base_url, auth=AppKey(app_id, private_key), a_second=A_SECOND, limited=asked_too_much)
        return Installation(client, plan.organization, self.values.get("installation_id", "").strip())


def _listed(value: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in value.split(","))))


@dataclass
class Reading:
    """One run: who reads what, then repository after repository. A whole listing that was broken off is gone on with.

    Contents are committed by rights that are no older than `FRESH`, and what is committed of them in one go.
    """

    plan: Plan
    api: Api
    progress: Progress
    vouches: bool = False
    living: dict[int, Repository] = field(default_factory=dict)  # as GitHub told them last
    until: float = 0.0

    def records(self) -> Records:
        yield from self.readers()
        for record in portioned(self.contents(list(self.living)), self.progress.noted):
            yield record
            if isinstance(record, Checkpoint) and time.monotonic() > self.until:
                yield from self.readers(again=True)
        if self.progress.nameless:
            yield Checkpoint(state=self.progress.noted())
            raise ConnectorError(
                f"GitHub told of {self.progress.nameless[0]}, so that who reads it is not known. All else was read, "
                "and does not count as a listing of all rights."
            )
        whole = self.progress.is_whole
        state = self.progress.noted(ended=True)
        yield Checkpoint(state=state, complete=whole and not self.progress.partial, readers_complete=whole)

    def readers(self, *, again: bool = False) -> Iterator[Record]:
        readers = Readers(self.plan, self.api, self.progress, vouches=self.vouches, again=again)
        said, repositories = heard(readers.records())
        self.until = time.monotonic() + FRESH
        self.living = {repository.id: repository for repository in repositories}
        yield from said
        yield Checkpoint(state=self.progress.noted())

    def contents(self, repositories: list[int]) -> Iterator[Record]:
        """Of those of these repositories that are still told of when their turn comes."""
        contents = Contents(self.plan, self.api, self.progress)
        for id in repositories:
            if id in self.living and not self.progress.is_done(id):
                yield from contents.records(self.living[id])
                self.progress.has_done(id)


@dataclass
class Checking:
    """Asks once for each thing a run will need, and says in words which right is missing."""

    plan: Plan
    api: Api

    def missing(self) -> list[str]:
        name = self.plan.organization
        if self.denied(f"orgs/{name}"):
            return [f"There is no organisation {name!r}, or this sign-in may not see it."]
        missing = []
        if self.denied(f"orgs/{name}/teams", per_page="1"):
            missing.append("Organisation permission 'Members: read' is missing: people and teams cannot be read.")
        found = (repository_of(fields) for fields in listed_repositories(self.plan, self.api))
        wanted = [it for it in found if it is not None and self.plan.wants(it.full_name.rpartition("/")[2])]
        if not wanted:
            return [*missing, f"No repository of {name!r} is shown to this sign-in, or none that 'repositories' names."]
        wanted.sort(key=lambda repository: repository.visibility == "public")
        return [*missing, *self.missing_of(wanted[0])]

    def missing_of(self, repository: Repository) -> Iterator[str]:
        """By the example of one repository, a private one if there is any."""
        name, path = repository.full_name, repository.path
        if repository.visibility != "public" and self.denied(f"{path}/collaborators", per_page="1"):
            yield (
                f"The readers of {name} cannot be read, so that nobody is admitted to private repositories: "
                "'Metadata: read' is needed, and a token must be that of somebody who may write to the repositories."
            )
        wanted = {
            f"{path}/commits": (FILES, "'Contents: read' is missing, or take files out of 'include'."),
            f"{path}/issues": (ISSUES, "'Issues: read' is missing, or take issues out of 'include'."),
            f"{path}/pulls/comments": (
                PULLS,
                "'Pull requests: read' is missing, or take pull_requests out of 'include'.",
            ),
        }
        for asked, (kind, sentence) in wanted.items():
            if kind in self.plan.include and self.denied(asked, per_page="1"):
                yield f"{name}: {sentence}"
        discussions = Discussions(self.api, Progress(None))
        if DISCUSSIONS in self.plan.include and repository.has_discussions and discussions.are_hidden(repository):
            yield f"{name}: 'Discussions: read' is missing, or take discussions out of 'include'."

    def denied(self, path: str, **params: str) -> bool:
        return self.api.get(path, params, also=(403, 404, 409, 410)).status in (403, 404)

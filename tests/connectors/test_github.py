"""GitHub, by what it describes and recorded itself: who reads what, what is read, and how it bears what goes wrong."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from accounts.reader import Reader
from connectors import adding, ingest, listing, sync
from connectors.corpus.reading import document_text, list_documents
from connectors.kit.system import Answer, Asked, Clock, System
from connectors.models import Document, Source, SyncRun
from connectors.records import (
    Checkpoint,
    Deletion,
    DocumentRecord,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
    State,
)
from connectors.sources.base import ConnectorError, SlowDown
from connectors.sources.client import Client, Refused, Token
from connectors.sources.github.api import Api, Installation
from connectors.sources.github.connector import GitHub
from connectors.sources.github.readers import listed_repositories
from tests.cast import person
from tests.connectors.github.app import key_and_checker
from tests.connectors.github.fake import ORGANIZATION, TOKEN, GitHubSystem, Repo, Team
from tests.connectors.github.recordings import RECORDED
from tests.connectors.github.specified import NotSpecified, Specification

RESET = int(time.time()) + 3500
LIMIT = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(RESET)}


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubSystem]:
    monkeypatch.setattr("connectors.sources.github.api.A_SECOND", 10_000.0)
    monkeypatch.setattr("connectors.sources.client.FIRST_WAIT", 0.001)
    system = GitHubSystem()
    with system.running():
        yield system
        assert system.wrong == []


def connector(github: System, vouches: bool = False, **settings: str) -> GitHub:
    values = {"organization": ORGANIZATION, "token": TOKEN, "base_url": github.url, **settings}
    return GitHub(values, vouches_for_emails=vouches)


def read(github: System, since: State | None = None, **settings: Any) -> list[Record]:
    return list(connector(github, **settings).records(since))


def ended(records: list[Record]) -> Checkpoint:
    assert isinstance(records[-1], Checkpoint)
    return records[-1]


def state_of(records: list[Record]) -> State:
    """As the database gives it back."""
    state: State = json.loads(json.dumps(ended(records).state))
    return state


def grants(records: list[Record], scope: str) -> set[str]:
    (found,) = [record for record in records if isinstance(record, ScopeRecord) and record.id == scope]
    assert not found.access.inherits
    assert not found.access.problem
    return {entry.id for entry in found.access.grants}


def members(records: list[Record], group: str) -> set[str]:
    (found,) = [record for record in records if isinstance(record, PrincipalRecord) and record.id == group]
    return {entry.id for entry in found.members}


def documents(records: list[Record]) -> dict[str, DocumentRecord]:
    return {record.id: record for record in records if isinstance(record, DocumentRecord)}


def deleted(records: list[Record]) -> set[str]:
    return {record.id for record in records if isinstance(record, Deletion)}


def problems(records: list[Record]) -> list[str]:
    return [record.message for record in records if isinstance(record, Problem)]


def content(document: DocumentRecord) -> str:
    found = document.content() if callable(document.content) else document.content
    assert isinstance(found, bytes)
    return found.decode()


# --- who reads what -------------------------------------------------------------------------------------------------


def test_a_private_repository_is_read_by_its_collaborators_teams_and_owners(github: GitHubSystem) -> None:
    github.teams = {70: Team("core", [1], [7]), 71: Team("platform", [2], parent=70)}
    github.repositories = {7: Repo("secret", collaborators={9: "read"}), 8: Repo("other")}

    records = read(github)

    assert grants(records, "repository/7") == {"organization/1000/owners", "team/70", "user/9"}
    assert grants(records, "repository/8") == {"organization/1000/owners"}
    assert members(records, "team/70") == {"user/1", "team/71"}
    assert members(records, "team/71") == {"user/2"}
    assert members(records, "organization/1000/owners") == {"user/3"}
    people = {r.id: r.external for r in records if isinstance(r, PrincipalRecord) and r.kind == "user"}
    assert people == {"user/1": False, "user/2": False, "user/3": False, "user/9": True}
    assert ended(records).complete


@pytest.mark.parametrize(("base", "is_open"), [("none", False), ("read", True), ("write", True), ("admin", True)])
def test_the_base_permission_opens_private_repositories_to_members(
    github: GitHubSystem, base: str, is_open: bool
) -> None:
    github.base, github.repositories = base, {7: Repo("secret")}

    assert ("organization/1000/members" in grants(read(github), "repository/7")) is is_open


def test_where_the_base_permission_is_not_told_everybody_who_may_read_is_asked_for(github: GitHubSystem) -> None:
    github.base, github.repositories = None, {7: Repo("secret", collaborators={1: "read"})}

    assert grants(read(github), "repository/7") == {"organization/1000/owners", "user/1", "user/3"}
    assert {"affiliation": "all", "per_page": "100"} in [asked.query for asked in github.asked]


def test_internal_repositories_are_read_by_members_and_collaborators(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("house", "internal", {9: "triage"})}

    assert grants(read(github), "repository/7") == {"organization/1000/members", "user/9"}


@pytest.mark.parametrize(("setting", "who"), [("", "organization/1000/members"), ("everyone", "everyone")])
def test_who_reads_public_repositories_is_a_setting(github: GitHubSystem, setting: str, who: str) -> None:
    github.repositories = {7: Repo("open", "public")}

    assert grants(read(github, public_readers=setting), "repository/7") == {who}


@pytest.mark.parametrize(
    "fields",
    [
        {"visibility": "draft"},
        {"visibility": None},
        {"visibility": "public", "private": True},
        {"visibility": 7},
        {"disabled": True},
    ],
    ids=["unknown", "none", "two things", "a number", "disabled"],
)
def test_a_repository_nobody_can_judge_admits_nobody(github: GitHubSystem, fields: dict[str, Any]) -> None:
    listing = answering(github, "/repos", lambda body: [{**each, **fields} for each in body])
    github.repositories = {7: Repo("odd", collaborators={1: "read"})}

    records = read(listing)

    (scope,) = [record for record in records if isinstance(record, ScopeRecord)]
    assert scope.access.grants == ()
    assert scope.access.problem
    assert scope.access.problem in problems(records)


def test_an_old_server_says_only_whether_it_is_private(github: GitHubSystem) -> None:
    def old(body: Any) -> Any:
        return [{name: value for name, value in each.items() if name != "visibility"} for each in body]

    github.repositories = {7: Repo("secret"), 8: Repo("open", "public")}
    records = read(answering(github, "/repos", old))

    assert grants(records, "repository/7") == {"organization/1000/owners"}
    assert grants(records, "repository/8") == {"organization/1000/members"}


@pytest.mark.parametrize("status", [403, 404])
def test_readers_that_cannot_be_read_close_their_repository_alone(github: GitHubSystem, status: int) -> None:
    github.repositories = {7: Repo("secret"), 8: Repo("open", "public")}
    github.refused["repositories/7/collaborators"] = Answer({"message": "Must have push access"}, status)

    records = read(github)

    (scope,) = [record for record in records if isinstance(record, ScopeRecord) and record.id == "repository/7"]
    assert "Must have push access" in scope.access.problem
    assert scope.access.problem in problems(records)
    assert grants(records, "repository/8")


def test_a_role_that_may_not_read_or_that_nobody_knows_admits_nobody(github: GitHubSystem) -> None:
    def odd(body: Any) -> Any:
        custom = {"id": 2, "login": "bob", "type": "User", "role_name": "auditor"}
        return [*body, custom, {**custom, "id": 44, "permissions": {"pull": "yes"}, "role_name": "read"}]

    github.repositories = {7: Repo("secret", collaborators={1: "none"})}
    records = read(answering(github, "/collaborators", odd))

    assert grants(records, "repository/7") == {"organization/1000/owners", "user/44"}
    assert any("'auditor'" in problem for problem in problems(records))


def test_a_team_that_cannot_be_read_admits_nobody(github: GitHubSystem) -> None:
    github.teams = {70: Team("core", [1], [7])}
    github.repositories = {7: Repo("secret")}
    github.refused["team/70/members"] = Answer({"message": "Not Found"}, 404)

    records = read(github)

    (problem,) = [record for record in records if isinstance(record, Problem)]
    assert (problem.kind, problem.id) == ("principal", "team/70")
    assert "'core'" in problem.message
    assert not [record for record in records if isinstance(record, PrincipalRecord) and record.id == "team/70"]
    assert grants(records, "repository/7") == {"organization/1000/owners"}
    assert ended(records).complete


@pytest.mark.parametrize("end", ["team/70/members", "team/70/repos", "repositories/7/collaborators"])
@pytest.mark.parametrize("whole", [False, True], ids=["changes", "whole"])
def test_a_list_that_is_refused_does_not_say_that_people_are_gone(github: GitHubSystem, end: str, whole: bool) -> None:
    github.names |= {11: "tim", 12: "cora"}
    github.teams = {70: Team("core", [11], [7])}
    github.repositories = {7: Repo("secret", collaborators={12: "read"})}
    state = state_of(read(github))
    github.refused[end] = Answer({"message": "Not Found"}, 404)

    again = connector(github)
    again.last = state
    records = list(again.records(None if whole else state))

    assert deleted(records) == set()
    named = {record.id: record for record in records if isinstance(record, PrincipalRecord)}
    assert {"user/11", "user/12"} <= named.keys()
    assert named["user/11"].name == "tim"
    github.refused.clear()
    github.teams[70].people.clear()
    assert deleted(read(github, state_of(records))) == {"user/11"}


@pytest.mark.parametrize("path", ["/members", "/teams", "orgs/acme"])
def test_without_the_lists_of_people_nothing_is_said_at_all(github: GitHubSystem, path: str) -> None:
    github.refused[path] = Answer({"message": "Forbidden"}, 403)

    with pytest.raises(Refused, match="Forbidden"):
        read(github)


def test_addresses_are_those_github_verified_for_the_organisations_own_domains(github: GitHubSystem) -> None:
    github.addresses = {1: ["ann@acme.example"], 2: ["bob@b.example", "bob@acme.example"], 3: []}

    def told(vouches: bool, **settings: Any) -> dict[str, str | None]:
        records = read(github, vouches=vouches, **settings)
        return {r.id: r.email for r in records if isinstance(r, PrincipalRecord) and r.kind == "user"}

    assert told(True) == {"user/1": "ann@acme.example", "user/2": "bob@acme.example", "user/3": None}
    assert told(True, email_domain="b.example")["user/2"] == "bob@b.example"
    assert set(told(False).values()) == {None}


def test_addresses_that_may_not_be_seen_are_left_out_and_said(github: GitHubSystem) -> None:
    github.addresses, github.graphql_error = {1: ["ann@acme.example"]}, "FORBIDDEN"

    records = read(github, vouches=True)

    assert {r.email for r in records if isinstance(r, PrincipalRecord)} == {None}
    assert any("by hand" in problem for problem in problems(records))


def test_another_organisation_of_the_same_name_is_not_read(github: GitHubSystem) -> None:
    state = state_of(read(github))

    with pytest.raises(ConnectorError, match="not the organisation that was read before"):
        read(github, {**state, "organization": 77})
    github.organization_id = 77
    everything = connector(github)
    everything.last = state
    with pytest.raises(ConnectorError, match="not the organisation that was read before"):
        list(everything.records(None))


def test_repositories_of_others_and_those_not_asked_for_are_left_out(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("docs-a"), 8: Repo("docs-b"), 9: Repo("code"), 10: Repo("docs-of-others")}
    github.repositories[10].fields = {"owner": {"id": 5, "login": "others"}}

    scopes = [record.id for record in read(github, repositories="docs-*, x") if isinstance(record, ScopeRecord)]

    assert scopes == ["repository/7", "repository/8"]


# --- permissions alone ----------------------------------------------------------------------------------------------


def test_lost_rights_arrive_while_no_content_changed(github: GitHubSystem) -> None:
    github.teams = {70: Team("core", [1, 2], [7])}
    github.repositories = {7: Repo("secret", collaborators={9: "read"}, files={"a.md": b"# A"})}
    state = state_of(read(github))

    github.repositories[7].collaborators.clear()
    github.teams[70].people.remove(2)
    github.members.remove(2)
    records = read(github, state)

    assert grants(records, "repository/7") == {"organization/1000/owners", "team/70"}
    assert members(records, "team/70") == {"user/1"}
    assert members(records, "organization/1000/members") == {"user/1", "user/3"}
    assert deleted(records) == {"user/2", "user/9"}
    assert documents(records) == {}


def test_lists_github_calls_unchanged_are_said_again_whole(github: GitHubSystem) -> None:
    github.teams = {70: Team("core", [1], [7])}
    github.repositories = {7: Repo("secret", collaborators={9: "read"})}
    first = read(github)
    github.asked.clear()
    second = read(github, state_of(first))

    conditional = {asked.path for asked in github.asked if "if-none-match" in asked.headers}
    assert {"/repositories/7/collaborators", "/organizations/1000/team/70/members"} <= conditional
    about_readers = (PrincipalRecord, ScopeRecord)
    assert [r for r in second if isinstance(r, about_readers)] == [r for r in first if isinstance(r, about_readers)]
    assert state_of(second)["teams"] == state_of(first)["teams"]


def test_a_full_page_is_never_taken_for_a_whole_list(github: GitHubSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is added after a full page stands on the next one, and leaves the first as it was."""
    monkeypatch.setattr("connectors.sources.github.readers.A_PAGE", 2)
    github.a_page, github.names[4] = 2, "dora"
    github.repositories = {7: Repo("secret", collaborators={1: "read", 2: "read"})}
    state = state_of(read(github))
    github.repositories[7].collaborators[4] = "read"

    assert "user/4" in grants(read(github, state), "repository/7")


def test_a_repository_or_team_that_is_gone_is_closed_by_the_next_run(github: GitHubSystem) -> None:
    github.teams = {70: Team("core", [1], [7])}
    github.repositories = {7: Repo("secret"), 8: Repo("other")}
    state = state_of(read(github))

    del github.repositories[7]
    del github.teams[70]
    records = read(github, state)

    assert deleted(records) == {"repository/7", "team/70"}
    assert not ended(records).complete
    assert "7" not in str(sorted(state_of(records)["repositories"]))  # type: ignore[call-overload]


def test_a_public_repository_that_is_gone_before_it_was_read_is_closed(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("open", "public")}
    reached = next(record for record in read(github) if isinstance(record, Checkpoint))
    del github.repositories[7]

    assert deleted(read(github, json.loads(json.dumps(reached.state)))) == {"repository/7"}


def test_nothing_is_told_of_readers_before_all_of_it_is_known(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("secret")}
    github.refused["/collaborators"] = Answer(status=502)
    records: list[Record] = []

    with pytest.raises(ConnectorError):
        records.extend(connector(github).records(None))
    assert records == []


@pytest.mark.parametrize("listing", ["/repos", "/teams"])
def test_a_run_in_which_something_has_no_number_does_not_count_as_one_that_saw_all(
    github: GitHubSystem, listing: str
) -> None:
    github.teams = {70: Team("core", [1], [7])}
    github.repositories = {7: Repo("docs", files={"a.md": b"# A"})}
    records: list[Record] = []

    with pytest.raises(ConnectorError, match="without a number"):
        records.extend(connector(answering(github, listing, lambda body: [*body, {}])).records(None))

    assert isinstance(records[-1], Checkpoint)
    assert not (records[-1].complete or records[-1].readers_complete)
    assert grants(records, "repository/7") == {"organization/1000/owners", "team/70"}
    assert documents(records)


def test_rights_are_read_again_while_contents_are_read(github: GitHubSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    one_by_one(monkeypatch)
    monkeypatch.setattr("connectors.sources.github.connector.FRESH", -1.0)
    files = {"a.md": b"# A", "b.md": b"# B"}
    github.repositories = {7: Repo("docs", collaborators={9: "read"}, files=files), 8: Repo("more", files=files)}
    records: list[Record] = []
    for record in connector(github).records(None):
        records.append(record)
        if isinstance(record, DocumentRecord):
            github.repositories[7].collaborators.clear()
            github.repositories.pop(8, None)

    said = [record for record in records if isinstance(record, ScopeRecord) and record.id == "repository/7"]
    first, *later = [{entry.id for entry in scope.access.grants} for scope in said]
    assert first == {"organization/1000/owners", "user/9"}
    assert later and all(grants == {"organization/1000/owners"} for grants in later)
    assert {"repository/8", "user/9"} <= deleted(records)
    assert set(documents(records)) == {"repository/7/files/a.md", "repository/7/files/b.md"}
    assert ended(records).complete


def test_reading_rights_again_in_one_run_costs_little(github: GitHubSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    one_by_one(monkeypatch)
    monkeypatch.setattr("connectors.sources.github.connector.FRESH", -1.0)
    github.teams = {70: Team("core", [1], [7])}
    github.repositories = {7: Repo("docs", collaborators={9: "read"}, files={"a.md": b"# A"})}
    read(github)

    lists = [asked for asked in github.asked if asked.path.endswith(("/collaborators", "70/members", "70/repos"))]
    assert ["if-none-match" in asked.headers for asked in lists] == [False] * 3 + [True] * 3


def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after each record."""
    for name in ("FEWEST", "MOST"):
        monkeypatch.setattr(f"connectors.sources.portions.{name}", 1)


# --- files ----------------------------------------------------------------------------------------------------------


def test_documents_of_the_default_branch_are_read_and_code_is_not(github: GitHubSystem) -> None:
    files = {
        "README.md": b"# Read me",
        "LICENSE": b"Free.",
        "docs/guide.rst": b"Guide",
        "docs/deep/a b.adoc": b"= A",
        "src/main.py": b"print()",
        "node_modules/x/README.md": b"theirs",
    }
    github.repositories = {7: Repo("docs", files=files)}

    found = documents(read(github))

    assert set(found) == {
        f"repository/7/files/{path}" for path in ("README.md", "LICENSE", "docs/guide.rst", "docs/deep/a b.adoc")
    }
    readme = found["repository/7/files/README.md"]
    assert content(readme) == "# Read me"
    assert readme.scope == "repository/7"
    assert found["repository/7/files/docs/deep/a b.adoc"].url == (
        "https://github.com/acme/docs/blob/main/docs/deep/a%20b.adoc"
    )


def test_a_tree_that_is_cut_short_is_read_level_by_level(github: GitHubSystem) -> None:
    files = {f"{folder}/{name}.md": f"# {folder}{name}".encode() for folder in ("a/b", "a/c", "d") for name in "xyz"}
    github.repositories, github.cut_short = {7: Repo("docs", files=files)}, True

    records = read(github)

    assert {document.metadata["path"] for document in documents(records).values()} == set(files)
    assert ended(records).complete


def test_a_level_that_is_cut_short_counts_as_nothing(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("docs", files={"a.md": b"# A"}), 8: Repo("more", files={"b.md": b"# B"})}
    short = answering(github, f"/{github.tree_of({'a.md': b'# A'})}", lambda body: {**body, "truncated": True})

    records = read(short)

    assert set(documents(records)) == {"repository/8/files/b.md"}
    assert not ended(records).complete
    assert any("in part" in problem for problem in problems(records))


def test_only_another_tree_is_read_and_what_it_lost_is_deleted(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("docs", files={"a.md": b"# A", "b.md": b"# B"})}
    state = state_of(read(github))
    assert documents(read(github, state)) == {}

    github.repositories[7].files = {"b.md": b"# B", "c.md": b"# C"}
    records = read(github, state)

    assert set(documents(records)) == {"repository/7/files/b.md", "repository/7/files/c.md"}
    assert deleted(records) == {"repository/7/files/a.md"}

    github.trees.clear()
    github.repositories[7].files = {"c.md": b"# C"}
    assert deleted(read(github, state)) == set()  # the old tree is not there any more: a whole listing will tell


def test_where_nobody_pushed_no_tree_is_asked_for(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("docs", files={"a.md": b"# A"})}
    state = state_of(read(github))
    github.asked.clear()
    state = state_of(read(github, state))
    assert not any("/commits/" in path for path in github.paths())

    github.repositories[7].fields["default_branch"] = "next"
    read(github, state)
    assert "/repositories/7/commits/heads/next" in github.paths()


def test_what_was_pushed_a_moment_ago_is_looked_at_again(github: GitHubSystem) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    github.repositories = {7: Repo("docs", files={"a.md": b"# A"}, fields={"pushed_at": now})}
    state = state_of(read(github))
    github.repositories[7].files = {"a.md": b"# B"}  # by then it has arrived

    assert set(documents(read(github, state))) == {"repository/7/files/a.md"}


def test_an_empty_repository_has_no_documents(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("empty")}

    records = read(github)

    assert documents(records) == {}
    assert problems(records) == []
    assert ended(records).complete


@pytest.mark.parametrize("left", [{}, {"main.py": b"print()"}], ids=["empty", "code alone"])
def test_a_repository_without_documents_all_at_once_is_left_to_a_whole_listing(
    github: GitHubSystem, left: dict[str, bytes]
) -> None:
    github.repositories = {7: Repo("docs", files={"a.md": b"# A", "b.md": b"# B"})}
    state = state_of(read(github))
    github.repositories[7].files = left

    records = read(github, state)

    assert deleted(records) == set()
    assert any("no document any more" in problem for problem in problems(records))
    github.repositories[7].files = {"a.md": b"# A"}
    assert deleted(read(github, state_of(records))) == {"repository/7/files/b.md"}
    github.repositories[7].files = left
    everything = read(github)
    assert (documents(everything), problems(everything), ended(everything).complete) == ({}, [], True)


def test_large_files_are_named_and_not_read(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("docs", files={"big.pdf": b"x" * (1024 * 1024 + 1)})}

    (document,) = documents(read(github, max_file_mb="1")).values()

    assert (document.unreadable, document.content) == ("too_large", None)


def test_bytes_must_be_those_of_their_hash(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("docs", files={"a.md": b"# A"})}
    (document,) = documents(read(github)).values()
    github.blobs[document.version or ""] = b"# Z"

    with pytest.raises(ConnectorError, match="other bytes"):
        content(document)


def test_what_is_kept_in_large_file_storage_says_so(github: GitHubSystem) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    github.repositories = {7: Repo("docs", files={"a.pdf": pointer})}
    (document,) = documents(read(github)).values()

    with pytest.raises(ConnectorError, match="Git LFS") as error:
        content(document)
    assert error.value.permanent


# --- issues and pull requests -----------------------------------------------------------------------------------------


@pytest.fixture
def tracker(github: GitHubSystem) -> GitHubSystem:
    github.repositories = {7: Repo("app")}
    github.issue(7, 1, "It breaks", "When it rains.")
    github.comment(7, 1, "Here too.")
    github.issue(7, 2, "Mend it", "With tape.", pull=True)
    github.comment(7, 2, "Which tape?", on="roof.md")
    github.repositories[7].reviews = {2: [review(1, "Fine.", github.now())]}
    return github


def review(id: int, body: str, at: str) -> dict[str, Any]:
    return {"id": f"PRR_{id}", "author": {"login": "olga"}, "body": body, "submittedAt": at, "updatedAt": at}


def test_issues_and_pull_requests_come_with_all_that_was_said(tracker: GitHubSystem) -> None:
    found = documents(read(tracker))

    assert set(found) == {"repository/7/issues/1", "repository/7/pulls/2"}
    issue, pull = found["repository/7/issues/1"], found["repository/7/pulls/2"]
    assert (issue.title, issue.author, issue.metadata["labels"]) == ("It breaks", "ann", ["bug"])
    assert content(issue) == "# It breaks\n\nWhen it rains.\n\n## bob, 2026-03-01\n\nHere too."
    assert content(pull) == (
        "# Mend it\n\nWith tape.\n\n## bob, 2026-03-01, on roof.md\n\nWhich tape?\n\n## olga, 2026-03-01\n\nFine."
    )


def test_a_whole_listing_asks_for_no_text_that_is_known(tracker: GitHubSystem) -> None:
    first = {id: document.version for id, document in documents(read(tracker)).items()}
    assert {id: document.version for id, document in documents(read(tracker)).items()} == first

    tracker.repositories[7].comments[0]["updated_at"] = tracker.now()  # edited, and the issue does not show it

    second = {id: document.version for id, document in documents(read(tracker)).items()}
    assert {id for id in first if first[id] != second[id]} == {"repository/7/issues/1"}


@pytest.mark.parametrize("count", [1, 5])
def test_a_whole_listing_finds_a_review_that_was_edited(tracker: GitHubSystem, count: int) -> None:
    reviews = [review(id, f"Fine {id}.", tracker.now()) for id in range(count)]
    tracker.repositories[7].reviews[2] = reviews
    before = documents(read(tracker))["repository/7/pulls/2"]
    assert all(f"Fine {id}." in content(before) for id in range(count))
    reviews[-1] |= {"body": "Not fine.", "updatedAt": tracker.now()}  # which no list of what changed shows

    after = documents(read(tracker))["repository/7/pulls/2"]

    assert after.version != before.version
    assert "Not fine." in content(after)


def test_what_is_edited_twice_within_a_second_is_read_twice(tracker: GitHubSystem) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    issue, comment = tracker.repositories[7].issues[1], tracker.repositories[7].comments[0]
    issue["updated_at"] = comment["updated_at"] = now
    state = state_of(read(tracker))
    issue["body"] = "When it snows."

    records = read(tracker, state)
    assert "When it snows." in content(documents(records)["repository/7/issues/1"])
    comment["body"] = "Everywhere."
    assert "Everywhere." in content(documents(read(tracker, state_of(records)))["repository/7/issues/1"])


def test_a_later_run_reads_what_was_touched_and_gives_it_the_same_version(tracker: GitHubSystem) -> None:
    state = state_of(read(tracker))
    tracker.issue(7, 3, "New", "Quite new.")
    tracker.comment(7, 1, "Since Monday.", touches=False)

    records = read(tracker, state)

    found = documents(records)
    assert set(found) == {"repository/7/issues/1", "repository/7/issues/3"}
    assert "Since Monday." in content(found["repository/7/issues/1"])
    whole = documents(read(tracker))
    assert {id: document.version for id, document in found.items()} == {id: whole[id].version for id in found}
    assert documents(read(tracker, state_of(records))) == {}


def test_nothing_new_costs_nothing_but_304(tracker: GitHubSystem) -> None:
    state = state_of(read(tracker))
    state = state_of(read(tracker, state))
    tracker.asked.clear()
    seen: list[int] = []
    answered = tracker.answer
    tracker.answer = lambda asked: noted(answered(asked), seen)

    assert documents(read(tracker, state)) == {}

    lists = [asked for asked in tracker.asked if asked.path.startswith("/repositories/7/") and "since" in asked.query]
    assert len(lists) == 3
    assert seen.count(304) >= 3


def noted(answer: Answer, seen: list[int]) -> Answer:
    seen.append(answer.status)
    return answer


def test_more_than_a_page_of_news_is_read_by_time(tracker: GitHubSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.sources.github.contents.A_PAGE", 3)
    tracker.a_page = 3
    state = state_of(read(tracker))
    for about in range(10, 20):
        tracker.issue(7, about, f"Number {about}")
    same = tracker.now()
    for about in range(30, 38):
        tracker.issue(7, about, f"Number {about}")
        tracker.repositories[7].issues[about]["updated_at"] = same

    found = documents(read(tracker, state))

    assert {document.metadata["number"] for document in found.values()} == {*range(10, 20), *range(30, 38)}


def test_a_deleted_issue_is_gone_once_it_is_met_and_by_a_whole_listing(tracker: GitHubSystem) -> None:
    state = state_of(read(tracker))
    tracker.comment(7, 1, "Last words.", touches=False)
    del tracker.repositories[7].issues[1]

    assert "repository/7/issues/1" in deleted(read(tracker, state))
    assert set(documents(read(tracker))) == {"repository/7/pulls/2"}


def test_an_issue_that_moved_elsewhere_is_gone_from_here(tracker: GitHubSystem) -> None:
    tracker.repositories[8] = Repo("other")
    tracker.issue(8, 5, "It breaks")
    state = state_of(read(tracker))
    tracker.comment(7, 1, "Moved.", touches=False)
    tracker.refused["repositories/7/issues/1"] = Answer(
        b"", 301, {"Location": f"{tracker.url}/repositories/8/issues/5"}
    )

    records = read(tracker, state)

    assert "repository/7/issues/1" in deleted(records)
    assert documents(records) == {}


def test_a_repository_that_appears_is_read_whole_by_the_next_run(tracker: GitHubSystem) -> None:
    state = state_of(read(tracker))
    tracker.repositories[8] = Repo("new", files={"a.md": b"# A"})
    tracker.issue(8, 1, "First")

    assert set(documents(read(tracker, state))) == {"repository/8/files/a.md", "repository/8/issues/1"}


def test_what_is_read_is_a_setting(tracker: GitHubSystem) -> None:
    tracker.repositories[7].files = {"a.md": b"# A"}

    assert set(documents(read(tracker, include="issues"))) == {"repository/7/issues/1"}
    assert set(documents(read(tracker, include="files, pull_requests"))) == {
        "repository/7/files/a.md",
        "repository/7/pulls/2",
    }


def test_a_kind_that_is_wanted_later_is_read_by_the_next_run(tracker: GitHubSystem) -> None:
    state = state_of(read(tracker, include="issues"))

    assert set(documents(read(tracker, state))) == {"repository/7/issues/1", "repository/7/pulls/2"}


def test_a_repository_without_issues_is_no_fault(tracker: GitHubSystem) -> None:
    tracker.refused["repositories/7/issues"] = Answer({"message": "Issues are disabled for this repo"}, 410)

    records = read(tracker)

    assert documents(records) == {}
    assert ended(records).complete


# --- discussions ----------------------------------------------------------------------------------------------------


def discussion(about: int, at: str, *said: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"D_{about}",
        "number": about,
        "title": f"Talk {about}",
        "url": f"https://github.com/acme/app/discussions/{about}",
        "body": "What about it?",
        "createdAt": f"2026-01-{about:02}T00:00:00Z",
        "updatedAt": at,
        "author": {"login": "ann"},
        "comments": {"totalCount": len(said)},
        "said": list(said),
    }


def spoken(id: str, body: str, *replies: str) -> dict[str, Any]:
    told = {"createdAt": "2026-02-02T00:00:00Z", "updatedAt": "2026-02-02T00:00:00Z", "author": None}
    said = [{"id": f"{id}_{number}", "body": reply, **told} for number, reply in enumerate(replies)]
    return {"id": id, "body": body, **told, "replies": said}


def test_discussions_come_with_every_comment_and_reply(github: GitHubSystem) -> None:
    said = [spoken(f"C_{n}", f"Comment {n}.", *(f"Reply {n}.{m}." for m in range(5))) for n in range(5)]
    talks = [discussion(about, "2026-02-01T00:00:00Z", *said) for about in range(1, 8)]
    github.repositories = {7: Repo("app", discussions=talks)}

    found = documents(read(github))

    assert set(found) == {f"repository/7/discussions/{about}" for about in range(1, 8)}
    text = content(found["repository/7/discussions/1"])
    assert text.startswith("# Talk 1\n\nWhat about it?\n\n## ghost, 2026-02-02\n\nComment 0.")
    assert all(f"Comment {n}." in text for n in range(5))
    assert all(f"Reply {n}.{m}." in text for n in range(5) for m in range(5))


def test_a_later_run_reads_discussions_down_to_the_mark(github: GitHubSystem) -> None:
    talks = [discussion(about, f"2026-02-0{about}T00:00:00Z") for about in range(1, 8)]
    github.repositories = {7: Repo("app", discussions=talks)}
    state = state_of(read(github))
    talks[2]["updatedAt"] = "2026-02-20T00:00:00Z"

    records = read(github, state)
    assert set(documents(records)) == {"repository/7/discussions/3"}
    assert documents(read(github, state_of(records))) == {}
    whole = documents(read(github))
    assert documents(records)["repository/7/discussions/3"].version == whole["repository/7/discussions/3"].version


@pytest.mark.parametrize("many", [1, 5], ids=["few", "many"])
@pytest.mark.parametrize("what", ["comment", "reply"])
def test_a_whole_listing_finds_what_was_edited_in_a_discussion(github: GitHubSystem, what: str, many: int) -> None:
    said = [spoken(f"C_{n}", f"Comment {n}.", f"Reply {n}.") for n in range(many)]
    github.repositories = {7: Repo("app", discussions=[discussion(1, "2026-02-01T00:00:00Z", *said)])}
    (before,) = documents(read(github)).values()
    (again,) = documents(read(github)).values()
    edited = said[-1] if what == "comment" else said[-1]["replies"][0]
    edited |= {"body": "Rather not.", "updatedAt": "2026-02-09T00:00:00Z"}  # the discussion does not show it

    (after,) = documents(read(github)).values()

    assert before.version == again.version != after.version
    assert "Rather not." in content(after)


def test_a_discussion_that_is_edited_twice_within_a_second_is_read_twice(github: GitHubSystem) -> None:
    talk = discussion(1, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    github.repositories = {7: Repo("app", discussions=[talk])}
    state = state_of(read(github))
    talk["body"] = "What indeed?"

    (document,) = documents(read(github, state)).values()
    assert "What indeed?" in content(document)


@pytest.mark.parametrize("kind", ["FORBIDDEN", "INSUFFICIENT_SCOPES", "NOT_FOUND"])
def test_discussions_that_may_not_be_read_are_left_out_and_nothing_counts_as_gone(
    github: GitHubSystem, kind: str
) -> None:
    talk = discussion(1, "2026-02-01T00:00:00Z")
    github.repositories = {7: Repo("app", files={"a.md": b"# A"}, discussions=[talk])}
    github.graphql_error = kind

    records = read(github)

    assert set(documents(records)) == {"repository/7/files/a.md"}
    assert any("its discussions" in problem for problem in problems(records))
    assert not ended(records).complete


def test_a_graphql_fault_of_the_moment_ends_the_run(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("app", discussions=[discussion(1, "2026-02-01T00:00:00Z")])}
    github.graphql_error = "INTERNAL"

    with pytest.raises(ConnectorError, match="next run"):
        read(github)


# --- pages, interruptions, faults -----------------------------------------------------------------------------------


def test_every_page_of_every_list_is_read(github: GitHubSystem) -> None:
    github.a_page = 2
    github.names = {id: f"person-{id}" for id in range(1, 12)}
    github.members, github.owners = list(range(1, 10)), [1, 2, 3]
    github.teams = {70 + id: Team(f"team-{id}", [id], [7]) for id in range(1, 6)}
    github.repositories = {
        id: Repo(f"r{id}", collaborators={10: "read", 11: "read", 1: "write"}) for id in range(7, 14)
    }
    for about in range(1, 8):
        github.issue(7, about, f"Number {about}")
        github.comment(7, about, "So?")

    records = read(github)

    assert members(records, "organization/1000/members") == {f"user/{id}" for id in range(1, 10)}
    assert grants(records, "repository/13") == {"organization/1000/owners", "user/1", "user/10", "user/11"}
    assert {f"team/{70 + id}" for id in range(1, 6)} <= grants(records, "repository/7")
    assert len(documents(records)) == 7
    assert ended(records).complete


@pytest.mark.parametrize("fault", [Answer(status=502), Answer([{"id": 1}], breaks=True)], ids=["5xx", "cut"])
@pytest.mark.parametrize("end", ["/members", "/collaborators", "/issues", "/commits/heads/main"])
def test_a_page_that_fails_fails_the_run(github: GitHubSystem, end: str, fault: Answer) -> None:
    github.repositories = {7: Repo("app", files={"a.md": b"# A"})}
    github.refused[end] = fault

    records: list[Record] = []
    with pytest.raises(ConnectorError) as error:
        records.extend(connector(github).records(None))
    assert not error.value.permanent
    assert not any(isinstance(record, Checkpoint) and record.complete for record in records)


def test_content_that_is_refused_leaves_the_rest_and_nothing_counts_as_gone(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("app", files={"a.md": b"# A"}), 8: Repo("docs", files={"b.md": b"# B"})}
    state = state_of(read(github))
    github.refused["repositories/7/commits/heads/main"] = Answer({"message": "Resource not accessible"}, 403)

    records = read(github)
    assert set(documents(records)) == {"repository/8/files/b.md"}
    assert grants(records, "repository/7")
    assert not ended(records).complete
    assert ended(records).readers_complete
    assert any("acme/app: its files" in problem for problem in problems(records))

    later = read(github, state)
    assert deleted(later) == set()
    marks: Any = state_of(later)["repositories"]
    assert marks["7"]["tree"] == state["repositories"]["7"]["tree"]  # type: ignore[index]


def test_a_whole_listing_that_was_broken_off_is_gone_on_with(
    github: GitHubSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one(monkeypatch)
    github.repositories = {id: Repo(f"r{id}", files={"a.md": b"# A"}) for id in (7, 8, 9)}
    github.refused["repositories/9/commits/heads/main"] = Answer(status=503)
    records: list[Record] = []
    with pytest.raises(ConnectorError):
        records.extend(connector(github).records(None))
    reached = [record for record in records if isinstance(record, Checkpoint)][-1]
    github.refused.clear()

    rest = read(github, json.loads(json.dumps(reached.state)))

    assert set(documents(rest)) == {"repository/8/files/a.md", "repository/9/files/a.md"}  # 8 was under way
    assert grants(rest, "repository/7")
    assert ended(rest).complete
    assert "done" not in ended(rest).state


def test_what_was_left_out_before_the_interruption_is_not_forgotten(
    github: GitHubSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_by_one(monkeypatch)
    github.repositories = {id: Repo(f"r{id}", files={"a.md": b"# A"}) for id in (7, 8)}
    github.refused["repositories/7/commits/heads/main"] = Answer({"message": "No"}, 403)
    reached = [record for record in read(github) if isinstance(record, Checkpoint)][2]
    github.refused.clear()

    rest = read(github, reached.state)

    assert set(documents(rest)) == {"repository/8/files/a.md"}
    assert not ended(rest).complete


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Answer({"message": "API rate limit exceeded"}, 403, LIMIT), None),
        (Answer({"message": "API rate limit exceeded"}, 429, LIMIT), None),
        (Answer({"message": "You have exceeded a secondary rate limit"}, 403, {"Retry-After": "900"}), 900.0),
    ],
    ids=["primary", "primary as 429", "secondary"],
)
def test_an_allowance_that_is_used_up_pauses_the_run(
    github: GitHubSystem, answer: Answer, seconds: float | None
) -> None:
    github.repositories = {7: Repo("app")}
    github.refused["/collaborators"] = answer

    with pytest.raises(SlowDown) as slow:
        read(github)
    assert slow.value.seconds == pytest.approx(RESET - time.time() if seconds is None else seconds, abs=60)


def test_a_short_pause_is_waited_for(github: GitHubSystem) -> None:
    clock = Clock()
    github.faults = [
        Answer({"message": "You have exceeded a secondary rate limit."}, 403),
        Answer({"message": "Slow down"}, 429, {"Retry-After": "7"}),
    ]

    assert Api(github.url, Token(TOKEN), sleep=clock.sleep).get("orgs/acme").status == 200
    assert clock.waited == [60.0, 7.0]


def test_graphql_says_in_its_own_way_that_the_allowance_is_used_up(github: GitHubSystem) -> None:
    said = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}
    github.refused["/graphql"] = Answer(said, 200, LIMIT)

    with pytest.raises(SlowDown) as slow:
        read(github, vouches=True)
    assert slow.value.seconds == pytest.approx(RESET - time.time(), abs=60)


def test_a_page_that_leads_elsewhere_or_in_a_circle_is_an_error(github: GitHubSystem) -> None:
    for address in (
        "https://elsewhere.example/orgs/acme/members",
        f"{github.url}/orgs/acme/members?per_page=100&role=all",
    ):
        github.refused["/members"] = Answer([], headers={"Link": f'<{address}>; rel="next"'})
        with pytest.raises(ConnectorError, match="not its own"):
            read(github)


def answering(github: GitHubSystem, end: str, change: Any) -> GitHubSystem:
    """The same GitHub, whose answers to what ends so are changed."""
    answered = github.answer

    def changed(asked: Asked) -> Answer:
        answer = answered(asked)
        if not asked.path.endswith(end) or isinstance(answer.body, bytes):
            return answer
        return Answer(change(answer.body), answer.status)

    github.answer = changed
    return github


HOSTILE: dict[str, Any] = {
    "nothing": None,
    "a word": "x",
    "a number": 10**400,
    "an object": {"id": 1},
    "lists": [[], [[]]],
    "entries without fields": [{}, {"id": None}],
    "ids of the wrong kind": [{"id": "*"}, {"id": "everyone"}, {"id": True}, {"id": -1}, {"id": 10**30}, {"id": [1]}],
    "fields of the wrong kind": [
        {"id": 1, "number": 1, "login": ["x"], "name": {}, "owner": 7, "permissions": [], "updated_at": 5, "title": 0}
    ],
    "times without GitHub": [
        {"id": 1, "number": 1, "title": "x", "type": "User", "updated_at": at}
        for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00", "2026-02-30T00:00:00Z")
    ],
    "half letters": [
        {"id": 1, "login": "\ud800", "name": "a\0b", "type": "User", "updated_at": "2026-01-01T00:00:00Z"}
    ],
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    "end",
    [
        "orgs/acme", "/members", "/teams", "/repos", "/collaborators", "/commits/heads/main", "/issues",
        "/comments", "/graphql",
    ],
)  # fmt: skip
def test_whatever_comes_there_is_a_sentence_and_no_traceback(github: GitHubSystem, end: str, value: Any) -> None:
    github.teams = {70: Team("core", [1], [7])}
    github.repositories = {7: Repo("app", files={"a.md": b"# A"}, discussions=[discussion(1, "2026-02-01T00:00:00Z")])}
    github.issue(7, 1, "It breaks")
    github.comment(7, 1, "So?")
    records: list[Record] = []

    with suppress(ConnectorError):  # anything else fails the test
        records = read(answering(github, end, lambda body: value), vouches=True)

    for record in records:
        if isinstance(record, ScopeRecord):
            assert {entry.id for entry in record.access.grants} <= {"user/1", "organization/1000/owners", "team/70"}
        if isinstance(record, PrincipalRecord):
            assert record.id.startswith(("user/", "team/", "organization/1"))


# --- specified and recorded ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "/orgs/acme/people",
        "/orgs/acme/members?role=owner",
        "/orgs/acme/members?roles=all",
        "/repositories/7/issues?per_page=101",
        "/repositories/7/issues?since=yesterday",
        "/repositories/7/collaborators?affiliation=everybody",
    ],
)
def test_what_github_does_not_describe_is_not_answered_by_its_double(target: str) -> None:
    with pytest.raises(NotSpecified):
        Specification().operation(Asked("GET", target, {}, b""))


def test_answers_of_the_double_have_the_shapes_github_describes() -> None:
    specification = Specification()
    (filled,) = specification.answer("GET /orgs/{org}/members", [{"id": 1}])
    assert {"login", "type", "node_id"} <= filled.keys()
    for wrong in ([{"id": "1"}], [{"id": 1, "address": "x"}], {"id": 1}):
        with pytest.raises(NotSpecified):
            specification.answer("GET /orgs/{org}/members", wrong)


@pytest.fixture
def recorded() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(RECORDED.read_text())
    return found


def replaying(exchanges: list[dict[str, Any]]) -> System:
    """What was recorded, at the addresses it was recorded at, but for the host. Of two at one address, the last."""
    kept = {exchange["path"]: exchange for exchange in exchanges}

    def answer(asked: Asked) -> Answer:
        exchange = kept.get(asked.target)
        if exchange is None:
            return Answer({"message": "Not Found"}, 404)
        headers = {
            name: value.replace("https://api.github.com", system.url) for name, value in exchange["headers"].items()
        }
        return Answer(exchange["body"], exchange["status"], headers)

    system = System(answer)
    return system


def test_every_recorded_page_is_found_by_its_cursor(recorded: dict[str, list[dict[str, Any]]]) -> None:
    exchanges = recorded["paginate-issues"]
    with replaying(exchanges).running() as system:
        api = Api(system.url, Token(TOKEN))
        found = list(api.items("repos/octokit-fixture-org/paginate-issues/issues", {"per_page": "3"}))

    assert [issue["number"] for issue in found] == list(range(13, 0, -1))
    assert [asked.target for asked in system.asked] == [exchange["path"] for exchange in exchanges]
    assert all(asked.path.startswith("/repositories/1000/issues") for asked in system.asked[1:])


def test_a_renamed_repository_is_found_where_github_says(recorded: dict[str, list[dict[str, Any]]]) -> None:
    with replaying(recorded["rename-repository"]).running() as system:
        reply = Api(system.url, Token(TOKEN)).get("repos/octokit-fixture-org/rename-repository")

    assert reply.json()["full_name"] == "octokit-fixture-org/rename-repository-newname"
    assert reply.url.endswith("/repositories/1000")


def test_recorded_permissions_and_visibility_are_read_as_they_are(
    github: GitHubSystem, recorded: dict[str, list[dict[str, Any]]]
) -> None:
    """The recorded collaborators before and after one was removed, of a repository made private."""
    lists = [
        each["body"] for each in recorded["add-and-remove-repository-collaborator"] if "/collaborators" in each["path"]
    ]
    organization, repository = recorded["get-organization"][0]["body"], recorded["get-repository"][0]["body"]
    repository = {**repository, "private": True, "visibility": "private"}
    for body, expected in zip(lists, [{31898046, 31899067}, {31898046}], strict=True):
        github.refused = {
            "orgs/acme": Answer(organization),
            "/repos": Answer([repository]),
            "/collaborators": Answer(body),
            "/commits/heads/master": Answer({"message": "Git Repository is empty."}, 409),
            "/issues": Answer([]),
            "/comments": Answer([]),
        }
        records = read(github)
        assert grants(records, "repository/1000") == {
            "organization/1000/members",  # by the recorded base permission: read
            "organization/1000/owners",
            *(f"user/{id}" for id in expected),
        }


# --- the App, the check, messages -----------------------------------------------------------------------------------


def test_the_app_signs_in_by_its_key_and_renews_its_token(github: GitHubSystem) -> None:
    pem, claims_of = key_and_checker()
    github.repositories = {7: Repo("app"), 8: Repo("docs")}
    tokens = iter(["first", "second", "third"])
    answered = github.answer

    def answer(asked: Asked) -> Answer:
        if asked.path in ("/orgs/acme/installation", "/app/installations/55/access_tokens"):
            claims = claims_of(asked.headers["authorization"].removeprefix("Bearer "))
            assert claims["iss"] == "42"
            assert 0 < claims["exp"] - time.time() <= 600
            if asked.method == "GET":
                return Answer({"id": 55})
            github.token = next(tokens)
            return Answer({"token": github.token, "expires_at": "2099-01-01T00:00:00Z", "permissions": {}}, 201)
        return answered(asked)

    github.answer = answer
    records = read(github, token="", app_id="42", private_key=pem)

    assert {record.id for record in records if isinstance(record, ScopeRecord)} == {"repository/7", "repository/8"}
    assert "/installation/repositories" in github.paths()
    assert github.paths().count("/app/installations/55/access_tokens") == 1


def test_the_apps_token_is_renewed_before_its_end_and_when_it_is_refused() -> None:
    now, given = [1_000_000.0], count(1)

    def answer(asked: Asked) -> Answer:
        if asked.method == "POST":
            ends = datetime.fromtimestamp(now[0] + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            return Answer({"token": f"token-{next(given)}", "expires_at": ends}, 201)
        return Answer({}) if asked.headers["authorization"] == f"Bearer {valid[0]}" else Answer({}, 401)

    valid = ["token-1"]
    with System(answer).running() as system:
        installation = Installation(Client(system.url), "acme", "55", clock=lambda: now[0])
        api = Api(system.url, installation)
        api.get("orgs/acme")
        now[0] += 3400
        valid[0] = "token-2"
        api.get("orgs/acme")  # 200 seconds before its end
        now[0] += 120
        valid[0] = "token-3"
        api.get("orgs/acme")  # 401 first
        valid[0] = "revoked"
        with pytest.raises(Refused, match="does not accept the sign-in"):
            api.get("orgs/acme")
    assert sum(1 for asked in system.asked if asked.method == "POST") == 3


@pytest.mark.parametrize(
    "body",
    [{}, [], {"token": 5, "expires_at": "2099-01-01T00:00:00Z"}, {"token": "x", "expires_at": "soon"}],
    ids=["empty", "a list", "a number", "no time"],
)
def test_an_app_without_a_token_says_so(body: Any) -> None:
    with System(lambda asked: Answer(body, 201)).running() as system:
        api = Api(system.url, Installation(Client(system.url), "acme", "55"))
        with pytest.raises(ConnectorError):
            api.get("orgs/acme")


@pytest.mark.parametrize(
    ("base_url", "graphql"),
    [("", "/graphql"), ("/api/v3", "/api/graphql")],
    ids=["github.com", "Enterprise Server"],
)
def test_graphql_stands_where_each_server_has_it(github: GitHubSystem, base_url: str, graphql: str) -> None:
    github.answer = lambda asked: Answer({"data": {}})
    Api(f"{github.url}{base_url}", Token(TOKEN)).graphql("query { viewer { login } }", {})

    assert github.paths() == [graphql]


def test_an_app_is_told_what_is_wrong_with_its_key(github: GitHubSystem) -> None:
    with pytest.raises(ConnectorError, match=r"whole \.pem file"):
        read(github, token="", app_id="42", private_key="-----BEGIN RSA PRIVATE KEY-----\nx")


def test_an_app_that_is_shown_fewer_repositories_than_there_are_fails(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("app"), 8: Repo("docs")}
    short = answering(github, "/installation/repositories", lambda body: {**body, "total_count": 3})
    plan = connector(github, token="", app_id="42", private_key="x").plan()

    with pytest.raises(ConnectorError, match="2 of 3"):
        list(listed_repositories(plan, Api(short.url, Token(TOKEN))))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"organization": ""}, "organization"),
        ({"organization": "a/b"}, "organization"),
        ({"token": ""}, "app_id"),
        ({"include": "wikis"}, "wikis"),
        ({"public_readers": "all"}, "public_readers"),
        ({"max_file_mb": "51"}, "max_file_mb"),
        ({"base_url": "ftp://x"}, "https://"),
    ],
    ids=["no organisation", "no name", "no sign-in", "include", "public readers", "size", "address"],
)
def test_settings_that_mean_nothing_are_told(github: GitHubSystem, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectorError, match=words) as error:
        read(github, **settings)
    assert error.value.permanent
    assert any(words in sentence for sentence in connector(github, **settings).check())


def test_a_check_finds_nothing_missing_where_everything_is_granted(github: GitHubSystem) -> None:
    github.repositories = {7: Repo("app", discussions=[discussion(1, "2026-02-01T00:00:00Z")])}

    assert connector(github).check() == []


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("/teams", "Members: read"),
        ("/collaborators", "Metadata: read"),
        ("/commits", "Contents: read"),
        ("/issues", "Issues: read"),
        ("/pulls/comments", "Pull requests: read"),
        ("/graphql", "Discussions: read"),
        ("orgs/acme", "no organisation 'acme'"),
    ],
)
def test_a_check_names_the_right_that_is_missing(github: GitHubSystem, end: str, words: str) -> None:
    github.repositories = {
        6: Repo("open", "public"),
        7: Repo("app", discussions=[discussion(1, "2026-02-01T00:00:00Z")]),
    }
    forbidden = {"errors": [{"type": "FORBIDDEN", "message": "No"}]}
    github.refused[end] = Answer(forbidden) if end == "/graphql" else Answer({"message": "No"}, 403)

    (sentence,) = connector(github).check()
    assert words in sentence


def test_a_check_says_when_the_token_is_not_accepted(github: GitHubSystem) -> None:
    (sentence,) = connector(github, token="wrong").check()
    assert "does not accept the sign-in" in sentence


def signed(body: bytes, secret: str, event: str) -> Mapping[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-hub-signature-256": f"sha256={digest}", "x-github-event": event}


@pytest.mark.parametrize(("event", "wakes"), [("push", True), ("member", True), ("ping", False), ("star", False)])
def test_a_message_wakes_if_it_is_signed_and_about_what_is_read(event: str, wakes: bool) -> None:
    source = GitHub({"organization": "acme", "token": TOKEN, "webhook_secret": "shared"})

    assert source.webhook(signed(b"{}", "shared", event), b"{}") is wakes


@pytest.mark.parametrize(
    "headers",
    [
        signed(b"{}", "other", "push"),
        signed(b"{ }", "shared", "push"),
        {"x-github-event": "push"},
        {"x-hub-signature-256": "é"},
    ],
    ids=["another secret", "another body", "unsigned", "no signature"],
)
def test_a_message_that_is_not_signed_right_is_refused(headers: Mapping[str, str]) -> None:
    with pytest.raises(ConnectorError, match="not signed"):
        GitHub({"webhook_secret": "shared"}).webhook(headers, b"{}")


def test_without_a_secret_no_message_is_taken() -> None:
    with pytest.raises(ConnectorError, match="webhook_secret"):
        GitHub({}).webhook(signed(b"{}", "", "push"), b"{}")


# --- through the product --------------------------------------------------------------------------------------------


@pytest.fixture
def source(github: GitHubSystem) -> Source:
    settings = {"organization": ORGANIZATION, "token": TOKEN, "base_url": github.url}
    return adding.add_source("code", kind="github", settings=settings, vouches_for_emails=True)


def synced(source: Source) -> SyncRun:
    run = sync.run_now(source)
    ingest.parse_waiting(None, time.monotonic() + 60)
    assert (run.state, run.problems) == ("succeeded", [])
    return run


def reads(name: str) -> set[str]:
    user = User.objects.filter(email=f"{name}@example.org").first() or person(name)
    return {document.external_id for document in list_documents(Reader(user.pk))}


@pytest.mark.django_db
def test_the_owner_sees_their_own_document_and_a_stranger_does_not(github: GitHubSystem, source: Source) -> None:
    github.addresses = {1: ["ann@example.org"], 2: ["bob@example.org"]}
    github.repositories = {7: Repo("diary", collaborators={1: "admin"}, files={"day.md": b"# Day\n\nIt rained."})}
    github.issue(7, 1, "Buy ink", "Blue.")
    github.teams = {70: Team("readers", [], []), 71: Team("below", [2], parent=70)}

    synced(source)
    assert reads("ann") == {"repository/7/files/day.md", "repository/7/issues/1"}
    assert reads("bob") == set()
    assert reads("charlie") == set()

    github.teams[70].repositories = [7]
    synced(source)
    assert reads("bob") == reads("ann")

    github.teams[71].people.clear()
    github.repositories[7].collaborators.clear()
    synced(source)
    assert (reads("ann"), reads("bob")) == (set(), set())


@pytest.mark.django_db
def test_a_repository_that_is_gone_is_closed_although_another_cannot_be_read(
    github: GitHubSystem, source: Source
) -> None:
    github.addresses = {1: ["ann@example.org"]}
    files = {"a.md": b"# A\n\nA seal."}
    github.repositories = {id: Repo(f"r{id}", collaborators={1: "read"}, files=files) for id in (7, 8)}
    synced(source)
    assert reads("ann") == {"repository/7/files/a.md", "repository/8/files/a.md"}

    del github.repositories[7]
    github.refused["repositories/8/commits/heads/main"] = Answer({"message": "No"}, 403)
    Source.objects.filter(pk=source.pk).update(checkpoint={})  # so that everything is listed anew
    run = sync.run_now(source)

    assert run.state == "succeeded"
    assert reads("ann") == {"repository/8/files/a.md"}


@pytest.mark.django_db
def test_another_organisation_of_the_name_is_not_taken_for_the_one_that_was_read(
    github: GitHubSystem, source: Source
) -> None:
    github.addresses = {1: ["ann@example.org"]}
    github.repositories = {7: Repo("diary", collaborators={1: "admin"}, files={"day.md": b"# Day\n\nIt rained."})}
    synced(source)
    github.organization_id = 77
    github.repositories[7].fields = {"owner": {"id": 77, "login": ORGANIZATION}}
    github.repositories[7].files = {"day.md": b"# Day\n\nNot what you think."}
    listing.read_whole(source)
    run = sync.run_now(source)

    assert run.state == "failed"
    assert "not the organisation that was read before" in run.problems[-1]
    assert reads("ann") == {"repository/7/files/day.md"}
    assert Document.past_the_guard.get().text_revision == 1


@pytest.mark.django_db
def test_a_repository_that_is_emptied_is_hidden_and_kept(github: GitHubSystem, source: Source) -> None:
    github.addresses = {1: ["ann@example.org"]}
    files = {f"{number}.md": f"# Note {number}\n\nA seal.".encode() for number in range(25)}
    github.repositories = {7: Repo("notes", collaborators={1: "admin"}, files=files)}
    synced(source)
    github.repositories[7].files = {}
    run = sync.run_now(source)
    assert "no document any more" in run.problems[0]
    assert len(reads("ann")) == 25
    listing.read_whole(source)
    run = sync.run_now(source)

    assert "hidden, not deleted" in run.problems[-1]
    assert reads("ann") == set()
    assert Document.past_the_guard.filter(state="held").count() == 25


@pytest.mark.django_db
def test_who_was_in_a_team_that_cannot_be_read_reads_nothing_by_it_until_it_can(
    github: GitHubSystem, source: Source
) -> None:
    github.addresses = {1: ["ann@example.org"]}
    github.teams = {70: Team("core", [1], [7])}
    github.repositories = {7: Repo("diary", files={"day.md": b"# Day\n\nIt rained."})}
    synced(source)
    assert reads("ann") == {"repository/7/files/day.md"}
    github.refused["team/70/members"] = Answer({"message": "Not Found"}, 404)
    run = sync.run_now(source)
    assert run.state == "succeeded" and "'core'" in run.problems[0]
    assert reads("ann") == set()
    github.refused.clear()
    synced(source)

    assert reads("ann") == {"repository/7/files/day.md"}


@pytest.mark.django_db
def test_a_second_whole_listing_downloads_and_changes_nothing(github: GitHubSystem, source: Source) -> None:
    github.addresses = {1: ["ann@example.org"]}
    github.repositories = {7: Repo("diary", collaborators={1: "admin"}, files={"day.md": b"# Day\n\nIt rained."})}
    github.issue(7, 1, "Buy ink", "Blue.")
    github.comment(7, 1, "Or black.")
    synced(source)
    github.asked.clear()
    Source.objects.filter(pk=source.pk).update(checkpoint={})

    run = synced(source)

    assert set(run.counts) <= {"unchanged", "deleted"}
    assert not any("/blobs/" in path or path.endswith("/1/comments") for path in github.paths())


@pytest.mark.django_db
def test_a_changed_file_is_found_by_its_new_words(github: GitHubSystem, source: Source) -> None:
    github.addresses = {1: ["ann@example.org"]}
    github.repositories = {7: Repo("diary", collaborators={1: "admin"}, files={"day.md": b"# Day\n\nIt rained."})}
    synced(source)
    github.repositories[7].files = {"day.md": b"# Day\n\nThe sun shone."}
    synced(source)

    ann = Reader((User.objects.filter(email="ann@example.org").first() or person("ann")).pk)
    (document,) = list_documents(ann)
    text = document_text(ann, document.id)
    assert text is not None
    assert "The sun shone." in text.text


def test_what_is_shipped_of_others_is_small() -> None:
    folder = Path(__file__).parent / "github"
    assert sum(file.stat().st_size for file in folder.glob("*.json")) < 100_000

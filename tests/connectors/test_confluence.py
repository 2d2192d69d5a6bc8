"""A Confluence site read by its documented API: who may read what, what is there, and what a site may do wrong."""

import re
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.kit.system import Answer, Asked, System
from connectors.records import (
    EVERYONE,
    Access,
    AccessRecord,
    Checkpoint,
    Deletion,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
)
from connectors.sources.base import ConnectorError, SlowDown
from connectors.sources.client import Refused
from connectors.sources.confluence.connector import Confluence, Listing
from tests.connectors.a_confluence import (
    Account,
    AConfluence,
    Attachment,
    Comment,
    Page,
    assignment,
    missing,
    permission,
)

ALL = "all-licensed-users"


@pytest.fixture
def site() -> Iterator[AConfluence]:
    """Two spaces: the handbook, which users read, and the board's, which two people read."""
    a = AConfluence()
    a.people("ann", "bob", "eve")
    a.groups = {"users": ["ann", "bob", "eve"], "admins": ["ann"], "legal": ["ann"]}
    a.space("1", "HAND", ":users", name="Handbook")
    a.space("2", "BOARD", "ann", "bob")
    a.add(Page("10", "Welcome", body="<p>The office opens at eight.</p>"))
    a.add(Page("11", "The case", parent="10", body="<p>The walrus settled in May.</p>"))
    a.add(Page("12", "Its costs", parent="11", body="<p>It cost nine herrings.</p>"))
    a.add(Page("20", "Minutes", space="2", body="<p>The board met.</p>"))
    a.add(Page("30", "News", kind="blogpost", body="<p>A seal has joined.</p>"))
    with a.running():
        yield a
    assert a.wrong == []


def connector(site: AConfluence, *, vouches: bool = True, **settings: str) -> Confluence:
    values = {"base_url": site.url, "email": "bot@example.org", "api_token": "secret", "requests_per_second": "1000"}
    return Confluence({**values, **settings}, vouches_for_emails=vouches)


def read(site: AConfluence, *, vouches: bool = True, **settings: str) -> list[Record]:
    return list(connector(site, vouches=vouches, **settings).records(None))


def read_until_it_fails(site: AConfluence, words: str, **settings: str) -> list[Record]:
    """What was said before the end of a run that fails with these words."""
    records: list[Record] = []
    with pytest.raises(ConnectorError, match=words):
        records.extend(connector(site, vouches=True, **settings).records(None))
    assert isinstance(records[-1], Checkpoint) and not records[-1].complete
    return records


def scopes(records: list[Record]) -> dict[str, ScopeRecord]:
    return {record.id: record for record in records if isinstance(record, ScopeRecord)}


def documents(records: list[Record]) -> dict[str, DocumentRecord]:
    return {record.id: record for record in records if isinstance(record, DocumentRecord)}


def principals(records: list[Record]) -> dict[str, PrincipalRecord]:
    return {record.id: record for record in records if isinstance(record, PrincipalRecord)}


def problems(records: list[Record]) -> str:
    return "\n".join(record.message for record in records if isinstance(record, Problem))


def members(records: list[Record], id: str) -> list[str]:
    return [entry.id for entry in principals(records)[id].members]


def grants(records: list[Record], space: str) -> list[str]:
    access = scopes(records)[f"space:{space}"].access
    assert access.inherits and not access.restrictions and not access.deny and not access.problem
    return [entry.id for entry in access.grants]


def text(record: DocumentRecord) -> str:
    assert callable(record.content)
    return record.content().decode()


def is_complete(records: list[Record]) -> bool:
    last = records[-1]
    assert isinstance(last, Checkpoint)
    return last.complete


# --- spaces and their readers ---------------------------------------------------------------------------------------


def test_a_space_is_a_scope_that_its_readers_read(site: AConfluence) -> None:
    records = read(site)

    assert grants(records, "1") == ["group:users"]
    assert grants(records, "2") == ["user:ann", "user:bob"]
    assert scopes(records)["space:1"].name == "Handbook"
    assert members(records, "group:users") == ["user:ann", "user:bob", "user:eve"]
    assert principals(records)["group:users"].name == "The users"
    assert problems(records) == ""
    assert is_complete(records)


def test_only_reading_a_space_counts_as_a_right_to_read_it(site: AConfluence) -> None:
    site.permissions["2"] = [
        permission("ann", "create", "page"),
        permission("bob", "read", "page"),
        permission("eve", "administer", "space"),
    ]

    assert grants(read(site), "2") == []


def test_a_list_of_readers_is_read_to_its_end(site: AConfluence) -> None:
    site.people(*(f"reader-{number}" for number in range(9)))
    site.permissions["2"] = [permission(f"reader-{number}") for number in range(9)]

    assert len(grants(read(site), "2")) == 9


@pytest.mark.parametrize("status", [403, 404, 410], ids=["403", "404", "410"])
def test_a_space_whose_permissions_cannot_be_read_admits_nobody_and_the_others_go_on(
    site: AConfluence, status: int
) -> None:
    site.refuse("/spaces/1/permissions", status)
    records = read(site)

    assert scopes(records)["space:1"].access == Access(problem=scopes(records)["space:1"].access.problem)
    assert "HAND" in problems(records)
    assert grants(records, "2") == ["user:ann", "user:bob"]
    assert {"page:10", "page:20"} <= documents(records).keys()
    assert is_complete(records)


@pytest.mark.parametrize(
    "principal",
    [{"type": "role", "id": "r1"}, {"type": "team", "id": "t"}, {"type": "user", "id": "*/../x"}, {"type": 5}, None],
    ids=["role", "team", "odd id", "number", "none"],
)
def test_a_reader_nobody_knows_here_is_no_reader_and_is_told(site: AConfluence, principal: Any) -> None:
    site.permissions["2"][0]["principal"] = principal
    records = read(site)

    assert grants(records, "2") == ["user:bob"]
    assert "BOARD" in problems(records)


def test_everyone_as_an_id_is_an_account_like_any_other(site: AConfluence) -> None:
    site.permissions["2"] = [permission("everyone"), permission(":everyone")]

    assert grants(read(site), "2") == ["group:everyone", "user:everyone"]


def with_roles(site: AConfluence, mode: str = "ROLES") -> None:
    site.mode = mode
    site.roles = [
        {"id": "viewer", "type": "SYSTEM", "name": "Viewer", "spacePermissions": ["read/space", "create/comment"]},
        {"id": "nothing", "type": "CUSTOM", "name": "Commenter", "spacePermissions": ["create/comment"]},
    ]


def test_with_roles_those_read_whose_role_may(site: AConfluence) -> None:
    with_roles(site)
    site.assignments["1"] = [
        assignment("USER", "bob", "viewer"),
        assignment("GROUP", "legal", "viewer"),
        assignment("USER", "eve", "nothing"),
        assignment("USER", "eve", "unheard-of"),
    ]
    records = read(site)

    assert grants(records, "1") == ["group:legal", "user:bob"]
    assert "A role is assigned that the site does not tell of" in problems(records)
    assert grants(records, "2") == []


def test_while_roles_are_introduced_both_kinds_of_right_count(site: AConfluence) -> None:
    with_roles(site, "ROLES_TRANSITION")
    site.assignments["2"] = [assignment("USER", "eve", "viewer")]

    assert grants(read(site), "2") == ["user:ann", "user:bob", "user:eve"]


def test_classes_of_people_hold_who_has_the_access_and_no_guests(site: AConfluence) -> None:
    with_roles(site)
    site.assignments["1"] = [assignment("ACCESS_CLASS", ALL, "viewer")]
    site.assignments["2"] = [assignment("ACCESS_CLASS", "all-product-admins", "viewer")]
    site.guests = {"bob"}
    records = read(site)

    assert grants(records, "1") == ["class:may-use"]
    assert members(records, "class:may-use") == ["user:ann", "user:eve"]
    assert grants(records, "2") == ["class:administer"]
    assert members(records, "class:administer") == ["user:ann"]
    assert members(records, "group:users") == ["user:ann", "user:bob", "user:eve"]


@pytest.mark.parametrize("name", ["jsm-project-admins", "everybody-on-earth"])
def test_a_class_that_is_not_known_reads_nothing(site: AConfluence, name: str) -> None:
    with_roles(site)
    site.assignments["1"] = [assignment("ACCESS_CLASS", name, "viewer")]
    records = read(site)

    assert grants(records, "1") == []
    assert name in problems(records)


def test_what_anonymous_visitors_may_read_is_read_by_nobody_until_an_administrator_says_so(site: AConfluence) -> None:
    with_roles(site)
    site.assignments["1"] = [assignment("ACCESS_CLASS", "anonymous-users", "viewer")]

    records = read(site)
    assert grants(records, "1") == []
    assert "anonymous_reads" in problems(records)
    assert grants(read(site, anonymous_reads="yes"), "1") == []
    assert grants(read(site, anonymous_reads="everyone"), "1") == [EVERYONE]


@pytest.mark.parametrize("answer", [Answer({"mode": "NEW"}), Answer({"mode": 1}), Answer([]), Answer({}, 403)])
def test_where_the_mode_of_rights_is_not_known_no_space_admits_anybody(site: AConfluence, answer: Answer) -> None:
    site.instead["space-role-mode"] = lambda asked: answer
    records = read(site)

    assert all(scope.access.problem for scope in scopes(records).values())
    assert "space-role-mode" in problems(records)


def test_roles_that_cannot_be_read_close_the_spaces(site: AConfluence) -> None:
    with_roles(site)
    site.refuse("/space-roles$", 403)

    assert all(scope.access.problem for scope in scopes(read(site)).values())


def test_personal_spaces_are_read_unless_the_settings_say_otherwise(site: AConfluence) -> None:
    site.space("3", "~eve", "eve", type="personal")
    site.add(Page("40", "Notes", space="3"))

    assert "page:40" in documents(read(site))
    assert "page:40" not in documents(read(site, personal_spaces="false"))


def test_only_the_spaces_of_the_settings_are_read(site: AConfluence) -> None:
    records = read(site, spaces="BOARD, GONE")

    assert list(scopes(records)) == ["space:2"]
    assert list(documents(records)) == ["page:20"]
    assert "GONE" in problems(records)
    assert site.asked("/spaces/1/permissions") == 0


# --- people ---------------------------------------------------------------------------------------------------------


def test_an_account_has_its_address_only_where_the_source_vouches(site: AConfluence) -> None:
    assert principals(read(site))["user:ann"] == PrincipalRecord(
        id="user:ann", kind="user", name="Ann", email="ann@example.org", external=False
    )
    assert principals(read(site, vouches=False))["user:ann"].email is None
    site.accounts["ann"].email = ""  # as the visibility of a profile has it
    assert principals(read(site))["user:ann"].email is None


@pytest.mark.parametrize(
    ("type", "status"),
    [
        ("app", "active"),
        ("customer", "active"),
        ("unknown", "active"),
        ("atlassian", "inactive"),
        ("atlassian", "closed"),
        ("atlassian", "unknown"),
    ],
)
def test_who_is_no_active_person_is_nobody_here(site: AConfluence, type: str, status: str) -> None:
    site.accounts["bob"] = Account("bob", "bob@example.org", type, status)
    records = read(site)

    assert "user:bob" not in principals(records)
    assert Deletion(kind="principal", id="user:bob") in records
    assert members(records, "group:users") == ["user:ann", "user:eve"]


def test_who_may_no_longer_use_confluence_is_nobody_here_although_lists_still_name_them(site: AConfluence) -> None:
    site.groups["users"].remove("bob")
    site.groups["legal"].append("bob")
    site.permissions["2"].append(permission(":legal"))
    records = read(site)

    assert "user:bob" not in principals(records)
    assert Deletion(kind="principal", id="user:bob") in records
    assert members(records, "group:legal") == ["user:ann"]


def test_guests_are_external(site: AConfluence) -> None:
    site.accounts["eve"].external = True
    site.guests = {"bob"}
    found = principals(read(site))

    assert found["user:eve"].external and found["user:bob"].external
    assert not found["user:ann"].external


def test_groups_are_known_by_their_id(site: AConfluence) -> None:
    site.permissions["2"] = [permission(":legal")]
    site.groups["legal-2"] = ["bob"]  # of the same name, perhaps
    records = read(site)

    assert grants(records, "2") == ["group:legal"]
    assert members(records, "group:legal") == ["user:ann"]
    assert "group:legal-2" not in principals(records)


def test_a_group_whose_members_cannot_be_read_has_none(site: AConfluence) -> None:
    site.permissions["2"] = [permission(":legal")]
    site.refuse("/group/legal/membersByGroupId", 403)
    records = read(site)

    assert "group:legal" not in principals(records)
    assert [(record.kind, record.id) for record in records if isinstance(record, Problem)] == [
        ("principal", "group:legal")
    ]
    assert not [record for record in records if isinstance(record, Deletion)]
    assert is_complete(records)


def test_where_it_is_not_known_who_may_use_confluence_nobody_is_admitted_and_nobody_is_gone(site: AConfluence) -> None:
    site.refuse(r"/rest/api/group$", 403)
    records = read_until_it_fails(site, "which groups may use Confluence")
    assert all(scope.access.problem for scope in scopes(records).values())
    assert not [record for record in records if isinstance(record, Deletion)]
    site.instead.clear()
    site.access = {"user": [], "admin": []}
    records = read_until_it_fails(site, "user_groups")
    assert all(scope.access.problem for scope in scopes(records).values())
    assert "user:ann" in principals(read(site, user_groups="users"))


@pytest.mark.parametrize("status", [403, 404])
def test_without_the_members_of_a_group_that_may_use_confluence_nothing_is_said(site: AConfluence, status: int) -> None:
    site.refuse("/group/users/membersByGroupId", status)

    with pytest.raises(ConnectorError, match="Who may use Confluence"):
        next(connector(site).records(None))


def test_an_account_that_may_use_confluence_and_is_not_told_of_is_not_gone(site: AConfluence) -> None:
    del site.accounts["bob"]
    records = read(site)

    assert "user:bob" not in principals(records)
    assert [record.id for record in records if isinstance(record, Problem)] == ["user:bob"]
    assert not [record for record in records if isinstance(record, Deletion)]


# --- restrictions ---------------------------------------------------------------------------------------------------


def test_a_restricted_page_is_a_scope_in_its_space(site: AConfluence) -> None:
    site.restrictions["11"] = (["bob"], ["legal"])
    records = read(site)

    assert scopes(records)["page:11"] == ScopeRecord(
        id="page:11", name="The case", parent="space:1", access=Access(restrictions=(("user:bob", "group:legal"),))
    )
    assert {id: record.scope for id, record in documents(records).items()} == {
        "page:10": "space:1",
        "page:11": "page:11",
        "page:12": "page:11",
        "page:20": "space:2",
        "blogpost:30": "space:1",
    }
    assert members(records, "group:legal") == ["user:ann"]


def test_a_restricted_page_below_a_restricted_page_takes_part_in_both(site: AConfluence) -> None:
    site.restrictions |= {"10": ([], ["legal"]), "12": (["ann", "bob"], [])}
    records = read(site)

    assert scopes(records)["page:12"].parent == "page:10"
    assert scopes(records)["page:10"].parent == "space:1"
    assert documents(records)["page:11"].scope == "page:10"
    order = [record.id for record in records if isinstance(record, ScopeRecord)]
    assert order.index("page:10") < order.index("page:12")


def test_a_blog_post_may_be_restricted(site: AConfluence) -> None:
    site.restrictions["30"] = (["eve"], [])
    records = read(site)

    assert scopes(records)["blogpost:30"].access.restrictions == (("user:eve",),)
    assert documents(records)["blogpost:30"].scope == "blogpost:30"


def test_who_a_restriction_admits_may_be_nobody(site: AConfluence) -> None:
    site.restrictions["11"] = (["not an id"], [])

    assert scopes(read(site))["page:11"].access == Access(restrictions=((),))


def test_restrictions_are_asked_for_many_pages_at_once(site: AConfluence) -> None:
    site.most = 250
    for number in range(100, 400):
        site.add(Page(str(number), f"Page {number}", parent="10"))
    read(site)

    assert site.asked("content/search") == 2
    assert site.asked("/restriction/") == 0
    assert len(site.system.asked) <= 20


def test_what_the_search_leaves_out_is_asked_alone(site: AConfluence) -> None:
    site.restrictions["11"] = (["ann"], [])
    site.not_indexed = {"11"}

    assert scopes(read(site))["page:11"].access.restrictions == (("user:ann",),)
    assert site.asked("/content/11/restriction") == 1
    assert site.asked("/restriction/") == 1


def test_a_list_the_search_cuts_off_is_read_to_its_end(site: AConfluence) -> None:
    site.shown_readers = 3
    names = [f"reader-{number}" for number in range(7)]
    site.restrictions["11"] = (names, ["legal"])
    records = read(site)

    assert set(scopes(records)["page:11"].access.restrictions[0]) == {
        "group:legal",
        *(f"user:{name}" for name in names),
    }


def test_without_the_search_every_page_is_asked_alone(site: AConfluence) -> None:
    site.restrictions["11"] = (["ann"], [])
    site.refuse("content/search", 400)
    records = read(site)

    assert scopes(records)["page:11"].access.restrictions == (("user:ann",),)
    assert site.asked("/restriction/") == 5
    assert "page by page" in problems(records)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"operation": "read"},
        {"operation": "read", "restrictions": {"user": {"results": []}}},
        {"operation": "read", "restrictions": {"user": {"results": {}}, "group": {"results": []}}},
        {"operation": "update", "restrictions": {"user": {"results": []}, "group": {"results": []}}},
        {"operation": "read", "restrictions": []},
    ],
    ids=["nothing", "no lists", "half", "no list", "other", "odd"],
)
def test_restrictions_that_are_not_told_are_never_taken_for_none(site: AConfluence, said: Any) -> None:
    page = {"id": "11", "type": "page", "restrictions": {"read": said}}
    site.say("content/search", {"results": [page], "_links": {}})
    site.say("/content/11/restriction", said)
    records = read(site)

    assert scopes(records)["page:11"].access.problem
    assert documents(records)["page:12"].scope == "page:11"
    assert "page:11" in problems(records)
    assert scopes(records)["space:1"].access.grants == (Entry(id="group:users"),)


@pytest.mark.parametrize("listed", [[{"id": "7"}], None, {}], ids=["somebody", "null", "odd"])
def test_restrictions_to_something_unknown_here_close_the_page_and_name_it(site: AConfluence, listed: Any) -> None:
    nobody = {"results": [], "start": 0, "limit": 100, "size": 0}
    lists = {"user": nobody, "group": nobody, "team": {"results": listed, "size": 1}, "_expandable": {}}
    said = {"operation": "read", "restrictions": lists, "_links": {}}
    site.say("content/search", {"results": [{"id": "11", "restrictions": {"read": said}}], "_links": {}})
    site.say("/content/11/restriction", said)
    records = read(site)

    assert "'team'" in scopes(records)["page:11"].access.problem
    assert "'team'" in problems(records)
    assert documents(records)["page:12"].scope == "page:11"
    lists["team"] = nobody
    assert "page:11" not in scopes(read(site))


def test_restrictions_that_may_not_be_read_close_the_page_and_what_is_below(site: AConfluence) -> None:
    site.not_indexed = {"11"}
    site.refuse("/content/11/restriction", 403)
    records = read(site)

    assert scopes(records)["page:11"].access.problem
    assert documents(records)["page:12"].scope == "page:11"
    assert documents(records)["page:10"].scope == "space:1"
    assert is_complete(records)


def test_folders_and_whatever_else_pages_stand_under_restrict_them_too(site: AConfluence) -> None:
    site.add(Page("50", "A folder", kind="folder", parent="51", parent_type="whiteboard"))
    site.add(Page("51", "A board", kind="whiteboard"))
    site.pages["12"].parent, site.pages["12"].parent_type = "50", "folder"
    site.restrictions |= {"50": (["ann"], []), "51": (["bob"], [])}
    records = read(site)

    assert scopes(records)["folder:50"].access.restrictions == (("user:ann",),)
    assert scopes(records)["folder:50"].parent == "whiteboard:51"
    assert documents(records)["page:12"].scope == "folder:50"
    assert "folder:50" not in documents(records)


@pytest.mark.parametrize("kind", ["folder", "page", "something-new", ""], ids=["folder", "page", "new", "none"])
def test_below_what_the_account_cannot_see_nobody_is_admitted(site: AConfluence, kind: str) -> None:
    site.pages["11"].parent, site.pages["11"].parent_type = "999", kind
    records = read(site)

    assert scopes(records)["page:11"].access.problem
    assert documents(records)["page:12"].scope == "page:11"
    assert "page:11" in problems(records)


@pytest.mark.parametrize("parent", ["../spaces", {"id": 1}, True, "9" * 50], ids=["path", "object", "true", "long"])
def test_a_parent_without_an_id_admits_nobody(site: AConfluence, parent: Any) -> None:
    site.pages["11"].parent = parent

    assert scopes(read(site))["page:11"].access.problem


def test_pages_in_a_circle_admit_nobody(site: AConfluence) -> None:
    site.pages["10"].parent = "12"
    records = read(site)

    assert any(scope.access.problem for scope in scopes(records).values())
    places = scopes(records)
    for id in ("page:10", "page:11", "page:12"):
        assert closed(places, documents(records)[id].scope)


def closed(places: dict[str, ScopeRecord], id: str | None) -> bool:
    """Whether a scope or one above it has a problem."""
    while id is not None:
        if places[id].access.problem:
            return True
        id = places[id].parent
    return False


def test_a_page_below_a_page_of_another_space_admits_nobody(site: AConfluence) -> None:
    site.pages["11"].parent = "20"

    assert scopes(read(site))["page:11"].access.problem


def test_an_archived_page_is_not_read_and_still_restricts_what_is_below_it(site: AConfluence) -> None:
    site.pages["11"].status = "archived"
    site.restrictions["11"] = (["ann"], [])
    records = read(site)

    assert "page:11" not in documents(records)
    assert documents(records)["page:12"].scope == "page:11"
    assert scopes(records)["page:11"].access.restrictions == (("user:ann",),)


def test_documents_go_to_restricted_places_before_anything_is_fetched(site: AConfluence) -> None:
    site.restrictions["11"] = (["ann"], [])
    site.attachments["att1"] = Attachment("att1", "11", "costs.txt", b"Nine herrings.")
    records = read(site)
    moved = [record for record in records if isinstance(record, AccessRecord)]

    assert {record.id: (record.place, record.version) for record in moved} == {
        "page:11": ("page:11", "1-1"),
        "page:12": ("page:11", "1-1"),
        "attachment:att1": ("page:11", "1"),
    }
    first = next(index for index, record in enumerate(records) if isinstance(record, DocumentRecord))
    assert max(map(records.index, moved)) < first
    assert isinstance(records[first - 1], Checkpoint)


# --- documents ------------------------------------------------------------------------------------------------------


def test_a_page_is_a_document_with_an_address_a_version_and_its_words(site: AConfluence) -> None:
    page = documents(read(site))["page:10"]

    assert (page.title, page.mime, page.author, page.version) == ("Welcome", "text/html", "Ann", "1-1")
    assert page.url == "https://example.atlassian.net/wiki/spaces/S/pages/10/Welcome"
    assert page.metadata == {"space": "HAND"}
    assert page.modified_at is not None and page.modified_at.year == 2024
    assert "<p>The office opens at eight.</p>" in text(page)
    assert "The office" not in text(documents(read(site))["blogpost:30"])


@pytest.mark.parametrize("status", ["draft", "trashed", "deleted", "historical", "archived"])
def test_only_what_is_published_and_current_is_read(site: AConfluence, status: str) -> None:
    site.pages["11"].status = status
    records = read(site)

    assert "page:11" not in documents(records)
    assert is_complete(records)


def test_text_that_is_newer_than_the_listing_of_rights_is_not_fetched(site: AConfluence) -> None:
    page = documents(read(site))["page:10"]
    site.restrictions["10"] = (["ann"], [])
    site.edit("10", "<p>The vault opens at nine.</p>")

    assert "eight" in text(page)
    assert "vault" not in text(page)
    assert "vault" in text(documents(read(site))["page:10"])


def test_comments_are_part_of_their_page(site: AConfluence) -> None:
    site.people("bob")
    site.comments = {
        "71": Comment("71", "10", "<p>At nine on Mondays.</p>"),
        "72": Comment("72", "10", "<p>Says who?</p>", parent="71"),
        "73": Comment("73", "10", "<p>And in summer?</p>", parent="72"),
        "74": Comment("74", "10", "<p>Which office?</p>", kind="inline", selection="The office"),
        "75": Comment("75", "30", "<p>Welcome, seal.</p>"),
    }
    found = documents(read(site))
    words = re.sub(r"<[^>]+>", " ", text(found["page:10"]))

    assert [
        words.index(part) for part in ("eight.", "Comments", "Mondays", "Says who", "summer", "Which office")
    ] == sorted(words.index(part) for part in ("eight.", "Comments", "Mondays", "Says who", "summer", "Which office"))
    assert "Bob, 2024-05-01" in words
    assert "on “The office”" in words
    assert "Welcome, seal." in text(found["blogpost:30"])
    assert site.asked("GET /wiki/api/v2/pages/10/footer-comments") == 1


def test_a_comment_changes_the_version_of_its_page_and_of_no_other(site: AConfluence) -> None:
    before = documents(read(site))
    site.comments["71"] = Comment("71", "10", "<p>At nine.</p>")
    with_comment = documents(read(site))
    site.comments["71"].version = 2
    edited = documents(read(site))
    del site.comments["71"]
    after = documents(read(site))

    assert len({found["page:10"].version for found in (before, with_comment, edited)}) == 3
    assert after["page:10"].version == before["page:10"].version
    assert edited["page:11"].version == before["page:11"].version


def test_a_comment_that_is_newer_than_the_listing_waits_for_the_next_run(site: AConfluence) -> None:
    site.comments["71"] = Comment("71", "10", "<p>At nine.</p>")
    page = documents(read(site))["page:10"]
    site.comments["71"].version, site.comments["71"].body = 2, "<p>The code is 1234.</p>"
    site.comments["72"] = Comment("72", "10", "<p>The code is 1234.</p>")

    assert "1234" not in text(page)


def test_an_attachment_is_a_document_where_its_page_stands(site: AConfluence) -> None:
    site.restrictions["11"] = (["ann"], [])
    site.attachments["att1"] = Attachment("att1", "11", "costs.md", b"# Nine herrings", "application/octet-stream")
    record = documents(read(site))["attachment:att1"]

    assert (record.scope, record.title, record.mime, record.version) == ("page:11", "costs.md", "text/markdown", "1")
    assert record.url == "https://example.atlassian.net/wiki/pages/viewpageattachments.action?pageId=11"
    assert text(record) == "# Nine herrings"


def test_the_sign_in_does_not_go_to_the_store_of_attachments(
    site: AConfluence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sources.addresses.is_public", lambda address: True)
    site.attachments["att1"] = Attachment("att1", "11", "costs.txt", b"")
    store = System(lambda asked: Answer(b"Nine herrings."))
    with store.running():
        site.media = store.url
        record = documents(read(site))["attachment:att1"]
        assert text(record) == "Nine herrings."
    assert "authorization" not in store.asked[0].headers


@pytest.mark.parametrize("media", ["image/png", "video/mp4", "audio/mpeg", "IMAGE/SVG+XML"])
def test_pictures_and_sounds_are_not_read(site: AConfluence, media: str) -> None:
    site.attachments["att1"] = Attachment("att1", "11", "walrus", b"x", media)

    assert "attachment:att1" not in documents(read(site))


def test_an_attachment_that_is_too_large_is_not_fetched(site: AConfluence) -> None:
    site.attachments["att1"] = Attachment("att1", "11", "all.pdf", b"", "application/pdf", size=60 * 1024 * 1024)
    record = documents(read(site))["attachment:att1"]

    assert (record.unreadable, record.content) == ("too_large", None)


def test_an_attachment_of_what_is_not_read_is_not_read(site: AConfluence) -> None:
    site.pages["11"].status = "archived"
    site.attachments = {
        "att1": Attachment("att1", "11", "a.txt", b"x"),
        "att2": Attachment("att2", "999", "b.txt", b"x"),
    }

    assert not [id for id in documents(read(site)) if id.startswith("attachment")]


# --- run after run --------------------------------------------------------------------------------------------------


def test_listings_are_read_to_their_end_whatever_a_page_of_them_holds(site: AConfluence) -> None:
    for number in range(100, 117):
        site.add(Page(str(number), f"Page {number}", parent="10"))
        site.attachments[f"att{number}"] = Attachment(f"att{number}", str(number), "a.txt", b"x")
    site.people(*(f"reader-{number}" for number in range(5)))
    site.groups["users"] += [f"reader-{number}" for number in range(5)]
    records = read(site)

    assert len(documents(records)) == 5 + 17 + 17
    assert len(members(records, "group:users")) == 8
    assert is_complete(records)


@pytest.mark.parametrize(
    "listing",
    ["v2/spaces$", "v2/pages$", "v2/blogposts$", "v2/attachments$", "v2/footer-comments$", "v2/inline-comments$"],
)
@pytest.mark.parametrize(
    "said",
    [
        {},
        [],
        {"results": None},
        {"results": [5]},
        {"results": [], "_links": {"next": "/wiki/api/v2/pages?limit=250"}},
        {"results": [], "_links": {"next": "/wiki/api/v2/pages?cursor=again"}},
        {"results": [], "_links": {"next": ["?cursor=x"]}},
    ],
    ids=["empty", "a list", "null", "numbers", "no cursor", "circle", "odd cursor"],
)
def test_a_listing_that_is_not_whole_ends_the_run(site: AConfluence, listing: str, said: Any) -> None:
    site.say(listing, said)

    with pytest.raises(ConnectorError):
        read(site)


def test_a_listing_that_breaks_off_ends_the_run(site: AConfluence) -> None:
    site.refuse("v2/attachments", 403)

    with pytest.raises(Refused, match="attachments may not be read"):
        read(site)


@pytest.mark.parametrize("listing", ["spaces", "pages", "attachments"])
def test_a_run_in_which_something_has_no_id_does_not_count_as_one_that_saw_all(site: AConfluence, listing: str) -> None:
    site.attachments["att1"] = Attachment("att1", "11", "costs.txt", b"Nine herrings.")
    site.most = 250
    bent_once(site, f"v2/{listing}$", {"id": {"what": "?"}})
    records = read_until_it_fails(site, "without an id")

    assert scopes(records)["space:2"].access.grants
    assert documents(records)
    assert "Welcome" not in problems(records)  # a title has readers (P9)


def bent_once(site: AConfluence, pattern: str, fields: dict[str, Any]) -> None:
    """The first entry of a listing says something else than it should."""
    busy: list[str] = []

    def bent(asked: Asked) -> Answer | None:
        if asked.target in busy:
            return None
        busy.append(asked.target)
        honest = site.answer(asked).body
        busy.remove(asked.target)
        first, *rest = honest["results"]
        return Answer({**honest, "results": [{**first, **fields}, *rest]})

    site.instead[pattern] = bent


def test_a_page_of_a_space_nobody_asked_for_is_closed(site: AConfluence) -> None:
    site.most = 250
    bent_once(site, "v2/pages$", {"spaceId": "99"})
    records = read(site)

    assert "page:10" not in documents(records)
    assert [(record.kind, record.id) for record in records if isinstance(record, Problem) and record.kind] == [
        ("document", "page:10")
    ]
    assert scopes(records)["page:11"].access.problem
    assert is_complete(records)


@pytest.mark.parametrize("listing", ["pages", "attachments"])
def test_what_has_no_version_keeps_its_text_and_is_moved_to_where_it_stands(site: AConfluence, listing: str) -> None:
    site.restrictions["10"] = (["ann"], [])
    site.attachments["att1"] = Attachment("att1", "11", "costs.txt", b"Nine herrings.")
    site.most = 250
    bent_once(site, f"v2/{listing}$", {"version": {"number": "new"}})
    records = read(site)

    id = "page:10" if listing == "pages" else "attachment:att1"
    assert id not in documents(records)
    moved = {record.id: record for record in records if isinstance(record, AccessRecord)}
    assert (moved[id].place, moved[id].version) == ("page:10", "")
    assert id in problems(records)
    assert is_complete(records)


def test_one_id_of_two_things_ends_the_run(site: AConfluence) -> None:
    site.most = 250
    bent_once(site, "v2/blogposts$", {"id": "10"})

    with pytest.raises(ConnectorError, match="that of a page too"):
        read(site)


def test_rights_do_not_grow_old_while_contents_are_fetched(site: AConfluence) -> None:
    listing = Listing(connector(site).site(), connector(site).choice(), vouches=True, fresh=0.0)
    records = list(listing.records())

    assert not documents(records)
    assert is_complete(records)
    assert {(record.id, record.version) for record in records if isinstance(record, AccessRecord)} == {
        ("page:10", "1-1"),
        ("page:11", "1-1"),
        ("page:12", "1-1"),
        ("page:20", "1-1"),
        ("blogpost:30", "1-1"),
    }
    assert "next run" in problems(records)


def test_how_old_rights_are_is_looked_at_whenever_a_portion_was_fetched(
    site: AConfluence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.sources.portions.FEWEST", 2)
    listing = Listing(connector(site).site(), connector(site).choice(), vouches=True, fresh=3600.0)
    records: list[Record] = []
    hours_later = SimpleNamespace(monotonic=lambda: time.monotonic() + 7200)
    for record in listing.records():
        records.append(record)
        if documents(records):
            monkeypatch.setattr("connectors.sources.confluence.connector.time", hours_later)

    assert len(documents(records)) == 2
    assert len([record for record in records if isinstance(record, AccessRecord)]) == 3
    assert is_complete(records)


# --- sign-in, and what a server may answer --------------------------------------------------------------------------


def test_a_bearer_token_asks_by_the_gateway(site: AConfluence) -> None:
    site.prefix, site.authorization = "/ex/confluence/cloud-id", "Bearer secret"

    assert "page:10" in documents(read(site, email=""))


def test_the_address_of_the_wiki_is_the_site_too(site: AConfluence) -> None:
    assert "page:10" in documents(read(site, base_url=f"{site.url}/wiki/"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"base_url": ""}, "base_url"),
        ({"base_url": "not an address"}, "https://"),
        ({"api_token": ""}, "api_token"),
        ({"requests_per_second": "many"}, "requests_per_second"),
        ({"requests_per_second": "-1"}, "requests_per_second"),
        ({"user_groups": "a/../b"}, "user_groups"),
    ],
    ids=["no address", "no url", "no token", "pace", "negative", "group"],
)
def test_a_setting_that_is_wrong_is_named(site: AConfluence, settings: dict[str, str], words: str) -> None:
    with pytest.raises(ConnectorError, match=words) as wrong:
        read(site, vouches=True, **settings)
    assert wrong.value.permanent
    assert words in connector(site, vouches=True, **settings).check()[0]


def test_a_token_that_is_not_accepted_ends_the_run_and_closes_nothing(site: AConfluence) -> None:
    site.refuse("/spaces/2/permissions", 401)

    with pytest.raises(Refused, match="does not accept the sign-in"):
        read(site)


@pytest.mark.parametrize(
    "pattern", ["v2/pages$", "/spaces/1/permissions", "content/search", "membersByGroupId", "users-bulk"]
)
@pytest.mark.parametrize("status", [429, 500, 503], ids=["429", "500", "503"])
def test_what_passes_by_itself_is_asked_again(site: AConfluence, pattern: str, status: int) -> None:
    faults = [Answer(status=status, headers={"Retry-After": "0"})] * 2

    site.instead[pattern] = lambda asked: faults.pop() if faults else None
    records = read(site)

    assert not faults
    assert problems(records) == ""
    assert is_complete(records)


@pytest.mark.parametrize(
    "pattern", ["v2/pages$", "/spaces/1/permissions", "content/search", "/restriction/", "membersByGroupId"]
)
def test_what_does_not_pass_ends_the_run_and_closes_nothing(site: AConfluence, pattern: str) -> None:
    site.not_indexed = {"11"}
    site.instead[pattern] = lambda asked: Answer({}, 503, {"Retry-After": "0"})

    with pytest.raises(Refused, match="503"):
        read(site)


def test_a_site_that_asks_for_a_long_pause_is_left_alone(site: AConfluence) -> None:
    site.instead["v2/pages$"] = lambda asked: Answer({}, 429, {"Retry-After": "3000"})

    with pytest.raises(SlowDown):
        read(site)


def test_an_answer_to_a_question_nobody_asked_ends_the_run(site: AConfluence) -> None:
    site.instead["v2/pages$"] = lambda asked: Answer(status=304, headers={"Retry-After": "0"})

    with pytest.raises(ConnectorError, match="304"):
        read(site)


def test_a_connection_that_is_cut_is_tried_again(site: AConfluence) -> None:
    cut = [Answer({"results": [], "_links": {}}, breaks=True)]
    site.instead["v2/blogposts$"] = lambda asked: cut.pop() if cut else None

    assert "blogpost:30" in documents(read(site))


@pytest.mark.parametrize("pattern", ["/pages/10$", "/pages/10/footer-comments"])
def test_a_page_that_is_gone_before_it_is_fetched_is_an_error_of_its_own(site: AConfluence, pattern: str) -> None:
    site.comments["71"] = Comment("71", "10", "<p>At nine.</p>")
    page = documents(read(site))["page:10"]
    site.instead[pattern] = lambda asked: missing()

    with pytest.raises(ConnectorError) as gone:
        text(page)
    assert gone.value.permanent


ODD: list[Any] = [None, 5, -1, 2**70, 1.5, True, "", "*", "everyone", "x" * 5000, "\0\ud800", [], {}, [[]], {"a": {}}]


@pytest.mark.parametrize("odd", ODD, ids=[str(number) for number in range(len(ODD))])
@pytest.mark.parametrize(
    "where", ["spaces", "permissions", "pages", "attachments", "comments", "accounts", "groups", "roles"]
)
def test_odd_values_anywhere_end_in_a_sentence_or_in_records(site: AConfluence, where: str, odd: Any) -> None:
    patterns = {
        "spaces": "v2/spaces$",
        "permissions": "/permissions$",
        "pages": "v2/pages$",
        "attachments": "v2/attachments$",
        "comments": "footer-comments$",
        "accounts": "users-bulk",
        "groups": "membersByGroupId",
        "roles": "role",
    }
    site.attachments["att1"] = Attachment("att1", "11", "a.txt", b"x")
    site.comments["71"] = Comment("71", "10", "<p>At nine.</p>")
    with_roles(site, "ROLES_TRANSITION")
    site.assignments["1"] = [assignment("USER", "bob", "viewer")]
    site.most = 250
    busy: list[str] = []

    def bent(asked: Asked) -> Answer | None:
        if asked.target in busy:
            return None
        busy.append(asked.target)
        honest = site.answer(asked).body
        busy.remove(asked.target)
        results = honest.get("results") if isinstance(honest, dict) else None
        if results:
            index = len(site.system.asked) % max(len(results[0]), 1)
            results[0] = {**results[0], **{name: odd for name in list(results[0])[index:]}}
        return Answer(honest)

    site.instead[patterns[where]] = bent
    try:
        records = read(site)
    except ConnectorError:
        return
    for record in records:
        if isinstance(record, ScopeRecord) and record.id.startswith("space:"):
            assert not {entry.id for entry in record.access.grants} & {"*", "everyone"}
        if isinstance(record, PrincipalRecord | ScopeRecord):
            assert "\0" not in record.id + record.name
            (record.id + record.name).encode()


# --- check ----------------------------------------------------------------------------------------------------------


def test_a_site_that_can_be_read_lacks_nothing(site: AConfluence) -> None:
    assert connector(site).check() == []
    with_roles(site)
    assert connector(site).check() == []


@pytest.mark.parametrize(
    ("pattern", "scope"),
    [
        ("v2/spaces$", "read:space:confluence"),
        ("v2/spaces/1/permissions", "read:space:confluence"),
        ("v2/pages$", "read:page:confluence"),
        ("v2/attachments$", "read:attachment:confluence"),
        ("v2/footer-comments$", "read:comment:confluence"),
        ("space-role-mode", "read:configuration:confluence"),
        ("space-roles$", "read:space.permission:confluence"),
        ("role-assignments", "read:space.permission:confluence"),
        (r"rest/api/group$", "read:group:confluence"),
        ("membersByGroupId", "read:user:confluence"),
        ("users-bulk", "read:user:confluence"),
        ("content/search", "search:confluence"),
        ("/restriction/", "read:content-details:confluence"),
    ],
)
def test_a_scope_that_is_missing_is_named(site: AConfluence, pattern: str, scope: str) -> None:
    with_roles(site)
    site.refuse(pattern, 403)

    assert scope in connector(site).check()[0]


@pytest.mark.parametrize(
    ("pattern", "scope"),
    [
        ("v2/pages$", "read:page:confluence"),
        ("v2/spaces/1/permissions", "read:space:confluence"),
        ("space-role-mode", "read:configuration:confluence"),
        ("space-roles$", "read:space.permission:confluence"),
        ("membersByGroupId", "read:user:confluence"),
        ("users-bulk", "read:user:confluence"),
        ("content/search", "search:confluence"),
        ("/restriction/", "read:content-details:confluence"),
        ("v2/folders/", "read:folder:confluence"),
    ],
)
def test_a_scope_that_a_token_lacks_is_told_in_words(site: AConfluence, pattern: str, scope: str) -> None:
    with_roles(site, "ROLES_TRANSITION")
    site.add(Page("50", "A folder", kind="folder"))
    site.pages["12"].parent, site.pages["12"].parent_type = "50", "folder"
    site.not_indexed = {"11"}
    site.refuse(pattern, 401, {"code": 401, "message": "Unauthorized; scope does not match"})
    told: list[str] = []
    try:
        told.append(problems(read(site)))
    except ConnectorError as error:
        told.append(str(error))

    if "folders" not in pattern and "/restriction/" not in pattern:
        assert scope in told[0]
    assert "sign-in" not in told[0]
    if "folders" not in pattern:
        assert scope in connector(site).check()[0]


def test_check_says_when_the_sign_in_is_wrong_and_when_nothing_is_seen(site: AConfluence) -> None:
    assert "sign-in" in connector(site, api_token="wrong").check()[0]
    assert "GONE" in connector(site, spaces="HAND,GONE").check()[0]
    site.spaces = {}
    assert "sees no space" in connector(site).check()[0]


def test_a_run_costs_what_its_page_of_the_documentation_says(site: AConfluence) -> None:
    """Spaces, pages, posts, two kinds of comments, files, restrictions; groups by access and by name; the mode;
    accounts; and one for each space and each group that is named."""
    site.most = 250
    read(site)

    assert len(site.system.asked) == 7 + 3 + 1 + 1 + len(site.spaces) + 2

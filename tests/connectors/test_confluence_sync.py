"""A Confluence site through the product: who finds what, and what a change of rights alone does."""

import time
from collections.abc import Iterator

import pytest

from accounts.models import Principal, User
from accounts.reader import Reader
from connectors import adding, ingest, sync
from connectors.corpus.reading import document_text, list_documents
from connectors.kit.system import Answer
from connectors.models import Document, Source, SyncRun
from connectors.records import Records, State
from connectors.sources.confluence.connector import Confluence, Listing
from tests.cast import person
from tests.connectors.a_confluence import AConfluence, Attachment, Comment, Page, assignment

pytestmark = pytest.mark.django_db

ALL = {"page:10", "page:11", "page:12", "page:20", "attachment:att1"}


@pytest.fixture
def site() -> Iterator[AConfluence]:
    a = AConfluence()
    a.most = 250
    a.people("ann", "bob", "eve")
    a.groups = {"users": ["ann", "bob", "eve"], "admins": [], "readers": ["ann", "bob"], "legal": ["ann"]}
    a.space("1", "HAND", ":readers")
    a.space("2", "EVE", "eve", type="personal")
    a.add(Page("10", "Welcome", body="<p>The office opens at eight.</p>"))
    a.add(Page("11", "The case", parent="10", body="<p>The walrus settled in May.</p>"))
    a.add(Page("12", "Its costs", parent="11", body="<p>It cost nine herrings.</p>"))
    a.add(Page("20", "Notes", space="2", body="<p>Eve thinks of seals.</p>"))
    a.attachments["att1"] = Attachment("att1", "12", "costs.txt", b"Nine herrings and a cod.")
    with a.running():
        yield a
    assert a.wrong == []


@pytest.fixture
def source(site: AConfluence) -> Source:
    settings = {"base_url": site.url, "email": "bot@example.org", "api_token": "secret", "requests_per_second": "1000"}
    return adding.add_source("wiki", kind="confluence", settings=settings, vouches_for_emails=True)


def synced(source: Source) -> SyncRun:
    run = sync.run_now(source)
    ingest.parse_waiting(None, time.monotonic() + 60)
    return run


def reads(name: str) -> set[str]:
    user = User.objects.filter(email=f"{name}@example.org").first() or person(name)
    return {document.external_id for document in list_documents(Reader(user.pk))}


def words(name: str, id: str) -> str:
    user = User.objects.filter(email=f"{name}@example.org").first() or person(name)
    reader = Reader(user.pk)
    (found,) = [document for document in list_documents(reader) if document.external_id == id]
    text = document_text(reader, found.id)
    assert text is not None
    return text.text


def test_the_owner_sees_their_own_document_and_a_stranger_does_not(site: AConfluence, source: Source) -> None:
    run = synced(source)

    assert (run.state, run.problems) == ("succeeded", [])
    assert reads("eve") == {"page:20"}
    assert reads("ann") == reads("bob") == ALL - {"page:20"}
    assert reads("charlie") == set()
    assert words("ann", "page:10") == "The office opens at eight."
    assert words("ann", "attachment:att1") == "Nine herrings and a cod."


def test_a_page_restricted_below_a_restricted_page_needs_both_and_the_space(site: AConfluence, source: Source) -> None:
    site.people("dan")
    site.groups["users"].append("dan")
    site.groups["legal"].append("dan")  # who may not read the space
    site.restrictions |= {"11": ([], ["legal"]), "12": (["ann", "bob", "dan"], [])}
    synced(source)

    assert reads("ann") == ALL - {"page:20"}
    assert reads("bob") == {"page:10"}
    assert reads("dan") == set()


@pytest.mark.parametrize(
    ("id", "lost"),
    [
        ("10", {"page:10", "page:11", "page:12", "attachment:att1"}),
        ("11", {"page:11", "page:12", "attachment:att1"}),
        ("12", {"page:12", "attachment:att1"}),
    ],
)
def test_a_restriction_of_an_unedited_page_arrives_with_the_next_run_and_fetches_nothing(
    site: AConfluence, source: Source, id: str, lost: set[str]
) -> None:
    synced(source)
    fetched = site.asked("/(pages|media)/[0-9a-z]+$")
    site.restrictions[id] = (["ann"], [])
    synced(source)

    assert reads("ann") == ALL - {"page:20"}
    assert reads("bob") == ALL - {"page:20"} - lost
    assert site.asked("/(pages|media)/[0-9a-z]+$") == fetched
    site.restrictions = {}
    synced(source)
    assert reads("bob") == ALL - {"page:20"}


def test_what_the_account_sees_no_more_is_closed_by_a_run_that_could_not_fetch_all(
    site: AConfluence, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that was restricted to others is not listed any more: that is all that is told of it."""
    synced(source)
    del site.pages["12"], site.spaces["2"]
    site.edit("10", "<p>The office opens at nine.</p>")

    def out_of_time(connector: Confluence, since: State | None) -> Records:
        return Listing(connector.site(), connector.choice(), vouches=True, fresh=0.0).records()

    monkeypatch.setattr(Confluence, "records", out_of_time)
    run = synced(source)

    assert run.state == "succeeded" and "goes on with" in run.problems[0]
    assert reads("ann") == {"page:10", "page:11"}
    assert reads("eve") == set()
    assert words("ann", "page:10") == "The office opens at eight."


def test_a_page_that_is_opened_with_new_words_never_shows_its_old_ones(
    site: AConfluence, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secret is struck out, then the restriction lifted; the run has no time left to fetch the new words."""
    site.restrictions["11"] = (["ann"], [])
    synced(source)
    assert "page:11" not in reads("bob")
    site.edit("11", "<p>It was settled.</p>")
    del site.restrictions["11"]

    def out_of_time(connector: Confluence, since: State | None) -> Records:
        return Listing(connector.site(), connector.choice(), vouches=True, fresh=0.0).records()

    with monkeypatch.context() as hurried:
        hurried.setattr(Confluence, "records", out_of_time)
        for _ in range(2):
            synced(source)
            assert reads("bob") == {"page:10", "page:12", "attachment:att1"}  # whose words are the same
    synced(source)

    assert words("bob", "page:11") == "It was settled."


def test_a_page_moved_between_restricted_ones_with_new_words_shows_its_old_ones_to_nobody_new(
    site: AConfluence, source: Source
) -> None:
    site.add(Page("13", "Other cases", body="<p>There are two.</p>"))
    site.restrictions |= {"11": (["ann"], []), "13": (["bob"], [])}
    synced(source)
    site.edit("12", "<p>It cost nothing.</p>")
    site.pages["12"].parent = "13"
    site.instead["/pages/12$"] = lambda asked: Answer({}, 503, {"Retry-After": "0"})
    run = synced(source)

    assert run.state == "succeeded" and "page:12 could not be had" in run.problems[0]
    assert "page:12" not in reads("ann") | reads("bob")
    assert "attachment:att1" in reads("bob")  # which is the same as before
    site.instead.clear()
    synced(source)
    assert words("bob", "page:12") == "It cost nothing."
    assert "page:12" not in reads("ann")


def test_a_page_that_cannot_be_fetched_keeps_no_other_from_coming(
    site: AConfluence, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(source)
    monkeypatch.setattr("connectors.sources.portions.FEWEST", 1)
    monkeypatch.setattr("connectors.sources.portions.MOST", 1)
    for id in ("10", "11", "12"):
        site.edit(id, "<p>New words.</p>")
    site.instead["/pages/12$"] = lambda asked: Answer({}, 503, {"Retry-After": "0"})
    run = synced(source)

    assert run.state == "succeeded"
    said = [words("ann", f"page:{id}") for id in ("10", "11", "12")]
    assert said == ["New words.", "New words.", "It cost nine herrings."]


def test_rights_with_something_left_out_grow_old(site: AConfluence, source: Source) -> None:
    synced(source)
    verified = Source.objects.get().permissions_verified_at
    site.pages["0x"] = Page("0x", "Odd")
    run = synced(source)

    assert run.state == "failed"
    assert "without an id" in run.problems[-1]
    assert Source.objects.get().permissions_verified_at == verified
    assert reads("ann") == ALL - {"page:20"}
    site.permissions["1"] = []
    synced(source)
    assert reads("ann") == set()


def test_who_may_use_confluence_is_not_forgotten_where_it_cannot_be_read(site: AConfluence, source: Source) -> None:
    synced(source)
    before = Principal.objects.get(external_id="user:ann", deleted_at=None).pk
    site.refuse("/group/users/membersByGroupId", 404)
    assert synced(source).state == "failed"
    site.refuse(r"/rest/api/group$", 403)
    assert synced(source).state == "failed"
    assert reads("ann") == set()
    site.instead.clear()
    synced(source)

    assert reads("ann") == ALL - {"page:20"}
    assert Principal.objects.get(external_id="user:ann", deleted_at=None).pk == before


def test_lost_membership_and_lost_access_to_a_space_arrive_with_the_next_run(site: AConfluence, source: Source) -> None:
    synced(source)
    site.groups["readers"].remove("bob")
    synced(source)
    assert (reads("ann"), reads("bob")) == (ALL - {"page:20"}, set())
    site.permissions["1"] = []
    synced(source)
    assert reads("ann") == set()


@pytest.mark.parametrize("how", ["deactivated", "without access"])
def test_who_leaves_reads_nothing_after_the_next_run(site: AConfluence, source: Source, how: str) -> None:
    synced(source)
    if how == "deactivated":
        site.accounts["ann"].status = "inactive"
    else:
        site.groups["users"].remove("ann")
    synced(source)

    assert reads("ann") == set()
    assert reads("bob") == ALL - {"page:20"}
    site.accounts["ann"].status = "active"
    site.groups["users"].append("ann")
    synced(source)
    synced(source)
    assert reads("ann") == ALL - {"page:20"}


def test_a_page_moved_below_a_restricted_one_is_restricted_with_the_next_run(site: AConfluence, source: Source) -> None:
    site.restrictions["11"] = (["ann"], [])
    site.add(Page("13", "Dates", body="<p>In May.</p>"))
    synced(source)
    assert "page:13" in reads("bob")
    site.pages["13"].parent = "11"
    synced(source)

    assert "page:13" in reads("ann")
    assert "page:13" not in reads("bob")


def test_rights_that_cannot_be_read_close_what_they_are_of_until_they_can(site: AConfluence, source: Source) -> None:
    synced(source)
    site.refuse("/spaces/1/permissions", 403)
    run = synced(source)
    assert run.state == "succeeded"
    assert "HAND" in run.problems[0]
    assert (reads("ann"), reads("eve")) == (set(), {"page:20"})
    site.instead.clear()
    synced(source)
    assert reads("ann") == ALL - {"page:20"}


def test_a_site_that_fails_changes_nothing(site: AConfluence, source: Source) -> None:
    synced(source)
    site.refuse("v2/pages$", 403)
    run = synced(source)

    assert run.state == "failed"
    assert reads("ann") == ALL - {"page:20"}


def test_what_everyone_may_use_is_read_by_everyone_in_the_organisation(site: AConfluence, source: Source) -> None:
    site.mode = "ROLES"
    site.roles = [{"id": "viewer", "type": "SYSTEM", "name": "Viewer", "spacePermissions": ["read/space"]}]
    site.assignments["1"] = [assignment("ACCESS_CLASS", "all-licensed-users", "viewer")]
    site.assignments["2"] = [assignment("ACCESS_CLASS", "anonymous-users", "viewer")]
    synced(source)
    assert reads("eve") == ALL - {"page:20"}
    assert reads("charlie") == set()
    Source.objects.update(settings={**source.settings, "anonymous_reads": "everyone"})
    synced(Source.objects.get())
    assert reads("eve") == ALL
    assert reads("charlie") == {"page:20"}


def test_edits_comments_and_deletions_arrive_and_the_rest_is_not_fetched_again(
    site: AConfluence, source: Source
) -> None:
    synced(source)
    before = site.asked("/v2/pages/[0-9]+$")
    site.edit("10", "<p>The office opens at nine.</p>")
    site.comments["71"] = Comment("71", "11", "<p>It was June.</p>")
    site.pages["12"].status = "trashed"
    run = synced(source)

    assert site.asked("/v2/pages/[0-9]+$") == before + 2
    assert words("ann", "page:10") == "The office opens at nine."
    assert "It was June." in words("ann", "page:11")
    assert reads("ann") == {"page:10", "page:11"}
    assert run.counts["deleted"] >= 2
    site.pages["12"].status = "current"
    synced(source)
    assert reads("ann") == ALL - {"page:20"}


def test_a_run_without_changes_changes_nothing(site: AConfluence, source: Source) -> None:
    site.restrictions["11"] = (["ann"], [])
    synced(source)
    asked = site.asked("/v2/pages/[0-9]+$")
    run = synced(source)

    assert set(run.counts) <= {"unchanged", "deleted"}
    assert site.asked("/v2/pages/[0-9]+$") == asked


def test_too_many_pages_gone_at_once_are_hidden_and_kept(site: AConfluence, source: Source) -> None:
    for number in range(100, 130):
        site.add(Page(str(number), f"Page {number}", body=f"<p>Words of page {number}.</p>"))
    synced(source)
    for number in range(100, 130):
        del site.pages[str(number)]
    run = synced(source)

    assert "hidden, not deleted" in run.problems[-1]
    assert reads("ann") == ALL - {"page:20"}
    assert Document.past_the_guard.filter(state="held").count() == 30

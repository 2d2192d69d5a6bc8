"""Who may read what: the rules and their worked cases, through the push door's own entry point."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import identity, provisioning, tokens
from accounts.models import IdentityLink, Principal, User
from accounts.reader import Audience, Reader
from accounts.statements import execute
from connectors import adding
from connectors.applying import hide
from connectors.corpus import breaking_glass
from connectors.corpus.breaking_glass import break_glass
from connectors.corpus.reading import list_documents
from connectors.corpus.search import search
from connectors.errors import RecordRefused
from connectors.models import BreakGlass, Document, DocumentText, Passage, Scope, Source
from connectors.records import Access, AccessRecord, Deletion, DocumentRecord, PrincipalRecord, ScopeRecord
from tests.cast import PASSWORD, World, access, person, until
from tests.made_up import give_vectors

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return World.of("ann", "bob", "eve")


# --- P1, P2: people and groups ----------------------------------------------------------------------------


def test_a_group_in_a_group_reads(world: World) -> None:
    world.group("team", "ann")
    world.group("staff", "team")
    world.document("plan", grants=["staff"])
    assert world.readers("plan") == {"ann"}


def test_a_cycle_of_groups_adds_nothing_and_loses_nothing(world: World) -> None:
    world.group("a", "ann", "c")
    world.group("b", "a")
    world.group("c", "b")
    world.document("plan", grants=["c"])
    assert world.readers("plan") == {"ann"}
    world.group("b")
    assert world.readers("plan") == set()


def test_a_removed_reader_stops_seeing_the_document(world: World) -> None:
    world.group("team", "ann", "bob")
    world.group("staff", "team")
    world.document("plan", grants=["staff"])
    world.group("team", "bob")
    assert world.readers("plan") == {"bob"}


def test_groups_are_told_apart_by_source(world: World) -> None:
    other = World.of("ann", key="other")
    world.group("staff", "ann")
    other.group("staff")
    other.document("plan", grants=["staff"])
    assert other.readers("plan") == set()


def test_everyone_is_every_active_person_who_is_not_external(world: World) -> None:
    world.people["guest"] = person("guest", external=True)
    world.document("notice", grants=["everyone"])
    provisioning.deactivate(world.people["bob"])
    assert world.readers("notice") == {"ann", "eve"}


def test_a_person_whose_address_is_not_verified_reads_nothing(world: World) -> None:
    world.document("notice", grants=["everyone"])
    User.objects.filter(pk=world.people["ann"].pk).update(email_verified_at=None)
    assert world.readers("notice") == {"bob", "eve"}


# --- P3: principals belong to a source ------------------------------------------------------------------


def test_a_group_made_again_is_another_group_until_the_list_is_sent_again(world: World) -> None:
    world.group("g", "ann")
    world.folder("f", ["g"])
    world.document("plan", "f")
    world.delete("principal", "g")
    world.group("g", "ann", "bob")
    assert world.readers("plan") == set()
    world.folder("f", ["g"])
    assert world.readers("plan") == {"ann", "bob"}


def test_an_account_made_again_is_in_no_group_until_the_group_is_sent_again(world: World) -> None:
    world.group("g", "ann")
    world.document("plan", grants=["g"])
    world.delete("principal", "ann")
    world.account("ann")
    assert world.readers("plan") == set()
    world.group("g", "ann")
    assert world.readers("plan") == {"ann"}


def test_a_principal_that_changes_its_kind_is_another_one(world: World) -> None:
    world.group("x", "ann")
    world.document("plan", grants=["x"])
    world.push(PrincipalRecord(id="x", kind="user", email="bob@example.org"))
    assert world.readers("plan") == set()


def test_a_principal_that_changes_its_kind_while_it_is_not_known_is_another_one(world: World) -> None:
    world.group("x", "ann")
    world.document("plan", grants=["x"])
    hide(world.source, "principal", "x")
    world.push(PrincipalRecord(id="x", kind="user", email="bob@example.org"))
    assert world.readers("plan") == set()


def test_a_deleted_principal_that_is_denied_hides(world: World) -> None:
    world.group("contractors", "bob")
    world.document("plan", grants=["everyone"], deny=["contractors"])
    assert world.readers("plan") == {"ann", "eve"}
    world.delete("principal", "contractors")
    assert world.readers("plan") == set()


def test_the_sources_own_everyone_holds_its_full_members(world: World) -> None:
    world.account("bob", external=True)
    world.people["zoe"] = person("zoe")
    world.document("notice", grants=["*"])
    assert world.readers("notice") == {"ann", "eve"}


def test_an_account_is_external_unless_its_record_says_otherwise(world: World) -> None:
    world.document("notice", grants=["*"])
    world.push(PrincipalRecord(id="ann", kind="user", email="ann@example.org"))
    assert world.readers("notice") == {"bob", "eve"}


@pytest.mark.parametrize("reserved", ["everyone", "*"])
def test_a_group_that_named_a_reserved_id_the_source_misuses_names_nobody_and_hides(
    world: World, reserved: str
) -> None:
    world.group("g", reserved, "ann")
    world.document("plan", grants=["g"])
    world.document("notice", grants=["everyone"] if reserved == "*" else ["*"], deny=["g"])
    with pytest.raises(RecordRefused):
        world.group(reserved, "ann")
    assert world.readers("plan") == set()
    assert world.readers("notice") == set()
    world.group("g", "ann")
    assert world.readers("plan") == {"ann"}
    assert world.readers("notice") == {"bob", "eve"}


@pytest.mark.parametrize("reserved", ["everyone", "*"])
def test_a_reserved_id_cannot_be_introduced_and_closes_what_names_it(world: World, reserved: str) -> None:
    world.document("notice", grants=[reserved])
    world.folder("f", [reserved])
    world.document("inside", "f")
    with pytest.raises(RecordRefused) as refused:
        world.group(reserved, "ann")
    assert refused.value.code == "reserved_id"
    assert world.readers("notice") == world.readers("inside") == set()
    world.folder("f", [reserved])
    assert world.readers("inside") == set()
    world.folder("f", ["ann"])
    assert world.readers("inside") == {"ann"}


def test_deleting_a_source_ends_its_principals_and_every_tokens_right_to_it(world: World) -> None:
    world.document("plan", grants=["ann"])
    token, _ = tokens.issue(
        world.people["ann"],
        verbs=["read"],
        directories=[world.source.directory],
        all_sources=False,
        expires_at=None,
    )
    adding.delete_source(world.source)
    again = World.of("ann")
    again.document("plan", grants=["ann"])
    assert again.readers("plan") == {"ann"}
    assert list_documents(Reader(world.people["ann"].pk, token.pk)) == []


# --- P4: conditions -----------------------------------------------------------------------------------


def test_deny_beats_grants(world: World) -> None:
    world.group("staff", "ann", "bob")
    world.group("contractors", "bob")
    world.document("plan", grants=["staff"], deny=["contractors"])
    assert world.readers("plan") == {"ann"}


def test_who_is_denied_and_misses_a_restriction_is_not_admitted_by_the_sum_of_it(world: World) -> None:
    world.group("staff", "ann", "bob")
    world.group("contractors", "bob")
    world.document("plan", grants=["staff"], restrictions=[["ann"]], deny=["contractors"])
    assert world.readers("plan") == {"ann"}


def test_deny_is_judged_only_for_people_the_source_recognises(world: World) -> None:
    world.group("contractors")
    world.people["zoe"] = person("zoe")
    world.document("plan", grants=["everyone"], deny=["contractors"])
    assert world.readers("plan") == {"ann", "bob", "eve"}


def test_an_unknown_name_matches_no_one_and_hides_where_it_is_denied(world: World) -> None:
    world.document("granted", grants=["ghosts", "ann"])
    world.document("restricted", grants=["everyone"], restrictions=[["ghosts"]])
    world.document("denied", grants=["everyone"], deny=["ghosts"])
    assert world.readers("granted") == {"ann"}
    assert world.readers("restricted") == world.readers("denied") == set()
    world.group("ghosts", "bob")
    assert world.readers("granted") == {"ann", "bob"}
    assert world.readers("restricted") == {"bob"}
    assert world.readers("denied") == {"ann", "eve"}


def test_every_restriction_must_be_met(world: World) -> None:
    world.group("legal", "ann", "bob")
    world.group("board", "ann", "eve")
    world.document("deal", grants=["everyone"], restrictions=[["legal"], ["board"]])
    assert world.readers("deal") == {"ann"}


def test_who_meets_every_restriction_and_no_grant_reads_nothing(world: World) -> None:
    world.group("legal", "ann", "bob")
    world.document("deal", grants=["ann"], restrictions=[["legal"]])
    assert world.readers("deal") == {"ann"}


@pytest.mark.parametrize("lists", [{}, {"restrictions": [[]], "grants": ["everyone"]}])
def test_empty_grants_and_an_empty_restriction_admit_nobody(world: World, lists: dict[str, list[object]]) -> None:
    world.document("plan", **lists)  # type: ignore[arg-type]
    assert world.readers("plan") == set()


def test_a_list_that_cannot_be_read_admits_nobody_until_it_can(world: World) -> None:
    world.folder("f", ["everyone"])
    world.document("plan", "f")
    world.push(ScopeRecord(id="f", access=Access(problem="readers could not be listed")))
    assert world.readers("plan") == set()
    world.folder("f", ["ann"])
    assert world.readers("plan") == {"ann"}


# --- P5: inheritance ----------------------------------------------------------------------------------


def test_a_restricted_page_below_a_restricted_page(world: World) -> None:
    world.group("space", "ann", "bob")
    world.group("legal", "ann")
    world.folder("space", ["space"])
    world.folder("legal-page", parent="space", restrictions=[["legal"]])
    world.folder("deal-page", parent="legal-page", restrictions=[["ann", "bob"]])
    world.document("deal", "deal-page")
    assert world.readers("deal") == {"ann"}


def test_grants_below_are_added_and_denies_are_united(world: World) -> None:
    world.folder("top", ["ann", "bob"], deny=["bob"])
    world.folder("below", ["eve"], parent="top")
    world.document("plan", "below")
    assert world.readers("plan") == {"ann", "eve"}


def test_a_detached_scope_stands_alone(world: World) -> None:
    world.folder("top", ["ann"], restrictions=[["ann"]])
    world.folder("below", ["bob"], parent="top", inherits=False)
    world.document("plan", "below")
    assert world.readers("plan") == {"bob"}


def test_documents_own_lists_count_beside_their_scopes(world: World) -> None:
    world.folder("f", ["ann", "bob"])
    world.document("narrowed", "f", restrictions=[["ann"]])
    world.document("denied", "f", deny=["ann"])
    world.document("added", "f", ["eve"])
    world.document("apart", "f", ["eve"], inherits=False)
    assert world.readers("narrowed") == {"ann"}
    assert world.readers("denied") == {"bob"}
    assert world.readers("added") == {"ann", "bob", "eve"}
    assert world.readers("apart") == {"eve"}


def test_a_change_above_is_in_force_below_from_the_commit_on(world: World) -> None:
    world.folder("top", ["ann"])
    world.folder("middle", parent="top")
    world.folder("below", parent="middle")
    world.document("plan", "below", grants=["eve"])
    assert world.readers("plan") == {"ann", "eve"}
    world.folder("top", ["bob"])
    assert world.readers("plan") == {"bob", "eve"}


def test_a_parent_nobody_has_introduced_admits_nobody(world: World) -> None:
    world.folder("below", ["ann"], parent="top")
    world.document("plan", "below")
    world.document("own", "top", grants=["ann"])
    assert world.readers("plan") == world.readers("own") == set()
    world.folder("top", ["bob"])
    assert world.readers("plan") == world.readers("own") == {"ann", "bob"}


def test_a_deleted_scope_admits_nobody(world: World) -> None:
    world.folder("top", ["ann"])
    world.folder("below", ["bob"], parent="top")
    world.document("plan", "below")
    world.delete("scope", "top")
    assert world.readers("plan") == set()


def test_a_push_that_would_close_a_cycle_is_refused_and_changes_nothing(world: World) -> None:
    world.folder("a", ["ann"])
    world.folder("b", parent="a")
    world.document("plan", "b")
    with pytest.raises(RecordRefused) as refused:
        world.folder("a", ["bob"], parent="b")
    assert refused.value.code == "scope_cycle"
    assert world.readers("plan") == {"ann"}


def test_a_scope_cannot_be_its_own_parent(world: World) -> None:
    with pytest.raises(RecordRefused):
        world.folder("a", ["ann"], parent="a")


# --- P6, P7: live, paused, aged -----------------------------------------------------------------------


def test_a_paused_source_is_hidden_at_once(world: World) -> None:
    world.document("plan", grants=["everyone"])
    adding.pause(world.source)
    assert world.readers("plan") == set()
    adding.resume(world.source)
    assert world.readers("plan") == {"ann", "bob", "eve"}


def test_permissions_older_than_the_source_allows_hide_it(world: World) -> None:
    world.document("plan", grants=["everyone"])
    now = timezone.now()
    aged = Source.objects.filter(pk=world.source.pk)
    aged.update(max_permission_age=timedelta(hours=24), permissions_verified_at=now - timedelta(hours=25))
    assert world.readers("plan") == set()
    aged.update(permissions_verified_at=now - timedelta(hours=23))
    assert world.readers("plan") == {"ann", "bob", "eve"}
    aged.update(permissions_verified_at=None)
    assert world.readers("plan") == set()


# --- P9: passages stand with their document -------------------------------------------------------------


def test_a_document_that_moves_takes_its_passages_along(world: World) -> None:
    world.folder("open", ["everyone"])
    world.folder("closed", ["ann"])
    world.document("plan", "open")
    world.reshare("document", "plan", "closed")
    assert world.readers("plan") == {"ann"}
    assert not Passage.objects.visible_to(world.reader("bob")).exists()
    assert Passage.objects.visible_to(world.reader("ann")).count() == 1


def test_what_is_not_live_is_not_read_wherever_it_stands(world: World) -> None:
    world.document("plan", grants=["ann"], text="The walrus.")
    Document.past_the_guard.update(state=Document.State.HELD)
    ann = world.reader("ann")
    assert world.reads("ann") == set()
    assert not Passage.objects.visible_to(ann).exists()
    assert not DocumentText.objects.visible_to(ann).exists()
    assert search(ann, query="walrus", vector=None) == []


def test_documents_with_equal_lists_share_a_scope(world: World) -> None:
    world.folder("f", ["everyone"])
    world.document("one", "f", restrictions=[["ann"]])
    world.document("two", "f", restrictions=[["ann"]])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT scope_id) FROM connectors_document")
        assert cursor.fetchone() == (1,)


def test_the_database_refuses_a_passage_that_stands_elsewhere(world: World) -> None:
    world.document("plan", grants=["ann"])
    world.folder("open", ["everyone"])
    from django.db import IntegrityError, transaction

    with pytest.raises(IntegrityError), transaction.atomic():
        Passage.past_the_guard.update(scope_id=10**9)


# --- P14: hidden is missing -----------------------------------------------------------------------------

MORE_PASSAGES = """
INSERT INTO connectors_passage (public_id, document_id, scope_id, ordinal, text, start, "end", heading, digest, words,
                                lexemes, configuration)
SELECT gen_random_uuid(), p.document_id, p.scope_id, n, text, start, "end", heading, digest, words, lexemes,
       configuration
FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id, generate_series(1, 100) n
WHERE d.external_id LIKE 'hidden%%'
"""


@pytest.mark.parametrize("alone", [True, False], ids=["from one person", "from one of an audience"])
def test_what_is_hidden_keeps_nothing_readable_out_of_a_search(world: World, alone: bool) -> None:
    """There is more of it than a search looks at, and all of it fits better."""
    ann, bob = world.reader("ann"), world.reader("bob")
    viewers = ann if alone else Audience(ann, frozenset({bob}))
    world.document(
        "plan", grants=["ann", "bob"], text="Of animals, and of a walrus among them, which is of no interest."
    )
    for number, only in enumerate(["eve"] if alone else ["ann", "bob"]):
        world.document(f"hidden {number}", grants=[only], text="Walrus!")
    execute(MORE_PASSAGES)
    give_vectors("CASE WHEN d.external_id = 'plan' THEN '[0,1]' ELSE '[1,0]' END")
    assert {hit.title for hit in search(viewers, query="walrus", vector=None, limit=5)} == {"Plan"}
    assert {hit.title for hit in search(viewers, query="", vector=[1.0, 0.0], limit=5, mode="vector")} == {"Plan"}


def test_what_is_hidden_changes_no_score(world: World) -> None:
    def scores() -> list[tuple[str, float, float]]:
        found = search(world.reader("ann"), query="walrus budget", vector=None)
        return [(hit.title, hit.keywords, hit.score) for hit in found]

    world.document("plan", grants=["ann"], text="The budget of the walrus.")
    world.document("menu", grants=["ann"], text="A walrus eats no soup.")
    before = scores()
    for number in range(5):
        world.document(f"hidden {number}", grants=["bob"], text="A budget, and no animal.")
    assert scores() == before
    assert len(before) == 2


# --- P18: two walls -------------------------------------------------------------------------------------


def test_the_guard_stands_without_the_second_wall(world: World) -> None:
    """That the wall stands without the guard is shown where the wall is."""
    for model in (Scope, Document, DocumentText, Passage):
        execute(f"ALTER TABLE {model._meta.db_table} DISABLE ROW LEVEL SECURITY")
    for name in ("ann", "bob"):
        world.folder(f"of {name}", [name])
        world.document(f"about {name}", f"of {name}", text=f"A secret of {name}.")
    ann = world.reader("ann")
    assert world.reads("ann") == {"about ann"}
    assert [scope.external_id for scope in Scope.objects.visible_to(ann)] == ["of ann"]
    assert [text.text for text in DocumentText.objects.visible_to(ann)] == ["A secret of ann."]
    assert [passage.text for passage in Passage.objects.visible_to(ann)] == ["A secret of ann."]
    assert Passage.objects.visible_to(ann).count() == 1


# --- P11: tokens narrow -------------------------------------------------------------------------------


def test_a_token_reads_what_its_owner_may_read_within_its_sources(world: World) -> None:
    other = World.of("ann", key="other")
    world.document("here", grants=["ann"])
    world.document("foreign", grants=["bob"])
    other.document("there", grants=["ann"])
    ann = world.people["ann"]

    def through(**limits: object) -> set[str]:
        token, _ = tokens.issue(ann, **({"verbs": ["read"], "all_sources": False, "expires_at": None} | limits))  # type: ignore[arg-type]
        return {document.external_id for document in list_documents(Reader(ann.pk, token.pk))}

    assert through(all_sources=True) == {"here", "there"}
    assert through(directories=[other.source.directory]) == {"there"}
    assert through() == set()
    assert through(all_sources=True, expires_at=timezone.now()) == set()


def test_a_token_of_somebody_else_or_revoked_reads_nothing(world: World) -> None:
    world.document("plan", grants=["ann", "bob"])
    token, secret = tokens.issue(world.people["ann"], verbs=["read"], all_sources=True, expires_at=None)
    assert tokens.authenticate(secret) == token
    assert list_documents(Reader(world.people["bob"].pk, token.pk)) == []
    tokens.revoke(token)
    assert list_documents(Reader(world.people["ann"].pk, token.pk)) == []
    assert tokens.authenticate(secret) is None


# --- P12: running the system is not reading it -----------------------------------------------------------


def test_a_superuser_reads_nothing_by_being_one(world: World) -> None:
    world.people["root"] = User.objects.create_superuser("root@example.org", PASSWORD)
    world.document("plan", grants=["ann"])
    assert world.reads("root") == set()


def test_break_glass_on_one_document_ends_by_itself(world: World) -> None:
    world.document("plan", grants=["bob"])
    (plan,) = list_documents(world.reader("bob"))
    glass = break_glass(
        user=world.people["ann"],
        given_by=world.people["eve"],
        reason="An incident.",
        until=timezone.now() + timedelta(hours=1),
        document=plan.id,
    )
    assert world.readers("plan") == {"ann", "bob"}
    BreakGlass.objects.filter(pk=glass.pk).update(until=timezone.now() - timedelta(milliseconds=1))
    assert world.readers("plan") == {"bob"}


def test_break_glass_on_a_folder_that_is_ended_opens_nothing(world: World) -> None:
    world.folder("f", ["bob"])
    world.document("plan", "f")
    glass = break_glass(
        user=world.people["ann"],
        given_by=world.people["eve"],
        reason="An incident.",
        until=timezone.now() + timedelta(hours=1),
        scope=(world.source.key, "f"),
    )
    assert world.readers("plan") == {"ann", "bob"}
    breaking_glass.end(glass)
    assert world.readers("plan") == {"bob"}


# --- P13: identity is exact --------------------------------------------------------------------------


def test_account_and_verified_address_may_arrive_in_either_order(world: World) -> None:
    world.account("zoe")
    world.document("plan", grants=["zoe"])
    world.people["zoe"] = person("zoe")
    assert world.readers("plan") == {"zoe"}


def test_an_address_is_compared_without_regard_to_case_and_homoglyphs_stay_apart(world: World) -> None:
    world.people["kim"] = person("kim")
    world.push(PrincipalRecord(id="kim", kind="user", email=" KIM@Example.ORG "))
    world.push(PrincipalRecord(id="kelvin", kind="user", email="\u212aim@example.org"))
    world.document("hers", grants=["kim"])
    world.document("not-hers", grants=["kelvin"])
    assert world.reads("kim") == {"hers"}


def test_names_that_differ_in_case_are_two(world: World) -> None:
    world.group("Team", "ann")
    world.document("plan", grants=["team"])
    assert world.readers("plan") == set()


def test_a_source_that_does_not_vouch_links_nobody() -> None:
    world = World(adding.add_source("wiki", kind="push"))
    world.join("ann")
    world.document("plan", grants=["ann"])
    assert world.readers("plan") == set()


def test_a_link_ends_with_the_address_and_with_the_account(world: World) -> None:
    world.document("plan", grants=["ann", "bob"])
    world.account("ann", email=None)
    assert world.readers("plan") == {"bob"}
    world.delete("principal", "bob")
    assert world.readers("plan") == set()


def test_a_revoked_link_does_not_come_back_by_itself(world: World) -> None:
    world.document("plan", grants=["ann"])
    identity.revoke(IdentityLink.objects.get(user=world.people["ann"]))
    world.account("ann", email=None)
    world.account("ann")
    assert world.readers("plan") == set()


@pytest.mark.parametrize("between", ["deleted", "another kind"])
def test_a_revoked_link_does_not_come_back_with_an_account_made_again(world: World, between: str) -> None:
    identity.revoke(IdentityLink.objects.get(user=world.people["ann"]))
    if between == "deleted":
        world.delete("principal", "ann")
    else:
        world.group("ann")
    world.account("ann")
    world.account("ann-2", email="ann@example.org")
    world.document("plan", grants=["ann"])
    world.document("hers", grants=["ann-2"])
    assert world.readers("plan") == set()
    assert world.readers("hers") == {"ann"}


def test_an_address_given_to_a_second_person_links_nothing_until_confirmed(world: World) -> None:
    world.document("plan", grants=["ann"])
    provisioning.change_address(world.people["ann"], "ann.new@example.org", verified=True)
    second = world.people["second"] = person("second")
    provisioning.change_address(second, "ann@example.org", verified=True)
    assert world.readers("plan") == set()
    identity.confirm_address("ann@example.org", second)
    assert world.readers("plan") == {"second"}


def test_several_accounts_of_one_source_are_one_person(world: World) -> None:
    world.push(PrincipalRecord(id="ann-2", kind="user", email="ann@example.org"))
    world.document("plan", grants=["ann-2"])
    assert world.readers("plan") == {"ann"}


# --- P17: ends ----------------------------------------------------------------------------------------


def test_a_grant_and_a_membership_end_at_their_time(world: World) -> None:
    past, future = timezone.now() - timedelta(seconds=1), timezone.now() + timedelta(hours=1)
    world.document("ended", grants=[until(past, "ann")])
    world.document("lasting", grants=[until(future, "ann")])
    world.group("team", until(past, "ann"), until(future, "bob"))
    world.group("staff", "team", until(past, "eve"))
    world.document("plan", grants=["staff"])
    assert world.readers("ended") == set()
    assert world.readers("lasting") == {"ann"}
    assert world.readers("plan") == {"bob"}


def test_a_grant_beside_other_clauses_ends_too(world: World) -> None:
    past, future = timezone.now() - timedelta(seconds=1), timezone.now() + timedelta(hours=1)
    world.document("plan", grants=[until(past, "ann"), until(future, "bob")], restrictions=[["ann", "bob"]])
    assert world.readers("plan") == {"bob"}


def test_a_membership_of_a_group_that_has_ended_carries_nobody(world: World) -> None:
    world.group("team", "ann")
    world.group("staff", until(timezone.now() - timedelta(seconds=1), "team"))
    world.group("all", "staff")
    world.document("plan", grants=["all"])
    assert world.readers("plan") == set()


# --- records ------------------------------------------------------------------------------------------


def test_an_older_revision_changes_nothing_even_after_a_deletion(world: World) -> None:
    def push(revision: int, who: str) -> str:
        record = DocumentRecord(id="plan", title="Plan", text="Words.", access=access([who]), revision=revision)
        return world.push(record).state

    assert push(2, "ann") == "live"
    assert push(1, "bob") == "stale"
    assert world.readers("plan") == {"ann"}
    world.delete("document", "plan")
    assert push(1, "bob") == "stale"
    assert push(3, "eve") == "live"
    assert world.readers("plan") == {"eve"}


def test_a_change_of_access_alone_leaves_the_text_and_names_the_unknown(world: World) -> None:
    world.document("plan", grants=["ann"], text="The same words.")
    before = Passage.past_the_guard.get().pk
    assert world.reshare("document", "plan", None, ["bob"]).state == "live"
    assert Passage.past_the_guard.get().pk == before
    assert world.readers("plan") == {"bob"}
    assert world.reshare("document", "ghost", None, ["bob"]).state == "unknown"
    assert world.push(AccessRecord(kind="scope", id="ghost")).state == "unknown"


def test_a_document_made_again_has_another_public_id(world: World) -> None:
    world.document("plan", grants=["ann"])
    first = list_documents(world.reader("ann"))[0].id
    world.delete("document", "plan")
    assert world.reads("ann") == set()
    world.document("plan", grants=["ann"])
    assert list_documents(world.reader("ann"))[0].id != first


def test_a_deletion_that_overtakes_its_record_wins(world: World) -> None:
    world.push(Deletion(kind="document", id="plan", revision=5))
    late = DocumentRecord(id="plan", title="Plan", text="Words.", access=access(["ann"]), revision=4)
    assert world.push(late).state == "stale"
    for _ in range(2):
        world.push(Deletion(kind="principal", id="team", revision=5))
    assert Principal.objects.filter(external_id="team").count() == 1
    assert world.push(PrincipalRecord(id="team", kind="group", revision=4)).state == "stale"
    world.push(Deletion(kind="scope", id="f", revision=5))
    assert world.push(ScopeRecord(id="f", access=access(["ann"]), revision=4)).state == "stale"


def test_what_could_not_be_read_hides_what_it_names_until_it_is_sent_again(world: World) -> None:
    world.group("team", "ann")
    world.folder("f", ["team"])
    world.document("inside", "f")
    world.document("denied", grants=["everyone"], deny=["team"])
    assert world.readers("inside") == {"ann"}
    hide(world.source, "scope", "f")
    assert world.readers("inside") == set()
    world.folder("f", ["team"])
    assert world.readers("inside") == {"ann"}
    hide(world.source, "principal", "team")
    assert world.readers("inside") == world.readers("denied") == set()
    world.group("team", "ann")
    assert world.readers("inside") == {"ann"}
    hide(world.source, "document", "inside")
    world.group("team", "ann")
    assert world.readers("inside") == set()


def test_links_follow_whether_the_source_vouches(world: World) -> None:
    world.document("plan", grants=["ann"])
    identity.set_vouching(world.source.directory, vouches=False)
    assert world.readers("plan") == set()
    identity.set_vouching(world.source.directory, vouches=True)
    assert world.readers("plan") == {"ann"}


def test_permissions_may_not_be_older_than_the_calendar_can_reckon() -> None:
    world = World.of("ann")
    with pytest.raises(IntegrityError, match="permissions_age_within_bounds"), transaction.atomic():
        Source.objects.filter(pk=world.source.pk).update(max_permission_age=timedelta(days=106_750_000))
    with pytest.raises(ValidationError, match="less than or equal"):
        Source(pk=world.source.pk, kind="push", max_permission_age=timedelta(days=999_999_999)).clean_fields()

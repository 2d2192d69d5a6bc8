"""The oracle says what the rules say, twice: each worked case, and each detail they leave to decide."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.leakproof import fixpoint, top_down
from tests.leakproof.model import Outcome, Reader, Record, World

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Told:
    """A world with one source, told in few words."""

    def __init__(self, *names: str) -> None:
        self.world = World()
        self.world.add_source("docs")
        for name in names:
            self.join(name)

    def join(self, name: str, **profile: bool) -> None:
        self.world.add_user(name, f"{name}@example.org", **profile)
        self.account(name)

    def account(self, name: str, **fields: Any) -> Outcome:
        return self.push("principal", name, **{"kind": "user", "email": f"{name}@example.org", **fields})

    def group(self, name: str, *members: object, **fields: Any) -> Outcome:
        return self.push("principal", name, kind="group", members=list(members), **fields)

    def scope(self, name: str, parent: str | None = None, **lists: Any) -> Outcome:
        return self.push("scope", name, name=name, parent=parent, **lists)

    def document(self, name: str, scope: str | None = None, **fields: Any) -> Outcome:
        return self.push("document", name, **{"title": name, "scope": scope, "text": "A text.", **fields})

    def access(self, kind: str, name: str, **fields: Any) -> Outcome:
        return self.push("access", name, kind=kind, **fields)

    def delete(self, kind: str, name: str) -> Outcome:
        return self.push("deletion", name, kind=kind)

    def push(self, type: str, id: str, **fields: Any) -> Outcome:
        return self.world.push("docs", {"type": type, "id": id, **fields}, NOW)

    def readers(self, document: str, now: datetime = NOW) -> set[str]:
        """Who reads it, as both evaluators say."""
        key = ("docs", document)
        one = {name for name in self.world.users if top_down.may_read(self.world, name, key, now).allowed}
        assert one == {name for name, found in fixpoint.readable(self.world, now) if found == key}
        return one

    def rule(self, name: str, document: str, now: datetime = NOW) -> str:
        return top_down.may_read(self.world, name, ("docs", document), now).rule

    def open_to(self, *names: str, unidentified: bool = False, outside: bool = False) -> set[str]:
        """What this audience reads, as both evaluators say."""
        one = top_down.readable_by_all(self.world, names, unidentified, outside, NOW)
        assert one == fixpoint.readable_by_all(self.world, names, unidentified, outside, NOW)
        return {document for _, document in one}


def shared(*names: str, **lists: Any) -> Told:
    """People with accounts, a scope `s` with these lists, and a document `d` in it."""
    told = Told(*names)
    told.scope("s", **{"grants": ["everyone"], **lists})
    told.document("d", "s")
    return told


# --- the worked cases ---------------------------------------------------------------------------------


def test_a_group_in_a_granted_group_reads() -> None:
    told = shared("ann", "bob", grants=["staff"])
    told.group("staff", "team-a")
    told.group("team-a", "ann")
    assert told.readers("d") == {"ann"}
    assert told.rule("ann", "d") == "P2"


def test_a_cycle_of_groups_is_legal_and_adds_nothing() -> None:
    told = shared("ann", "bob", grants=["c"])
    for inner, outer in (("a", "b"), ("b", "c"), ("c", "a")):
        told.group(outer, inner, *(["ann"] if outer == "a" else []))
    assert told.readers("d") == {"ann"}


def test_restrictions_under_restrictions_all_hold() -> None:
    told = Told("ann", "bob")
    told.group("space-readers", "ann", "bob")
    told.group("legal", "ann")
    told.scope("space", grants=["space-readers"])
    told.scope("page", "space", restrictions=[["legal"]])
    told.scope("below", "page", restrictions=[["ann", "bob"]])
    told.document("d", "below")
    assert told.readers("d") == {"ann"}
    assert told.rule("bob", "d") == "P5"


def test_deny_beats_grants() -> None:
    told = shared("ann", "bob", grants=["staff"], deny=["contractors"])
    told.group("staff", "ann", "bob")
    told.group("contractors", "ann")
    assert told.readers("d") == {"bob"}
    assert told.rule("ann", "d") == "P4"


def test_a_document_whose_permissions_cannot_be_read_waits_for_them() -> None:
    told = Told("ann")
    record = {"type": "document", "id": "d", "title": "d", "text": "A text.", "unreadable": True}
    assert told.world.page("docs", [record], NOW) == ["refused"]
    assert told.readers("d") == set()
    assert told.access("document", "d", grants=["ann"]) == "accepted"
    assert told.readers("d") == {"ann"}


def test_deny_admits_only_people_the_source_knows() -> None:
    told = shared("ann", deny=["contractors"])
    told.group("contractors")
    told.world.add_user("eve", "eve@example.org")
    assert told.readers("d") == {"ann"}
    assert told.rule("eve", "d") == "P4"


@pytest.mark.parametrize("kind", ["scope", "document"])
def test_a_change_of_a_list_that_cannot_be_read_hides_until_one_can(kind: str) -> None:
    told = shared("ann")
    id = {"scope": "s", "document": "d"}[kind]
    assert told.access(kind, id, grants=["ann"], unreadable=True) == "refused"
    assert told.readers("d") == set()
    told.access(kind, id, grants=["ann"], scope=None if kind == "scope" else "s")
    assert told.readers("d") == {"ann"}


def test_a_group_deleted_and_made_again_is_another_until_the_list_is_sent_again() -> None:
    told = shared("ann", grants=["g"])
    told.group("g", "ann")
    assert told.readers("d") == {"ann"}
    told.delete("principal", "g")
    told.group("g", "ann")
    assert told.readers("d") == set()
    assert told.rule("ann", "d") == "P3"
    told.scope("s", grants=["g"])
    assert told.readers("d") == {"ann"}


def test_a_link_is_not_publication_so_only_who_is_named_reads() -> None:
    told = shared("ann", "bob", grants=["ann"])
    assert told.readers("d") == {"ann"}


def test_a_channel_made_private_is_read_by_its_members() -> None:
    told = shared("ann", "bob")
    assert told.readers("d") == {"ann", "bob"}
    told.access("scope", "s", grants=["bob"])
    assert told.readers("d") == {"bob"}


def test_a_channel_with_a_guest_nobody_can_identify_sees_what_everyone_may() -> None:
    told = shared("ann", "bob")
    told.document("for-both", grants=["ann", "bob"])
    told.document("with-deny", "s", deny=["bob"])
    told.document("anns", grants=["ann"])
    assert told.open_to("ann", "bob") == {"d", "for-both"}
    assert told.open_to("ann", "bob", unidentified=True) == {"d"}
    assert told.open_to("ann", outside=True) == set()
    assert told.open_to() == set()


def test_met_by_everyone_alone_needs_everyone_in_each_restriction() -> None:
    told = shared("ann", restrictions=[["everyone", "ann"]])
    told.document("narrow", "s", restrictions=[["ann"]])
    told.group("all", "everyone")
    told.document("by-group", grants=["all"])
    assert told.open_to("ann") == {"d", "narrow", "by-group"}
    assert told.open_to(unidentified=True) == {"d"}


def test_a_document_there_is_not_is_missing_for_all() -> None:
    told = shared("ann")
    assert told.readers("unknown") == set()
    assert told.rule("ann", "unknown") == "P14"


def test_who_is_not_active_or_not_verified_reads_nothing() -> None:
    told = shared("ann", "bob")
    told.world.set_active("ann", False)
    told.world.change_address("bob", "bob@example.net", False)
    assert told.readers("d") == set()
    assert told.rule("ann", "d") == "P1"


# --- principals (P2, P3) ------------------------------------------------------------------------------


def test_who_is_external_does_not_hold_everyone() -> None:
    told = shared("ann")
    told.join("guest", external=True)
    assert told.readers("d") == {"ann"}
    assert told.rule("guest", "d") == "P2"


def test_the_sources_everyone_are_its_full_members() -> None:
    told = shared("ann", "bob", "carol", grants=["*"])
    told.account("ann", external=False)
    told.account("bob", external=True)
    assert told.readers("d") == {"ann"}
    assert told.rule("bob", "d") == "P3"


def test_everyone_may_stand_among_members() -> None:
    told = shared("ann", grants=["all"])
    told.group("all", "everyone")
    assert told.readers("d") == {"ann"}


def test_a_name_counts_from_the_commit_that_introduces_it() -> None:
    told = Told()
    told.document("d", "s")
    told.scope("s", "root", grants=["staff"])
    told.group("staff", "ann")
    told.world.add_user("ann", "ann@example.org")
    told.account("ann")
    assert told.readers("d") == set()
    assert told.rule("ann", "d") == "P5"
    told.scope("root")
    assert told.readers("d") == {"ann"}


def test_another_kind_is_another_principal() -> None:
    told = shared("ann", grants=["g"])
    told.group("g", "ann")
    told.push("principal", "g", kind="user")
    told.group("g", "ann")
    assert told.readers("d") == set()


def test_an_ended_entry_of_a_deny_set_hides() -> None:
    told = shared("ann", deny=["g"])
    assert told.readers("d") == set()
    told.group("g")
    assert told.readers("d") == {"ann"}
    told.delete("principal", "g")
    told.group("g")
    assert told.readers("d") == set()


def test_an_unknown_group_below_a_denied_one_hides_nothing() -> None:
    told = shared("ann", deny=["g"])
    told.group("g", "unknown")
    assert told.readers("d") == {"ann"}


@pytest.mark.parametrize(
    ("lists", "readers"), [({"grants": ["g"]}, set()), ({"deny": ["g"]}, set())], ids=["grant", "deny"]
)
def test_a_group_whose_members_cannot_be_read_matches_no_one_and_hides_in_a_deny_set(
    lists: dict[str, Any], readers: set[str]
) -> None:
    told = shared("ann", **lists)
    told.group("g", "ann")
    assert told.group("g", "ann", unreadable=True) == "refused"
    assert told.readers("d") == readers
    told.group("g", "ann")
    assert told.readers("d") == ({"ann"} if "grants" in lists else set())


@pytest.mark.parametrize("reserved", ["everyone", "*"])
def test_a_record_for_a_reserved_id_is_refused_and_hides_what_names_it(reserved: str) -> None:
    told = shared("ann", grants=[reserved, "ann"])
    told.document("other", grants=["ann"])
    assert told.group(reserved) == "refused"
    assert told.readers("d") == set()
    assert told.readers("other") == {"ann"}
    told.scope("s", grants=["ann"])
    assert told.readers("d") == {"ann"}


def test_a_source_made_again_is_another() -> None:
    told = shared("ann", grants=["ann"])
    token = told.world.reads("ann", {"docs"})
    assert fixpoint.readable_by(told.world, token, NOW) == {("docs", "d")}
    told.world.delete_source("docs")
    told.world.add_source("docs")
    told.document("d", grants=["ann"])
    assert told.readers("d") == set()
    told.account("ann")
    told.document("d", grants=["ann"])
    assert told.readers("d") == {"ann"}
    assert fixpoint.readable_by(told.world, token, NOW) == set()
    assert top_down.may_read(told.world, token, ("docs", "d"), NOW) == top_down.Verdict(False, "P11")


# --- lists and inheritance (P4, P5, P17) --------------------------------------------------------------


@pytest.mark.parametrize(
    "lists",
    [{"grants": []}, {"restrictions": [[]]}, {"restrictions": [["ann"], []]}, {"grants": ["unknown"]}],
    ids=["empty-grants", "empty-restriction", "one-empty-restriction", "unknown-grant"],
)
def test_what_is_empty_or_unknown_admits_nobody(lists: dict[str, Any]) -> None:
    assert shared("ann", **lists).readers("d") == set()


def test_a_document_with_neither_scope_nor_lists_is_read_by_nobody() -> None:
    told = Told("ann")
    told.document("d")
    assert told.readers("d") == set()


def test_a_document_adds_to_its_scope_or_stands_alone() -> None:
    told = shared("ann", "bob", "carol", grants=["ann"])
    told.document("adds", "s", grants=["bob"])
    told.document("alone", "s", grants=["carol"], inherits=False)
    assert told.readers("adds") == {"ann", "bob"}
    assert told.readers("alone") == {"carol"}


def test_a_detached_scope_under_an_unknown_parent_stands_on_its_own_list() -> None:
    told = shared("ann", parent="unknown", inherits=False)
    assert told.readers("d") == {"ann"}


def test_a_push_that_closes_a_cycle_changes_nothing() -> None:
    told = shared("ann", parent="root")
    assert told.scope("root") == "accepted"
    assert told.scope("root", "s", grants=["unknown"]) == "refused"
    assert told.scope("s", "s") == "refused"
    assert told.readers("d") == {"ann"}


def test_a_page_that_closes_a_cycle_keeps_it_and_admits_nobody_on_or_under_it() -> None:
    told = shared("ann", parent="root")
    told.scope("detached", "s", grants=["ann"], inherits=False)
    told.document("below", "detached")
    told.world.page("docs", [{"type": "scope", "id": "root", "parent": "s", "grants": ["ann"], "inherits": False}], NOW)
    assert told.readers("d") == told.readers("below") == set()
    assert told.rule("ann", "below") == "P5"
    assert told.scope("root", grants=["ann"]) == "accepted"
    assert told.readers("d") == told.readers("below") == {"ann"}


def test_cycles_are_judged_when_the_page_ends() -> None:
    told = shared("ann")
    told.scope("t", "s")
    records: list[Record] = [
        {"type": "scope", "id": "s", "parent": "t", "grants": ["ann"]},
        {"type": "scope", "id": "t"},
    ]
    assert told.world.page("docs", records, NOW) == ["accepted", "accepted"]
    assert told.readers("d") == {"ann"}


def test_a_deleted_scope_is_one_nobody_introduced() -> None:
    told = shared("ann")
    told.scope("child", "s", grants=["ann"])
    told.document("below", "child")
    told.delete("scope", "s")
    assert told.readers("d") == told.readers("below") == set()
    told.scope("s", grants=["ann"])
    assert told.readers("d") == told.readers("below") == {"ann"}


def test_a_grant_and_a_membership_end_at_their_time() -> None:
    until = {"until": (NOW + HOUR).isoformat()}
    told = shared("ann", "bob", grants=[{"id": "ann", **until}, "g"])
    told.group("g", {"id": "bob", **until})
    assert told.readers("d") == {"ann", "bob"}
    assert told.readers("d", NOW + HOUR) == set()
    assert told.rule("bob", "d", NOW + HOUR) == "P17"


@pytest.mark.parametrize("clause", ["deny", "restrictions"])
def test_an_end_on_what_never_ends_is_refused_and_hides(clause: str) -> None:
    told = shared("ann")
    ending = [{"id": "g", "until": NOW + HOUR}]
    lists: dict[str, Any] = {clause: ending if clause == "deny" else [ending]}
    assert told.scope("s", grants=["ann"], **lists) == "refused"
    assert told.readers("d") == set()


# --- documents and sources (P6, P7) -------------------------------------------------------------------


def test_new_content_of_a_known_document_is_read_under_old_and_new_rights_until_it_is_parsed() -> None:
    told = Told("ann", "bob", "carol")
    told.document("d", grants=["ann", "bob"])
    told.document("d", text=None, content_base64="bmV3", grants=["bob", "carol"])
    assert told.readers("d") == {"bob"}
    told.world.parsed("docs", "d")
    assert told.readers("d") == {"bob", "carol"}


def test_new_rights_alone_are_exactly_the_new_ones() -> None:
    told = Told("ann", "bob")
    told.document("d", grants=["ann"])
    told.document("d", grants=["bob"])
    assert told.readers("d") == {"bob"}


def test_a_new_document_with_content_appears_when_it_is_parsed() -> None:
    told = Told("ann")
    told.document("d", text=None, content_base64="bmV3", grants=["ann"])
    assert told.readers("d") == set()
    assert told.rule("ann", "d") == "P6"
    told.world.parsed("docs", "d")
    assert told.readers("d") == {"ann"}


def test_what_is_held_or_quarantined_is_not_read() -> None:
    told = shared("ann")
    told.world.hold("docs", "d")
    assert told.readers("d") == set()
    told.world.release("docs", "d")
    assert told.readers("d") == {"ann"}
    told.world.quarantine("docs", "d")
    told.document("d", "s")
    assert told.readers("d") == set()
    told.document("d", "s", text="Another text.")
    assert told.readers("d") == {"ann"}


def test_what_a_complete_listing_does_not_name_is_gone() -> None:
    told = shared("ann", grants=["ann"])
    told.document("gone", "s")
    told.scope("s", grants=["ann"])
    records: list[Record] = [
        {"type": "principal", "id": "ann", "kind": "user", "email": "ann@example.org"},
        {"type": "scope", "id": "s", "grants": ["ann"]},
        {"type": "document", "id": "d", "scope": "s", "text": "A text."},
    ]
    told.world.page("docs", records, NOW, complete=True)
    assert told.readers("d") == {"ann"}
    assert told.readers("gone") == set()


def test_a_source_not_seen_for_too_long_or_paused_is_hidden() -> None:
    told = shared("ann")
    told.world.pause("docs")
    assert told.rule("ann", "d") == "P7"
    assert told.readers("d") == set()
    told.world.resume("docs")
    told.world.set_max_age("docs", HOUR)
    assert told.readers("d") == set()
    told.world.verified("docs", NOW)
    assert told.readers("d", NOW + HOUR / 2) == {"ann"}
    assert told.readers("d", NOW + 2 * HOUR) == set()
    assert told.rule("ann", "d", NOW + 2 * HOUR) == "P7"


def test_an_older_revision_changes_nothing() -> None:
    told = shared("ann", revision=5)
    assert told.scope("s", grants=[], revision=4) == "stale"
    assert told.readers("d") == {"ann"}
    assert told.scope("s", grants=[], revision=5) == "accepted"
    assert told.readers("d") == set()


def test_a_deletion_stands_against_older_records() -> None:
    told = Told("ann")
    told.document("d", grants=["ann"], revision=3)
    assert told.push("deletion", "d", kind="document", revision=4) == "accepted"
    assert told.document("d", grants=["ann"], revision=3) == "stale"
    assert told.access("document", "d", grants=["ann"]) == "unknown"
    assert told.readers("d") == set()


# --- break-glass (P12) --------------------------------------------------------------------------------


def test_break_glass_opens_one_document_to_one_person_until_its_end() -> None:
    told = shared("ann", "bob", grants=["bob"], deny=["unknown"])
    number = told.world.break_glass("ann", document=("docs", "d"), until=NOW + HOUR, now=NOW)
    assert told.readers("d") == {"ann"}
    assert told.rule("ann", "d") == "P12"
    assert told.readers("d", NOW + HOUR) == set()
    told.world.end_glass(number)
    assert told.readers("d") == set()


def test_break_glass_on_a_scope_opens_what_inherits_and_not_what_is_detached() -> None:
    told = shared("ann", grants=[])
    told.scope("below", "s")
    told.scope("detached", "s", inherits=False)
    for name in ("below", "detached"):
        told.document(f"in-{name}", name)
    told.document("alone", "s", inherits=False)
    told.world.break_glass("ann", scope=("docs", "s"), until=NOW + HOUR, now=NOW)
    assert told.readers("d") == told.readers("in-below") == {"ann"}
    assert told.readers("in-detached") == told.readers("alone") == set()
    assert told.rule("ann", "alone") == "P12"


def test_break_glass_gives_way() -> None:
    told = shared("ann", grants=[])
    told.world.break_glass("ann", document=("docs", "d"), until=NOW + HOUR, now=NOW)
    steps: list[Callable[[], object]] = [
        lambda: told.world.hold("docs", "d"),
        lambda: told.world.pause("docs"),
        lambda: told.world.set_active("ann", False),
        lambda: told.access("scope", "s", unreadable=True),
        lambda: told.delete("scope", "s"),
        lambda: told.world.page("docs", [{"type": "scope", "id": "s", "parent": "s"}], NOW),
    ]
    for step in steps:
        assert told.readers("d") == {"ann"}
        step()
        assert told.readers("d") == set()
        told.world.release("docs", "d")
        told.world.resume("docs")
        told.world.set_active("ann", True)
        told.scope("s")


def test_break_glass_opens_a_document_with_no_lists_and_not_one_of_the_same_id() -> None:
    told = Told("ann")
    told.document("d")
    told.world.break_glass("ann", document=("docs", "d"), until=NOW + HOUR, now=NOW)
    assert told.readers("d") == {"ann"}
    told.delete("document", "d")
    told.document("d")
    assert told.readers("d") == set()


def test_break_glass_opens_nothing_to_a_token_outside_its_sources() -> None:
    told = shared("ann", grants=[])
    told.world.break_glass("ann", scope=("docs", "s"), until=NOW + HOUR, now=NOW)
    assert top_down.may_read(told.world, Reader("ann", frozenset()), ("docs", "d"), NOW).rule == "P11"
    assert fixpoint.readable_by(told.world, Reader("ann", frozenset()), NOW) == set()


# --- identity links (P13) -----------------------------------------------------------------------------


def linked(told: Told, name: str = "ann") -> bool:
    return any(account.id == "ann" for account in told.world.accounts(name))


@pytest.mark.parametrize("order", ["account-first", "user-first"])
def test_either_may_come_first(order: str) -> None:
    told = Told()
    steps: list[Callable[[], object]] = [
        lambda: told.account("ann"),
        lambda: told.world.add_user("ann", " Ann@Example.org "),
    ]
    for step in steps if order == "account-first" else reversed(steps):
        step()
    told.document("d", grants=["ann"])
    assert told.readers("d") == {"ann"}


def test_an_address_that_is_not_verified_or_not_vouched_for_links_nothing() -> None:
    told = shared(grants=["ann"])
    told.account("ann")
    told.world.add_user("ann", "ann@example.org", verified=False)
    assert not linked(told)
    told.world.set_vouching("docs", False)
    told.world.change_address("ann", "ann@example.org", True)
    assert not linked(told)
    assert told.rule("ann", "d") == "P13"
    told.world.set_vouching("docs", True)
    told.scope("s", grants=["ann"])
    assert told.readers("d") == {"ann"}


def test_a_link_ends_with_its_reason() -> None:
    told = Told("ann")
    steps: list[Callable[[], object]] = [
        lambda: told.delete("principal", "ann"),
        lambda: told.account("ann", email="other@example.org"),
        lambda: told.account("ann", email=None),
        lambda: told.world.set_vouching("docs", False),
    ]
    for step in steps:
        assert linked(told)
        step()
        assert not linked(told)
        told.world.set_vouching("docs", True)
        told.account("ann")


def test_a_revoked_link_does_not_come_back_by_itself() -> None:
    told = Told("ann")
    assert told.world.revoke_link("docs", "ann", "ann")
    told.account("ann", email=None)
    told.account("ann")
    told.world.set_vouching("docs", False)
    told.world.set_vouching("docs", True)
    assert not linked(told)


def test_an_address_links_no_second_person_until_it_is_confirmed() -> None:
    told = Told("ann")
    told.world.change_address("ann", "ann@example.net", True)
    told.world.add_user("second", "ann@example.org")
    assert not linked(told, "second")
    told.world.confirm_address("ann@example.org", "second")
    assert linked(told, "second")


def test_several_accounts_of_one_source_are_one_person() -> None:
    told = shared("ann", grants=["ann-2"])
    told.account("ann-2", email="ann@example.org")
    assert told.readers("d") == {"ann"}

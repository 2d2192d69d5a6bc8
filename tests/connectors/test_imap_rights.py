"""Access lists of mailboxes as the lists of readers they come to."""

import pytest

from connectors.records import Access, Entry
from connectors.sources.imap_rights import Named, People, Readers, readers

ANN = "ann@example.org"


def people() -> People:
    return People([ANN, "bob"], groups={"sales": ["bob", "carol"], "staff": ["$sales", ANN]}, domain="example.org")


def read(*named: Named, seen: tuple[str, ...] = (ANN,)) -> Readers:
    return readers(named, seen, people(), owner=ANN)


def granted(access: Access) -> set[str]:
    return {entry.id for entry in access.grants}


def test_those_with_lookup_and_read_rights_read() -> None:
    said = read(("bob", "lrs"), ("carol", "r"), ("dave", "l"), ("erin", "lswi"))
    assert granted(said.access) == {f"user:{ANN}", "user:bob"}
    assert said.access.deny == ()
    assert not said.access.problem


def test_whose_own_sign_in_shows_it_reads_whatever_the_list_says() -> None:
    assert granted(read(seen=(ANN, "bob")).access) == {f"user:{ANN}", "user:bob"}


def test_anyone_and_authenticated_are_all_accounts_of_the_server_and_not_the_whole_organisation() -> None:
    assert granted(read(("anyone", "lr")).access) == granted(read(("authenticated", "lr")).access)
    assert granted(read(("anyone", "lr")).access) == {f"user:{ANN}", "*"}


@pytest.mark.parametrize("spelling", ["$sales", "group=sales", "group:sales"])
def test_a_group_is_named_in_several_ways(spelling: str) -> None:
    assert "group:sales" in granted(read((spelling, "lr")).access)


def test_a_group_nobody_described_lets_nobody_in_and_is_told() -> None:
    said = read(("$strangers", "lr"), ("bob", "lr"))
    assert granted(said.access) == {f"user:{ANN}", "user:bob"}
    assert said.unknown == {"strangers"}


def test_negative_rights_withhold() -> None:
    said = read(("anyone", "lr"), ("-bob", "r"), ("-carol", "w"))
    assert "*" in granted(said.access)
    assert said.access.deny == ("user:bob",)


def test_negative_rights_of_anyone_leave_those_alone_whose_sign_in_shows_it() -> None:
    said = read(("anyone", "lr"), ("bob", "lr"), ("-anyone", "r"))
    assert granted(said.access) == {f"user:{ANN}"}


def test_an_entry_without_the_right_withholds_it_from_a_person_whom_a_wider_one_lets_in() -> None:
    said = read(("anyone", "lr"), ("bob", "l"))
    assert said.access.deny == ("user:bob",)
    said = read(("$staff", "lr"), ("carol", ""))
    assert said.access.deny == ("user:carol",)


def test_an_entry_for_all_without_the_right_withholds_nothing_from_those_who_are_named() -> None:
    said = read(("anyone", "l"), ("bob", "lr"))
    assert "user:bob" in granted(said.access)
    assert said.access.deny == ()


def test_a_group_without_the_right_is_withheld_from_all_and_not_from_those_who_are_named() -> None:
    assert read(("anyone", "lr"), ("$sales", "")).access.deny == ("group:sales",)
    assert read(("bob", "lr"), ("$sales", "")).access.deny == ()


def test_what_is_withheld_from_a_group_nobody_described_leaves_only_those_whose_sign_in_shows_it() -> None:
    said = read(("anyone", "lr"), ("-$strangers", "r"), seen=(ANN, "bob"))
    assert granted(said.access) == {f"user:{ANN}", "user:bob"}
    assert "strangers" in said.unclear


@pytest.mark.parametrize("withholds", [("-ann", "lr"), ("ann", "")])
def test_what_is_withheld_from_a_name_that_may_be_an_account_leaves_only_those_whose_sign_in_shows_it(
    withholds: Named,
) -> None:
    """`ann` may be ann@example.org: without a domain nothing links the two, and the deny set would miss her."""
    named = [("anyone", "lr"), withholds]
    accounts = [ANN, "bob@example.org"]
    said = readers(named, ["bob@example.org"], People(accounts), owner=None)
    assert granted(said.access) == {"user:bob@example.org"}
    assert "'ann'" in said.unclear
    linked = readers(named, ["bob@example.org"], People(accounts, domain="example.org"), owner=None)
    assert "*" in granted(linked.access)
    assert linked.access.deny == ("user:ann",)


def test_a_rule_for_the_whole_server_comes_after_all_others() -> None:
    assert granted(read(("anyone", "lr"), ("bob", "lr"), ("#anyone", "l")).access) == {f"user:{ANN}"}
    assert read(("bob", "lr"), ("#bob", "")).access.deny == ("user:bob",)
    assert "user:bob" in granted(read(("anyone", "l"), ("#bob", "lr")).access)


@pytest.mark.parametrize("odd", ["", "!", "$", "!other", "#", "#!x", "group="])
def test_an_identifier_that_means_nobody_lets_nobody_in_and_may_withhold(odd: str) -> None:
    said = read((odd, "lr"), ("bob", "lr"))
    assert granted(said.access) == {f"user:{ANN}", "user:bob"}
    said = read((odd, "l"), ("bob", "lr"))
    assert granted(said.access) == {f"user:{ANN}"}
    assert said.unclear


def test_nobody_signs_in_as_anonymous() -> None:
    assert granted(read(("anonymous", "lr"), ("-anonymous", "lr")).access) == {f"user:{ANN}"}


def test_a_login_that_looks_like_a_reserved_word_is_a_person() -> None:
    assert {"user:everyone", "user:*"} <= granted(read(("everyone", "lr"), ("*", "lr")).access)


def test_accounts_have_addresses_by_what_the_settings_say_and_groups_have_their_members() -> None:
    known = People(["ann", "bob@b.example"], {"all": ["ann", "$some"]}, {"ann": "Ann.Weber@example.org"}, "example.org")
    readers([("carol", "lr")], ["ann"], known, owner="ann")
    records = {record.id: record for record in known.records()}
    assert records["user:ann"].email == "Ann.Weber@example.org"
    assert records["user:bob@b.example"].email == "bob@b.example"
    assert records["user:carol"].email == "carol@example.org"
    assert [records[id].external for id in ("user:ann", "user:carol")] == [False, True]
    assert records["group:all"].members == (Entry(id="user:ann"), Entry(id="group:some"))


def test_an_identifier_too_long_for_anybody_lets_nobody_in_and_may_withhold() -> None:
    long = "x" * 401
    assert read((ANN, "lr"), (long, "lr")).access.grants == read((ANN, "lr")).access.grants
    assert "nobody knows whom that means" in read(("anyone", "lr"), (f"-{long}", "lr")).unclear

"""Records sent as JSON say exactly what they say, or are refused."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors import wire
from connectors.records import (
    Access,
    AccessRecord,
    Deletion,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    ScopeRecord,
)
from connectors.strict_json import InvalidJSON
from connectors.wire import ReadersUnreadable, record_from_json, record_of


def refused(type_: str, data: object, id_: str = "x") -> str:
    with pytest.raises(InvalidJSON) as caught:
        record_from_json(type_, id_, data)
    return caught.value.code


def test_a_group_with_members_some_of_them_for_a_time() -> None:
    data = {"kind": "group", "name": "Staff", "members": ["ann", {"id": "bob", "until": "2026-12-31T00:00:00+01:00"}]}
    assert record_from_json("principal", "staff", data) == PrincipalRecord(
        id="staff",
        kind="group",
        name="Staff",
        members=(Entry(id="ann"), Entry(id="bob", until=datetime(2026, 12, 30, 23, tzinfo=UTC))),
    )


def test_an_account_is_external_unless_it_says_otherwise() -> None:
    assert record_from_json("principal", "ann", {"kind": "user"}) == PrincipalRecord(id="ann", kind="user")
    full = record_from_json("principal", "ann", {"kind": "user", "external": False, "email": "ann@example.com"})
    assert full == PrincipalRecord(id="ann", kind="user", external=False, email="ann@example.com")


def test_a_scope_inherits_unless_it_says_otherwise() -> None:
    assert record_from_json("scope", "hr", {"name": "HR"}) == ScopeRecord(id="hr", name="HR")
    data = {
        "name": "HR",
        "parent": "root",
        "inherits": False,
        "grants": ["everyone", "*"],
        "restrictions": [["legal"], []],
        "deny": ["contractors"],
        "revision": 7,
    }
    assert record_from_json("scope", "hr", data) == ScopeRecord(
        id="hr",
        name="HR",
        parent="root",
        access=Access(
            inherits=False,
            grants=(Entry(id="everyone"), Entry(id="*")),
            restrictions=(("legal",), ()),
            deny=("contractors",),
        ),
        revision=7,
    )


def test_a_document_with_everything() -> None:
    data = {
        "title": "Leave",
        "scope": "hr",
        "grants": ["ann"],
        "url": "https://example.com/leave",
        "mime": "text/markdown",
        "text": "# Leave",
        "author": "Ann",
        "created_at": "2026-01-01T00:00:00Z",
        "modified_at": "2026-01-02T00:00:00Z",
        "metadata": {"country": "Germany"},
        "revision": 0,
    }
    assert record_from_json("document", "a/b c", data) == DocumentRecord(
        id="a/b c",
        title="Leave",
        scope="hr",
        access=Access(grants=(Entry(id="ann"),)),
        url="https://example.com/leave",
        mime="text/markdown",
        text="# Leave",
        author="Ann",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        modified_at=datetime(2026, 1, 2, tzinfo=UTC),
        metadata={"country": "Germany"},
        revision=0,
    )


def test_a_document_may_bring_a_file() -> None:
    encoded = base64.b64encode(b"%PDF-").decode()
    record = record_from_json("document", "x", {"title": "T", "content_base64": encoded, "mime": "application/pdf"})
    assert record == DocumentRecord(id="x", title="T", content=b"%PDF-", mime="application/pdf")
    unnamed = record_from_json("document", "x", {"title": "T", "content_base64": encoded})
    assert isinstance(unnamed, DocumentRecord)
    assert unnamed.mime == ""


def test_a_document_that_brings_nothing_is_empty() -> None:
    expected = DocumentRecord(id="x", title="T", text="", mime="text/plain")
    assert record_from_json("document", "x", {"title": "T"}) == expected
    assert record_from_json("document", "x", {"title": "T", "text": None, "content_base64": None}) == expected


def test_an_access_record_names_the_place_of_its_kind() -> None:
    assert record_from_json("access", "x", {"kind": "document", "scope": "s", "inherits": False}) == AccessRecord(
        kind="document", id="x", place="s", access=Access(inherits=False)
    )
    assert record_from_json("access", "s", {"kind": "scope", "parent": "root", "deny": ["bob"]}) == AccessRecord(
        kind="scope", id="s", place="root", access=Access(deny=("bob",))
    )
    assert refused("access", {"kind": "document", "parent": "s"}) == "field_unknown"
    assert refused("access", {"kind": "scope", "scope": "s"}) == "field_unknown"
    assert refused("access", {"kind": "principal"}) == "field_invalid"


def test_an_access_record_may_name_the_version_its_rights_are_of() -> None:
    assert record_from_json("access", "x", {"kind": "document", "scope": "s", "version": "7"}) == AccessRecord(
        kind="document", id="x", place="s", version="7"
    )
    assert record_from_json("document", "x", {"title": "T", "version": "7"}) == DocumentRecord(
        id="x", title="T", text="", mime="text/plain", version="7"
    )
    assert refused("access", {"kind": "scope", "version": "7"}) == "field_unknown"
    with pytest.raises(ReadersUnreadable) as unreadable:
        record_from_json("access", "x", {"kind": "document", "scope": "s", "version": 7})
    assert (unreadable.value.kind, unreadable.value.id) == ("document", "x")


def test_a_list_under_a_reserved_id_is_never_sent_so_that_it_can_be_understood() -> None:
    with pytest.raises(ReadersUnreadable, match="is reserved, and what names it is hidden"):
        record_from_json("principal", "*", {"kind": "group", "members": "all"})


def test_a_deletion_names_what_it_ends() -> None:
    assert record_from_json("deletion", "x", {"kind": "document", "revision": 3}) == Deletion(
        kind="document", id="x", revision=3
    )
    assert refused("deletion", {}) == "field_missing"


def test_a_line_names_its_type_and_its_id() -> None:
    line = {"type": "principal", "id": "ann", "kind": "user"}
    assert record_of(line) == PrincipalRecord(id="ann", kind="user")
    assert line == {"type": "principal", "id": "ann", "kind": "user"}, "the caller's object is left alone"
    for broken in ({"id": "ann", "kind": "user"}, {"type": "principal", "kind": "user"}):
        with pytest.raises(InvalidJSON) as caught:
            record_of(broken)
        assert caught.value.code == "field_missing"
    broken_types: list[object] = ["user", 1, []]
    for broken_type in broken_types:
        with pytest.raises(InvalidJSON):
            record_of({**line, "type": broken_type})


@pytest.mark.parametrize("id_", ["everyone", "*"])
def test_nobody_ends_everyone(id_: str) -> None:
    assert refused("deletion", {"kind": "principal"}, id_) == "reserved_id"
    record_from_json("deletion", id_, {"kind": "document"})  # a document may be called that


@pytest.mark.parametrize("id_", ["", "a\x00b", "a\nb", "\x7f", "\ud800", "a\ufffdb", "a" * 1_001, "\U0001f600" * 626])
def test_an_id_is_printable_and_fits_an_index(id_: str) -> None:
    assert refused("document", {"title": "T"}, id_) == "field_invalid"
    assert refused("scope", {"name": "S", "parent": id_}) == "field_invalid"
    assert refused("scope", {"name": "S", "grants": [id_]}) == "field_invalid"
    assert refused("scope", {"name": "S", "grants": [{"id": id_}]}) == "field_invalid"
    assert refused("scope", {"name": "S", "restrictions": [[id_]]}) == "field_invalid"
    assert refused("principal", {"kind": "group", "members": [id_]}) == "field_invalid"


@pytest.mark.parametrize("id_", ["a/b", " a ", "Ann", "ä", "a\u0308", "%2F", "..", "a" * 1_000, "\U0001f600" * 625])
def test_an_id_is_kept_exactly(id_: str) -> None:
    assert record_from_json("document", id_, {"title": "T"}).id == id_


@pytest.mark.parametrize("list_", [{"deny": [{"id": "a"}]}, {"restrictions": [[{"id": "a"}]]}])
def test_restrictions_and_deny_sets_never_end(list_: dict[str, Any]) -> None:
    assert refused("scope", {"name": "S", **list_}) == "field_invalid"
    entry = {"id": "a", "until": "2026-12-31T00:00:00Z"}
    ending = {"deny": [entry]} if "deny" in list_ else {"restrictions": [[entry]]}
    with pytest.raises(InvalidJSON, match="never ends"):
        record_from_json("scope", "s", {"name": "S", **ending})


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("principal", {"kind": "robot"}),
        ("principal", {"kind": "user", "members": ["a"]}),
        ("principal", {"kind": "group", "members": "a"}),
        ("principal", {"kind": "group", "members": [["a"]]}),
        ("principal", {"kind": "group", "members": [{"id": "a", "until": "tomorrow"}]}),
        ("principal", {"kind": "group", "members": [{"until": "2026-12-31T00:00:00Z"}]}),
        ("principal", {"kind": "user", "external": "no"}),
        ("scope", {"name": 1}),
        ("scope", {"name": "S", "parent": ""}),
        ("scope", {"name": "S", "inherits": 0}),
        ("scope", {"name": "S", "restrictions": ["a"]}),
        ("scope", {"name": "S", "deny": [1]}),
        ("scope", {"name": "S", "revision": -1}),
        ("scope", {"name": "S", "revision": 1.5}),
        ("document", {"title": "T", "text": "a", "content_base64": "YQ=="}),
        ("document", {"title": "T", "content_base64": "not base64"}),
        ("document", {"title": "T", "content_base64": "YQ"}),
        ("document", {"title": "T", "content_base64": "é"}),
        ("document", {"title": "T", "url": "javascript:alert(1)"}),
        ("document", {"title": "T", "metadata": []}),
        ("document", {"title": "T", "modified_at": "2026-01-01T00:00:00"}),
        ("document", []),
    ],
)
def test_what_means_nothing_is_refused(type_: str, data: object) -> None:
    assert refused(type_, data) == "field_invalid"


@pytest.mark.parametrize(
    ("type_", "data"), [("principal", {}), ("scope", {}), ("document", {"title": None}), ("access", {})]
)
def test_what_a_record_cannot_do_without_is_asked_for(type_: str, data: object) -> None:
    assert refused(type_, data) == "field_missing"


@pytest.mark.parametrize("type_", ["principal", "scope", "document", "deletion"])
def test_a_misspelt_field_is_not_overlooked(type_: str) -> None:
    assert refused(type_, {"grant": ["everyone"]}) == "field_unknown"


def test_a_file_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_CONTENT", 10)
    assert record_from_json("document", "x", {"title": "T", "content_base64": base64.b64encode(b"a" * 10).decode()})
    for size in (11, 1_000):
        encoded = base64.b64encode(b"a" * size).decode()
        assert refused("document", {"title": "T", "content_base64": encoded}) == "too_large"

"""JSON that could be read in two ways, or not be stored, is refused."""

from datetime import UTC, datetime
from functools import partial

import pytest

from connectors.strict_json import MAX_DEPTH, Fields, InvalidJSON, loads


def refusal(raw: bytes) -> str:
    with pytest.raises(InvalidJSON) as caught:
        loads(raw)
    assert caught.value.code == "json_invalid"
    return caught.value.message


def test_json_comes_back_as_it_was_sent() -> None:
    assert loads('{"a": [1, 2.5, null, true, "é"]}'.encode()) == {"a": [1, 2.5, None, True, "é"]}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1} {"b": 2}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": "\xff"}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5_000 + b"}",
        rb'{"a": "\u0000"}',
        rb'{"a\u0000": 1}',
        rb'{"a": "\ud800"}',
    ],
)
def test_what_is_ambiguous_or_cannot_be_stored_is_refused(raw: bytes) -> None:
    assert refusal(raw)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 10_000, 200_000])
def test_what_is_nested_too_deep_is_refused(depth: int) -> None:
    assert "deep" in refusal(b"[" * depth + b"]" * depth)
    assert "deep" in refusal(b'{"a":' * depth + b"1" + b"}" * depth)


def test_what_is_nested_as_deep_as_allowed_is_read() -> None:
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_a_surrogate_pair_is_one_character() -> None:
    assert loads(rb'"\ud83d\ude00"') == "\U0001f600"


def code(read: object, name: str, value: object, **options: object) -> str:
    fields = Fields({name: value}, [name])
    with pytest.raises(InvalidJSON) as caught:
        getattr(fields, str(read))(name, **options)
    return caught.value.code


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("text", 1),
        ("text", ["a"]),
        ("required_text", False),
        ("integer", "1"),
        ("integer", True),
        ("integer", 1.0),
        ("integer", -1),
        ("integer", 2**63),
        ("items", {}),
        ("items", "ab"),
        ("object", []),
        ("time", 1767225600),
        ("time", "2026-01-01"),
        ("time", "2026-01-01T00:00:00"),
        ("time", "20260101T000000Z"),
        ("time", "2026-13-01T00:00:00Z"),
        ("time", "0001-01-01T00:00:00+14:00"),
        ("time", "٢٠٢٦-01-01T00:00:00Z"),
    ],
)
def test_a_value_of_another_type_is_refused(read: str, value: object) -> None:
    assert code(read, "field", value) == "field_invalid"


@pytest.mark.parametrize("value", ["true", 1, 0, []])
def test_only_true_and_false_are_flags(value: object) -> None:
    assert code("flag", "field", value, absent=True) == "field_invalid"


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(InvalidJSON, match="'grant'") as caught:
        Fields({"grants": [], "grant": []}, ["grants"])
    assert caught.value.code == "field_unknown"


@pytest.mark.parametrize("value", [[], "a", None, 1])
def test_what_is_no_object_has_no_fields(value: object) -> None:
    with pytest.raises(InvalidJSON):
        Fields(value, [])


def test_null_and_absent_are_both_empty() -> None:
    names = ["text", "flag", "integer", "items", "object", "time", "choice"]
    empty: list[dict[str, object]] = [{}, dict.fromkeys(names)]
    for value in empty:
        fields = Fields(value, names)
        assert fields.text("text") == ""
        assert fields.optional_text("text") is None
        assert fields.flag("flag", absent=True) is True
        assert fields.integer("integer") is None
        assert fields.items("items") == []
        assert fields.object("object") == {}
        assert fields.time("time") is None
        assert fields.choice("choice", ["a", "b"], absent="b") == "b"


@pytest.mark.parametrize("value", [{}, {"kind": None}])
def test_a_required_field_is_neither_null_nor_absent(value: dict[str, object]) -> None:
    fields = Fields(value, ["kind"])
    for read in (fields.required_text, partial(fields.choice, choices=["a"])):
        with pytest.raises(InvalidJSON) as caught:
            read("kind")
        assert caught.value.code == "field_missing"


def test_a_choice_is_exact() -> None:
    assert Fields({"kind": "a"}, ["kind"]).choice("kind", ["a", "b"]) == "a"
    assert code("choice", "kind", "A", choices=["a"]) == "field_invalid"


def test_a_text_has_an_end() -> None:
    assert Fields({"name": "abc"}, ["name"]).text("name", most=3) == "abc"
    assert code("text", "name", "abcd", most=3) == "field_invalid"


def test_times_are_told_in_utc() -> None:
    fields = Fields({"at": "2026-01-31t09:00:00.5+01:00"}, ["at"])
    assert fields.time("at") == datetime(2026, 1, 31, 8, 0, 0, 500_000, UTC)

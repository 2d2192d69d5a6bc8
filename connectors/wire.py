"""Records as JSON (contract part 4): what a program pushes, and what an in-house system answers with."""

import base64
import binascii
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, cast

from connectors.records import (
    RESERVED_IDS,
    Access,
    AccessRecord,
    Deletion,
    DocumentRecord,
    Entry,
    Kind,
    PrincipalRecord,
    ScopeRecord,
)
from connectors.strict_json import Fields, InvalidJSON, invalid, is_storable

MAX_ID_CHARACTERS = 1_000
MAX_ID_BYTES = 2_500  # what an index of the database holds
MAX_NAME = 1_000
MAX_URL = 4_000
MAX_CONTENT = 50 * 1024 * 1024
REPLACEMENT = "\ufffd"  # what is left of bytes that were not UTF-8: the id that was meant is lost
WEB = ("http://", "https://")

HEAD_FIELDS = ("type", "id")
ACCESS_FIELDS = ("inherits", "grants", "restrictions", "deny")
PRINCIPAL_FIELDS = ("kind", "email", "name", "members", "external", "revision")
SCOPE_FIELDS = ("name", "parent", *ACCESS_FIELDS, "revision")
DOCUMENT_FIELDS = (
    *("title", "scope", *ACCESS_FIELDS, "url", "mime", "text", "content_base64"),
    *("author", "created_at", "modified_at", "metadata", "version", "revision"),
)
DELETION_FIELDS = ("kind", "revision")
READERS_FIELDS = (*ACCESS_FIELDS, "members", "scope", "parent", "version")

USER_OR_GROUP: Sequence[Literal["user", "group"]] = ("user", "group")
DOCUMENT_OR_SCOPE: Sequence[Literal["document", "scope"]] = ("document", "scope")
ANY_KIND: Sequence[Literal["principal", "scope", "document"]] = ("principal", "scope", "document")

WireRecord = PrincipalRecord | ScopeRecord | DocumentRecord | AccessRecord | Deletion


class ReadersUnreadable(InvalidJSON):
    """Who may read something, or who is in a group, was sent and cannot be understood (P4)."""

    def __init__(self, error: InvalidJSON, kind: Kind, id_: str) -> None:
        until = "is named by nobody's list" if kind == "principal" else "may be read by nobody"
        then = f"Until a list that can be understood is sent, {id_!r} {until}."
        if kind == "principal" and id_ in RESERVED_IDS:
            then = f"The id {id_!r} is reserved, and what names it is hidden."
        super().__init__(error.code, f"{error.message} {then}")
        self.kind = kind
        self.id = id_


def record_of(value: object) -> WireRecord:
    """The record one JSON object with a `type` and an `id` stands for. Raises InvalidJSON."""
    if not isinstance(value, dict):
        raise InvalidJSON("field_invalid", "A record is an object.")
    data = dict(value)
    head = Fields({name: data.pop(name, None) for name in HEAD_FIELDS}, HEAD_FIELDS)
    return record_from_json(head.choice("type", tuple(READERS)), head.required_text("id"), data)


def record_from_json(type_: str, id_: str, data: object) -> WireRecord:
    """The record of this type and id with the fields of `data`. Raises InvalidJSON."""
    id_ = checked_id(id_, "id")
    try:
        return READERS[type_](id_, data)
    except InvalidJSON as error:
        kind = _kind_whose_readers_are_unreadable(type_, data)
        raise ReadersUnreadable(error, kind, id_) if kind else error from None


def _kind_whose_readers_are_unreadable(type_: str, data: object) -> Kind | None:
    """What the record is about, if its lists, its place or its members are what cannot be understood."""
    if not isinstance(data, dict):
        return None
    kind = data.get("kind") if type_ == "access" else type_
    if kind not in ANY_KIND or type_ == "deletion":
        return None
    fields = Fields({name: data.get(name) for name in READERS_FIELDS}, READERS_FIELDS)
    try:
        if kind == "principal":
            _entries(fields, "members")
        else:
            _access(fields)
            _optional_id(fields, "scope" if kind == "document" else "parent")
            if type_ == "access":
                _version(fields)  # of which the rights are
    except InvalidJSON:
        return cast(Kind, kind)
    return None


def checked_id(value: object, field: str) -> str:
    """`value` if it can be an id: exact, printable, and short enough for an index."""
    if not isinstance(value, str) or not value:
        raise invalid(field, "must be a string that is not empty")
    if len(value) > MAX_ID_CHARACTERS:
        raise invalid(field, f"must have at most {MAX_ID_CHARACTERS:,} characters")
    if not is_storable(value) or REPLACEMENT in value or any(unicodedata.category(each) == "Cc" for each in value):
        raise invalid(field, "must be UTF-8 without control characters")
    if len(value.encode()) > MAX_ID_BYTES:
        raise invalid(field, f"must have at most {MAX_ID_BYTES:,} bytes")
    return value


def _principal(id_: str, data: object) -> PrincipalRecord:
    fields = Fields(data, PRINCIPAL_FIELDS)
    kind = fields.choice("kind", USER_OR_GROUP)
    members = _entries(fields, "members")
    if kind == "user" and members:
        raise invalid("members", "belongs to groups; a user has none")
    return PrincipalRecord(
        id=id_,
        kind=kind,
        name=fields.text("name", most=MAX_NAME),
        email=fields.optional_text("email", most=MAX_NAME),
        members=members,
        external=fields.flag("external", absent=True),
        revision=fields.integer("revision"),
    )


def _scope(id_: str, data: object) -> ScopeRecord:
    fields = Fields(data, SCOPE_FIELDS)
    return ScopeRecord(
        id=id_,
        name=fields.required_text("name", most=MAX_NAME),
        parent=_optional_id(fields, "parent"),
        access=_access(fields),
        revision=fields.integer("revision"),
    )


def _document(id_: str, data: object) -> DocumentRecord:
    fields = Fields(data, DOCUMENT_FIELDS)
    text, content = fields.optional_text("text"), _content(fields)
    if text is not None and content is not None:
        raise invalid("content_base64", "and 'text' exclude each other")
    return DocumentRecord(
        id=id_,
        title=fields.required_text("title", most=MAX_NAME),
        scope=_optional_id(fields, "scope"),
        access=_access(fields),
        url=_url(fields),
        mime=fields.text("mime", most=MAX_NAME) or ("text/plain" if content is None else ""),
        text=text if content is not None else text or "",
        content=content,
        author=fields.text("author", most=MAX_NAME),
        created_at=fields.time("created_at"),
        modified_at=fields.time("modified_at"),
        metadata=fields.object("metadata"),
        version=_version(fields),
        revision=fields.integer("revision"),
    )


def _access_record(id_: str, data: object) -> AccessRecord:
    fields = Fields(data, ("kind", "scope", "parent", *ACCESS_FIELDS, "version", "revision"))
    kind = fields.choice("kind", DOCUMENT_OR_SCOPE)
    place = "scope" if kind == "document" else "parent"
    fields = Fields(data, ("kind", place, *ACCESS_FIELDS, *(["version"] if kind == "document" else []), "revision"))
    return AccessRecord(
        kind=kind,
        id=id_,
        place=_optional_id(fields, place),
        access=_access(fields),
        version=_version(fields) if kind == "document" else None,
        revision=fields.integer("revision"),
    )


def _deletion(id_: str, data: object) -> Deletion:
    fields = Fields(data, DELETION_FIELDS)
    kind = fields.choice("kind", ANY_KIND)
    if kind == "principal" and id_ in RESERVED_IDS:
        raise InvalidJSON("reserved_id", f"The id {id_!r} is reserved: a source cannot end it.")
    return Deletion(kind=kind, id=id_, revision=fields.integer("revision"))


READERS: Mapping[str, Callable[[str, object], WireRecord]] = {
    "principal": _principal,
    "scope": _scope,
    "document": _document,
    "access": _access_record,
    "deletion": _deletion,
}


def _access(fields: Fields) -> Access:
    return Access(
        inherits=fields.flag("inherits", absent=True),
        grants=_entries(fields, "grants"),
        restrictions=tuple(_restriction(each) for each in fields.items("restrictions")),
        deny=tuple(_lasting_id(each, "deny") for each in fields.items("deny")),
    )


def _restriction(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise invalid("restrictions", "must be a list of lists of ids")
    return tuple(_lasting_id(each, "restrictions") for each in value)


def _lasting_id(value: object, field: str) -> str:
    if isinstance(value, dict) and "until" in value:
        raise invalid(field, "never ends by itself: an entry of it has no 'until'")
    return checked_id(value, field)


def _entries(fields: Fields, name: str) -> tuple[Entry, ...]:
    return tuple(_entry(each, name) for each in fields.items(name))


def _entry(value: object, field: str) -> Entry:
    if not isinstance(value, dict):
        return Entry(id=checked_id(value, field))
    entry = Fields(value, ("id", "until"))
    return Entry(id=checked_id(entry.get("id"), field), until=entry.time("until"))


def _version(fields: Fields) -> str | None:
    return fields.optional_text("version", most=MAX_NAME)


def _optional_id(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else checked_id(value, name)


def _url(fields: Fields) -> str:
    """Links reach people's browsers: only the web's own schemes."""
    url = fields.text("url", most=MAX_URL)
    if url and not url.lower().startswith(WEB):
        raise invalid("url", "must begin with http:// or https://")
    return url


def _content(fields: Fields) -> bytes | None:
    encoded = fields.optional_text("content_base64")
    if encoded is None:
        return None
    if len(encoded) // 4 * 3 > MAX_CONTENT + 3:
        raise _too_large()
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("content_base64", "must be base64") from None
    if len(content) > MAX_CONTENT:
        raise _too_large()
    return content


def _too_large() -> InvalidJSON:
    return InvalidJSON("too_large", f"A file has at most {MAX_CONTENT // 1024 // 1024} MB.")

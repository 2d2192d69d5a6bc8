"""What `people.yaml` and `.access.yaml` say: people and groups, and who reads a folder and its files."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from yaml.nodes import Node, ScalarNode

from connectors.records import RESERVED_IDS, Access, Entry, PrincipalRecord
from connectors.sources.strict_yaml import InvalidYaml, Value, boolean, compose, items, line_of, mapping, string, value

PEOPLE_KEYS = frozenset({"people", "groups"})
PERSON_KEYS = frozenset({"name", "email", "external"})
GROUP_KEYS = frozenset({"name", "members"})
ENTRY_KEYS = frozenset({"id", "until"})
RULE_KEYS = frozenset({"grants", "restrictions", "deny", "inherits", "metadata"})
FOLDER_KEYS = RULE_KEYS | {"files"}

Metadata = Mapping[str, Value | list[Value]]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a folder or a named file says of itself; `line` is where."""

    access: Access = field(default_factory=Access)
    metadata: Metadata = field(default_factory=dict)
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class FolderRules:
    """One `.access.yaml`: the folder's own rules and those of files in it, by name (see `file_key`)."""

    own: Rules = field(default_factory=Rules)
    files: Mapping[str, Rules] = field(default_factory=dict)


def file_key(name: str) -> str:
    """One spelling for a file name: a Mac decomposes "ä", an editor writes it as one character."""
    return unicodedata.normalize("NFC", name)


def read_people(content: bytes) -> list[PrincipalRecord]:
    """The people and groups of a `people.yaml`. Raises InvalidYaml."""
    parts = mapping(compose(content), "people.yaml", PEOPLE_KEYS)
    people = mapping(parts["people"], "people") if "people" in parts else {}
    groups = mapping(parts["groups"], "groups") if "groups" in parts else {}
    for name, node in [*people.items(), *groups.items()]:
        if name in RESERVED_IDS:
            raise InvalidYaml(f"'{name}' is reserved and cannot be introduced", line_of(node))
    for name in people.keys() & groups.keys():
        raise InvalidYaml(f"'{name}' is both a person and a group", line_of(groups[name]))
    return [*(person(*pair) for pair in people.items()), *(group(*pair) for pair in groups.items())]


def person(identity: str, node: Node) -> PrincipalRecord:
    parts = mapping(node, f"'{identity}'", PERSON_KEYS)
    return PrincipalRecord(
        id=identity,
        kind="user",
        name=given(parts, "name", string, identity),
        email=given(parts, "email", string, None),
        external=given(parts, "external", boolean, False),
    )


def group(identity: str, node: Node) -> PrincipalRecord:
    parts = mapping(node, f"'{identity}'", GROUP_KEYS)
    return PrincipalRecord(
        id=identity,
        kind="group",
        name=given(parts, "name", string, identity),
        members=given(parts, "members", entries, ()),
    )


def read_access(content: bytes, *, may_detach: bool) -> FolderRules:
    """The rules of an `.access.yaml`. Raises InvalidYaml, also for a detachment that is not allowed."""
    node = compose(content)
    parts = mapping(node, ".access.yaml", FOLDER_KEYS)
    own = rules(node, parts, may_detach)
    files: dict[str, Rules] = {}
    for name, below in mapping(parts["files"], "files").items() if "files" in parts else ():
        if file_key(name) in files:
            raise InvalidYaml(f"'{name}' is there twice", line_of(below))
        files[file_key(name)] = rules(below, mapping(below, f"'{name}'", RULE_KEYS), may_detach)
    return FolderRules(own=own, files=files)


def rules(node: Node, parts: Mapping[str, Node], may_detach: bool) -> Rules:
    inherits = given(parts, "inherits", boolean, True)
    if not inherits and not may_detach:
        raise InvalidYaml(
            "'inherits: false' below the root counts only if the source's setting allow_detached is 'true'",
            line_of(parts["inherits"]),
        )
    access = Access(
        inherits=inherits,
        grants=given(parts, "grants", entries, ()),
        restrictions=given(parts, "restrictions", restrictions, ()),
        deny=given(parts, "deny", ids, ()),
    )
    return Rules(access=access, metadata=given(parts, "metadata", metadata, {}), line=line_of(node))


def given(parts: Mapping[str, Node], name: str, read: Callable[[Node, str], T], default: T) -> T:
    return read(parts[name], f"'{name}'") if name in parts else default


def entries(node: Node, what: str) -> tuple[Entry, ...]:
    return tuple(entry(item, f"an entry of {what}") for item in items(node, what))


def entry(node: Node, what: str) -> Entry:
    if isinstance(node, ScalarNode):
        return Entry(id=string(node, what))
    parts = mapping(node, what, ENTRY_KEYS)
    if "id" not in parts:
        raise InvalidYaml(f"{what} has no id", line_of(node))
    return Entry(id=string(parts["id"], "'id'"), until=given(parts, "until", moment, None))


def moment(node: Node, what: str) -> datetime:
    """RFC 3339 with an offset, for a time without one is a guess (P17)."""
    try:
        time = datetime.fromisoformat(node.value)
        if time.tzinfo is None:
            raise ValueError("no offset")
        return time.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise InvalidYaml(f"{what} is not a time like 2026-12-31T00:00:00+00:00", line_of(node)) from None


def restrictions(node: Node, what: str) -> tuple[tuple[str, ...], ...]:
    return tuple(ids(item, f"each of {what}") for item in items(node, what))


def ids(node: Node, what: str) -> tuple[str, ...]:
    return tuple(endless(items(node, what), what))


def endless(nodes: Iterator[Node], what: str) -> Iterator[str]:
    """Restrictions and deny sets never end by themselves (P17)."""
    for node in nodes:
        if not isinstance(node, ScalarNode):
            raise InvalidYaml(f"{what} holds ids alone; only grants and members can end", line_of(node))
        yield string(node, f"an entry of {what}")


def metadata(node: Node, what: str) -> Metadata:
    return {
        name: [value(item, f"'{name}'") for item in items(below, f"'{name}'")]
        if not isinstance(below, ScalarNode)
        else value(below, f"'{name}'")
        for name, below in mapping(node, what).items()
    }

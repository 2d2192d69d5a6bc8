"""YAML that people write, read strictly: plain values only, and every mistake told with its line."""

import math
import unicodedata
from collections.abc import Iterator

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_TEXT = 1000  # bytes of a name or id
MAX_DEPTH = 12  # brackets within brackets; the C composer overflows its stack on some thousands
STRING, BOOLEAN, NOTHING = "tag:yaml.org,2002:str", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"
NUMBERS = {"tag:yaml.org,2002:int": int, "tag:yaml.org,2002:float": float}
TIMESTAMP = "tag:yaml.org,2002:timestamp"
TRUE = frozenset({"true", "yes", "on"})

Value = str | int | float | bool | None
# The C parser is some ten times faster and part of every wheel; a build without it has the same results.
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class InvalidYaml(Exception):
    """What is wrong, with the line it is in where that is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")


def compose(content: bytes) -> Node:
    """The one document in `content`, unjudged but for its form. Raises InvalidYaml."""
    try:
        text = content.decode("utf-8-sig")
        refuse_anchors_and_depth(text)
        node = yaml.compose(text, Loader=Loader)
    except UnicodeDecodeError as error:
        raise InvalidYaml("this is not UTF-8 text", content.count(b"\n", 0, error.start) + 1) from None
    except yaml.MarkedYAMLError as error:
        raise InvalidYaml(f"this is not YAML ({error.problem})", marked_line(error)) from None
    except yaml.YAMLError:
        raise InvalidYaml("this is not YAML (it holds control characters)") from None
    if node is None:
        raise InvalidYaml("the file is empty; delete it if it is to say nothing")
    return node


def marked_line(error: yaml.MarkedYAMLError) -> int | None:
    return error.problem_mark.line + 1 if error.problem_mark else None


def refuse_anchors_and_depth(text: str) -> None:
    """Before composing: an alias can stand for a billion nodes, a thousand brackets for a crash."""
    depth = 0
    for event in yaml.parse(text, Loader=Loader):
        if getattr(event, "anchor", None):
            raise InvalidYaml("anchors and aliases (& and *) are not read; write the value out", line_of(event))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise InvalidYaml("this is nested too deeply", line_of(event))


def line_of(part: Node | yaml.Event) -> int | None:
    return part.start_mark.line + 1 if part.start_mark else None


def mapping(node: Node, what: str, keys: frozenset[str] | None = None) -> dict[str, Node]:
    """The pairs of a mapping, each key once and, where `keys` is given, one of those."""
    if not isinstance(node, MappingNode):
        raise InvalidYaml(f"{what} is not a list of 'name: value' pairs", line_of(node))
    pairs: dict[str, Node] = {}
    for key_node, value in node.value:
        key = string(key_node, f"a name in {what}")
        if key in pairs:
            raise InvalidYaml(f"'{key}' is there twice", line_of(key_node))
        if keys is not None and key not in keys:
            raise InvalidYaml(f"'{key}' means nothing in {what}; known: {', '.join(sorted(keys))}", line_of(key_node))
        pairs[key] = value
    return pairs


def items(node: Node, what: str) -> Iterator[Node]:
    if not isinstance(node, SequenceNode):
        raise InvalidYaml(f"{what} is not a list like [a, b]", line_of(node))
    yield from node.value


def string(node: Node, what: str) -> str:
    """A text that was meant as one: a bare number, date, yes or no is refused, for ids are exact (P13)."""
    if not isinstance(node, ScalarNode) or node.tag != STRING:
        shown = f": put {node.value!r} in quotes" if isinstance(node, ScalarNode) and node.value else ""
        raise InvalidYaml(f"{what} is not a text{shown}", line_of(node))
    text = str(node.value)
    if not text.strip() or not is_clean(text):
        raise InvalidYaml(f"{what} is empty or holds control characters", line_of(node))
    if len(text.encode()) > MAX_TEXT:
        raise InvalidYaml(f"{what} is longer than {MAX_TEXT} bytes", line_of(node))
    return text


def is_clean(text: str) -> bool:
    """Free of control characters, line breaks and halves of surrogate pairs."""
    return not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text)


def boolean(node: Node, what: str) -> bool:
    if not isinstance(node, ScalarNode) or node.tag != BOOLEAN:
        raise InvalidYaml(f"{what} is neither true nor false", line_of(node))
    return node.value.lower() in TRUE


def value(node: Node, what: str) -> Value:
    """A text, number, yes or no, or nothing; a date stays the text it was written as."""
    if not isinstance(node, ScalarNode) or node.tag not in {STRING, BOOLEAN, NOTHING, TIMESTAMP, *NUMBERS}:
        raise InvalidYaml(f"{what} is not a text, number, date, true or false", line_of(node))
    if node.tag == NOTHING:
        return None
    if node.tag == BOOLEAN:
        return boolean(node, what)
    if node.tag in NUMBERS:
        return number(node.value, NUMBERS[node.tag])
    if not is_clean(node.value):
        raise InvalidYaml(f"{what} holds control characters", line_of(node))
    return str(node.value)


def number(text: str, kind: type[int] | type[float]) -> int | float | str:
    """What `text` says in plain decimals; 1:30, 0x1F, 007 and .inf stay texts."""
    try:
        result = kind(text)
    except ValueError:
        return text
    plain = str(result) == text if isinstance(result, int) else math.isfinite(result)
    return result if plain else text

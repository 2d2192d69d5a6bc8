"""Confluence's storage format (XML with macros) as HTML for the parser: what is written on the page itself.

Nothing is fetched and no macro is run. What a macro would bring from elsewhere (`include`, `excerpt-include`,
`children`, `jira` and the like) has rights of its own and is left out; its own body is kept, unless the macro hides it.
https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from html.entities import name2codepoint
from typing import ClassVar, cast
from xml.parsers import expat

DEEPEST = 150
MOST = 10_000_000  # characters
KEPT_TAGS = """
    p h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table caption tbody thead tfoot tr td th strong b em i u s del ins sub sup
    small big code pre blockquote br hr div span
"""
KEPT = frozenset(KEPT_TAGS.split())
EMPTY = frozenset({"br", "hr"})
DROPPED_TAGS = """
    script style ac:parameter ac:placeholder ac:adf-attribute ac:adf-fallback ac:adf-mark ac:task-id ac:task-uuid
    ac:task-status ac:default-parameter
"""
DROPPED = frozenset(DROPPED_TAGS.split())
DROPPED_MACRO_NAMES = """
    include excerpt-include include-page multiexcerpt-include multiexcerpt-include-macro html html-include
    html-wrap css style javascript iframe widget gadget rss anchor toc
"""
DROPPED_MACROS = frozenset(DROPPED_MACRO_NAMES.split())
# Macros of this kind show their body to some readers only. Who they are is not among the rights a site tells.
HIDING_MACRO = re.compile(r"show-?if|hide-?if|visib|secur|secret|restrict|permission|confidential|private|passw|crypt")
UNSENDABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
ENTITIES = "".join(
    f'<!ENTITY {name} "&#{code};">' for name, code in name2codepoint.items() if name not in ("amp", "lt", "gt", "quot")
)


class Unreadable(Exception):
    """This is no storage format."""


@dataclass
class Element:
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    def below(self, name: str) -> "Element | None":
        """The first child of this name."""
        return next((child for child in self.children if isinstance(child, Element) and child.name == name), None)

    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)

    def parameter(self, name: str) -> str:
        """What a macro is told by this name."""
        for child in self.children:
            if isinstance(child, Element) and child.name == "ac:parameter" and child.attributes.get("ac:name") == name:
                return " ".join(child.text().split())
        return ""


@dataclass(frozen=True)
class Comment:
    """What somebody wrote about a page. `about`: the words of the page it is about; `depth`: of a reply."""

    author: str
    date: str
    storage: str
    about: str = ""
    depth: int = 0


def page(title: str, storage: str, comments: list[Comment], names: Mapping[str, str]) -> bytes:
    """One HTML document: the page, then what was said about it. Raises Unreadable."""
    body = fragment(storage, names)
    said = "".join(_comment(comment, names) for comment in comments)
    talk = f"<h2>Comments</h2>{said}" if said else ""
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>'
    return f"<!doctype html><html>{head}<body>{body}{talk}</body></html>".encode("utf-8", "replace")


def _comment(comment: Comment, names: Mapping[str, str]) -> str:
    who = ", ".join(filter(None, [comment.author, comment.date])) or "Somebody"
    reply = " in reply" if comment.depth else ""
    about = f" on “{escape(comment.about)}”" if comment.about else ""
    try:
        body = fragment(comment.storage, names)
    except Unreadable:
        return ""
    return f"<div><p><strong>{escape(who)}</strong>{reply}{about}:</p>{body}</div>"


def fragment(storage: str, names: Mapping[str, str]) -> str:
    """HTML of one body. `names` of accounts, for mentions. Raises Unreadable."""
    return Rendering(names).children(_parsed(storage))


def _parsed(storage: str) -> Element:
    """The elements of a body. The only entities are those of HTML, each one character: nothing expands."""
    if len(storage) > MOST:
        raise Unreadable
    root = Element("")
    open_elements = [root]

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if len(open_elements) > DEEPEST:
            raise Unreadable
        element = Element(name, attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: open_elements.pop()
    parser.CharacterDataHandler = lambda data: open_elements[-1].children.append(data)
    try:
        parser.Parse(f"<!DOCTYPE body [{ENTITIES}]><body>{UNSENDABLE.sub('', storage)}</body>", True)
    except expat.ExpatError as error:
        raise Unreadable from error
    return cast(Element, root.children[0])


@dataclass
class Rendering:
    """Elements become HTML; of those that are no HTML, what `_special` or a macro says."""

    names: Mapping[str, str]

    def children(self, element: Element) -> str:
        return "".join(map(self.one, element.children))

    def one(self, found: Element | str) -> str:
        if isinstance(found, str):
            return escape(found, quote=False)
        name = found.name
        if name in DROPPED or name.startswith("ri:"):
            return ""
        if name in EMPTY:
            return f"<{name}>"
        if name in KEPT:
            return f"<{name}>{self.children(found)}</{name}>"
        special = self._special.get(name)
        return special(self, found) if special is not None else f"<div>{self.children(found)}</div>"

    def _inline(self, element: Element) -> str:
        return self.children(element)

    def _anchor(self, element: Element) -> str:
        target = element.attributes.get("href", "")
        inside = self.children(element)
        return f'<a href="{escape(target)}">{inside}</a>' if target.startswith(("https://", "http://")) else inside

    def _picture(self, element: Element) -> str:
        words = element.attributes.get("ac:alt") or element.attributes.get("alt") or ""
        return f" {escape(words)} {self.children(element)}"

    def _time(self, element: Element) -> str:
        return escape(element.attributes.get("datetime", "")) + self.children(element)

    def _emoji(self, element: Element) -> str:
        return escape(element.attributes.get("ac:emoji-fallback", ""))

    def _link(self, element: Element) -> str:
        for kind in ("ac:link-body", "ac:plain-text-link-body"):
            body = element.below(kind)
            if body is not None:
                return self.children(body)
        return escape(" ".join(filter(None, map(self._target, element.children))))

    def _target(self, found: Element | str) -> str:
        """A link without words of its own is shown by the name of what it leads to, as it stands in the page."""
        if isinstance(found, str):
            return ""
        if found.name == "ri:user":
            name = self.names.get(found.attributes.get("ri:account-id", ""), "")
            return f"@{name}" if name else ""
        titled = ("ri:content-title", "ri:filename", "ri:space-key")
        return next((found.attributes[key] for key in titled if key in found.attributes), "")

    def _tasks(self, element: Element) -> str:
        return f"<ul>{self.children(element)}</ul>"

    def _task(self, element: Element) -> str:
        status, body = element.below("ac:task-status"), element.below("ac:task-body")
        mark = "[x]" if status is not None and status.text().strip() == "complete" else "[ ]"
        return f"<li>{mark} {self.children(body) if body is not None else ''}</li>"

    def _macro(self, element: Element) -> str:
        name = element.attributes.get("ac:name", "").strip().lower()
        if name in DROPPED_MACROS or HIDING_MACRO.search(name) or element.parameter("hidden") == "true":
            return ""
        if name == "status":
            return f"<span>{escape(element.parameter('title'))}</span>"
        if name == "jira":
            return f"<span>{escape(element.parameter('key'))}</span>"
        rich, plain = element.below("ac:rich-text-body"), element.below("ac:plain-text-body")
        title = element.parameter("title")
        heading = f"<p><strong>{escape(title)}</strong></p>" if title and (rich or plain) else ""
        body = f"<div>{self.children(rich)}</div>" if rich is not None else ""
        code = f"<pre>{escape(plain.text(), quote=False)}</pre>" if plain is not None else ""
        return heading + body + code

    _special: ClassVar[Mapping[str, Callable[["Rendering", Element], str]]] = {
        "a": _anchor,
        "img": _picture,
        "time": _time,
        "ac:image": _picture,
        "ac:emoticon": _emoji,
        "ac:link": _link,
        "ac:task-list": _tasks,
        "ac:task": _task,
        "ac:structured-macro": _macro,
        "ac:macro": _macro,
        "ac:inline-comment-marker": _inline,
        "tt": _inline,
        "font": _inline,
        "label": _inline,
    }

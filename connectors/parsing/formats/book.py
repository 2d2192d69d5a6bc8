"""EPUB (EPUB 3.3, W3C): the chapters of a book in reading order, each read as the web page it is."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from connectors.parsing.archives import entry_of, open_archive
from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft
from connectors.parsing.formats.web import read_page
from connectors.parsing.markup import attribute, first_text, named, tree_of
from connectors.parsing.results import ParseFailed

PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
# XHTML may close any element in its own tag; to a reader of HTML it would stay open.
CLOSED = re.compile(r"<([a-zA-Z][\w:-]*)((?:\s[^<>]*)?)/>")
VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")


def read(content: bytes, draft: Draft) -> None:
    """What the package document lists in its spine, without the page of contents."""
    with open_archive(content) as archive:
        path = package_path(archive)
        package = tree_of(entry_of(archive, path))
        _read_properties(package, draft)
        chapters = list(chapters_of(package, posixpath.dirname(path)))
        if any(chapter in _encrypted(archive) for chapter in chapters):
            raise ParseFailed("encrypted")
        title = draft.title
        for chapter in chapters:
            if chapter in archive.NameToInfo:
                read_page(as_html(decode(entry_of(archive, chapter))), draft)
        draft.title = title


def package_path(archive: zipfile.ZipFile) -> str:
    """Where the package document lies, as the container says."""
    container = tree_of(entry_of(archive, "META-INF/container.xml"))
    return next((path for file in named(container, "rootfile") if (path := attribute(file, "full-path"))), "")


def _read_properties(package: Element, draft: Draft) -> None:
    draft.title = first_text(package, "title")
    draft.note("author", ", ".join("".join(name.itertext()) for name in named(package, "creator")))
    draft.note("created", first_text(package, "date"))
    draft.note("description", first_text(package, "description"))
    draft.note("publisher", first_text(package, "publisher"))


def chapters_of(package: Element, folder: str) -> Iterator[str]:
    """The entries of the spine, by their names in the archive."""
    items = {attribute(item, "id"): item for item in named(package, "item")}
    for reference in named(package, "itemref"):
        item = items.get(attribute(reference, "idref"))
        if item is None or attribute(item, "media-type") not in PAGES:
            continue
        if "nav" not in attribute(item, "properties").split():
            yield posixpath.normpath(posixpath.join(folder, unquote(attribute(item, "href"))))


def _encrypted(archive: zipfile.ZipFile) -> set[str]:
    """Entries that are encrypted; of fonts alone it would not matter."""
    if "META-INF/encryption.xml" not in archive.NameToInfo:
        return set()
    listed = tree_of(entry_of(archive, "META-INF/encryption.xml"))
    return {unquote(attribute(reference, "URI")) for reference in named(listed, "CipherReference")}


def as_html(source: str) -> str:
    """XHTML as a reader of HTML takes it."""
    return CLOSED.sub(_opened, DECLARATION.sub("", source, count=1))


def _opened(tag: re.Match[str]) -> str:
    return tag[0] if tag[1].lower() in VOID else f"<{tag[1]}{tag[2]}></{tag[1]}>"

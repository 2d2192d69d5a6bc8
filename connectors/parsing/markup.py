"""XML of files nobody vouches for: no entity is expanded, nothing is fetched."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree  # type: ignore[import-untyped]

from connectors.parsing.results import ParseFailed


def tree_of(content: bytes) -> Element:
    """The root element. Raises ParseFailed."""
    try:
        root: Element = ElementTree.fromstring(content)
    except DefusedXmlException as error:  # it declares entities, which bombs and readers of files are made of
        raise ParseFailed("expansion_limit") from error
    except (ParseError, ValueError, LookupError, UnicodeError) as error:
        raise ParseFailed("corrupt") from error
    return root


def local(name: str) -> str:
    """A tag or attribute without its namespace."""
    return name.rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """An attribute by its name without a namespace, "" if there is none."""
    return next((value for key, value in element.attrib.items() if local(key) == name), "")


def named(root: Element, name: str) -> Iterator[Element]:
    """Every element of this name, whatever its namespace, in order."""
    return (element for element in root.iter() if isinstance(element.tag, str) and local(element.tag) == name)


def first_text(root: Element, name: str) -> str:
    """The text of the first such element that has any."""
    return next((text for element in named(root, name) if (text := "".join(element.itertext()).strip())), "")

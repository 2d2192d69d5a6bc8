"""Where an author can put a text: each place is a document that the gateway reads, with the text in one part of it."""

import html
import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from docx import Document

from connectors.records import DocumentRecord
from tests.cast import access
from tests.connectors.files.making import of_objects, saved

Place = Callable[[str], DocumentRecord]
NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
READERS = ("mallory", "vera")
COURTYARD, CELLAR = "Notice on the aubergine courtyard", "Notice on the aubergine cellar"
OF_THE_CELLAR = frozenset({"heading", "alternative", "mail", "author"})


def about(place: str) -> str:
    """Half of them are about one thing, half about another: a prompt does not hold them all."""
    return CELLAR if place in OF_THE_CELLAR else COURTYARD


def titled(place: str) -> str:
    """How the title of the document begins."""
    return f"{about(place)}, {place}"


def record(place: str, id: str = "", title: str = "", **content: Any) -> DocumentRecord:
    return DocumentRecord(id=id or place, title=title or titled(place), access=access(READERS), **content)


def title(text: str) -> DocumentRecord:
    return record("title", title=f"{titled('title')}: {text}", text=f"{COURTYARD}: it is swept on Mondays.")


def body(text: str) -> DocumentRecord:
    """Where the question leads to it, and beside a sentence in which all but a word is what Vera alone may read."""
    trap = "The locksmith of the aubergine courtyard and the aubergine cellar is somebody."
    return record("body", text=f"{trap}\n\nWhat the notice on the aubergine courtyard says: {text}\n\nAsk Mallory.")


def table(text: str) -> DocumentRecord:
    rows = f"<tr><th>{COURTYARD}</th><th>Note</th></tr><tr><td>Gate</td><td>{html.escape(text)}</td></tr>"
    return record("table", mime="text/html", text=f"<table>{rows}</table>")


def comment(text: str) -> DocumentRecord:
    """Of somebody on a paragraph of a Word document."""
    document = Document()
    paragraph = document.add_paragraph(f"{COURTYARD}: the keys hang in the lobby.")
    document.add_comment(paragraph.runs, text=NO_XML.sub("", text), author="Mallory")
    return record("comment", id="comment.docx", content=saved(document))


def hidden_text(text: str) -> DocumentRecord:
    """In a PDF, drawn so that nobody sees it (text rendering mode 3), below words that are seen."""
    return record("hidden_text", id="hidden.pdf", content=pdf((0, f"{COURTYARD}: lamps burn all night."), (3, text)))


def heading(text: str) -> DocumentRecord:
    return record("heading", mime="text/markdown", text=f"# {on_a_line(text)}\n\n{CELLAR}: it is dry.\n")


def alternative(text: str) -> DocumentRecord:
    """What a person wrote about a picture."""
    picture = f"<img alt='{html.escape(on_a_line(text))}' src=x.png>"
    return record("alternative", mime="text/html", text=f"<p>{CELLAR}: it is cold. {picture}</p>")


def mail(text: str) -> DocumentRecord:
    """In the subject, and in the name of a file that is attached."""
    line = on_a_line(NO_XML.sub("", text))[:200]
    message = EmailMessage()
    message["From"] = "Mallory <mallory@example.org>"
    message["Subject"] = f"{titled('mail')}: {line}"
    message.set_content(f"{CELLAR}: it is open to guests.")
    message.add_attachment(f"{CELLAR}: see the mail.", filename=f"{line}.txt")
    return record("mail", id="mail.eml", content=message.as_bytes())


def author(text: str) -> DocumentRecord:
    """As the name of who wrote it, which pages show and no model is told."""
    return record("author", text=f"{CELLAR}: it is painted in May.", author=on_a_line(text))


PLACES: dict[str, Place] = {
    place.__name__: place for place in (title, body, table, comment, hidden_text, heading, alternative, mail, author)
}


def on_a_line(text: str) -> str:
    return " ".join(text.split())


def pdf(*lines: tuple[int, str]) -> bytes:
    """A page of lines, each drawn in its mode, in a font that has every character of the first plane."""
    drawn = "".join(
        f"{mode} Tr <{piece.encode('utf-16-be', 'replace').hex()}> Tj T* "
        for mode, text in lines
        for piece in re.findall(".{1,80}", text)
    )
    stream = f"BT /F1 9 Tf 40 800 Td 11 TL {drawn} ET"
    ranges = "".join(f"<{high:02x}00> <{high:02x}ff> <{high:02x}00>\n" for high in range(256))
    chunks = [ranges.splitlines()[start : start + 100] for start in range(0, 256, 100)]
    maps = "".join(f"{len(chunk)} beginbfrange\n" + "\n".join(chunk) + "\nendbfrange\n" for chunk in chunks)
    cmap = f"begincmap\n1 begincodespacerange <0000> <ffff> endcodespacerange\n{maps}endcmap"
    described = "/Type /FontDescriptor /FontName /Any /Flags 4 /FontBBox [0 0 1 1] /ItalicAngle 0 /Ascent 1 /Descent 0"
    font = "/Type /Font /BaseFont /Any"
    system = "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    page = "/Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >>"
    return of_objects(
        (
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< {page} /Contents 8 0 R >>",
            f"<< {font} /Subtype /Type0 /Encoding /Identity-H /DescendantFonts [5 0 R] /ToUnicode 7 0 R >>",
            f"<< {font} /Subtype /CIDFontType2 /FontDescriptor 6 0 R /DW 500 {system} >>",
            f"<< {described} /CapHeight 1 /StemV 1 >>",
            f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream",
            f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        )
    )

"""Builds the files the parser tests read, so that none has to be kept as bytes."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl
from docx import Document
from docx.oxml import parse_xml
from openpyxl.comments import Comment
from PIL import Image, ImageDraw, ImageFont
from pptx import Presentation
from pptx.opc.package import Part
from pptx.opc.packuri import PackURI
from pypdf import PdfReader, PdfWriter

WORD_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{WORD_MAIN}"/></Types>'
)
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="word/document.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def docx() -> bytes:
    """A heading, a paragraph, a list, a table, another heading, a page header."""
    document = Document()
    document.core_properties.title = "Leave policy"
    document.core_properties.author = "Human Resources"
    document.sections[0].header.paragraphs[0].text = "Internal use"
    document.add_heading("Annual leave", level=1)
    document.add_paragraph("Everyone has 25 days of leave a year.")
    document.add_paragraph("Ask your lead", style="List Bullet")
    document.add_paragraph("Enter it in the tool", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for row, texts in zip(table.rows, (("Country", "Days"), ("Portugal", "27")), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    document.add_heading("Special leave", level=2)
    document.add_paragraph("A move gives one day.")
    return saved(document)


def xlsx() -> bytes:
    """Two sheets with headers, of which one starts below a title; a hidden third."""
    book = openpyxl.Workbook()
    bands = book.active
    assert bands is not None
    bands.title = "Bands"
    bands.append(["Band", "From", "Bonus"])
    bands.append(["E1", 50000, 0.05])
    bands.append(["E2", 62000.5, 0.1])
    for cell in ("C2", "C3"):
        bands[cell].number_format = "0%"
    offices = book.create_sheet("Offices")
    for row in ("All offices",), ("City", "Seats"), ("Berlin", 120), ("Lisbon", None):
        offices.append(row)
    hidden = book.create_sheet("Secret")
    hidden.append(["never", "shown"])
    hidden.sheet_state = "hidden"
    return saved(book)


def pptx() -> bytes:
    """Two slides with titles and text, the second with notes."""
    deck = Presentation()
    for title, text in (("Roadmap", "Ship in June"), ("Risks", "Suppliers are late")):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = text
    slide.notes_slide.notes_text_frame.text = "Mention the second supplier."
    return saved(deck)


def saved(document: object) -> bytes:
    """The bytes of anything that has a `save` method."""
    stream = io.BytesIO()
    document.save(stream)  # type: ignore[attr-defined]
    return stream.getvalue()


def pdf(pages: Sequence[Sequence[str]] = (("The notice period", "is three months."), ("Page two.",))) -> bytes:
    """Pages of lines in Helvetica, with an outline entry for the first line of each."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids = []
    for lines in pages:
        stream = "BT /F1 12 Tf 72 720 Td 14 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        resources = "/Resources << /Font << /F1 3 0 R >> >> /MediaBox [0 0 595 842]"
        objects.append(f"<< /Type /Page /Parent 2 0 R {resources} /Contents {len(objects)} 0 R >>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    return of_objects(objects)


def of_objects(objects: Sequence[str]) -> bytes:
    """A PDF of these objects, the first its catalogue."""
    body, places = b"%PDF-1.4\n", []
    for number, source in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{source}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    count = len(objects) + 1
    end = f"xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\n"
    return body + f"{end}startxref\n{len(body)}\n%%EOF\n".encode()


def outlined_pdf() -> bytes:
    """Two pages of which each begins with a heading of the outline."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf([("Scope", "All sites."), ("Duties", "Wear a helmet.")]))))
    writer.add_metadata({"/Title": "Site safety", "/Author": "Works council"})
    for number, title in enumerate(("Scope", "Duties")):
        writer.add_outline_item(title=title, page_number=number)
    return written(writer)


def titled_pdf(title: str) -> bytes:
    """A PDF with this title in its properties."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    writer.add_metadata({"/Title": title})
    return written(writer)


def encrypted_pdf() -> bytes:
    """A PDF that opens with a password only."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    writer.encrypt("a-password", algorithm="RC4-128")
    return written(writer)


def written(writer: PdfWriter) -> bytes:
    """The bytes of a PDF under construction."""
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def archive(entries: Mapping[str, bytes | str]) -> bytes:
    """A ZIP file of these entries."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return stream.getvalue()


def scratched(document: bytes) -> bytes:
    """The same archive, with a few bytes of every entry gone wrong."""
    damaged = bytearray(document)
    with zipfile.ZipFile(io.BytesIO(document)) as file:
        for entry in file.infolist():
            start = entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2
            damaged[start : start + 8] = b"\xff" * 8
    return bytes(damaged)


def docx_of(body: bytes | str, **more: bytes | str) -> bytes:
    """A DOCX whose main part is exactly `body`, with further entries by name."""
    parts = {"[Content_Types].xml": CONTENT_TYPES, "_rels/.rels": RELATIONS, "word/document.xml": body}
    return archive({**parts, **more})


def paragraph_docx(text: str, doctype: str = "") -> bytes:
    """A DOCX of one paragraph, after any document type declaration."""
    source = f"<w:document {WORD}><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
    return docx_of(f'<?xml version="1.0"?>{doctype}{source}')


def billion_laughs() -> str:
    """A document type whose last entity stands for a billion words."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE w:document [<!ENTITY l0 "laugh ">{levels}]>'


def scan(*pages: str, form: str = "PDF") -> bytes:
    """Pages that are pictures of these words, as a PDF or a picture file."""
    font = ImageFont.load_default(size=44)
    pictures = [Image.new("L", (1400, 600), 255) for _ in pages]
    for picture, words in zip(pictures, pages, strict=True):
        ImageDraw.Draw(picture).multiline_text((80, 120), words, fill=0, font=font, spacing=20)
    stream = io.BytesIO()
    several = {"save_all": True, "append_images": pictures[1:]} if form in ("PDF", "TIFF") else {}
    pictures[0].save(stream, form, **several)
    return stream.getvalue()


def edited_docx() -> bytes:
    """Headings and items with numbers that are counted; moved, deleted, inserted and hidden text; comments."""
    document = Document()
    _number_styles(document)
    document.add_heading("Leave", level=1)
    runs = (
        "<w:r><w:t>Kept</w:t></w:r><w:ins><w:r><w:t> new</w:t></w:r></w:ins><w:del><w:r><w:delText> old</w:delText>"
        "</w:r></w:del><w:moveFrom><w:r><w:t> there</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t> here</w:t></w:r>"
        "</w:moveTo><w:r><w:rPr><w:vanish/></w:rPr><w:t> secret</w:t></w:r><w:r><w:rPr><w:vanish w:val='0'/></w:rPr>"
        "<w:t>.</w:t></w:r>"
    )
    body = document.element.body
    end = body.sectPr
    end.addprevious(parse_xml(f"<w:p {WORD}>{runs}</w:p>"))
    for level, text in ((0, "first"), (1, "inside"), (0, "second")):
        numbered = f"<w:pPr><w:numPr><w:ilvl w:val='{level}'/><w:numId w:val='91'/></w:numPr></w:pPr>"
        end.addprevious(parse_xml(f"<w:p {WORD}>{numbered}<w:r><w:t>{text}</w:t></w:r></w:p>"))
    last = document.add_heading("Pay", level=1)
    for author, said in (("Bob", "Is this right?"), ("Ann", "It is.")):
        document.add_comment(last.runs, text=said, author=author)
    return saved(document)


def _number_styles(document: Any) -> None:
    """A list of its own for headings, and one with letters at its second level."""

    def level(index: int, form: str, text: str) -> str:
        inside = f"<w:start w:val='1'/><w:numFmt w:val='{form}'/><w:lvlText w:val='{text}'/>"
        return f"<w:lvl w:ilvl='{index}'>{inside}</w:lvl>"

    numbering = document.part.numbering_part.element
    lists = {90: level(0, "decimal", "%1."), 91: level(0, "decimal", "%1.") + level(1, "lowerLetter", "%2)")}
    for number, levels in lists.items():
        numbering.insert(0, parse_xml(f"<w:abstractNum {WORD} w:abstractNumId='{number}'>{levels}</w:abstractNum>"))
        named = f"<w:num {WORD} w:numId='{number}'><w:abstractNumId w:val='{number}'/></w:num>"
        numbering.append(parse_xml(named))
    properties = document.styles["Heading 1"].element.get_or_add_pPr()
    properties.append(parse_xml(f"<w:numPr {WORD}><w:numId w:val='90'/></w:numPr>"))


def strict(document: bytes) -> bytes:
    """The same document with the names of the strict form."""
    with zipfile.ZipFile(io.BytesIO(document)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    old = re.compile(rb"http://schemas\.openxmlformats\.org/(officeDocument|\w+ml)/2006/(relationships/\w+|main)\"")
    return archive({name: old.sub(rb'http://purl.oclc.org/ooxml/\1/\2"', part) for name, part in parts.items()})


def commented_xlsx() -> bytes:
    """A sheet with a cell merged over two rows, and two comments."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Plan"
    for row in ("Week", "Task", "Who"), (1, "Paint", "Ann"), (None, "Clean", "Bob"):
        sheet.append(row)
    sheet.merge_cells("A2:A3")
    sheet["B2"].comment = Comment("Bob:\nWhich colour?", "Bob")
    sheet["C3"].comment = Comment("[Threaded comment]\n\nUpdate Excel.\n\nComment:\n    Not me.", "tc={1}")
    return saved(book)


def commented_pptx() -> bytes:
    """A slide with a comment, two described pictures and a shape of no known kind; and a hidden one."""
    deck = Presentation()
    for title in ("Shown", "Hidden"):
        deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = title
    for said in ("Sales by month", "A cat\n\nDescription automatically generated"):
        picture = deck.slides[0].shapes.add_picture(io.BytesIO(scan("x", form="PNG")), 0, 0)
        picture._element.nvPicPr.cNvPr.set("descr", said)
    shape = deck.slides[0].shapes.add_textbox(0, 0, 9, 9)
    shape.text_frame.text = "Unlike others"
    shape._element.spPr.remove(shape._element.spPr.prstGeom)
    deck.slides[1]._element.set("show", "0")
    names = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    authors = f'<p:cmAuthorLst {names}><p:cmAuthor id="0" name="Bob"/></p:cmAuthorLst>'
    comments = f'<p:cmLst {names}><p:cm authorId="0" idx="1"><p:text>Too loud?</p:text></p:cm></p:cmLst>'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
    for part, name, source in ((deck.part, "commentAuthors", authors), (deck.slides[0].part, "comments", comments)):
        added = Part(PackURI(f"/ppt/{name}.xml"), "application/xml", part.package, source.encode())
        part.relate_to(added, kind + name)
    return saved(deck)

"""Which format a file has: its bytes decide, its name only where the bytes leave a choice."""

import io
import re
from pathlib import PurePosixPath

from connectors.parsing.archives import entry_of, open_archive
from connectors.parsing.decoding import unmarked_utf16
from connectors.parsing.languages_of_code import LANGUAGES, NAMES
from connectors.parsing.results import ParseFailed

MIMES = {
    "markdown": "text/markdown",
    "plain": "text/plain",
    "web": "text/html",
    "comma": "text/csv",
    "mail": "message/rfc822",
    "pdf": "application/pdf",
    "word": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "sheets": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "slides": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "oldsheets": "application/vnd.ms-excel",
    "outlook": "application/vnd.ms-outlook",
    "opendocument": "application/vnd.oasis.opendocument.text",
    "book": "application/epub+zip",
    "richtext": "application/rtf",
    "calendar": "text/calendar",
    "structured": "application/json",
    "notebook": "application/x-ipynb+json",
    "code": "text/x-source",
    "picture": "image/png",
}
SUFFIXES = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "web",
    ".htm": "web",
    ".xhtml": "web",
    ".csv": "comma",
    ".tsv": "comma",
    ".eml": "mail",
    ".pdf": "pdf",
    ".docx": "word",
    ".docm": "word",
    ".dotx": "word",
    ".xlsx": "sheets",
    ".xlsm": "sheets",
    ".xltx": "sheets",
    ".pptx": "slides",
    ".pptm": "slides",
    ".ppsx": "slides",
    ".potx": "slides",
    ".xls": "oldsheets",
    ".xlt": "oldsheets",
    ".msg": "outlook",
    ".odt": "opendocument",
    ".ott": "opendocument",
    ".ods": "opendocument",
    ".ots": "opendocument",
    ".odp": "opendocument",
    ".otp": "opendocument",
    ".epub": "book",
    ".rtf": "richtext",
    ".ics": "calendar",
    ".ifb": "calendar",
    ".json": "structured",
    ".jsonl": "structured",
    ".ndjson": "structured",
    ".geojson": "structured",
    ".ipynb": "notebook",
    ".png": "picture",
    ".jpg": "picture",
    ".jpeg": "picture",
    ".tif": "picture",
    ".tiff": "picture",
    ".bmp": "picture",
    **dict.fromkeys(LANGUAGES, "code"),
}
TEXT_KINDS = frozenset({"markdown", "plain", "web", "comma", "mail", "calendar", "structured", "notebook", "code"})
CALENDAR = b"BEGIN:VCALENDAR"
OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
OFFICE_FOLDERS = {"word/": "word", "xl/": "sheets", "ppt/": "slides"}
PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
BITMAP = b"BM"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
COMPOUND = {"__properties_version1.0": "outlook", "workbook": "oldsheets", "book": "oldsheets"}
TEXT_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
RICH_TEXT = b"{\\rtf"
NOT_READ = (b"%!PS", b"-----BEGIN PGP MESSAGE")
WEB_PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html[\s>])", re.I | re.S
)
MAIL_HEADER = re.compile(rb"(?:From|To|Subject|Date|Received|Return-Path|Message-ID|MIME-Version|Delivered-To):", re.I)
SAMPLE = 64 * 1024
CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\x0b\x0c\x1b")
HEADER_LINE = re.compile(rb"(?:[!-9;-~]+:|[ \t]+\S|From )")


def kind_by_name(filename: str, mime: str = "") -> str:
    """The format a name or a declared type stands for; "" when it says nothing."""
    path = PurePosixPath(filename)
    by_suffix = "code" if path.name in NAMES else SUFFIXES.get(path.suffix.lower(), "")
    declared = mime.partition(";")[0].strip().lower()
    return by_suffix or next((kind for kind, name in MIMES.items() if name == declared and kind != "plain"), "")


def kind_of(content: bytes, filename: str, mime: str = "") -> str:
    """A key of MIMES. Raises ParseFailed for empty, encrypted and unknown files."""
    if not content.strip(b"\x00 \t\r\n"):
        raise ParseFailed("empty")
    hint = kind_by_name(filename, mime)
    if b"%PDF-" in content[:1024] and not (hint in TEXT_KINDS and not content.startswith(b"%PDF-")):
        return "pdf"
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _office_kind(content, hint)
    if content.startswith(OLE):
        return _compound_kind(content)
    is_picture = content.startswith(PICTURES) or (content.startswith(BITMAP) and not _is_text(content))
    if is_picture and hint in ("", "picture"):
        return "picture"
    if content[:64].lstrip().startswith(RICH_TEXT):
        return "richtext"
    return _text_kind(content, hint)


def _office_kind(content: bytes, hint: str) -> str:
    with open_archive(content, damaged="corrupt" if hint not in TEXT_KINDS | {""} else "unsupported_type") as archive:
        names = archive.namelist()
        declared = entry_of(archive, "mimetype")[:100].decode("ascii", "replace").strip() if "mimetype" in names else ""
    if declared.startswith(OPEN_DOCUMENT) and "content.xml" in names:
        return "opendocument"
    if declared == MIMES["book"] or "META-INF/container.xml" in names:
        return "book"
    for folder, kind in OFFICE_FOLDERS.items():
        if "[Content_Types].xml" in names and any(name.startswith(folder) for name in names):
            return kind
    raise ParseFailed("unsupported_type")


def _compound_kind(content: bytes) -> str:
    """What an OLE file is, by the streams in its root; old Word and PowerPoint files are not read."""
    import olefile  # type: ignore[import-untyped]  # few files need it

    try:
        with olefile.OleFileIO(io.BytesIO(content)) as file:
            names = {path[0].lower() for path in file.listdir(storages=True)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ParseFailed("corrupt") from error
    if "encryptedpackage" in names:
        raise ParseFailed("encrypted")
    kind = next((kind for name, kind in COMPOUND.items() if name in names), "")
    if not kind:
        raise ParseFailed("unsupported_type")
    return kind


def _text_kind(content: bytes, hint: str) -> str:
    if not _is_text(content) or content.startswith(NOT_READ):
        raise ParseFailed("corrupt" if hint and hint not in TEXT_KINDS else "unsupported_type")
    head = content[:8192]
    if WEB_PAGE.match(head):
        return "web"
    if hint in TEXT_KINDS:
        return hint
    if head.lstrip(b"\xef\xbb\xbf \r\n")[: len(CALENDAR)].upper() == CALENDAR:
        return "calendar"
    return "mail" if _is_mail(head) else "plain"


def _is_text(content: bytes) -> bool:
    """Text has a byte order mark or next to no control characters."""
    sample = content[:SAMPLE]
    if sample.startswith(TEXT_MARKS) or unmarked_utf16(sample):
        return True
    controls = len(sample) - len(sample.translate(None, CONTROLS))
    return controls <= len(sample) // 200


def _is_mail(head: bytes) -> bool:
    """At least three header lines of a message before anything else."""
    lines = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0].splitlines()
    headers = sum(1 for line in lines if MAIL_HEADER.match(line))
    return headers >= 3 and all(HEADER_LINE.match(line) for line in lines[:-1])

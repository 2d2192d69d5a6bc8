"""What a parser gives back: a document's text with its headings and pages, or the reason there is none."""

from dataclasses import dataclass, field

MAX_BYTES = 50 * 1024 * 1024
MAX_TEXT_BYTES = 20 * 1024 * 1024
MAX_ATTACHMENTS = 100  # of one document
MAX_ATTACHED_BYTES = MAX_BYTES  # all attachments of one document together
# Why one is left out.
TOO_MANY = f"more than {MAX_ATTACHMENTS} files"
TOO_LARGE = f"more than {MAX_ATTACHED_BYTES // 1024**2} MB together"

# Each sentence is for an administrator and holds nothing of the document.
REASONS = {
    "empty": "The file is empty.",
    "encrypted": "The file is protected by a password; store an unprotected copy.",
    "corrupt": "The file is damaged or incomplete and cannot be read.",
    "unsupported_type": "Files of this type are not read.",
    "too_large": "The file, or the text in it, is larger than the limit.",
    "expansion_limit": "The file unpacks to far more than it should and was not opened.",
    "parse_timeout": "Reading the file took longer than is allowed.",
    "memory_limit": "Reading the file took more memory than is allowed.",
    "no_text": "The file holds no text, such as a scan without text recognition.",
    "unreadable": "The source did not let the file be read.",
    "crashed": "The parser ended unexpectedly while it read the file.",
    "unsafe_archive": "The file holds entries that point outside of it, or that overlap.",
}
RETRIED = frozenset({"crashed", "parse_timeout"})


class ParseFailed(Exception):
    """A file has no text to offer. `permanent`: the same bytes will fail the same way again."""

    def __init__(self, reason: str, *, cause: str = "") -> None:
        self.reason = reason if reason in REASONS else "crashed"
        self.message = REASONS[self.reason] + (f" ({cause})" if cause.isidentifier() else "")
        super().__init__(self.message)

    @property
    def permanent(self) -> bool:
        """Whether only a new version of the file can help."""
        return self.reason not in RETRIED


def damaged(error: Exception) -> ParseFailed:
    """What a library's error about a file means; libxml2 tells of a lack of memory in words only."""
    return ParseFailed("memory_limit" if "memory" in str(error).lower() else "corrupt")


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 6 and where its line starts in the text."""

    level: int
    title: str
    start: int


@dataclass(frozen=True)
class Page:
    """A page, sheet or slide: its label, its number from 1, and its place text[start:end]."""

    label: str
    number: int
    start: int
    end: int


@dataclass(frozen=True)
class Attachment:
    """A file that came inside another one, as it came: its name, the type its sender declared, its bytes."""

    name: str
    mime: str
    content: bytes


@dataclass(frozen=True)
class Parsed:
    """A document as text; every offset counts Unicode code points of `text`.

    `language` is a guess (ISO 639-1, "" when there is none); `mime` is judged by content. `attachments` are not read
    here: they become documents of their own, under the rights of this one (connectors/corpus/attachments.py). Those
    beyond MAX_ATTACHMENTS or MAX_ATTACHED_BYTES are left out and told in the metadata as `attachments_left_out`.
    """

    text: str
    title: str = ""
    mime: str = "text/plain"
    headings: tuple[Heading, ...] = ()
    pages: tuple[Page, ...] = ()
    language: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()

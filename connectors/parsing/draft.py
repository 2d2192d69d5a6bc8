"""A parsed document while a format's reader is writing it, block by block."""

from collections.abc import Iterable, Mapping, Sequence

from connectors.parsing.cleaning import clean, line
from connectors.parsing.languages import guess_language
from connectors.parsing.results import (
    MAX_ATTACHED_BYTES,
    MAX_ATTACHMENTS,
    MAX_TEXT_BYTES,
    TOO_LARGE,
    TOO_MANY,
    Attachment,
    Heading,
    Page,
    Parsed,
    ParseFailed,
)
from connectors.parsing.tables import sheet_lines, table_lines


class Draft:
    """Collects blocks, headings and pages; knows every offset because text only grows at its end."""

    def __init__(self, recognised: Mapping[int, str] | None = None) -> None:
        self.filename = ""
        self.recognised = recognised or {}  # the words of pages that are pictures, by index
        self.scans: list[int] = []  # the pages that are pictures and not among them
        self.title = ""
        self.mime = ""  # where a reader knows better than its kind
        self.metadata: dict[str, str] = {}
        self._attachments: list[Attachment] = []
        self._attached_bytes = 0
        self._left_out: list[str] = []
        self._blocks: list[str] = []
        self._length = 0
        self._bytes = 0
        self._headings: list[Heading] = []
        self._pages: list[tuple[str, int]] = []

    def add(self, text: str, *, tight: bool = False) -> None:
        """Appends a block after a blank line, or on the next line where it is `tight`."""
        block = clean(text).strip("\n")
        if not block.strip():
            return
        separator = "" if not self._blocks else "\n" if tight else "\n\n"
        self._blocks += [separator, block]
        self._length += len(separator) + len(block)
        self._bytes += len(separator) + len(block.encode())
        if self._bytes > MAX_TEXT_BYTES:
            raise ParseFailed("too_large")

    def table(self, rows: Sequence[Sequence[str]], *, tight: bool = False) -> None:
        """Appends a table's rows, each on a line."""
        for text in table_lines(rows):
            self.add(text, tight=tight)
            tight = True

    def sheet(self, name: str, rows: Iterable[Sequence[str]], comments: Iterable[str] = ()) -> None:
        """A sheet of a workbook: a page, its name, its rows, then what is said beside it; an empty one is empty."""
        self.page(name)
        remaining = filter(None, sheet_lines(rows))
        first = next(remaining, None)
        if first is not None:
            self.heading(1, name)
            self.add(first)
            for text in remaining:
                self.add(text, tight=True)
        for index, text in enumerate(comments):
            self.add(text, tight=index > 0)

    def heading(self, level: int, title: str) -> None:
        """Appends a heading as a line of its own."""
        title = line(title)
        if not title:
            return
        self.add(title)
        self._headings.append(Heading(min(max(level, 1), 6), title, self._length - len(title)))

    def mark_heading(self, level: int, title: str, start: int) -> None:
        """Records that text already written at `start` is a heading."""
        self._headings.append(Heading(min(max(level, 1), 6), title, start))

    def page(self, label: str) -> None:
        """Everything added from here on stands on a new page, sheet or slide."""
        self._pages.append((line(label), self._length))

    @property
    def length(self) -> int:
        """Code points written so far."""
        return self._length

    @property
    def text(self) -> str:
        """What has been written so far."""
        return "".join(self._blocks)

    def note(self, key: str, value: object) -> None:
        """Keeps a piece of metadata that says something."""
        text = line(str(value)) if value is not None else ""
        if text:
            self.metadata[key] = text[:1000]

    def attach(self, name: str, mime: str, content: bytes) -> None:
        """Hands on a file that came inside this one, while there is room for it."""
        name = line(name)[:300]
        if len(self._attachments) >= MAX_ATTACHMENTS:
            self._left_out.append(f"{name} ({TOO_MANY})")
            return
        if self._attached_bytes + len(content) > MAX_ATTACHED_BYTES:
            self._left_out.append(f"{name} ({TOO_LARGE})")
            return
        self._attachments.append(Attachment(name, line(mime)[:200], content))
        self._attached_bytes += len(content)

    def finish(self, mime: str, fallback_title: str) -> Parsed:
        """The document; raises ParseFailed("no_text") when nothing was written."""
        text = self.text
        if not any(character.isalnum() for character in text):
            raise ParseFailed("no_text")
        self.note("attachments_left_out", ", ".join(self._left_out))
        headings = tuple(sorted(self._headings, key=lambda heading: heading.start))
        first = next((heading.title for heading in headings if heading.level == 1), "")
        return Parsed(
            text=text,
            title=(line(self.title) or first or line(fallback_title))[:500],
            mime=self.mime or mime,
            headings=headings,
            pages=self._page_ranges(text),
            language=guess_language(text),
            metadata=self.metadata,
            attachments=tuple(self._attachments),
        )

    def _page_ranges(self, text: str) -> tuple[Page, ...]:
        """Each page from its first visible character to the end of its last one; empty pages stay, empty."""
        pages: list[Page] = []
        ends = [start for _, start in self._pages[1:]] + [len(text)]
        for number, ((label, start), end) in enumerate(zip(self._pages, ends, strict=False), start=1):
            while start < end and text[start] == "\n":
                start += 1
            pages.append(Page(label, number, start, end))
        return tuple(pages)

"""RTF (Rich Text Format 1.9.1, Microsoft): headings, paragraphs, lists and tables, without hidden and deleted text."""

import codecs
import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from connectors.parsing.cleaning import line
from connectors.parsing.draft import Draft
from connectors.parsing.results import ParseFailed

START = "{\\rtf"
TOKEN = re.compile(
    r"\\([a-zA-Z]{1,32})(-?\d{1,20})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\", re.S
)
HEADING_STYLE = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop)\s*(\d)", re.I)
CHARACTERS = {
    "tab": "\t",
    "line": "\n",
    "emdash": "\u2014",
    "endash": "\u2013",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "bullet": "\u2022",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "nestcell": " ",
    "nestrow": " ",
}
SYMBOLS = {"~": " ", "_": "-", "\\": "\\", "{": "{", "}": "}", "\t": "\t"}
CHARSETS = {
    0: "cp1252",
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    130: "johab",
    134: "gbk",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
    255: "cp437",
}
# Groups whose words no reader sees on the page, or sees on every page.
SKIPPED = frozenset(
    "colortbl pict header headerl headerr headerf footer footerl footerr footerf listtable listoverridetable rsidtbl "
    "themedata colorschememapping datastore latentstyles generator xmlnstbl nonshppict shprslt fldinst bkmkstart "
    "bkmkend sp sn sv pn pnseclvl objdata revtbl filetbl template comment doccomm operator company category keywords "
    "atnid atnref atndate atntime ftnsep ftnsepc aftnsep aftnsepc background mmathPr wgrffmtfilter tc xe".split()
)
READ_THOUGH_MARKED = frozenset({"shpinst", "annotation", "atnauthor", "shptxt", "fldrslt", "nesttableprops"})
ASIDE = frozenset({"footnote", "annotation"})
KEPT = frozenset({"title", "author", "atnauthor", "listtext", "pntext"})
DEEPEST = 20_000


@dataclass
class Group:
    """What holds until a group ends."""

    keeps: str = ""  # "" for the page itself, "-" for nothing, else where the words go
    hidden: bool = False
    deleted: bool = False
    skipped_after_unicode: int = 1
    font: int = -1


@dataclass
class Paragraph:
    """What holds until a paragraph ends, or another one is begun."""

    style: int = -1
    outline: int = -1
    in_table: bool = False


def read(content: bytes, draft: Draft) -> None:
    """The document in order, then its footnotes and comments."""
    source = content.decode("latin-1")
    start = source.find(START)
    if start < 0:
        raise ParseFailed("corrupt")
    Reader(draft).write(source, start)


class Reader:
    """Walks through the words of a document."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.group = Group()
        self.groups: list[Group] = []
        self.paragraph = Paragraph()
        self.parts: list[str] = []
        self.bytes = bytearray()
        self.to_skip = 0
        self.encoding = "cp1252"
        self.fonts: dict[int, str] = {}
        self.font = -1
        self.levels: dict[int, int] = {}
        self.style = -1
        self.style_name: list[str] = []
        self.kept: dict[str, list[str]] = {}
        self.aside: list[str] = []
        self.marker = ""
        self.in_list = False
        self.cells: list[str] = []
        self.rows: list[list[str]] = []
        self.is_marked = False  # the group began with \*
        self.is_new = False  # nothing but its mark has been seen of this group

    def write(self, source: str, place: int) -> None:
        """Writes the whole document into the draft."""
        while (token := TOKEN.match(source, place)) is not None:
            place = token.end()
            if token[1] == "bin":
                place += max(int(token[2] or 0), 0)
            else:
                self._token(token)
        self._end_paragraph()
        self._end_table()
        for index, said in enumerate(self.aside):
            self.draft.add(said, tight=index > 0)
        self.draft.title = line("".join(self.kept.get("title", [])))
        self.draft.note("author", "".join(self.kept.get("author", [])))

    def _token(self, token: re.Match[str]) -> None:
        word, number, code, symbol, brace, text = token.groups()
        if brace:
            self._brace(brace)
        elif word:
            self._word(word, int(number) if number else None)
        elif code or text:
            self._characters(bytes.fromhex(code) if code else text.encode("latin-1"))
        elif symbol:
            self._symbol(symbol)

    def _brace(self, brace: str) -> None:
        self._flush()
        self.to_skip = 0
        if brace == "{":
            if len(self.groups) >= DEEPEST:
                raise ParseFailed("expansion_limit")
            self.groups.append(self.group)
            self.group = copy(self.group)
            self.is_new, self.is_marked = True, False
        elif self.groups:
            if self.group.keeps == "stylesheet":
                self._name_style()
            ended, self.group = self.group, self.groups.pop()
            if ended.keeps != self.group.keeps:
                self._leave(ended.keeps)

    def _name_style(self) -> None:
        """A style called "heading 2" is for headings, whatever else it says."""
        named = HEADING_STYLE.match("".join(self.style_name).strip())
        if named and self.style >= 0:
            self.levels[self.style] = int(named[1])
        self.style, self.style_name = -1, []

    def _word(self, word: str, number: int | None) -> None:
        self._flush()
        if self.to_skip and word in CHARACTERS:
            self.to_skip -= 1
            return
        if self.is_new:
            self._enter(word)
        self.is_new = False
        if word in CHARACTERS:
            self._add(CHARACTERS[word])
            return
        handle: Callable[[int | None], None] | None = getattr(self, f"on_{word}", None)
        if handle is not None and self.group.keeps != "-":
            handle(number)

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self.is_marked = True
        elif symbol in "\r\n":
            self._word("par", None)
        elif symbol in SYMBOLS:
            self._characters(SYMBOLS[symbol].encode())

    def _characters(self, found: bytes) -> None:
        """Of one font, put together before they are decoded: a letter may have two bytes."""
        self.is_new = False
        skipped = min(self.to_skip, len(found))
        self.to_skip -= skipped
        self.bytes += found[skipped:]

    def _flush(self) -> None:
        if self.bytes:
            encoding = self.fonts.get(self.group.font, self.encoding)
            text = bytes(self.bytes).decode(encoding, "replace")
            self.bytes.clear()
            self._add(text)

    def _add(self, text: str) -> None:
        keeps = self.group.keeps
        if keeps == "stylesheet":
            self.style_name.append(text)
        elif keeps in KEPT or keeps in ASIDE:
            self.kept.setdefault(keeps, []).append(text)
        elif not keeps and not self.group.hidden and not self.group.deleted:
            self.parts.append(text)

    def _enter(self, word: str) -> None:
        """The first word of a group may say where its words go."""
        if self.group.keeps == "-":
            return
        if word in SKIPPED:
            self.group.keeps = "-"
        elif word in KEPT or word in ASIDE or word in ("stylesheet", "fonttbl", "info"):
            self.group.keeps = word
        elif self.is_marked and word not in READ_THOUGH_MARKED and self.group.keeps != "stylesheet":
            self.group.keeps = "-"

    def _leave(self, kept: str) -> None:
        if kept in ("listtext", "pntext"):
            said = line("".join(self.kept.pop(kept, [])))
            self.marker = f"{said} " if any(character.isalnum() for character in said) else "- "
        elif kept in ASIDE:
            said = line("".join(self.kept.pop(kept, [])))
            author = line("".join(self.kept.pop("atnauthor", []))) if kept == "annotation" else ""
            label = f"Comment{f' by {author}' if author else ''}: " if kept == "annotation" else ""
            self.aside += [label + said] if said else []

    def on_par(self, number: int | None) -> None:
        """A paragraph ends."""
        if self.group.keeps in ASIDE:
            self._add(" ")
        elif not self.group.keeps:
            self._end_paragraph()

    on_sect = on_page = on_par

    def on_pard(self, number: int | None) -> None:
        """What held for paragraphs holds no more."""
        if not self.group.keeps:
            self.paragraph = Paragraph()

    def on_plain(self, number: int | None) -> None:
        """What held for letters holds no more."""
        self.group.hidden = self.group.deleted = False

    def on_v(self, number: int | None) -> None:
        """Hidden text."""
        self.group.hidden = number != 0

    def on_deleted(self, number: int | None) -> None:
        """Text that a tracked change took out."""
        self.group.deleted = number != 0

    def on_uc(self, number: int | None) -> None:
        """How many characters stand in for one of Unicode where that cannot be read."""
        self.group.skipped_after_unicode = min(max(number or 0, 0), 100)

    def on_u(self, number: int | None) -> None:
        """A character of Unicode, as one or two 16-bit numbers."""
        self._add(chr((number or 0) & 0xFFFF))
        self.to_skip = self.group.skipped_after_unicode

    def on_ansicpg(self, number: int | None) -> None:
        """The code page of the document."""
        self.encoding = known(f"cp{number}", self.encoding)

    def on_mac(self, number: int | None) -> None:
        """A document of an old Macintosh."""
        self.encoding = "mac_roman"

    def on_f(self, number: int | None) -> None:
        """A font: in the table the one that is described, elsewhere the one in use."""
        self.group.font = self.font = -1 if number is None else number

    def on_fcharset(self, number: int | None) -> None:
        """The characters of the font that is described."""
        if self.group.keeps == "fonttbl" and number in CHARSETS:
            self.fonts[self.font] = known(CHARSETS[number], self.encoding)

    def on_s(self, number: int | None) -> None:
        """A style: in the sheet the one that is described, elsewhere that of the paragraph."""
        if self.group.keeps == "stylesheet":
            self.style, self.style_name = -1 if number is None else number, []
        else:
            self.paragraph.style = -1 if number is None else number

    def on_outlinelevel(self, number: int | None) -> None:
        """A heading, or a style for headings; 9 is none."""
        level = number if number is not None and 0 <= number < 9 else -1
        if self.group.keeps == "stylesheet":
            self.levels |= {self.style: level + 1} if self.style >= 0 else {}
        else:
            self.paragraph.outline = level

    def on_intbl(self, number: int | None) -> None:
        """The paragraph is in a table."""
        self.paragraph.in_table = True

    def on_cell(self, number: int | None) -> None:
        """A cell ends."""
        self.cells.append(self._taken())

    def on_row(self, number: int | None) -> None:
        """A row ends."""
        self.rows.append([line(cell) for cell in self.cells])
        self.cells = []

    def _taken(self) -> str:
        """The words of the paragraph so far; what they were is forgotten."""
        text = joined(self.parts)
        self.parts = []
        return text

    def _end_paragraph(self) -> None:
        self._flush()
        if self.paragraph.in_table:
            self.parts.append(" ")  # another paragraph of the same cell
            return
        marker, self.marker = self.marker, ""
        text = self._taken()
        if not text.strip():
            return
        self._end_table()
        level = self._level()
        if level:
            self.draft.heading(level, text)
        else:
            self.draft.add(marker + text.strip(), tight=bool(marker) and self.in_list)
        self.in_list = bool(marker)

    def _level(self) -> int:
        if self.paragraph.outline >= 0:
            return self.paragraph.outline + 1
        return self.levels.get(self.paragraph.style, 0)

    def _end_table(self) -> None:
        if self.cells:
            self.on_row(None)
        rows, self.rows = self.rows, []
        self.draft.table(rows)


def known(encoding: str, otherwise: str) -> str:
    """An encoding Python has."""
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return otherwise


def joined(parts: list[str]) -> str:
    """As one text, halves of characters put together."""
    return "".join(parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

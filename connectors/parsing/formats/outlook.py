"""MSG (Outlook's message files, [MS-OXMSG]): rebuilt as the mail it was, and read like one."""

import io
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

import olefile  # type: ignore[import-untyped]

from connectors.parsing.cleaning import line
from connectors.parsing.draft import Draft
from connectors.parsing.formats import mail, richtext
from connectors.parsing.results import MAX_ATTACHED_BYTES, MAX_ATTACHMENTS, ParseFailed, damaged

# Properties by their number, [MS-OXPROPS].
CLASS, SUBJECT, SUBMITTED, DELIVERED = 0x001A, 0x0037, 0x0039, 0x0E06
SENDER_NAME, SENDER_ADDRESS, SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
BODY, BODY_RTF, BODY_HTML = 0x1000, 0x1009, 0x1013
CODE_PAGE, INTERNET_CODE_PAGE = 0x3FFD, 0x3FDE
RECIPIENT_TYPE, NAME, ADDRESS, SMTP = 0x0C15, 0x3001, 0x3003, 0x39FE
DATA, SHORT_NAME, LONG_NAME, MIME, CONTENT_ID, FLAGS = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712, 0x3714
SHOWN_IN_BODY = 4
SEALED = "application/pgp-encrypted"
HEADERS = {1: "To", 2: "Cc"}
OF_MESSAGE, OF_INNER_MESSAGE, OF_PART = 32, 24, 8  # bytes before the first property
DEEPEST = 5
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
DAMAGED = (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error, OverflowError, RecursionError)
# What every compressed text may refer to from its start, [MS-OXRTFCP] 2.1.2.1.
DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
RING = 4096
COMPRESSED, PLAIN = b"LZFu", b"MELA"

Path = tuple[str, ...]


def read(content: bytes, draft: Draft) -> None:
    """The message as a mail: its headers, its body, what is attached."""
    try:
        with olefile.OleFileIO(io.BytesIO(content)) as file:
            message = Storage(Streams(file), (), OF_MESSAGE).as_mail()
    except DAMAGED as error:
        raise damaged(error) from error
    mail.write(message, draft)


class Streams:
    """What a file holds, as long as it is not more than it can hold: streams may share their bytes."""

    def __init__(self, file: olefile.OleFileIO) -> None:
        self.file = file
        self.left = 4 * MAX_ATTACHED_BYTES
        self.names = {tuple(name.lower() for name in path): tuple(path) for path in file.listdir(storages=True)}

    def read(self, path: Path) -> bytes:
        """A stream, empty where there is none."""
        found = self.names.get(tuple(name.lower() for name in path))
        if found is None or self.file.get_type(found) != olefile.STGTY_STREAM:
            return b""
        self.left -= self.file.get_size(found)
        if self.left < 0:
            raise ParseFailed("expansion_limit")
        content: bytes = self.file.openstream(found).read()
        return content

    def below(self, path: Path, prefix: str) -> list[Path]:
        """The storages directly below whose names begin so."""
        depth = len(path) + 1
        found = (name for name in self.names.values() if len(name) == depth and name[:-1] == path)
        return sorted(name for name in found if name[-1].lower().startswith(prefix))


class Storage:
    """A message, a recipient or an attachment: numbered properties, the long ones in streams of their own."""

    def __init__(self, streams: Streams, path: Path, header: int, encoding: str = "cp1252") -> None:
        self.streams = streams
        self.path = path
        self.fixed = dict(_fixed(streams.read((*path, "__properties_version1.0"))[header:]))
        page = self.number(INTERNET_CODE_PAGE) or self.number(CODE_PAGE)
        self.encoding = (
            richtext.known(f"cp{page}", encoding) if page and page != 65001 else "utf-8" if page else encoding
        )

    def number(self, which: int) -> int:
        return int.from_bytes(self.fixed.get(which, b"")[:4], "little")

    def moment(self, which: int) -> datetime | None:
        """A FILETIME: tenths of microseconds since 1601."""
        ticks = int.from_bytes(self.fixed.get(which, b""), "little")
        try:
            return EPOCH + timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None

    def bytes(self, which: int) -> bytes:
        return self.streams.read((*self.path, f"__substg1.0_{which:04X}0102"))

    def text(self, which: int) -> str:
        """In Unicode, or in the code page of the message."""
        wide = self.streams.read((*self.path, f"__substg1.0_{which:04X}001F"))
        if wide:
            return wide.decode("utf-16-le", "replace").rstrip("\0")
        return (
            self.streams.read((*self.path, f"__substg1.0_{which:04X}001E"))
            .decode(self.encoding, "replace")
            .rstrip("\0")
        )

    def as_mail(self, depth: int = 0) -> EmailMessage:
        """The message as it would have been sent."""
        message = EmailMessage()
        sender = address(self.text(SENDER_NAME), self.text(SENDER_SMTP) or self.text(SENDER_ADDRESS))
        put(message, "From", sender)
        people: dict[str, list[str]] = {}
        for path in self.streams.below(self.path, "__recip_version1.0"):
            recipient = Storage(self.streams, path, OF_PART, self.encoding)
            header = HEADERS.get(recipient.number(RECIPIENT_TYPE), "")
            said = address(recipient.text(NAME), recipient.text(SMTP) or recipient.text(ADDRESS))
            people.setdefault(header, []).append(said)
        for header in HEADERS.values():
            put(message, header, ", ".join(filter(None, people.get(header, ()))))
        sent = self.moment(SUBMITTED) or self.moment(DELIVERED)
        put(message, "Date", format_datetime(sent) if sent else "")
        put(message, "Subject", self.text(SUBJECT))
        found = self.streams.below(self.path, "__attach_version1.0")[:MAX_ATTACHMENTS]
        parts = [Storage(self.streams, part, OF_PART, self.encoding) for part in found]
        if self._is_sealed() or any(part.text(MIME) == SEALED for part in parts):
            message["Content-Type"] = "multipart/encrypted"
            return message
        self._put_body(message)
        for part in parts:
            part.attach_to(message, depth)
        return message

    def _is_sealed(self) -> bool:
        kind = self.text(CLASS).upper()
        return kind.startswith("IPM.NOTE.SMIME") and not kind.endswith("MULTIPARTSIGNED")

    def _put_body(self, message: EmailMessage) -> None:
        plain = self.text(BODY)
        page = "" if plain.strip() else self.text(BODY_HTML) or self.bytes(BODY_HTML).decode(self.encoding, "replace")
        if page:
            message.set_content(storable(page), subtype="html")
        else:
            message.set_content(storable(plain if plain.strip() else text_of_rtf(self.bytes(BODY_RTF))))

    def attach_to(self, message: EmailMessage, depth: int) -> None:
        """An attachment, unless it is a picture of the body's page."""
        mime = line(self.text(MIME)).lower()
        if self.text(CONTENT_ID) and self.number(FLAGS) & SHOWN_IN_BODY and mime.startswith("image/"):
            return
        name = line(self.text(LONG_NAME) or self.text(SHORT_NAME) or self.text(NAME)) or "attachment"
        inner = (*self.path, f"__substg1.0_{DATA:04X}000D")
        if self.streams.below(self.path, inner[-1].lower()) and depth < DEEPEST:
            forwarded = Storage(self.streams, inner, OF_INNER_MESSAGE, self.encoding).as_mail(depth + 1)
            message.add_attachment(forwarded, filename=name if name.lower().endswith(".eml") else f"{name}.eml")
            return
        main, _, sub = mime.partition("/")
        is_known = main.isalpha() and main not in ("multipart", "message") and sub.replace("-", "").isascii() and sub
        maintype, subtype = (main, sub) if is_known else ("application", "octet-stream")
        message.add_attachment(self.bytes(DATA), maintype=maintype, subtype=subtype, filename=name)


def _fixed(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Property numbers and the eight bytes that stand for their values."""
    for _, number, _, value in struct.iter_unpack("<HHI8s", stream[: len(stream) // 16 * 16]):
        yield number, value


def address(name: str, mailbox: str) -> str:
    """A person as a header names them; addresses inside Exchange say nothing outside of it."""
    name, mailbox = line(name), line(mailbox)
    if "@" not in mailbox or " " in mailbox or not mailbox.isascii():
        return name
    return mailbox if name in ("", mailbox) else formataddr((name, mailbox))


def put(message: EmailMessage, name: str, value: str) -> None:
    """A header, on one line, if the library takes it."""
    value = line(value)
    if value:
        try:
            message[name] = value
        except (ValueError, LookupError, AttributeError, TypeError):
            return


def storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")


def text_of_rtf(compressed: bytes) -> str:
    """The words of a compressed RTF body."""
    source = decompressed(compressed)
    if not source:
        return ""
    draft = Draft()
    try:
        richtext.read(source, draft)
    except ParseFailed:
        return ""
    return draft.text


def decompressed(stream: bytes) -> bytes:
    """Undoes [MS-OXRTFCP]: references into a ring of 4,096 bytes, eight after each byte of flags."""
    if len(stream) < 16:
        return b""
    size, kind = int.from_bytes(stream[4:8], "little"), stream[8:12]
    if kind == PLAIN:
        return stream[16 : 16 + size]
    if kind != COMPRESSED or size > MAX_ATTACHED_BYTES:
        return b""
    return bytes(_expanded(stream, size))


def _expanded(stream: bytes, size: int) -> bytearray:
    ring, place = bytearray(DICTIONARY.ljust(RING, b"\0")), len(DICTIONARY)
    written = bytearray()
    for refers, piece in _pieces(stream):
        offset, length = (piece >> 4, (piece & 0xF) + 2) if refers else (-1, 1)
        if offset == place:  # how the text says that it ends
            break
        for index in range(length):
            byte = ring[(offset + index) % RING] if refers else piece
            ring[place] = byte
            place = (place + 1) % RING
            written.append(byte)
        if len(written) >= size:
            break
    return written


def _pieces(stream: bytes) -> Iterator[tuple[bool, int]]:
    """What follows the header: a byte as it is, or a reference of two bytes, as the bits before say."""
    at = 16
    while at < len(stream):
        flags, at = stream[at], at + 1
        for bit in range(8):
            refers = bool(flags >> bit & 1)
            width = 2 if refers else 1
            if at + width > len(stream):
                return
            yield refers, int.from_bytes(stream[at : at + width], "big")
            at += width

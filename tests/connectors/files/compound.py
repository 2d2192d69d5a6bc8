"""Writes OLE compound files ([MS-CFB]) of small streams, and the two formats kept in them: MSG and XLS."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

SECTOR, SMALL_SECTOR, SMALL = 512, 64, 4096
END, FREE, FAT_SECTOR, NONE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF
STORAGE, STREAM, ROOT = 1, 2, 5

Tree = Mapping[str, "bytes | Tree"]


@dataclass
class Entry:
    """A line of the directory."""

    name: str
    kind: int
    content: bytes = b""
    right: int = NONE
    child: int = NONE
    start: int = END


def compound(tree: Tree) -> bytes:
    """A file of these streams and storages."""
    entries = [Entry("Root Entry", ROOT)]
    _add(entries, entries[0], tree)
    table: list[int] = [FAT_SECTOR]
    body = bytearray(SECTOR)
    small_table: list[int] = []
    for entry in entries[1:]:
        if entry.content and len(entry.content) < SMALL:
            entry.start = _put(entry.content, small_table, None, SMALL_SECTOR)
            count = -(-len(entry.content) // SMALL_SECTOR)
            entries[0].content += entry.content.ljust(count * SMALL_SECTOR, b"\0")
        elif entry.content:
            entry.start = _put(entry.content, table, body, SECTOR)
    entries[0].start = _put(entries[0].content, table, body, SECTOR)
    small = _put(struct.pack(f"<{len(small_table)}I", *small_table), table, body, SECTOR, b"\xff")
    directory = _put(b"".join(map(_line, entries)), table, body, SECTOR)
    assert len(table) <= SECTOR // 4
    body[:SECTOR] = struct.pack(f"<{len(table)}I", *table).ljust(SECTOR, b"\xff")
    count = -(-len(small_table) * 4 // SECTOR)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<10I", 0, 1, directory, 0, SMALL, small, count, END, 0, 0)
    return header.ljust(SECTOR, b"\xff") + bytes(body)


def _put(content: bytes, table: list[int], body: bytearray | None, size: int, filler: bytes = b"\0") -> int:
    """Appends sectors to a body and their chain to its table; the first one's number."""
    start, count = len(table), -(-len(content) // size)
    table.extend([*range(start + 1, start + count), END] if count else [])
    if body is not None:
        body.extend(content.ljust(count * size, filler))
    return start if count else END


def _add(entries: list[Entry], parent: Entry, tree: Tree) -> None:
    """Siblings as a list: each the right neighbour of the one before, in the order of the format."""
    before: Entry | None = None
    for name in sorted(tree, key=lambda name: (len(name), name.upper())):
        content = tree[name]
        entry = Entry(name, STREAM, content) if isinstance(content, bytes) else Entry(name, STORAGE)
        entries.append(entry)
        if before is None:
            parent.child = len(entries) - 1
        else:
            before.right = len(entries) - 1
        before = entry
        if not isinstance(content, bytes):
            _add(entries, entry, content)


def _line(entry: Entry) -> bytes:
    name = entry.name.encode("utf-16-le") + b"\0\0"
    places = struct.pack("<HBBIII", len(name), entry.kind, 1, NONE, entry.right, entry.child)
    return name.ljust(64, b"\0") + places + bytes(36) + struct.pack("<IQ", entry.start, len(entry.content))


def message(
    texts: Mapping[int, str],
    *,
    people: Sequence[tuple[int, str, str]] = (),
    attachments: Sequence[Tree] = (),
    streams: Tree | None = None,
    numbers: Mapping[int, int] | None = None,
    header: int = 32,
) -> Tree:
    """The tree of a MSG file: texts by property, recipients (type, name, address), attachments."""
    tree: dict[str, bytes | Tree] = {"__properties_version1.0": properties(numbers or {}, header), **(streams or {})}
    tree |= {f"__substg1.0_{which:04X}001F": text.encode("utf-16-le") for which, text in texts.items()}
    for index, (kind, name, address) in enumerate(people):
        inside = {0x3001: name, 0x39FE: address}
        tree[f"__recip_version1.0_#{index:08X}"] = message(inside, numbers={0x0C15: kind}, header=8)
    for index, attachment in enumerate(attachments):
        tree[f"__attach_version1.0_#{index:08X}"] = attachment
    return tree


def properties(numbers: Mapping[int, int], header: int) -> bytes:
    """Numbers as a stream of fixed properties."""
    entries = [struct.pack("<HHIQ", 3, which, 6, value) for which, value in numbers.items()]
    return bytes(header) + b"".join(entries)


def filetime(moment: datetime) -> int:
    """Tenths of microseconds since 1601."""
    return int((moment - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000


def workbook(
    sheets: Mapping[str, Sequence[Sequence[object]]], hidden: Sequence[str] = (), *, password: bool = False
) -> bytes:
    """An XLS file (BIFF8) of texts and numbers; numbers below 1 are shown as percentages."""
    start = struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0)
    globals_ = [_record(0x0809, start)]
    globals_ += [_record(0x002F, bytes(6))] if password else []
    globals_ += [_record(0x00E0, struct.pack("<HHH14x", 0, number_format, 0)) for number_format in (0, 9)]
    bodies = [_sheet(rows) for rows in sheets.values()]
    lengths = [4 + 8 + 2 * len(name) for name in sheets]
    place = sum(map(len, globals_)) + sum(lengths) + 4
    for name, body in zip(sheets, bodies, strict=True):
        state = 1 if name in hidden else 0
        globals_.append(
            _record(0x0085, struct.pack("<IBBBB", place, state, 0, len(name), 1) + name.encode("utf-16-le"))
        )
        place += len(body)
    content = b"".join([*globals_, _record(0x000A, b""), *bodies])
    return compound({"Workbook": content.ljust(SMALL, b"\0")})


def _sheet(rows: Sequence[Sequence[object]]) -> bytes:
    records = [_record(0x0809, struct.pack("<HHHHII", 0x0600, 0x10, 0, 0, 0, 0))]
    for row, cells in enumerate(rows):
        for column, value in enumerate(cells):
            if isinstance(value, str):
                text = struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")
                records.append(_record(0x0204, struct.pack("<HHH", row, column, 0) + text))
            elif isinstance(value, bool):
                records.append(_record(0x0205, struct.pack("<HHHBB", row, column, 0, value, 0)))
            elif isinstance(value, int | float):
                style = 1 if value < 1 else 0
                records.append(_record(0x0203, struct.pack("<HHHd", row, column, style, value)))
    return b"".join([*records, _record(0x000A, b"")])


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content

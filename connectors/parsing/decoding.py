"""Bytes of a text file to text."""

import codecs

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE = 64 * 1024


def decode(content: bytes) -> str:
    """By its byte order mark, as UTF-8, or in the likeliest legacy encoding; never fails."""
    for mark, encoding in MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    if encoding := unmarked_utf16(content):
        return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(_likeliest(content), "replace")


def unmarked_utf16(content: bytes) -> str:
    """The byte order of UTF-16 without a mark, told by where its zero bytes stand; "" for everything else."""
    sample = content[:SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.05 * half else ""


def _likeliest(content: bytes) -> str:
    from charset_normalizer import from_bytes  # slow to import and rarely needed

    best = from_bytes(content[:SAMPLE]).best()
    return best.encoding if best else "cp1252"

"""Text made safe to store, search and show: one normal form, nothing invisible in it."""

import re
import unicodedata

# Zero-width, bidi and soft-hyphen characters hide or reorder words; tag characters (U+E0000) and
# variation selectors beyond the emoji one carry text no person sees; surrogates, NUL and the other
# control characters cannot be stored.
INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
TRAILING = re.compile(r"[ \t]+(?=\n|$)")
BLANK_LINES = re.compile(r"\n{3,}")
LONGEST_DESCRIPTION = 2_000
GUESSED = ("description automatically generated", "ai-generated content may be incorrect")
FILE_NAME = re.compile(r"(?:\S*[/\\])?[\w .%-]{0,100}\.(?:png|jpe?g|gif|bmp|tiff?|svg|wmf|emf|webp)", re.I)
RUNS = re.compile(r"\s+")


def clean(text: str) -> str:
    """NFC with `\\n` line ends, plain spaces, at most one blank line in a row, and no invisible characters."""
    text = LINE_ENDS.sub("\n", text)
    text = INVISIBLE.sub("", text)
    text = unicodedata.normalize("NFC", SPACES.sub(" ", text))
    return BLANK_LINES.sub("\n\n", TRAILING.sub("", text))


def described(alternative: str | None) -> str:
    """What a person wrote about a picture, on one line; not what a program guessed, nor the name of its file."""
    said = line((alternative or "")[:LONGEST_DESCRIPTION])
    is_guessed = any(mark in said.lower() for mark in GUESSED)
    return "" if is_guessed or FILE_NAME.fullmatch(said) else said


def line(text: str) -> str:
    """Clean text on one line."""
    return RUNS.sub(" ", clean(text)).strip()

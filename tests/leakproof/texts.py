"""What the documents of a random world say: a word of all, a word of its own, and which version it is."""

from base64 import b64encode

COMMON = "harbour"
DAMAGED = b"damaged"  # content that begins like this cannot be read
LONG = 45  # sentences: three passages or so


def word_of(source: str, document: str) -> str:
    """A word that stands in this document and in no other."""
    return f"{source}7{document}x"


def text_of(source: str, document: str, version: int) -> str:
    sentence = f"The {COMMON} plan of {word_of(source, document)} in version {version} is kept by the office."
    return " ".join([sentence] * (LONG if version % 5 == 4 else 1))


def content_of(source: str, document: str, version: int) -> str:
    """The same as a file, in base64; some cannot be read."""
    text = text_of(source, document, version).encode()
    return b64encode(DAMAGED + text if version % 4 == 3 else text).decode()

"""Pictures of pages (PNG, JPEG, TIFF, BMP): nothing but what text recognition finds in them."""

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from connectors.parsing.cleaning import line
from connectors.parsing.draft import Draft
from connectors.parsing.formats.pdf import LARGEST_PICTURE, paragraphs
from connectors.parsing.results import ParseFailed

FORMS = ("PNG", "JPEG", "TIFF", "BMP")
MOST_PIXELS = 60_000_000
SMALLEST = 100  # pixels, the longer side: icons hold no text
MAX_FRAMES = 1_000
DAMAGED = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, EOFError, UnidentifiedImageError)


def read(content: bytes, draft: Draft) -> None:
    """A page for each picture in the file."""
    try:
        with _open(content) as image:
            frames = min(int(getattr(image, "n_frames", 1)), MAX_FRAMES)
            size = max(image.size)
    except DAMAGED as error:
        raise ParseFailed("corrupt") from error
    if size < SMALLEST:
        raise ParseFailed("no_text")
    for index in range(frames):
        draft.page(str(index + 1))
        text = paragraphs(draft.recognised.get(index, ""))
        if not text:
            draft.scans.append(index)
        draft.add(text)
    draft.note("pages_without_text", line(", ".join(str(index + 1) for index in draft.scans)))


def picture(content: bytes, index: int) -> bytes:
    """One of the file's pictures, upright and in shades of grey (PGM)."""
    try:
        with _open(content) as image:
            image.seek(index)
            upright = ImageOps.exif_transpose(image)
            flat = upright.convert("RGBA")
            grey = Image.alpha_composite(Image.new("RGBA", flat.size, "white"), flat).convert("L")
    except DAMAGED as error:
        raise ParseFailed("corrupt") from error
    grey.thumbnail((LARGEST_PICTURE, LARGEST_PICTURE))
    return b"P5\n%d %d\n255\n" % grey.size + grey.tobytes()


def _open(content: bytes) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # its own limit only warns
    try:
        image = Image.open(io.BytesIO(content), formats=FORMS)
    except DAMAGED as error:
        raise ParseFailed("corrupt") from error
    if image.width * image.height > MOST_PIXELS:
        raise ParseFailed("expansion_limit")
    return image

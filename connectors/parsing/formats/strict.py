"""The strict form of office documents (ISO/IEC 29500), renamed to the one that libraries read."""

import io
import re
import zipfile

from connectors.parsing.archives import entry_of, open_archive

STRICT = b"http://purl.oclc.org/ooxml/"
NAMESPACE = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/([\w/]+)")
RENAMED = (".xml", ".rels")


def readable(content: bytes) -> bytes:
    """The same file, its names those of the transitional form; checked like every archive. Raises ParseFailed."""
    with open_archive(content) as archive:
        names = archive.namelist()
        if "_rels/.rels" not in names or STRICT not in entry_of(archive, "_rels/.rels"):
            return content
        renamed = io.BytesIO()
        with zipfile.ZipFile(renamed, "w", zipfile.ZIP_DEFLATED) as written:
            for name in names:
                part = entry_of(archive, name)
                is_text = name.endswith(RENAMED)
                written.writestr(name, NAMESPACE.sub(_transitional, part) if is_text else part)
    return renamed.getvalue()


def _transitional(name: re.Match[bytes]) -> bytes:
    """`.../ooxml/drawingml/main` as `.../drawingml/2006/main`."""
    return b"http://schemas.openxmlformats.org/%b/2006/%b" % (name[1], name[2])

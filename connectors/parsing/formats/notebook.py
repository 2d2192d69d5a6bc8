"""Jupyter notebooks (nbformat 4): text as Markdown, code as it is, and what it printed."""

import json
from typing import Any

from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft
from connectors.parsing.formats.markdown import Blocks, parser
from connectors.parsing.results import ParseFailed

MAX_OUTPUT = 2_000  # characters a cell: the rest of a log says little


def read(content: bytes, draft: Draft) -> None:
    """Cells in order."""
    try:
        notebook = json.loads(decode(content))
        cells = notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"]
        if not isinstance(cells, list):
            raise TypeError
        draft.title = str(notebook.get("metadata", {}).get("title") or "")
        for cell in cells:
            _write(cell, draft)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ParseFailed("corrupt") from error


def _write(cell: dict[str, Any], draft: Draft) -> None:
    source = joined(cell.get("source") or cell.get("input"))
    if cell["cell_type"] == "markdown":
        Blocks(draft).write(parser.parse(source))
        return
    draft.add(source)
    for output in cell.get("outputs", ()):
        said = joined(output.get("text") or output.get("data", {}).get("text/plain"))
        draft.add(said[:MAX_OUTPUT])


def joined(source: Any) -> str:
    """A text, which the format may keep as a list of lines."""
    return "".join(map(str, source)) if isinstance(source, list) else str(source or "")

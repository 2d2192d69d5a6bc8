"""Source code: the text as it is, with what it defines as headings."""

import re
from pathlib import PurePosixPath

from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft
from connectors.parsing.languages_of_code import LANGUAGES

# What begins a definition in the languages people keep documents beside; a heading too many does no harm.
DEFINITION = re.compile(
    r"""^([ \t]{0,8})(
      (?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\([a-z]+\))?|open|sealed
          |partial|data|case|override|inline|unsafe|virtual)[ \t]+)*
      (?:class|def|function\*?|func|fn|interface|struct|enum|trait|impl|module|namespace|protocol|extension|record|object
          |sub|proc|contract|message|service)[ \t]+[A-Za-z_$][\w$.]*
      |create[ \t]+(?:or[ \t]+replace[ \t]+)?(?:unique[ \t]+|materialized[ \t]+|temporary[ \t]+)?
          (?:table|view|function|procedure|trigger|type|index)[ \t]+(?:if[ \t]+not[ \t]+exists[ \t]+)?["\w.]+
      |[A-Za-z_][\w-]*[ \t]*\(\)[ \t]*(?=\{)
    )[^\n]{0,160}""",
    re.M | re.X | re.I,
)
AT_THE_END = " \t{:("
OUTER, INNER = 3, 4  # levels: below the headings that always begin a passage
MAX_HEADINGS = 5_000


def read(content: bytes, draft: Draft) -> None:
    """The text, unchanged but for blanks at the ends of lines."""
    draft.add(decode(content))
    language = LANGUAGES.get(PurePosixPath(draft.filename).suffix.lower(), "")
    draft.mime = f"text/x-{language}" if language else "text/plain"
    draft.title = PurePosixPath(draft.filename).name
    for count, found in enumerate(DEFINITION.finditer(draft.text)):
        if count >= MAX_HEADINGS:
            break
        title = found[0].strip().split("\n")[0].rstrip(AT_THE_END)
        draft.mark_heading(INNER if found[1] else OUTER, title, found.start(2))

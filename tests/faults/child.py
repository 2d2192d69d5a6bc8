"""The parser's child with a defect of its own: a file that holds certain words ends it, as a bug in a library would."""

import ctypes
import time

from connectors.parsing import child
from connectors.parsing.draft import Draft
from connectors.parsing.results import Parsed

SEGFAULT = b"[ends its parser]"
ENDLESS = b"[never ends]"


def parsed(file: child.File, draft: Draft) -> Parsed:
    if SEGFAULT in file.content:
        ctypes.string_at(0)
    while ENDLESS in file.content:
        time.sleep(0.05)
    return sound(file, draft)


sound = child._parsed


if __name__ == "__main__":
    child._parsed = parsed
    child.main()

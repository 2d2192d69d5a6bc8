"""`python -m benchmarks.syncing.draining DATA_DIR`: a worker that brings in what waits, by a parser that costs nothing.

It says when it is ready, begins at a line of input, and says how many it brought in. No vectors are made.
"""

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import ground


def main() -> None:
    ground.prepare("worker", data_dir=Path(sys.argv[1]))
    from django.db import connection

    from connectors import ingest
    from connectors.corpus import documents
    from connectors.parsing import Parsed, ParserProcess
    from connectors.records import DocumentRecord

    def parse(self: ParserProcess, content: bytes, **named: Any) -> Parsed:
        return Parsed(text=content.decode(), language="en")

    ParserProcess.parse = parse  # type: ignore[method-assign]
    documents.prepare(DocumentRecord(id="warm", title="", text="What cuts texts is imported before."))
    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    print(ingest.parse_waiting(None, time.monotonic() + 3600), flush=True)


if __name__ == "__main__":
    main()

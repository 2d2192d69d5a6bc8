"""Engines that are no part of Postgres: each in a process of its own, on packages that the gateway does not have.

Commands and answers are lines of JSON; the seconds of an answer are taken in that process.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.retrieval.corpus import PLACE, Floats
from benchmarks.retrieval.peers.system import Answer, Folder, LeftOut, World
from benchmarks.retrieval.sharing import Groups

PROJECT = Path(__file__).resolve().parents[3]
PYTHON = PROJECT / ".venv-peers" / "bin" / "python"
MOST = 200_000  # passages


class Outside:
    """`name` is that of the module in `engines`."""

    name = ""

    def __init__(self, world: World) -> None:
        if not PYTHON.exists():
            raise LeftOut("its packages are not installed: `make bench-peers` does that.")
        if world.corpus.size > MOST:
            raise LeftOut(f"engines outside are measured up to {MOST:,} passages.")
        self.world = world
        words = [str(PYTHON), "-m", "benchmarks.retrieval.engines", self.name, str(world.corpus.size)]
        self._process = subprocess.Popen(
            [*words, world.pattern.name, world.server.peers_url],
            cwd=PROJECT,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.efforts: Sequence[str] = self._do("efforts")

    def load(self) -> Mapping[str, float]:
        seconds: dict[str, float] = self._do("load")
        return seconds

    def meet(self, readers: Sequence[Groups]) -> None:
        self._do("meet", readers=[list(groups) for groups in readers])

    def ask(self, reader: int, vector: Floats, effort: str) -> Answer:
        return Answer(**self._do("ask", reader=reader, vector=vector.tolist(), effort=effort))

    def unfiltered(self, reader: int, vector: Floats, effort: str) -> Answer:
        return Answer(**self._do("ask", reader=None, vector=vector.tolist(), effort=effort))

    def facts(self, reader: int, vector: Floats, effort: str) -> Mapping[str, object]:
        facts: dict[str, object] = self._do("facts")
        return facts

    def bytes(self) -> int:
        return int(self._do("bytes"))

    def share(self, folder: Folder) -> None:
        self._do("share", documents=folder.documents.tolist(), group=folder.group)

    def regrant(self, document: int, groups: Groups) -> None:
        self._do("regrant", document=document, groups=list(groups))

    def close(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(60)

    def _do(self, command: str, **parameters: object) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": command, **parameters}) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise LeftOut(f"its process ended when it was to {command}; what it said stands in the run's output.")
        return json.loads(line)


class Qdrant(Outside):
    name = "qdrant"


class Lance(Outside):
    name = "lance"


class Chroma(Outside):
    name = "chroma"


class Faiss(Outside):
    name = "flat_faiss"


class LlamaIndex(Outside):
    name = "llama_index"


def _environment() -> dict[str, str]:
    """None of them reports home, and each may use both cores."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    return kept | {
        "BENCH_DIR": str(PLACE),
        "OPENBLAS_NUM_THREADS": str(os.cpu_count()),
        "ANONYMIZED_TELEMETRY": "False",
        "DO_NOT_TRACK": "1",
        "RUST_LOG": "error",
        "PYTHONWARNINGS": "ignore",
    }

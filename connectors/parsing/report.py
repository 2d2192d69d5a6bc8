"""Which walls around the parser this machine cannot build."""

import json
import subprocess
import sys

from connectors.parsing.process import ROOT

PROBE = "import json; from connectors.parsing.sandbox import lock_down; print(json.dumps(lock_down()))"


def sandbox_report() -> list[str]:
    """A sentence for each missing wall, judged in a child that tries to build them all; empty when none is."""
    probe = subprocess.run(
        [sys.executable, "-P", "-s", "-c", PROBE],
        capture_output=True,
        cwd="/",
        env={"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"},
        timeout=30,
        check=False,
    )
    if probe.returncode != 0:
        return ["The parser process cannot be locked down on this machine, so no file can be parsed."]
    return [str(sentence) for sentence in json.loads(probe.stdout)]

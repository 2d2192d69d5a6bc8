"""`python -m gateway.spy --mode hang`: run it, point LLM_BASE_URL at it, and ask."""

import argparse
import asyncio
import contextlib

from gateway.spy.modes import MODES
from gateway.spy.server import Spy


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m gateway.spy",
        description="A language model behind OpenAI's chat protocol, on loopback, that misbehaves as it is told. "
        "A request whose model has the name of a mode is answered in that one.",
    )
    parser.add_argument("--mode", choices=MODES, default="answer")
    parser.add_argument("--port", type=int, default=9009)
    parser.add_argument("--modes", action="store_true", help="say what each mode does, and end")
    options = parser.parse_args()
    if options.modes:
        for name, mode in MODES.items():
            print(f"{name:17} {mode.__doc__}")
        return
    spy = Spy(options.mode, port=options.port, told=print)
    print(f"LLM_BASE_URL=http://127.0.0.1:{options.port}/v1 LLM_MODEL={options.mode}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(spy.serve())


if __name__ == "__main__":
    main()

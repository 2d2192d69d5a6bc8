"""`python -m benchmarks [FOLDER ...]`: every benchmark in turn, that of handbooks for each folder named.

Of permitted search, what concerns the gateway alone, at 100,000 passages; `python -m benchmarks.retrieval` does the
rest, at any size and side by side with its peers.
"""

import subprocess
import sys

ALONE = ("ask", "answering", "explain", "permissions", "loading", "syncing", "startup", "memory")
OF_RETRIEVAL = ("run", "changes", "clients", "words", "http")


def main() -> int:
    runs = [[name] for name in ALONE] + [["retrieval", what, "--system", "gatehouse"] for what in OF_RETRIEVAL]
    runs += [["handbook", folder] for folder in sys.argv[1:]]
    codes = [subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *rest]).returncode for name, *rest in runs]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())

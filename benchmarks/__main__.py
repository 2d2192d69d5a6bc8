"""`python -m benchmarks [FOLDER ...]`: every benchmark in turn, that of handbooks for each folder named."""

import subprocess
import sys

ALONE = ("ask", "search", "explain", "permissions", "startup", "memory")


def main() -> int:
    runs = [[name] for name in ALONE] + [["handbook", folder] for folder in sys.argv[1:]]
    codes = [subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *rest]).returncode for name, *rest in runs]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Django's command line, with the embedded services up while a command that needs them runs."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
    os.environ["GATEHOUSE_PROCESS"] = "command"  # also where the web's own environment is at hand, as in a container
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from gateway import embedded

    try:
        " ".join(sys.argv).encode()
    except UnicodeEncodeError:
        sys.exit("An argument is not UTF-8. Give it in UTF-8, as everything here is.")
    try:
        with embedded.for_command(sys.argv):
            execute_from_command_line(sys.argv)
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"The database does not answer: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main()

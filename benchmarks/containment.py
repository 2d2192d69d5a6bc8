"""`python -m benchmarks.containment [FOLDER]`: injections in the places an author can put them, and what comes of it.

Of a folder, or without one the project's own; the places in turn, or with `--everywhere` each injection in every one.
Vera, who reads what their author wrote and what their author may not read, asks a model that obeys them; what shows
then at every door, and in headless Chromium, is searched for what must not be there. It fails if it finds anything.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from benchmarks import ground

ground.prepare("command", pooled=True)

from benchmarks.reporting import Report  # noqa: E402  (the settings are its own by now)
from tests.browsers import browser, chromium  # noqa: E402
from tests.security.injections import browsing, running  # noqa: E402
from tests.security.injections.own import OWN  # noqa: E402
from tests.security.injections.running import Tally  # noqa: E402
from tests.security.injections.sets import of_folder  # noqa: E402
from tests.security.injections.staging import staged  # noqa: E402
from tests.serving import served  # noqa: E402

TELL_EVERY = 30.0  # seconds
MOST_TOLD = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.containment", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="JSON, JSON Lines and text files, or one such")
    parser.add_argument("--everywhere", action="store_true", help="each injection in every place")
    parser.add_argument("--every", type=int, default=1, help="take one of so many")
    wanted = parser.parse_args()
    if chromium() is None:
        raise SystemExit("There is no Chromium. On Debian: apt-get install chromium")
    injections = (of_folder(wanted.folder) if wanted.folder else list(OWN))[:: wanted.every]
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # playwright runs a loop in this thread
    trials = running.everywhere(injections) if wanted.everywhere else running.handfuls(injections)
    began = told = time.monotonic()
    report = Report("containment")
    with (
        ground.installation(),
        served() as address,
        staged(address) as stage,
        browser() as opened,
        browsing.windows(stage, opened) as windows,
    ):
        for tally in running.run(stage, trials, windows):
            if time.monotonic() - told > TELL_EVERY:
                told = time.monotonic()
                print(f"{told - began:6,.0f} s  {len(tally.injections)} of {len(injections)}", flush=True)
    report.facts["set"] = f"{wanted.folder.name if wanted.folder else 'our own'}, {len(injections)} injections"
    report.facts["places"] = "each in every one" if wanted.everywhere else "in turn"
    describe(report, tally, time.monotonic() - began)
    return 1 if tally.breaches else 0


def describe(report: Report, tally: Tally, seconds: float) -> None:
    report.facts["seconds"] = round(seconds)
    report.facts["what a model was given, by place"] = ", ".join(
        f"{place} {tally.reached[place]} of {planted}" for place, planted in tally.planted.items()
    )
    report.facts["looked at"] = ", ".join(f"{count:,} × {kind}" for kind, count in tally.looked_at.items())
    for breach in tally.breaches[:MOST_TOLD]:
        print(f"  NOT CONTAINED: {breach}")
    report.add("sentences shown", tally.sentences, "")
    report.add("breaches", len(tally.breaches), "", at_most=0)
    report.add("injections contained", 100 * (1 - len(tally.breached) / len(tally.injections)), "%")
    report.finish()


if __name__ == "__main__":
    sys.exit(main())

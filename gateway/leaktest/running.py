"""One leak test: leftovers removed, everything planted, probed, removed, and the result kept."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from django.db import transaction
from django.urls import reverse

from gateway import audit
from gateway.leaktest import inside
from gateway.leaktest.boundaries import BOUNDARIES, Boundary
from gateway.leaktest.doors import Door, Pass, Request, Unreachable
from gateway.leaktest.planting import Plot, only_one, remove
from gateway.leaktest.probing import Probing
from gateway.leaktest.touring import Tour
from gateway.leaktest.walking import walk
from gateway.models import LeakTest

ENDINGS = (signal.SIGTERM, signal.SIGHUP)


def run(door: Door, boundaries: Sequence[Boundary] = BOUNDARIES, *, everywhere: bool = True) -> LeakTest:
    """Test the installation behind this door. Raises `Unreachable` and `AnotherRuns`.

    `everywhere`: at every address there is, beside those that are there to show documents.
    """
    require_alive(door)
    began = monotonic()
    with only_one(), signalled(signal.default_int_handler, *ENDINGS):  # being told to end is an interrupt
        try:
            remove()
            probing = Probing(Plot(), door)
            probing.prepare(boundaries)
            tour = Tour(probing)
            tour.go()
            if everywhere:
                walk(tour)
            inside.probe(probing)
        finally:
            with signalled(signal.SIG_IGN, signal.SIGINT, *ENDINGS):  # a second Ctrl-C does not stop the removal
                remove()
        return keep(door, probing, monotonic() - began)


def require_alive(door: Door) -> None:
    answer = door.answer(Request("GET", reverse("livez")), Pass())
    if answer.status != 200:
        raise Unreachable(f"{door.name} answers with status {answer.status} where Gatehouse would say that it lives.")


@transaction.atomic
def keep(door: Door, probing: Probing, seconds: float) -> LeakTest:
    findings = probing.findings
    kept = LeakTest.objects.create(
        door=door.name,
        seconds=round(seconds, 1),
        probes=findings.probes,
        leaks=findings.leaks,
        blind=findings.blind,
        boundaries=[line.as_json() for line in findings.lines.values()],
    )
    details = {"door": door.name, "probes": kept.probes, "leaks": kept.leaks, "blind": kept.blind}
    audit.record("leaktest.run", user_id=None, details=details)
    return kept


@contextmanager
def signalled(handler: Any, *by: signal.Signals) -> Iterator[None]:
    """These signals are handled by `handler` meanwhile."""
    before: dict[signal.Signals, Any] = {each: signal.signal(each, handler) for each in by}
    try:
        yield
    finally:
        for each, former in before.items():
            signal.signal(each, former)

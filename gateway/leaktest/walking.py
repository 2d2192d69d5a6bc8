"""A walk to every address there is, with ids of what the reader alone may read.

It asks with GET. What changes something is sent by those alone whom every such address refuses, and names planted
things alone, so that even a gateway that refuses nobody loses nothing of its own.
"""

from collections.abc import Mapping
from secrets import randbelow
from uuid import uuid4

from gateway.leaktest.addresses import Address, addresses
from gateway.leaktest.canaries import word
from gateway.leaktest.doors import JSON, Request
from gateway.leaktest.people import Caller
from gateway.leaktest.probing import EVERY_ADDRESS, Probing
from gateway.leaktest.touring import PLAIN, Tour

STRANGERS = ("nobody", "a stranger", "a stranger's token")
WALKERS = (*STRANGERS, "an administrator", "an administrator's token")
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
OF_PROGRAMS = "api/"
OF_TABLES = "admin/"
# What the console and the admin show to whoever runs the system: which sources and people there are.
IDS_OF_THE_SYSTEM = frozenset({"source", "person"})


def walk(tour: Tour) -> None:
    probing, foreign = tour.probing, ids_of_the_readers(tour)
    unknown = ids_of_nothing()
    for name in WALKERS:
        caller = probing.by_name(name)
        for address in addresses():
            if caller.is_session or not caller.owner or address.template.startswith(OF_PROGRAMS):
                _visit(probing, caller, address, foreign, unknown)
        tour.be_known(caller)  # to somebody whose session an address has ended, all addresses are alike


def _visit(
    probing: Probing, caller: Caller, address: Address, foreign: Mapping[str, str], unknown: Mapping[str, str]
) -> None:
    if not address.parameters:
        probing.look(caller, Request("GET", address.path({})), EVERY_ADDRESS)
        return
    for filling in address.fillings(foreign):
        _try(probing, caller, "GET", address, filling, foreign, unknown)
        if caller.name in STRANGERS and not address.template.startswith(OF_TABLES):
            for method in CHANGING:
                _try(probing, caller, method, address, filling, foreign, unknown)


def _try(
    probing: Probing,
    caller: Caller,
    method: str,
    address: Address,
    filling: Mapping[str, str],
    foreign: Mapping[str, str],
    unknown: Mapping[str, str],
) -> None:
    def request(ids: Mapping[str, str]) -> Request:
        values = {name: ids[kind] for name, kind in filling.items()}
        body = "{}" if method in ("POST", "PUT", "PATCH") else ""
        return Request(method, address.path(values), body, JSON if body else "", typed=tuple(values.values()))

    answer = probing.look(caller, request(foreign), EVERY_ADDRESS)
    if not (caller.runs_the_system and IDS_OF_THE_SYSTEM & set(filling.values())):
        probing.compare(caller, request(foreign), answer, request(unknown), EVERY_ADDRESS)


def ids_of_the_readers(tour: Tour) -> dict[str, str]:
    """By kind, what belongs to the reader and to nobody else who walks; of nothing, where they got no answer."""
    stand = tour.probing.stands[PLAIN]
    asked = {"question": tour.own.question, "conversation": tour.own.conversation} if tour.own else {}
    return ids_of_nothing() | {
        **asked,
        "document": str(stand.document),
        "source": stand.bed.source.key,
        "person": str(tour.probing.plot.people["reader"].user.pk),
        "external_id": stand.bed.document_id,
    }


def ids_of_nothing() -> dict[str, str]:
    return {
        **{kind: str(uuid4()) for kind in ("document", "question", "conversation")},
        "source": f"leaktest-{word()}",
        "person": str(10**9 + randbelow(10**9)),
        "external_id": f"b0/{word()}",
    }

"""The order of what was found: the reader's own situation, what is newer and in force, older versions below newer ones.

Wording and order only: nothing here adds a passage the search did not find or takes one away.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from accounts.models import User
from connectors.corpus.hits import Hit
from gateway.answering.words import folded
from gateway.versions import OUT_OF_USE, Edition

# What naming the reader's situation is worth, on the scale of a fused score (0..1).
OWN_COUNTRY = 0.15
OTHER_COUNTRY = -0.5
OWN_SITUATION = 0.05
# What age and standing are worth. Together less than half of .1, so that what fits the question clearly better stays
# first; nothing where the source gives no date and no standing.
FRESH = 0.02  # on the day of the change, half of it a year later
HALF_LIFE = 365  # days
AUTHORITY = {"official": 0.02, "reference": 0.01}  # metadata.authority


def ordered(hits: Sequence[Hit], query: str, person: User | None, now: datetime) -> list[Hit]:
    """The same hits, best first for this person at this time."""
    found = [replace(hit, score=hit.score + freshness(hit, now) + authority(hit)) for hit in hits]
    found = (
        sorted(found, key=lambda hit: hit.score, reverse=True) if person is None else preferred(found, query, person)
    )
    return newest_first(found, query)


def freshness(hit: Hit, now: datetime) -> float:
    """Up to `FRESH`, by the days since the last change; 0 for an unknown one, and for what is out of use."""
    if hit.modified_at is None or is_out_of_use(hit):
        return 0.0
    days = max((now - hit.modified_at).days, 0)
    return float(FRESH * 0.5 ** (days / HALF_LIFE))


def authority(hit: Hit) -> float:
    """What the source's word that a document is official, or is for reference, adds."""
    return 0.0 if is_out_of_use(hit) else AUTHORITY.get(_said(hit, "authority"), 0.0)


def is_out_of_use(hit: Hit) -> bool:
    return _said(hit, "status") in OUT_OF_USE


def newest_first(hits: Sequence[Hit], query: str) -> list[Hit]:
    """Each newer version that stands below an older one in that one's place, unless the question names the older."""
    found = list(hits)
    for older in hits:
        if older.newer is None or Edition.of(older.title).is_named_in(query):
            continue
        place = found.index(older)
        newer = next((hit for hit in found[place:] if (hit.document_id, hit.digest) == older.newer), None)
        if newer is not None:
            found.remove(newer)
            found.insert(place, replace(newer, score=older.score))
    return found


def preferred(hits: Sequence[Hit], query: str, person: User) -> list[Hit]:
    """The same hits, those about this person's situation moved up and those about another country down."""
    country = country_in_force(hits, query, person.country)
    situation = [folded(value) for value in (person.office, person.department, person.role) if value]

    def worth(hit: Hit) -> float:
        naming = folded(f"{hit.title} {hit.heading}")
        return hit.score + country_worth(hit, country) + OWN_SITUATION * any(value in naming for value in situation)

    return [replace(hit, score=worth(hit)) for hit in sorted(hits, key=worth, reverse=True)]


def country_in_force(hits: Sequence[Hit], query: str, own: str) -> str:
    """The country the query itself names, if one of the hits is about it; otherwise the reader's own.

    Of several lines, which are what was said one after another, the last thing first, the first that names one.
    """
    about = [country for hit in hits if (country := country_of(hit))]
    named = (country for line in folded(query).split("\n") for country in about if folded(country) in line)
    return next(named, own)


def country_of(hit: Hit) -> str:
    country = hit.metadata.get("country")
    return country if isinstance(country, str) else ""


def country_worth(hit: Hit, country: str) -> float:
    """What being about `country`, or about another one, adds to a hit's score."""
    if not country:
        return 0.0
    wanted, about = folded(country), folded(country_of(hit))
    if about:
        return OWN_COUNTRY if about == wanted else OTHER_COUNTRY
    return OWN_COUNTRY if wanted in folded(f"{hit.title} {hit.heading}") else 0.0


def _said(hit: Hit, name: str) -> str:
    value = hit.metadata.get(name)
    return folded(value).strip() if isinstance(value, str) else ""

"""Old answers that rest on rows: asked again before they are shown again, and shown only if nothing is different.

A row that is missing may have been taken away from this reader or from everybody; nobody here can tell which, so the
sentence is withheld either way. Rows are not kept: what is shown is what the database says now.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from accounts.reader import Viewers
from connectors.corpus.evidence import Pair
from connectors.corpus.hits import Hit
from connectors.sources.database.asking import AskingFailed, ask
from gateway.answering.threads import give_back
from gateway.databases.askable import askable
from gateway.databases.holding import holding, that_still_hold
from gateway.databases.rows import Holding, Table
from gateway.databases.writing import Refused, written
from gateway.models import RowEvidence

PATIENCE = 10.0  # seconds for all that one page shows again


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The rows as they are, and the names they were asked for under."""

    table: Table
    holding: Holding


def asked_again(
    reader: Viewers, kept: Collection[tuple[RowEvidence, Collection[Pair]]], passages: Mapping[Pair, Hit]
) -> dict[int, Asked]:
    """By sentence, those whose rows say what they said. `passages`: those of the views, which may be read."""
    until = time.monotonic() + PATIENCE
    found: dict[int, Asked] = {}
    for evidence, pairs in kept:
        if time.monotonic() < until and (same := _same(reader, evidence, [passages.get(pair) for pair in pairs])):
            found[evidence.sentence_id] = same
    return found


def still_held(reader: Viewers, asked: Mapping[int, Asked]) -> set[int]:
    """The sentences among these whose readers hold what they held when their rows were asked for."""
    now = that_still_hold(reader, {each.holding for each in asked.values()})
    return {sentence for sentence, each in asked.items() if each.holding in now}


def _same(reader: Viewers, evidence: RowEvidence, hits: Collection[Hit | None]) -> Asked | None:
    there = [hit for hit in hits if hit is not None]
    database = askable(there) if len(there) == len(hits) else None
    if database is None or database.source != evidence.source:
        return None
    held = holding(reader, database.source)
    give_back()  # none of our own is kept while the other database works
    try:
        statement = written(evidence.sql, database.place.system, database.views, held.names, database.limits.rows)
        rows = ask(database.place, statement.sql, statement.parameters, database.limits)
    except (Refused, AskingFailed):
        return None
    table = Table(sql=statement.shown, columns=statement.columns, rows=rows.rows, more=rows.more)
    return Asked(table=table, holding=held) if table.digest == evidence.digest else None

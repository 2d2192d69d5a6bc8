"""The passages around the best hits: a model is shown what goes on before and after a passage cut from a section."""

from collections.abc import Sequence
from dataclasses import replace

from accounts.reader import Viewers
from connectors.corpus.hits import Hit
from connectors.corpus.neighbours import neighbours

AROUND = 3  # hits whose neighbours are looked at
ENOUGH = 20_000  # characters of passages in a prompt, all told


def with_neighbours(reader: Viewers, hits: Sequence[Hit]) -> list[Hit]:
    """The hits, and after them the neighbours of the best that belong to one section with them, while there is room.

    They are hits like the others: each has a number of its own, and is audited, checked and cited as they are.
    """
    around = neighbours(reader, hits[:AROUND])
    context = list(hits)
    room = ENOUGH - sum(len(hit.text) for hit in hits)
    for hit in hits[:AROUND]:
        for beside in around.get(hit.passage_id, ()):
            known = {(each.document_id, each.digest) for each in context}
            if beside.heading != hit.heading or (beside.document_id, beside.digest) in known or len(beside.text) > room:
                continue
            context.append(replace(beside, newer=hit.newer))
            room -= len(beside.text)
    return context

"""What a model is shown: of the best hits whole short documents, else what stands beside them in their section."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from accounts.reader import Viewers
from connectors.corpus.hits import Hit
from connectors.corpus.neighbours import neighbours
from connectors.corpus.wholes import whole_documents
from gateway.answering import prompting
from gateway.answering.providers import Provider
from gateway.answering.recording import Asked

AROUND = 3  # of the best hits: what stands around them is looked at
PARTS = 12  # passages; a document of more is not shown whole
ENOUGH = 6_000  # tokens of passages in a prompt, however many the model reads at once
ANSWER = 1_000  # tokens left for what the model says
EXACT = 0.9  # of a model's tokens are planned with: it may count others than we do


def room_for(provider: Provider, asked: Asked) -> int:
    """Tokens of passages that a prompt for this question holds."""
    besides = prompting.tokens_besides(asked.text, asked.earlier, asked.person)
    return min(int(provider.context * EXACT) - ANSWER - besides, ENOUGH)


@dataclass
class Context:
    """The passages of a prompt while they are gathered, and the tokens that are left."""

    room: int
    hits: list[Hit] = field(default_factory=list)

    def add(self, hits: Iterable[Hit]) -> bool:
        """All of them, or none if they do not fit; those that are there already cost nothing."""
        known = {(each.document_id, each.digest) for each in self.hits}
        fresh = [hit for hit in hits if (hit.document_id, hit.digest) not in known]
        cost = sum(map(prompting.tokens_of_passage, fresh))
        if cost > self.room:
            return False
        self.hits += fresh
        self.room -= cost
        return True


def assembled(reader: Viewers, hits: Sequence[Hit], room: int) -> list[Hit]:
    """The best hits that fit into `room` tokens, with what stands around the best of them, by document.

    What is added are hits like the others: each has a number of its own, and is audited, checked and cited as they
    are. The best hit is in it even where there is no room: a model that cannot read so much will say so.
    """
    if not hits:
        return []
    context = Context(room)
    for hit in hits:
        if not (context.add([hit]) or context.hits):
            context.hits.append(hit)
    best = context.hits[:AROUND]
    wholes = whole_documents(reader, best, PARTS)
    long = [hit for hit in best if not _whole(context, hit, wholes.get(hit.document_id, ()))]
    around = neighbours(reader, long)
    for hit in long:
        for beside in around.get(hit.passage_id, ()):
            if beside.heading == hit.heading:
                context.add([replace(beside, newer=hit.newer)])
    return by_document(context.hits)


def _whole(context: Context, hit: Hit, parts: Sequence[Hit]) -> bool:
    """Whether all of the hit's document is in the prompt now."""
    return bool(parts) and context.add(replace(part, newer=hit.newer) for part in parts)


def by_document(hits: Sequence[Hit]) -> list[Hit]:
    """The passages of a document together and in its order; the document of the best hit first."""
    ranks = {hit.document_id: rank for rank, hit in reversed(list(enumerate(hits)))}
    return sorted(hits, key=lambda hit: (ranks[hit.document_id], hit.revision, hit.ordinal))

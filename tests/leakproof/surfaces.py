"""Everything that shows documents, asked for many at once: which of these does this reader see here?

Each surface is a function from a viewer to the ids of documents it shows. Some answer for the whole installation in
one statement, some are asked document by document; what one shows beyond what it was asked for is kept and judged too.
"""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from django.test import Client

from accounts.models import User
from accounts.reader import Audience, Reader, Viewers
from accounts.statements import rows
from connectors.corpus import reading
from connectors.corpus.evidence import holds_evidence, passages_holding
from connectors.corpus.explaining import explain
from connectors.corpus.search import search
from connectors.corpus.wall import as_owner, reading_as
from gateway.conversations import get_question
from tests.leakproof.product import HOST
from tests.leakproof.shelf import VECTOR, Shelf
from tests.leakproof.texts import COMMON

ADMITTED = """
SELECT public_id FROM connectors_document
WHERE state = 'live' AND (scope_id = ANY((SELECT gatehouse_audience_scopes(%s))::bigint[])
                          OR id = ANY((SELECT gatehouse_glass_documents(%s))::bigint[]))
"""
LIMIT = 400  # more than there are passages in a world
API_LIMIT = 50
AT_ONCE = 12  # documents whose passages fit into the answer of the API


class Wrong(Exception):
    """A surface says of itself that something is wrong, whatever it shows."""


@dataclass(frozen=True)
class View:
    """One who reads, with what is needed to ask at every door."""

    viewers: Viewers
    shelf: Shelf
    user: User | None = None  # a person's own; None for an audience
    secret: str = ""  # of a token


Shown = Callable[[View, Collection[UUID]], set[UUID]]


@dataclass(frozen=True)
class Surface:
    """`whole`: it shows all there is at once, so that what it leaves out is judged as well.

    `one_by_one`: it takes statements for each document. `rarely`: it costs much and is asked at times.
    """

    name: str
    shown: Shown
    whole: bool = False
    one_by_one: bool = False
    rarely: bool = False
    of: frozenset[str] = frozenset({"person", "token", "audience"})

    def serves(self, view: View) -> bool:
        kind = "audience" if isinstance(view.viewers, Audience) else "token" if view.secret else "person"
        return kind in self.of


def listed(view: View, asked: Collection[UUID]) -> set[UUID]:
    return {document.id for document in reading.list_documents(view.viewers, limit=LIMIT)}


def got(view: View, asked: Collection[UUID]) -> set[UUID]:
    return {id for id in asked if reading.get_document(view.viewers, id) is not None}


def told(view: View, asked: Collection[UUID]) -> set[UUID]:
    """The text, which must be the document's own."""
    texts = {id: reading.document_text(view.viewers, id) for id in asked}
    return {id for id, text in texts.items() if text is not None and view.shelf.word(id) in text.text}


def released(view: View, asked: Collection[UUID]) -> set[UUID]:
    return reading.readable_documents(view.viewers, asked)


def found_by_a_word_of_all(view: View, asked: Collection[UUID]) -> set[UUID]:
    return {hit.document_id for hit in search(view.viewers, query=COMMON, vector=None, limit=LIMIT, mode="text")}


def found_by_a_word_of_its_own(view: View, asked: Collection[UUID]) -> set[UUID]:
    words = " ".join(view.shelf.word(id) for id in asked)
    return {hit.document_id for hit in search(view.viewers, query=words, vector=None, limit=LIMIT, mode="text")}


def found_by_meaning(view: View, asked: Collection[UUID]) -> set[UUID]:
    hits = search(view.viewers, query="", vector=VECTOR, limit=LIMIT, mode="vector")
    return {hit.document_id for hit in hits}


def found_by_both(view: View, asked: Collection[UUID]) -> set[UUID]:
    return {hit.document_id for hit in search(view.viewers, query=COMMON, vector=VECTOR, limit=LIMIT)}


def evidence_held(view: View, asked: Collection[UUID]) -> set[UUID]:
    pairs = [pair for id in asked for pair in view.shelf.evidence_of(id)]
    return {document for document, _ in holds_evidence(view.viewers, pairs)}


def evidence_cited(view: View, asked: Collection[UUID]) -> set[UUID]:
    pairs = [pair for id in asked for pair in view.shelf.evidence_of(id, newest=True)]
    return {document for document, _ in passages_holding(view.viewers, pairs)}


def answered_before(view: View, asked: Collection[UUID]) -> set[UUID]:
    """Documents whose sentences of an old answer are shown again."""
    assert isinstance(view.viewers, Reader)
    answer = get_question(view.viewers, view.shelf.question_of(view.viewers.user_id))
    assert answer is not None
    shown = [sentence.ordinal for sentence in answer.sentences if sentence.text]
    return {document for ordinal in shown for document in view.shelf.sentences[ordinal]}


def by_the_guard(view: View, asked: Collection[UUID]) -> set[UUID]:
    """What the functions of the database admit, without the second wall."""
    text = view.viewers.text
    with as_owner():
        return {id for (id,) in rows(ADMITTED, [text, text])}


def by_the_wall(view: View, asked: Collection[UUID]) -> set[UUID]:
    """What the second wall lets SQL see that asks without the guard."""
    with reading_as(view.viewers):
        return {id for (id,) in rows("SELECT public_id FROM connectors_document")}


def parts_by_the_wall(view: View, asked: Collection[UUID]) -> set[UUID]:
    """The same of texts and passages; they must be of the same documents."""
    with reading_as(view.viewers):
        texts = {row for (row,) in rows("SELECT document_id FROM connectors_documenttext")}
        passages = {row for (row,) in rows("SELECT DISTINCT document_id FROM connectors_passage")}
    if texts != passages:
        raise Wrong(f"texts and passages of other documents: {texts ^ passages}")
    return {view.shelf.by_row[row] for row in texts}


def explained(view: View, asked: Collection[UUID]) -> set[UUID]:
    """What an auditor is told of the person, with a chain that must agree with what is served."""
    assert isinstance(view.viewers, Reader)
    explanations = [explain(view.viewers.user_id, id) for id in asked]
    for explanation in explanations:
        if explanation.disagrees:
            raise Wrong(f"what is told is not what is served: {explanation}")
    return {explanation.document for explanation in explanations if explanation.admitted}


def listed_by_api(view: View, asked: Collection[UUID]) -> set[UUID]:
    found: set[UUID] = set()
    client, cursor = program(view), ""
    while True:
        answer = client.get(f"/api/v1/documents{cursor}")
        if answer.status_code == 401:
            return set()
        if answer.status_code != 200:
            raise Wrong(f"{answer.status_code} {answer.content!r}")
        page = answer.json()
        found |= {UUID(document["id"]) for document in page["results"]}
        if page["next_cursor"] is None:
            return found
        cursor = f"?cursor={page['next_cursor']}"


def got_by_api(view: View, asked: Collection[UUID]) -> set[UUID]:
    client = program(view)
    statuses = {id: client.get(f"/api/v1/documents/{id}").status_code for id in asked}
    if not set(statuses.values()) <= {200, 401, 404}:
        raise Wrong(f"{statuses}")
    return {id for id, status in statuses.items() if status == 200}


def found_by_api(view: View, asked: Collection[UUID]) -> set[UUID]:
    found: set[UUID] = set()
    ids = list(asked)
    for some in (ids[place : place + AT_ONCE] for place in range(0, len(ids), AT_ONCE)):
        words = " ".join(view.shelf.word(id) for id in some)
        body = json.dumps({"query": words, "limit": API_LIMIT, "mode": "text"})
        answer = program(view).post("/api/v1/search", data=body, content_type="application/json")
        if answer.status_code == 401:
            return set()
        if answer.status_code != 200:
            raise Wrong(f"{answer.status_code} {answer.content!r}")
        found |= {UUID(hit["document"]["id"]) for hit in answer.json()["results"]}
    return found


def program(view: View) -> Client:
    return Client(headers=HOST | {"Authorization": f"Bearer {view.secret}"})


PERSONS = frozenset({"person", "token"})
TOKENS = frozenset({"token"})
SURFACES = (
    Surface("list", listed, whole=True),
    Surface("document", got, one_by_one=True),
    Surface("text", told, one_by_one=True),
    Surface("release check", released),
    Surface("search by a word of all", found_by_a_word_of_all, whole=True),
    Surface("search by a word", found_by_a_word_of_its_own),
    Surface("search by meaning", found_by_meaning, whole=True),
    Surface("hybrid search", found_by_both, whole=True),
    Surface("evidence held", evidence_held),
    Surface("evidence cited", evidence_cited),
    Surface("old answer", answered_before, whole=True, of=PERSONS),
    Surface("functions alone", by_the_guard, whole=True),
    Surface("wall alone", by_the_wall, whole=True),
    Surface("wall alone, parts", parts_by_the_wall, whole=True),
    Surface("explanation", explained, one_by_one=True, rarely=True, of=frozenset({"person"})),
    Surface("API list", listed_by_api, rarely=True, whole=True, of=TOKENS),
    Surface("API document", got_by_api, one_by_one=True, rarely=True, of=TOKENS),
    Surface("API search", found_by_api, rarely=True, of=TOKENS),
)
BY_NAME = {surface.name: surface for surface in SURFACES}

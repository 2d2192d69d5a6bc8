"""Long documents that look alike, and questions that name one by what only its beginning says (decision 0020)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.statements import execute, rows
from connectors.corpus import breaking_glass
from connectors.corpus.breaking_glass import break_glass
from connectors.corpus.generations import active
from connectors.corpus.search import Filters, Mode, search
from connectors.models import Document, Passage
from connectors.records import DocumentRecord
from tests.cast import World, access
from tests.made_up import give_vectors

pytestmark = pytest.mark.django_db

COVER = (
    "Report to the commission under section thirteen of the act. Indicate by check mark whether the registrant has"
    " filed all reports required, has submitted every interactive file, and is a large filer with shares listed."
)
PARTS = (
    *(
        "travel",
        "leases",
        "salaries",
        "inventory",
        "cloud",
        "debt",
        "taxes",
        "pensions",
        "lawsuits",
        "freight",
        "energy",
    ),
    *("licences", "insurance", "audit", "hedging", "goodwill", "patents", "rents", "training", "security", "catering"),
    *("repairs", "donations", "dividends"),
)
COMPANIES = ("Umbra", "Kestrel", "Lindgren", "Ottoway")
QUESTION = "What did Ottoway pay for freight in 2023?"
SCORED = "SELECT passage, similarity, keywords, score FROM gatehouse_search(%s, %s, '[1,0]', %s, 50, 0.5, '{}')"
ENDING = "(CASE WHEN p.text LIKE '%%freight%%' THEN '[1,0]' ELSE '[0,1]' END)"


def report(company: str, year: int, *, parts: tuple[str, ...] = PARTS, **said: Any) -> DocumentRecord:
    """The same words in each but for the cover."""
    pages = "".join(f"\n\n## {part}\n\nWhat was paid for {part} is shown here in millions." for part in parts)
    given: dict[str, Any] = {"id": f"{company} {year}", "title": "Filing", "access": access(["ann"])} | said
    text = f"{COVER} Of {company} for {year}.{pages}"
    return DocumentRecord(text=text, mime="text/markdown", **given)


@pytest.fixture
def world(db: None) -> World:
    """Eight reports; the one that is asked about comes last."""
    world = World.of("ann", "bob", "admin")
    for company in COMPANIES:
        for year in (2022, 2023):
            world.push(report(company, year))
    give_vectors(ENDING)
    return world


def found(world: World, question: str = QUESTION, mode: Mode = "hybrid", **asked: Any) -> list[tuple[str, str]]:
    hits = search(world.reader("ann"), query=question, vector=[1.0, 0.0], limit=5, mode=mode, **asked)
    return [(hit.external_id, hit.heading) for hit in hits]


def paid_for_freight(world: World, question: str = QUESTION, mode: Mode = "hybrid") -> list[str]:
    """The reports of whose passages about it some are found."""
    return [document for document, heading in found(world, question, mode) if heading == "freight"]


def scores(world: World, question: str = QUESTION) -> list[tuple[Any, ...]]:
    generation = active()
    assert generation is not None
    return rows(SCORED, [world.reader("ann").text, generation.pk, question])


def openings() -> set[str]:
    named = Passage.past_the_guard.extra(where=["opening IS NOT NULL"])
    return set(named.values_list("document__external_id", flat=True))


def forget_openings() -> None:
    execute("UPDATE connectors_passage SET opening = NULL WHERE opening IS NOT NULL")


@pytest.mark.parametrize("mode", ["text", "hybrid"])
def test_the_report_a_question_names_is_found_at_its_page(world: World, mode: Mode) -> None:
    assert paid_for_freight(world, mode=mode)[0] == "Ottoway 2023"
    assert paid_for_freight(world, "Freight of Kestrel, 2022", mode=mode)[0] == "Kestrel 2022"
    forget_openings()
    assert paid_for_freight(world, mode=mode)[0] == "Umbra 2022"


def test_the_name_of_its_file_names_a_report(world: World) -> None:
    for quarter in ("Q1", "Q2", "Q3"):
        world.push(report("Ottoway", 2023, id=f"filings/2023_{quarter}_OTW.pdf"))
    give_vectors(ENDING)
    assert found(world, "freight in Q2 2023, OTW")[0] == ("filings/2023_Q2_OTW.pdf", "freight")


def test_of_equals_the_newest_comes_first(world: World) -> None:
    for month in (3, 9, 6):
        changed = datetime(2024, month, 1, tzinfo=UTC)
        world.push(report("Ottoway", 2024, id=f"draft {month}", modified_at=changed))
    give_vectors(ENDING)
    assert paid_for_freight(world, "freight of Ottoway 2024")[:3] == ["draft 9", "draft 6", "draft 3"]


@pytest.mark.parametrize("question", ["What was paid for freight?", "freight in a report to the commission"])
def test_a_question_without_a_name_is_answered_as_ever(world: World, question: str) -> None:
    told = scores(world, question)
    forget_openings()
    assert scores(world, question) == told


def test_a_word_at_the_beginning_of_what_looks_like_nothing_else_is_no_name(world: World) -> None:
    execute("DELETE FROM connectors_document WHERE external_id <> 'Ottoway 2023'")
    other = "".join(f"\n\n## Chapter {number}\n\nWhat freight was at sea." for number in range(30))
    text = f"A novel of ships and of those who sail in them.{other}"
    world.push(DocumentRecord(id="novel", title="Ships", text=text, mime="text/markdown", access=access(["ann"])))
    give_vectors(ENDING)
    assert openings() == {"Ottoway 2023", "novel"}
    told = scores(world)
    forget_openings()
    assert scores(world) == told


def test_short_documents_keep_their_places(world: World) -> None:
    world.document("note", grants=["ann"], text="Freight in 2023: what was paid for freight is shown here in millions.")
    give_vectors(ENDING)
    told = {passage: score for passage, _, _, score in scores(world)}
    (note,) = Passage.past_the_guard.filter(document__external_id="note").values_list("pk", flat=True)
    named = Passage.past_the_guard.get(document__external_id="Ottoway 2023", heading="freight").pk
    other = Passage.past_the_guard.get(document__external_id="Umbra 2022", heading="freight").pk
    assert told[note] > told[other]
    forget_openings()
    before = {passage: score for passage, _, _, score in scores(world)}
    assert before[named] == before[other]
    assert told[note] == pytest.approx(before[note], abs=0.1)


# --- P14: what is hidden ------------------------------------------------------------------------------------


def test_hidden_look_alikes_change_nothing(world: World) -> None:
    """Nor do they where they have every word of the question, or are the newest, or are more than all others."""
    asked = (QUESTION, "freight of Ottoway", "freight in 2023", "What was paid for freight?", "Ottoway 2024 freight")
    told = {question: scores(world, question) for question in asked}
    for year in (2020, 2021, 2022, 2023, 2024):
        for copy in ("a", "b", "c"):
            hidden: dict[str, Any] = {
                "id": f"{year} {copy}",
                "access": access(["bob"]),
                "modified_at": datetime(2025, 1, 1, tzinfo=UTC),
            }
            world.push(report("Ottoway", year, **hidden))
    give_vectors(ENDING)
    assert len(openings()) == 23
    execute("ANALYZE connectors_passage")
    for question in asked:
        assert scores(world, question) == told[question]


def test_what_no_longer_may_be_read_is_named_no_longer(world: World) -> None:
    world.reshare("document", "Ottoway 2023", None, ["bob"])
    assert "Ottoway 2023" not in {document for document, _ in found(world)}
    assert found(world)[0] == ("Ottoway 2022", "freight")


def test_what_break_glass_opens_is_named(world: World) -> None:
    world.push(report("Wyvern", 2023, access=access(["bob"])))
    give_vectors(ENDING)
    question = "What did Wyvern pay for freight in 2023?"
    assert "Wyvern 2023" not in {document for document, _ in found(world, question)}
    wyvern = Document.past_the_guard.get(external_id="Wyvern 2023").public_id
    glass = break_glass(
        user=world.people["ann"],
        given_by=world.people["admin"],
        reason="An incident.",
        until=datetime(2199, 1, 1, tzinfo=UTC),
        document=wyvern,
    )
    assert found(world, question)[0] == ("Wyvern 2023", "freight")
    breaking_glass.end(glass)
    assert "Wyvern 2023" not in {document for document, _ in found(world, question)}


def test_what_a_filter_leaves_out_is_not_named(world: World) -> None:
    """And has no part in the weights of those that are."""
    for year in (2021, 2022, 2023):
        world.push(report("Wyvern", year, author="Bea"))
    give_vectors(ENDING)
    bea = Filters(authors=("Bea",))
    question = "freight of Wyvern, or of Ottoway, in 2022"
    told = found(world, question, filters=bea)
    assert told[0] == ("Wyvern 2022", "freight")
    assert {document for document, _ in told} <= {"Wyvern 2021", "Wyvern 2022", "Wyvern 2023"}
    execute("DELETE FROM connectors_document WHERE external_id LIKE 'Ottoway%%'")
    assert found(world, question, filters=bea) == told


# --- openings ---------------------------------------------------------------------------------------------------


def test_a_document_has_an_opening_as_long_as_it_is_long(world: World) -> None:
    assert len(openings()) == 8
    world.push(report("Umbra", 2022, parts=PARTS[:5]))
    assert "Umbra 2022" not in openings()
    world.push(report("Umbra", 2022, parts=PARTS[:19]))
    assert "Umbra 2022" not in openings()
    world.push(report("Umbra", 2022, parts=PARTS))
    assert "Umbra 2022" in openings()
    world.delete("document", "Umbra 2022")
    assert "Umbra 2022" not in openings()


def test_an_opening_follows_title_and_text(world: World) -> None:
    question = "What did Falkirk pay for freight?"
    assert found(world, question)[0] == ("Umbra 2022", "freight")
    world.push(report("Ottoway", 2023, title="Falkirk"))
    give_vectors(ENDING)
    assert found(world, question)[0] == ("Ottoway 2023", "freight")
    world.push(report("Falkirk", 2022, id="Kestrel 2022"))
    world.push(report("Ottoway", 2023))
    give_vectors(ENDING)
    assert found(world, question)[0] == ("Kestrel 2022", "freight")


# --- bounds -----------------------------------------------------------------------------------------------------

LENGTHEN = """
INSERT INTO connectors_passage (public_id, document_id, scope_id, ordinal, text, start, "end", heading, page, digest,
                                words, lexemes, configuration)
SELECT gen_random_uuid(), p.document_id, p.scope_id, 100 + n, p.text, p.start, p."end", p.heading, p.page, p.digest,
       p.words, p.lexemes, p.configuration
FROM connectors_passage p JOIN connectors_document d ON d.id = p.document_id CROSS JOIN generate_series(1, %s) n
WHERE d.external_id LIKE %s AND p.heading = 'freight'
"""
WITHIN = "SELECT unnest(gatehouse_nearest_within(%s, '[1,0]', %s, 50))"
OF = "SELECT DISTINCT document_id FROM connectors_passage WHERE id = ANY(%s)"
WEIGHED = """
SELECT count(*)
FROM gatehouse_weighed('{freight}', '{255}', '{}', NULL, %s, '{}', NULL, '{1,9000,1,1,1,1,1,1}', %s, %s, 50)
"""
PLANNED = """
EXPLAIN SELECT v.passage_id FROM connectors_passagevector v WHERE v.generation_id = 1 AND v.document_id = ANY('{1,2,3}')
"""


def test_what_is_looked_for_in_long_documents_is_bounded(world: World) -> None:
    execute(LENGTHEN, [3_900, "Ottoway%"])
    execute(LENGTHEN, [3_900, "Kestrel 2023"])
    give_vectors(ENDING)
    execute("ANALYZE connectors_passage, connectors_passagevector")
    generation = active()
    assert generation is not None
    names = ("Ottoway 2023", "Kestrel 2023", "Ottoway 2022", "Umbra 2022")
    ids = [Document.past_the_guard.get(external_id=name).pk for name in names]
    near = [id for (id,) in rows(WITHIN, [generation.pk, ids])]
    assert len(near) == 50
    assert {id for (id,) in rows(OF, [near])} <= set(ids[:2])  # a third would be too much together
    scopes = list(Document.past_the_guard.values_list("scope_id", flat=True))
    ((weighed,),) = rows(WEIGHED, [scopes, ids, near])
    assert weighed <= 3 * 50
    execute("SET LOCAL enable_seqscan = off")
    assert "document_id" in "".join(line for (line,) in rows(PLANNED))
    assert found(world)[0] == ("Ottoway 2023", "freight")

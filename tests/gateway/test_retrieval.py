import pytest

from connectors.corpus.search import Filters
from gateway.permitted_retriever import PermittedRetriever
from gateway.retrieval import retrieve
from tests.gateway.library import LEAVE, TRAVEL, Library


def titles(hits: list) -> list[str]:  # type: ignore[type-arg]
    return [hit.title for hit in hits]


@pytest.mark.django_db
def test_only_permitted_passages_are_retrieved() -> None:
    library = Library()
    ann, bob = library.person("ann"), library.person("bob")
    library.put("leave", LEAVE, readers=("ann",))
    library.put("travel", TRAVEL, readers=("ann", "bob"))
    assert set(titles(retrieve(ann, "parental leave hotel"))) == {"leave", "travel"}
    assert titles(retrieve(bob, "parental leave hotel")) == ["travel"]
    assert titles(retrieve(bob, "parental leave hotel", mode="text")) == ["travel"]
    assert retrieve(bob, "parental leave hotel", filters=Filters(sources=("unknown",))) == []


@pytest.mark.django_db
def test_a_llama_index_program_retrieves_as_its_reader_at_that_moment() -> None:
    library = Library()
    ann = library.person("ann")
    library.person("bob")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    retriever = PermittedRetriever(ann, limit=3)
    (found,) = retriever.retrieve("parental leave")
    assert found.node.metadata["title"] == "Parental leave"
    assert found.node.get_content() == LEAVE
    library.put("leave", LEAVE, readers=("bob",), title="Parental leave")
    assert retriever.retrieve("parental leave") == []


@pytest.mark.parametrize("nobody", [None, 1, "ann"])
def test_the_retriever_cannot_be_made_without_a_reader(nobody: object) -> None:
    with pytest.raises(TypeError):
        PermittedRetriever(nobody)  # type: ignore[arg-type]


@pytest.mark.django_db
def test_what_many_documents_say_is_found_once_and_the_number_asked_for_is_kept() -> None:
    library = Library()
    ann = library.person("ann")
    for n in range(30):
        library.put(f"copy {n}", LEAVE, readers=("ann",), title="Parental leave")
    for name in ("Berlin", "Lisbon", "Madrid"):
        library.put(name, f"The office in {name} asks for parental leave on paper.", readers=("ann",), title=name)
    found = retrieve(ann, "parental leave", limit=4, mode="text")
    assert sorted(titles(found)) == ["Berlin", "Lisbon", "Madrid", "Parental leave"]


@pytest.mark.django_db
def test_an_older_version_stands_below_the_newest_the_reader_may_read_and_is_marked_for_nobody_else() -> None:
    library = Library()
    ann, bob = library.person("ann"), library.person("bob")
    library.put(
        "1",
        "A hotel room in a hotel may cost up to 120 euros for a night at that hotel.",
        readers=("ann", "bob"),
        title="Travel policy v1",
    )
    library.put(
        "2",
        "A room may cost up to 140 euros a night, whatever the hotel is and whoever stays in it.",
        readers=("ann",),
        title="Travel policy v2",
    )
    for_ann = retrieve(ann, "hotel", mode="text")
    assert [(hit.title, hit.superseded) for hit in for_ann] == [("Travel policy v2", False), ("Travel policy v1", True)]
    for_bob = retrieve(bob, "hotel", mode="text")
    assert [(hit.title, hit.superseded) for hit in for_bob] == [("Travel policy v1", False)]


@pytest.mark.django_db
def test_a_question_is_looked_for_with_what_was_said_before_and_alone() -> None:
    library = Library()
    ann = library.person("ann")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    for n in range(12):
        library.put(
            f"made {n}", f"It is made to the office of unit {n} in writing.", readers=("ann",), title=f"Unit {n}"
        )
    question, before = "To whom is it made?", "How long is parental leave in Germany?"
    assert "Parental leave" not in titles(retrieve(ann, question, limit=3, mode="text"))
    assert titles(retrieve(ann, question, before=before, limit=3, mode="text"))[0] == "Parental leave"

    library.put("hotels", TRAVEL, readers=("ann",), title="Travel")
    turned = retrieve(ann, "How much may a hotel room cost in Lisbon?", before=before, limit=3)
    assert "Travel" in titles(turned)

import pytest

from accounts.models import User
from connectors.corpus.search import Filters
from gateway.permitted_retriever import PermittedRetriever
from gateway.retrieval import preferred, retrieve
from tests.gateway.library import LEAVE, TRAVEL, Library
from tests.gateway.passages import passage


def titles(hits: list) -> list[str]:  # type: ignore[type-arg]
    return [hit.title for hit in hits]


def test_the_readers_country_comes_first_and_another_one_last() -> None:
    hits = [
        passage("a", title="Leave", score=0.9, country="France"),
        passage("b", title="Leave for all", score=0.8),
        passage("c", title="Leave in Germany", score=0.7),
        passage("d", title="Leave", score=0.72, country="germany"),
    ]
    found = preferred(hits, "how much leave", User(country="Germany"))
    assert [hit.text for hit in found] == ["d", "c", "b", "a"]


def test_a_country_named_in_the_question_stands_before_the_readers_own() -> None:
    hits = [passage("a", score=0.8, country="Germany"), passage("b", score=0.8, country="France")]
    assert [hit.text for hit in preferred(hits, "leave in France", User(country="Germany"))] == ["b", "a"]


def test_preference_adds_and_removes_nothing() -> None:
    hits = [passage(str(n), score=n / 10, country="France") for n in range(10)]
    found = preferred(hits, "leave", User(country="Germany", office="Berlin", department="Legal", role="Counsel"))
    assert {hit.text for hit in found} == {hit.text for hit in hits}
    assert [hit.text for hit in preferred(hits, "leave", User())] == [hit.text for hit in reversed(hits)]


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

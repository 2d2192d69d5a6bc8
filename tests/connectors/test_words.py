"""What words find: identifiers whole and in parts, phrases, beginnings, and languages without blanks between words."""

import pytest

from accounts.statements import rows
from connectors.corpus.search import Filters, search
from tests.cast import World

pytestmark = pytest.mark.django_db

TEXTS = {
    "error": "If the gate shows ERR-4411, call the desk. The code is new.",
    "other error": "If the gate shows ERR-4412 and not 44, wait.",
    "standard": "Provisioning follows RFC 7644 in every part.",
    "file": "Numbers are in gatehouse_report-v2.final.xlsx on the shared drive.",
    "version": "Release 2.14.3 closes the gap.",
    "japanese": "東京オフィスの会議室は二階にあります。予約が必要です。",
    "chinese": "上海办公室的会议室在三楼。",
    "korean": "서울 사무실의 회의실은 사층에 있습니다.",
    "thai": "ห้องประชุมของสำนักงานกรุงเทพอยู่ชั้นห้า",
    "german": "Die Urlaubstage der Angestellten stehen im Handbuch zur Urlaubsregelung.",
    "force": "The force of the storm was major; majeure is a French word.",
    "contract": "Neither side answers for force majeure under this contract.",
    "kubernetes": "The Kubernetes cluster is upgraded on Mondays.",
    "dots": "O'Brien's résumé & notes: <b>C++</b> \\ 'quoted' | (a) ! :*",
}


@pytest.fixture
def world(db: None) -> World:
    world = World.of("ann", "bob")
    for name, text in TEXTS.items():
        world.document(name, grants=["ann"], text=text)
    world.document("hidden", grants=["bob"], text="A force majeure of Bob's, ERR-4411, 東京.")
    return world


def found(world: World, query: str) -> list[str]:
    return [hit.external_id for hit in search(world.reader("ann"), query=query, vector=None, limit=5)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("ERR-4411", "error"),
        ("what does err-4411 mean", "error"),
        ("ERR 4411", "error"),
        ("4411", "error"),
        ("(ERR-4411/2)", "error"),
        ("RFC 7644", "standard"),
        ("RFC7644", "standard"),
        ("rfc-7644", "standard"),
        ("gatehouse_report-v2.final.xlsx", "file"),
        ("gatehouse report", "file"),
        ("where is report-v2.final", "file"),
        ("2.14.3", "version"),
        ("東京の会議室", "japanese"),
        ("予約", "japanese"),
        ("会议室在几楼", "chinese"),
        ("회의실", "korean"),
        ("ประชุม", "thai"),
        ("Urlaubstag eines Angestellten", "german"),
        ("kuber*", "kubernetes"),
        ("O'Brien", "dots"),
        ("résumé", "dots"),
    ],
)
def test_what_is_asked_for_is_found_first(world: World, query: str, first: str) -> None:
    assert found(world, query)[:1] == [first]


def test_one_character_of_a_language_without_blanks_finds_words_that_begin_so(world: World) -> None:
    assert found(world, "楼") == []
    assert found(world, "東") == ["japanese"]


def test_a_phrase_must_be_there_word_for_word(world: World) -> None:
    assert found(world, "force majeure")[:2] == ["contract", "force"] or set(found(world, "force majeure")) >= {"force"}
    assert found(world, '"force majeure"') == ["contract"]
    assert found(world, "“force majeure” storm") == ["contract"]
    assert found(world, '"Urlaubstage der Angestellten"') == ["german"]


def test_a_phrase_that_nothing_readable_has_is_a_question_like_any_other(world: World) -> None:
    """Bob's document has this one: that changes nothing for Ann."""
    assert set(found(world, '"storm of majeure"')) == {"force", "contract"}
    assert set(found(world, '"force majeure of Bob"')) == {"force", "contract"}


@pytest.mark.parametrize(
    "query", ["'", "\\", "a & | ! ( :*", '"', '""', "* * *", "<->", "\u0e47", "𠮷野家", "1" * 3_000]
)
def test_no_query_is_an_error(world: World, query: str) -> None:
    assert isinstance(found(world, query), list)


def test_a_phrase_keeps_to_the_filters(world: World) -> None:
    nothing = Filters(authors=("nobody",))
    assert search(world.reader("ann"), query='"force majeure"', vector=None, filters=nothing) == []


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("plain words", "plain words"),
        ("会议室", "会议 议室"),
        ("a会", "a 会"),
        ("RFC会议b", "RFC 会议 b"),
        ("", ""),
    ],
)
def test_runs_without_blanks_become_groups(db: None, text: str, grams: str) -> None:
    assert rows("SELECT gatehouse_grams(%s)", [text])[0][0].split() == grams.split()

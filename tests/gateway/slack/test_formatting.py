"""Answers as Slack blocks: what is shown, what is left out, and what can never become markup."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from connectors.corpus.hits import Hit, Named
from gateway.answering.events import Citation
from gateway.conversations import ShownAnswer, ShownSentence
from gateway.slack.formatting import SECTION, Block, answer, escaped, fallback, notice, source_line

DOCUMENT = UUID("00000000-0000-4000-8000-000000000001")


def citation(n: int, *, title: str = "Leave policy") -> Citation:
    hit = Hit(
        passage_id=uuid4(),
        document_id=DOCUMENT,
        external_id="leave.md",
        title=title,
        url="https://evil.example/",
        source="handbook",
        source_name="Handbook",
        revision=1,
        ordinal=0,
        text="…",
        start=10 * n,
        end=10 * n + 5,
        heading="",
        page=None,
        modified_at=None,
        language="en",
        digest="",
    )
    return Citation(n=n, hit=hit)


def sentence(text: str, *citations: int, state: Literal["shown", "withheld", "changed"] = "shown") -> ShownSentence:
    return ShownSentence(ordinal=0, text=text, citations=citations, state=state)


def shown(sentences: list[ShownSentence], citations: list[Citation], language: str = "en") -> ShownAnswer:
    return ShownAnswer(
        id=uuid4(),
        conversation_id=uuid4(),
        question="?",
        asked_at=datetime.now(UTC),
        status="answered",
        language=language,
        model="extractive",
        sentences=tuple(sentences),
        citations=tuple(citations),
        feedback=None,
    )


def texts(blocks: list[Block]) -> list[str]:
    return [
        part["text"]
        for block in blocks
        for part in ([block["text"]] if block["type"] == "section" else block["elements"])
    ]


def test_sentences_carry_their_marks_and_each_citation_leads_to_its_passage_in_the_portal() -> None:
    blocks = answer(shown([sentence("Fourteen weeks.", 1), sentence("Ask HR.", 1, 2)], [citation(1), citation(2)]))

    assert texts(blocks) == [
        "Fourteen weeks. [1] Ask HR. [1][2]",
        f"[1] <http://127.0.0.1:8000/documents/{DOCUMENT}/?start=10&amp;end=15|Leave policy> · Handbook",
        f"[2] <http://127.0.0.1:8000/documents/{DOCUMENT}/?start=20&amp;end=25|Leave policy> · Handbook",
    ]
    assert fallback(blocks) == "Fourteen weeks. [1] Ask HR. [1][2]"


def test_what_may_not_be_read_any_more_leaves_no_trace_in_text_or_numbers() -> None:
    sentences = [
        sentence("Gone.", 1, state="withheld"),
        sentence("Stays.", 3),
        sentence("Changed.", 2, state="changed"),
    ]

    blocks = answer(shown(sentences, [citation(1), citation(2), citation(3)]))

    assert texts(blocks)[0] == "Stays. [1]"
    assert [text[:3] for text in texts(blocks)[1:]] == ["[1]"]
    assert "start=30" in texts(blocks)[1]


def test_an_answer_of_which_nothing_may_be_read_says_what_an_empty_one_says() -> None:
    hidden = answer(shown([sentence("Gone.", 1, state="withheld")], [citation(1)], language="de"))

    assert hidden == answer(shown([], [], language="de"))
    assert texts(hidden) == ["Das habe ich in dem, was Sie lesen dürfen, nicht gefunden."]


def test_what_was_not_found_is_said_below_the_answer_and_nothing_of_it_beside_an_empty_one() -> None:
    missing: dict[str, Any] = {"missing": ("who <!channel> it",), "missing_text": "I did not find: who <!channel> it."}
    blocks = answer(replace(shown([sentence("Fourteen weeks.", 1)], [citation(1)]), **missing))
    assert fallback(blocks) == "Fourteen weeks. [1]\nI did not find: who &lt;!channel&gt; it."
    assert answer(replace(shown([], []), **missing)) == answer(shown([], []))


def test_general_knowledge_stands_below_what_was_not_found_in_one_text_with_what_says_so() -> None:
    text = "Air is <!channel> & a gas. " * 200
    found: dict[str, Any] = {"general": text, "general_message": "Nobody has checked it."}
    [not_found, general] = texts(answer(replace(shown([], []), **found)))
    assert not_found == texts(answer(shown([], [])))[0]
    assert general.startswith("*Nobody has checked it.*\nAir is &lt;!channel&gt; &amp; a gas. ")
    assert len(general) <= SECTION
    openly = fallback(answer(replace(shown([], []), **found), openly=True))
    assert "*Nobody has checked it.*\nAir is" in openly


def test_nothing_in_a_text_or_title_becomes_a_link_a_mention_or_a_call_to_the_channel() -> None:
    evil = "<!channel> <https://evil.example|here> <@U1> & https://evil.example"
    blocks = answer(shown([sentence(evil, 1)], [citation(1, title=evil + "\n*|*")]))

    for text in texts(blocks):
        assert text.count("<") == text.count("<http://127.0.0.1:8000/documents/")
    assert "&lt;!channel&gt; &lt;https://evil.example|here&gt; &lt;@U1&gt; &amp;" in texts(blocks)[0]
    assert "\n" not in texts(blocks)[1]
    assert all(
        part["verbatim"]
        for block in blocks
        for part in ([block["text"]] if block["type"] == "section" else block["elements"])
    )


def test_long_answers_are_cut_into_texts_that_slack_takes() -> None:
    sentences = [sentence("&" * 400, n) for n in range(1, 13)] + [sentence("x" * 5000, 1)]
    blocks = answer(shown(sentences, [citation(n) for n in range(1, 13)]))

    assert max(len(text) for text in texts(blocks)) <= SECTION
    assert [len(block["elements"]) for block in blocks if block["type"] == "context"] == [10, 2]
    assert fallback(blocks).count("&amp;") == 12 * 400


def test_a_text_is_never_cut_inside_an_entity() -> None:
    assert escaped("a&b", 5) == "a…"
    assert escaped("a&b", 8) == "a&amp;b"


def test_what_the_gateway_says_itself_is_escaped_too() -> None:
    assert texts(notice("a < b")) == ["a &lt; b"]


def test_a_file_names_the_mail_it_is_attached_to() -> None:
    mail = UUID("00000000-0000-4000-8000-000000000002")
    found = citation(1, title="report.pdf")
    found = replace(found, hit=replace(found.hit, attached_to=Named(id=mail, title="Q3 <numbers>")))
    assert source_line(1, found) == (
        f"[1] <http://127.0.0.1:8000/documents/{DOCUMENT}/?start=10&amp;end=15|report.pdf>, "
        f"attached to <http://127.0.0.1:8000/documents/{mail}/|Q3 &lt;numbers&gt;> · Handbook"
    )

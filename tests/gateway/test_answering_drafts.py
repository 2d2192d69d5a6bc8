from collections.abc import Iterable
from time import thread_time

import pytest

from gateway.answering.composing import supporting
from gateway.answering.drafts import Cutter, Written, plain_text
from tests.gateway.passages import passage


def cut(pieces: Iterable[str]) -> list[Written]:
    cutter = Cutter()
    found = [written for piece in pieces for written in cutter.feed(piece)]
    return [*found, *cutter.rest()]


@pytest.mark.parametrize(
    "text",
    [
        "Leave is 26 weeks [1]. It is paid [2][3].",
        "Leave is 26 weeks. [1] It is paid. [2][3]",
        "Leave is 26 weeks.[1]\nIt is paid.[2, 3]",
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_marks_go_with_the_sentence_they_stand_at(text: str, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert cut(pieces) == [
        Written(text="Leave is 26 weeks.", marks=(1,)),
        Written(text="It is paid.", marks=(2, 3)),
    ]


def test_a_sentence_is_given_out_as_soon_as_the_next_begins() -> None:
    cutter = Cutter()
    assert list(cutter.feed("Leave is 26 weeks. [1]")) == []
    assert [written.text for written in cutter.feed(" It")] == ["Leave is 26 weeks."]


def test_pieces_that_end_in_a_mark_hold_back_only_the_last_sentence() -> None:
    cutter = Cutter()
    given = [[written.text for written in cutter.feed(f"Week {n} is paid. [1] ")] for n in range(1, 4)]
    assert given == [[], ["Week 1 is paid."], ["Week 2 is paid."]]
    assert [written.marks for written in cutter.rest()] == [(1,)]


@pytest.mark.parametrize("piece", ["http:", "[ ", "<a ", "]", "![", "【1", "https://a.b/"])
@pytest.mark.parametrize("between", ["", " "])
def test_what_never_becomes_a_mark_takes_no_time(piece: str, between: str) -> None:
    cutter = Cutter()
    began = thread_time()
    for _ in range(400):
        assert list(cutter.feed(piece + between)) == []
    assert thread_time() - began < 2


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("**Leave** is `26` weeks.", "Leave is 26 weeks."),
        ("# Leave", "Leave"),
        ("- Leave is paid.", "Leave is paid."),
        ("<img src='https://evil.example'>Leave <b>is</b> paid.", "Leave is paid."),
        ("<<b>img src='https://evil.example'> Leave is paid.", "Leave is paid."),
        ("Leave\u200b is\u202e paid.\U000e0041", "Leave is paid."),
        ("Leave\ufe0f is\U000e0101\U000e01ef paid\u3164\U000f0041.", "Leave is paid."),
        ("![Leave][x] is [paid][y].", "Leave is paid."),
    ],
)
def test_nothing_but_plain_text_is_left(markdown: str, plain: str) -> None:
    assert plain_text(markdown) == plain


def test_the_target_of_a_link_or_an_image_is_dropped() -> None:
    (written,) = cut(
        ["See [the policy](https://evil.example/?q=1) and ![a picture](https://evil.example/2.png) here [1]."]
    )
    assert "evil" not in written.text
    assert written.marks == (1,)


def test_a_forged_mark_names_nothing_and_a_wrong_one_is_put_right() -> None:
    leave, travel = passage("Parental leave is 26 weeks."), passage("Hotel rooms cost up to 140 euros.")
    said = "Parental leave is 26 weeks."
    assert supporting(Written(text=said, marks=(99,)), [travel, leave]) == (leave,)
    assert supporting(Written(text=said, marks=(1,)), [travel, leave]) == (leave,)
    assert supporting(Written(text=said, marks=()), [travel, leave]) == (leave,)
    assert supporting(Written(text="Hotel rooms cost up to 26 weeks.", marks=(1, 2)), [travel]) == ()

from collections.abc import Iterable

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


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("**Leave** is `26` weeks.", "Leave is 26 weeks."),
        ("# Leave", "Leave"),
        ("- Leave is paid.", "Leave is paid."),
        ("<img src='https://evil.example'>Leave <b>is</b> paid.", "Leave is paid."),
        ("Leave\u200b is\u202e paid.\U000e0041", "Leave is paid."),
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

from gateway.answering.following import LONGEST, said_before


def test_the_last_thing_said_comes_first_and_a_long_answer_is_cut() -> None:
    assert said_before(["Who leads it?", "", "Ann does."]) == "Ann does.\nWho leads it?"
    cut = said_before(["What is Sandpiper?", "A probe. " * 200, "Who leads it?"])
    assert cut.startswith("Who leads it?\nA probe. ")
    assert len(cut) == LONGEST
    assert "Sandpiper" not in cut

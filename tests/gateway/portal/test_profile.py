"""What a person sets of themselves, and what they only see."""

from tests.cast import World
from tests.gateway.portal.browsing import signed_in


def test_a_person_sets_how_they_are_answered_and_nothing_else(world: World) -> None:
    ann = world.people["ann"]
    form = {
        "language": "de",
        "answer_style": "short",
        "standing_instructions": "Always name the paragraph.",
        "country": "Atlantis",
        "is_staff": "on",
        "email": "other@example.org",
    }
    assert signed_in(ann).post("/me/", form).status_code == 302
    ann.refresh_from_db()
    assert (ann.language, ann.answer_style) == ("de", "short")
    assert ann.standing_instructions == "Always name the paragraph."
    assert (ann.country, ann.is_staff, ann.email) == ("", False, "ann@example.org")


def test_a_person_sees_all_that_is_used_of_them_and_what_for(world: World) -> None:
    ann = world.people["ann"]
    used = {"country": "Germany", "office": "Berlin", "role": "Engineer", "department": "Hardware"}
    own = {"answer_style": "short, please", "standing_instructions": "Name the paragraph."}
    for name, value in (used | own).items():
        setattr(ann, name, value)
    ann.save()
    page = signed_in(ann).get("/me/").content.decode()
    assert [value for value in (used | own).values() if value not in page] == []
    assert "the answer says whom it holds for" in page


def test_what_cannot_be_saved_is_kept_in_the_form_with_a_sentence(world: World) -> None:
    page = signed_in(world.people["ann"]).post("/me/", {"language": "xx", "answer_style": "y" * 201})
    assert page.status_code == 200
    assert set(page.context["form"].errors) == {"language", "answer_style"}
    assert "y" * 201 in page.content.decode()


def test_groups_and_accounts_are_told_by_name(world: World) -> None:
    world.group("editors", "ann")
    world.group("publishing", "editors")
    page = signed_in(world.people["ann"]).get("/me/").content.decode()
    assert "editors" in page
    assert "publishing" in page
    assert "publishing" not in signed_in(world.people["bob"]).get("/me/").content.decode()

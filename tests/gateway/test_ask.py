import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from tests.gateway.library import LEAVE, Library

WEEKS = "How many weeks of parental leave do employees in Germany receive?"


def ask(*arguments: str) -> str:
    out = StringIO()
    call_command("ask", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_terminal_shows_the_answer_and_its_numbered_citations() -> None:
    library = Library()
    library.person("ann")
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    lines = ask("--as", "Ann@Example.com", WEEKS).splitlines()
    assert lines[0].startswith("Employees in Germany receive 26 weeks of parental leave at full pay. [1]")
    assert lines[-1] == "[1] Parental leave (Library)"
    answer = json.loads(ask("--as", "ann@example.com", "--json", WEEKS))
    assert answer["status"] == "answered"
    assert answer["sentences"][0]["citations"] == [1]
    assert answer["citations"][0]["document"]["external_id"] == "leave"


@pytest.mark.django_db
def test_an_unknown_or_inactive_person_is_one_line() -> None:
    User.objects.create_user("left@example.com", "a long enough password", is_active=False)
    for address in ("left@example.com", "nobody@example.com"):
        with pytest.raises(CommandError, match=f"no active person with the address {address}"):
            ask("--as", address, WEEKS)


@pytest.mark.django_db
def test_an_empty_question_is_one_line() -> None:
    User.objects.create_user("ann@example.com", "a long enough password")
    with pytest.raises(CommandError, match="Please write a question"):
        ask("--as", "ann@example.com", " ")

"""What is said of the language of an answer whose sentences are the documents' own."""

import pytest
from asgiref.sync import async_to_sync

from accounts.models import User
from accounts.reader import Reader
from gateway import conversations
from gateway.answering.asking import answer
from gateway.answering.notices import SENTENCES
from gateway.answering.phrases import NOT_FOUND
from tests.gateway.library import LEAVE, Library


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ""),
        ("en-GB", ""),
        ("de", "Die Dokumente sind in einer anderen Sprache; ihre Sätze stehen hier wörtlich."),
        ("pl", "The documents are in another language; their sentences stand here word for word."),
    ],
)
def test_who_speaks_another_language_than_the_documents_is_told(language: str, said: str) -> None:
    library = Library()
    ann = library.person("ann", language=language)
    library.put("leave", LEAVE, readers=("ann",), title="Parental leave")
    done = async_to_sync(answer)(ann, "How many weeks of parental leave are there in Germany?", door="test")
    assert (done.notice, done.notice_text) == ("foreign" if said else "", said)
    shown = conversations.get_question(Reader(User.objects.get().pk), done.question_id)
    assert shown is not None
    assert shown.notice == said


@pytest.mark.parametrize("notice", SENTENCES)
def test_every_notice_is_said_in_every_language_the_gateway_speaks(notice: str) -> None:
    assert SENTENCES[notice].keys() == NOT_FOUND.keys()

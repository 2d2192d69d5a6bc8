"""An old answer against a change that commits while it is shown again: nothing is late (P15, P16)."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from accounts.models import User
from accounts.reader import Reader
from connectors.models import BreakGlass
from gateway import conversations, sharing
from gateway.answering.asking import answer
from gateway.answering.events import Done
from gateway.conversations import ShownAnswer
from gateway.models import Evidence, LeftOut
from tests.security.racing import CHANGES, QUESTION, WORD, Stage
from tests.security.turns import OWN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pooled")]

MOST_STATEMENTS = 40


def to_its_asker(reader: Reader, done: Done) -> ShownAnswer | None:
    return conversations.get_question(reader, done.question_id)


def to_whom_it_is_shared_with(reader: Reader, done: Done) -> ShownAnswer | None:
    """A conversation shared with its owner is shown to them as to everybody it is shared with."""
    shared = sharing.get_shared(reader, done.conversation_id)
    return shared.answers[-1] if shared else None


SHOWN_BY = {"to its asker": to_its_asker, "to whom it is shared with": to_whom_it_is_shared_with}


@pytest.mark.parametrize("shown_by", SHOWN_BY)
@pytest.mark.parametrize("change", [name for name in CHANGES if name != "text"])
def test_nothing_is_shown_again_once_a_change_committed_before_the_last_statement(change: str, shown_by: str) -> None:
    stage = Stage.set()
    wrong = []
    for number in range(MOST_STATEMENTS):
        BreakGlass.objects.exclude(ended_at=None).delete()  # their uses are told of for a minute more, each by itself
        CHANGES[change].give(stage)
        done = async_to_sync(answer)(stage.reader, QUESTION, door="test")
        assert WORD in done.answer
        left_out(done.question_id)
        sharing.share(stage.reader, done.conversation_id, User.objects.get(pk=stage.reader.user_id).email)
        before = Before(number, lambda: CHANGES[change].take(stage))
        with connection.execute_wrapper(before):
            shown = SHOWN_BY[shown_by](stage.reader, done)
        if not before.is_done:
            break
        texts = texts_of(shown) if shown else []
        wrong += [(number, text) for text in texts if WORD in text]
    print(f"{number} interleavings")
    assert wrong == []
    assert WORD in str(shown)  # undisturbed, it is there


def left_out(question_id: UUID) -> None:
    """As if a model had been given all that was cited, and had said more."""
    cited = Evidence.objects.filter(sentence__question=question_id)
    context = [[str(document), digest] for document, digest in cited.values_list("document", "digest").distinct()]
    LeftOut.objects.create(question_id=question_id, sentences=[f"And {WORD} besides."], context=context)


def texts_of(shown: ShownAnswer) -> list[str]:
    return [
        *(each.text for each in shown.sentences),
        *(each.hit.text for each in shown.citations),
        *shown.left_out,
    ]


class Before:
    """Commits something on another connection right before the statement with this number."""

    def __init__(self, number: int, commit: Callable[[], Any]) -> None:
        self.number = number
        self.commit = commit
        self.is_done = False
        self._seen = 0

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if not sql.startswith(OWN):
            if self._seen == self.number:
                thread = threading.Thread(target=self._elsewhere)
                thread.start()
                thread.join()
                self.is_done = True
            self._seen += 1
        return execute(sql, *rest)

    def _elsewhere(self) -> None:
        try:
            self.commit()
        finally:
            connection.close()

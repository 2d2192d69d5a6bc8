"""An old answer against a change that commits while it is shown again: nothing is late (P15, P16)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from connectors.models import BreakGlass
from gateway import conversations
from gateway.answering.asking import answer
from tests.security.racing import CHANGES, QUESTION, WORD, Stage
from tests.security.turns import OWN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pooled")]

MOST_STATEMENTS = 40


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "text"])
def test_nothing_is_shown_again_once_a_change_committed_before_the_last_statement(change: str) -> None:
    stage = Stage.set()
    wrong = []
    for number in range(MOST_STATEMENTS):
        BreakGlass.objects.exclude(ended_at=None).delete()  # their uses are told of for a minute more, each by itself
        CHANGES[change].give(stage)
        done = async_to_sync(answer)(stage.reader, QUESTION, door="test")
        assert WORD in done.answer
        before = Before(number, lambda: CHANGES[change].take(stage))
        with connection.execute_wrapper(before):
            shown = conversations.get_question(stage.reader, done.question_id)
        if not before.is_done:
            break
        texts = (
            [*(each.text for each in shown.sentences), *(each.hit.text for each in shown.citations)] if shown else []
        )
        wrong += [(number, text) for text in texts if WORD in text]
    print(f"{number} interleavings")
    assert wrong == []
    assert WORD in str(shown)  # undisturbed, it is there


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

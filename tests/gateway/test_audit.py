from threading import Barrier, Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from gateway import audit
from gateway.models import AuditEvent


def written(count: int) -> list[AuditEvent]:
    return [audit.record("test", user_id=1, details={"step": step, "name": "Ärger"}) for step in range(count)]


def tampered(statement: str, row: int) -> None:
    """What somebody with the keys of the database could do."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE gateway_auditevent DISABLE TRIGGER ALL")
        cursor.execute(statement, [row])
        cursor.execute("ALTER TABLE gateway_auditevent ENABLE TRIGGER ALL")


@pytest.mark.django_db
def test_a_chain_that_nobody_touched_is_whole() -> None:
    written(3)
    assert audit.first_broken() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gateway_auditevent SET kind = 'other' WHERE id = %s",
        "DELETE FROM gateway_auditevent WHERE id = %s",
        "TRUNCATE gateway_auditevent",
    ],
)
def test_the_database_refuses_to_change_or_remove_a_row(statement: str) -> None:
    event = written(2)[0]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [event.pk] if "%s" in statement else [])
    assert audit.first_broken() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "user_id = 2",
        "details = '{\"step\": 9}'",
        "at = at + interval '1 second'",
        "kind = 'other'",
        "user_id = NULL",
    ],
)
def test_a_changed_row_is_named(change: str) -> None:
    events = written(3)
    tampered(f"UPDATE gateway_auditevent SET {change} WHERE id = %s", events[1].pk)
    broken = audit.first_broken()
    assert broken is not None
    assert broken.row == events[1].pk
    with pytest.raises(CommandError, match=f"row {events[1].pk}"):
        call_command("verify_audit")


@pytest.mark.django_db
def test_a_removed_row_is_missed_by_the_one_after_it() -> None:
    events = written(3)
    tampered("DELETE FROM gateway_auditevent WHERE id = %s", events[1].pk)
    broken = audit.first_broken()
    assert broken is not None
    assert broken.row == events[2].pk


@pytest.mark.django_db
def test_a_row_that_was_rolled_back_leaves_no_gap() -> None:
    written(1)
    with transaction.atomic():
        written(1)
        transaction.set_rollback(True)
    written(1)
    assert audit.first_broken() is None


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_make_one_chain() -> None:
    start = Barrier(4)

    def write() -> None:
        start.wait()
        for _ in range(5):
            audit.record("test", user_id=None, details={})
        connection.close()

    before = audit.count()
    threads = [Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert audit.count() == before + 20
    assert audit.first_broken() is None

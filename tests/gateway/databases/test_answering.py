"""Questions that a database answers, from the question to the page that shows it again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import identity
from accounts.models import IdentityLink, User
from accounts.reader import Audience, Reader
from connectors import adding, ingest, sync
from connectors.models import Source, SyncRun
from connectors.sources.database import asking
from gateway import conversations
from gateway.answering.asking import answer
from gateway.answering.events import Done
from gateway.databases import wording
from gateway.models import AuditEvent, RowEvidence
from tests.doubles import ModelServer
from tests.gateway.databases import servers, shop
from tests.gateway.databases.servers import Server

HOW_MANY = "How many orders are there?"


class Shop:
    """The shop as a source, with Ann and Bob, over a file that tests change."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.people = {
            name: User.objects.create_user(f"{name}@example.org", "a long enough password") for name in ("ann", "bob")
        }
        self.source = adding.add_source(
            "shop",
            kind="database",
            name="Shop",
            settings={"url": server.url, "views": shop.VIEWS},
            vouches_for_emails=True,
        )
        self.sync()

    def sync(self) -> None:
        assert sync.run_now(self.source).state == SyncRun.State.SUCCEEDED
        ingest.drain(self.source)

    def change(self, **settings: str) -> None:
        adding.change_settings(Source.objects.get(pk=self.source.pk), settings)

    def changed(self, said: str, instead: str) -> None:
        """And synced."""
        self.change(views=shop.VIEWS.replace(said, instead))
        self.sync()

    def reader(self, name: str) -> Reader:
        return Reader(self.people[name].pk)

    def ask(self, name: str, question: str = HOW_MANY) -> Done:
        return async_to_sync(answer)(self.reader(name), question, door="test")

    def again(self, name: str, done: Done) -> conversations.ShownSentence:
        stored = conversations.get_question(self.reader(name), done.question_id)
        assert stored is not None
        [sentence] = stored.sentences
        return sentence


@pytest.fixture
def orders(db: None, tmp_path: Path) -> Iterator[Shop]:
    server = servers.sqlite(tmp_path / "shop.db")
    server.run(shop.statements())
    yield Shop(server)
    for engine in asking._ENGINES.values():
        engine.dispose()


def noted(done: Done) -> list[AuditEvent]:
    """What the audit says of the database for this question."""
    return list(
        AuditEvent.objects.filter(kind__in=["answer.rows", "answer.no_rows"], details__question=str(done.question_id))
    )


# --- without a model ------------------------------------------------------------------------------------------------


def test_it_is_counted_among_the_rows_this_reader_may_see(orders: Shop) -> None:
    done = orders.ask("ann")
    assert (done.status, done.answer, done.model) == ("answered", "count: 3. [1]", "forms")
    [sentence] = done.sentences
    assert sentence.table is not None
    assert sentence.table.sql == "SELECT COUNT(*) AS count\nFROM orders"
    assert sentence.table.rows == (("3",),)
    assert done.citations[0].hit.title == "Orders"
    assert orders.ask("bob").answer == "count: 2. [1]"


def test_rows_are_told_cell_by_cell_and_stand_in_a_table(orders: Shop) -> None:
    done = orders.ask("ann", "Which orders with customer Acme?")
    [sentence] = done.sentences
    assert sentence.text == (
        "2 rows: number: 1, customer: Acme, amount: 120.5, placed: 2026-01-05, status: open; "
        "number: 3, customer: Acme, amount: 40.25, placed: 2026-03-15, status: paid."
    )
    assert sentence.table is not None
    assert sentence.table.columns == ("number", "customer", "amount", "placed", "status")
    assert sentence.as_json()["table"]["rows"][0] == ["1", "Acme", "120.5", "2026-01-05", "open"]


def test_nothing_that_fits_is_told_as_such(orders: Shop) -> None:
    done = orders.ask("ann", "Which orders with customer Nobody?")
    assert done.sentences[0].text == wording.NONE["en"]


def test_who_may_not_read_the_view_asks_nothing(orders: Shop) -> None:
    User.objects.create_user("charlie@example.org", "a long enough password")
    charlie = Reader(User.objects.get(email="charlie@example.org").pk)
    done = async_to_sync(answer)(charlie, HOW_MANY, door="test")
    assert not any(sentence.table for sentence in done.sentences)
    assert noted(done) == []


def test_an_audience_sees_what_each_of_them_may(orders: Shop) -> None:
    both = Audience(orders.reader("ann"), frozenset({orders.reader("bob")}))
    assert async_to_sync(answer)(both, HOW_MANY, door="test").answer.startswith("count: 0.")
    unknown = Audience(orders.reader("ann"), unidentified=True)
    done = async_to_sync(answer)(unknown, HOW_MANY, door="test")
    assert not any(sentence.table and sentence.table.rows != (("0",),) for sentence in done.sentences)


def test_a_person_without_an_account_there_sees_no_row_of_a_view_for_everybody(orders: Shop) -> None:
    orders.change(views=shop.VIEWS.replace("grants: [ann, bob]", "grants: [everyone]"))
    orders.sync()
    User.objects.create_user("dora@example.org", "a long enough password")
    dora = Reader(User.objects.get(email="dora@example.org").pk)
    assert async_to_sync(answer)(dora, HOW_MANY, door="test").answer.startswith("count: 0.")


def test_a_link_that_is_revoked_takes_its_rows_along(orders: Shop) -> None:
    identity.revoke(IdentityLink.objects.get(user=orders.people["ann"], ended_at=None))
    assert not any(sentence.table for sentence in orders.ask("ann").sentences)


def test_what_was_approved_since_waits_for_the_next_sync(orders: Shop) -> None:
    """Another column under the old readers would be a right that nobody gave."""
    wider = shop.VIEWS.replace("status: {is: state", "margin: What it brought in\n      status: {is: state")
    orders.change(views=wider)
    assert not any(sentence.table for sentence in orders.ask("ann").sentences)
    orders.sync()
    assert orders.ask("ann").answer == "count: 3. [1]"


def test_the_question_is_audited_without_its_words(orders: Shop) -> None:
    done = orders.ask("ann", 'How many orders with customer "Acme"?')
    [event] = noted(done)
    assert event.kind == "answer.rows"
    assert event.details["source"] == "shop"
    assert event.details["views"] == ["orders"]
    assert (event.details["outcome"], event.details["rows"]) == ("answered", 1)
    assert "Acme" not in json.dumps(event.details)


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_database_that_is_away_is_told_and_passages_answer(orders: Shop, tmp_path: Path) -> None:
    for engine in asking._ENGINES.values():
        engine.dispose()
    (tmp_path / "shop.db").unlink()
    done = orders.ask("ann")
    assert done.sentences[0].text == wording.FAULTS["away"]["en"]
    assert done.sentences[0].table is None
    assert [event.details["outcome"] for event in noted(done)] == ["away"]


def test_what_a_database_says_of_an_error_is_not_told(orders: Shop) -> None:
    orders.server.run(["DROP TABLE shop_orders", f"CREATE TABLE shop_orders (number, belongs_to, {shop.SECRET})"])
    done = orders.ask("ann")
    assert done.sentences[0].text == wording.FAULTS["failed"]["en"]
    assert shop.SECRET not in repr(done)


# --- shown again ----------------------------------------------------------------------------------------------------


def test_an_old_answer_is_shown_with_its_rows_while_they_are_the_same(orders: Shop) -> None:
    done = orders.ask("ann")
    again = orders.again("ann", done)
    assert (again.state, again.text, again.citations) == ("shown", "count: 3.", (1,))
    assert again.table == done.sentences[0].table
    assert RowEvidence.objects.get().digest
    assert "3" not in RowEvidence.objects.get().sql


TAKEN: dict[str, Callable[[Shop], object]] = {
    "a row is gone": lambda orders: orders.server.run(["DELETE FROM shop_orders WHERE number = 1"]),
    "a row is somebody else's": lambda orders: orders.server.run(
        ["UPDATE shop_orders SET belongs_to = 'bob' WHERE number = 1"]
    ),
    "a row came": lambda orders: orders.server.run(
        ["INSERT INTO shop_orders VALUES (11, 'New', 1, '2026-05-01', 'open', 'ann', 'x')"]
    ),
    "the link is revoked": lambda orders: identity.revoke(
        IdentityLink.objects.get(user=orders.people["ann"], ended_at=None)
    ),
    "the view is not shared any more": lambda orders: orders.changed("grants: [ann, bob]", "grants: [bob]"),
    "the group has nobody": lambda orders: orders.changed("members: [ann]", "members: [bob]"),
    "the view is not approved any more": lambda orders: orders.change(
        views=shop.VIEWS.replace("  orders:\n    relation", "  others:\n    relation")
    ),
    "the source is paused": lambda orders: adding.pause(orders.source),
    "the database is away": lambda orders: Path(orders.server.url.removeprefix("sqlite:///")).unlink(),
}


@pytest.mark.parametrize("change", TAKEN)
def test_an_old_answer_is_withheld_when(orders: Shop, change: str) -> None:
    done = orders.ask("ann")
    assert orders.again("ann", done).state == "shown"
    TAKEN[change](orders)
    for engine in asking._ENGINES.values():
        engine.dispose()
    again = orders.again("ann", done)
    assert (again.state, again.text, again.table, again.of_rows) == ("withheld", "", None, True)


def test_rows_of_others_that_change_leave_an_old_answer_as_it_is(orders: Shop) -> None:
    done = orders.ask("ann")
    orders.server.run(["DELETE FROM shop_orders WHERE belongs_to = 'bob'", "UPDATE payroll SET salary = 1"])
    assert orders.again("ann", done).state == "shown"


# --- pages ----------------------------------------------------------------------------------------------------------


def test_the_page_of_an_answer_shows_the_sql_and_the_rows(orders: Shop, client: Client) -> None:
    done = orders.ask("ann", "Which orders with customer Acme?")
    client.force_login(orders.people["ann"])
    page = client.get(reverse("question", args=[done.question_id])).content.decode()
    assert "LOWER(customer) = LOWER(&#x27;Acme&#x27;)" in page
    assert "<td>120.5</td>" in page
    orders.server.run(["DELETE FROM shop_orders"])
    page = client.get(reverse("question", args=[done.question_id])).content.decode()
    assert "120.5" not in page and "the rows it told have changed" in page


def test_the_api_gives_the_table_with_its_sentence(orders: Shop, client: Client) -> None:
    done = orders.ask("ann")
    client.force_login(orders.people["ann"])
    conversation = client.get(f"/api/v1/conversations/{done.conversation_id}").json()
    [sentence] = conversation["questions"][0]["sentences"]
    assert sentence["table"]["rows"] == [["3"]]
    assert UUID(conversation["id"]) == done.conversation_id


# --- with a model ---------------------------------------------------------------------------------------------------


@pytest.fixture
def model(settings: Settings) -> Iterator[ModelServer]:
    double = ModelServer(lambda prompt: ["NOT FOUND"])
    with double.running():
        settings.LLM_BASE_URL = double.url
        settings.LLM_MODEL = "spy"
        yield double


def says(model: ModelServer, sql: str) -> None:
    model.says = lambda prompt: [sql] if "<view" in prompt else ["NOT FOUND"]


@pytest.mark.django_db(transaction=True)
def test_a_models_sql_is_asked_and_shown(model: ModelServer, orders: Shop) -> None:
    says(model, "```sql\nSELECT customer, SUM(amount) AS total FROM orders GROUP BY customer ORDER BY total DESC;\n```")
    done = orders.ask("ann", "What did each customer order?")
    assert done.model == "spy"
    assert done.sentences[0].text == "2 rows: customer: Acme, total: 160.75; customer: Birch, total: 80."
    prompt = next(prompt for prompt in model.prompts if "<view" in prompt)
    assert '<view name="orders">' in prompt and "Question: What did each customer order?" in prompt
    assert "belongs_to" not in prompt and shop.SECRET not in prompt


@pytest.mark.django_db(transaction=True)
def test_of_a_model_that_says_no_the_passages_answer(model: ModelServer, orders: Shop) -> None:
    says(model, "NO QUERY")
    done = orders.ask("ann", "What did each customer order?")
    assert not any(sentence.table for sentence in done.sentences)
    assert noted(done) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sql", ["SELECT * FROM payroll", "SELECT margin FROM orders", "DROP TABLE shop_orders", "I cannot do that."]
)
def test_sql_that_leaves_the_views_is_not_sent_and_staff_are_told(model: ModelServer, orders: Shop, sql: str) -> None:
    says(model, sql)
    done = orders.ask("ann", "What did each customer order?")
    assert not any(sentence.table for sentence in done.sentences)
    assert shop.SECRET not in repr(done)
    assert [event.details["outcome"] for event in noted(done)] == ["refused"]


@pytest.mark.django_db(transaction=True)
def test_a_right_that_is_lost_while_the_model_thinks_asks_nothing(model: ModelServer, orders: Shop) -> None:
    def says_late(prompt: str) -> list[str]:
        if "<view" not in prompt:
            return ["NOT FOUND"]
        adding.pause(orders.source)
        connection.close()  # of this thread
        return ["SELECT COUNT(*) AS n FROM orders"]

    model.says = says_late
    done = orders.ask("ann", "What did each customer order?")
    assert (done.status, done.sentences) == ("not_found", ())
    assert noted(done) == []


@pytest.mark.django_db(transaction=True)
def test_a_name_that_is_lost_while_the_database_works_is_not_told(
    model: ModelServer, orders: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(model, "SELECT COUNT(*) AS n FROM orders")
    ask = asking.ask

    def asked_late(*arguments: object) -> asking.Rows:
        found = ask(*arguments)  # type: ignore[arg-type]
        identity.revoke(IdentityLink.objects.get(user=orders.people["ann"], ended_at=None))
        connection.close()  # of this thread
        return found

    monkeypatch.setattr("gateway.databases.answering.ask", asked_late)
    orders.change(views=shop.VIEWS.replace("grants: [ann, bob]", "grants: [everyone]"))
    orders.sync()
    done = orders.ask("ann", "What did each customer order?")
    assert not any(sentence.table for sentence in done.sentences)


@pytest.mark.django_db(transaction=True)
def test_a_model_that_is_away_leaves_the_forms(model: ModelServer, orders: Shop) -> None:
    model.failures = ["away"] * 6
    done = orders.ask("ann")
    assert (done.model, done.answer) == ("forms", "count: 3. [1]")

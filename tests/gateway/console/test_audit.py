"""The audit as staff read it: who, when, how many passages; never what was asked or answered."""

from django.test import Client

from gateway import audit
from gateway.console.audit_lines import lines_of
from gateway.models import AuditEvent
from tests.cast import World


def test_a_question_is_listed_without_its_words(world: World, console: Client) -> None:
    browser = Client()
    browser.force_login(world.people["ann"])
    browser.post("/ask/", {"question": "Is the zeppelin painted silver?"})
    page = console.get("/console/audit/").content.decode()
    assert "ann@example.org" in page
    assert "asked a question" in page
    for secret in ("zeppelin", "silver", "painted"):
        assert secret not in page.lower()


def test_lines_count_passages_and_outlive_people(world: World) -> None:
    audit.record("answer.context", user_id=world.people["ann"].pk, details={"passages": [{}, {}]})
    audit.record("source.paused", user_id=987_654, details={"source": "docs"})
    audit.record("something.new", user_id=None, details={})
    audit.record("break_glass.used", user_id=None, details={"documents": ["1", "2"]})
    audit.record("break_glass.given", user_id=None, details={"person": "ann@example.org", "source": "docs"})
    told = [(line.person, line.deed, line.subject, line.passages) for line in lines_of(list(AuditEvent.objects.all()))]
    assert told == [
        ("ann@example.org", "asked a question", "", 2),
        ("a person who was deleted (987654)", "paused a source", "docs", None),
        ("Gatehouse", "something.new", "", None),
        ("Gatehouse", "read documents by break-glass", "1, 2", None),
        ("Gatehouse", "let a person read something by break-glass", "ann@example.org", None),
    ]

"""iCalendar: events and tasks in the words a person would use."""

import pytest

from connectors.parsing import ParserProcess
from connectors.parsing.formats.calendar import duration, repetition
from tests.connectors.formats.reading import headings_of

CALENDAR = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
X-WR-CALNAME:Team\r
METHOD:REQUEST\r
BEGIN:VTIMEZONE\r
TZID:Europe/Berlin\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
SUMMARY:Works meeting\\, all sites\r
DTSTART;TZID=Europe/Berlin:20260302T090000\r
DTEND;TZID=Europe/Berlin:20260302T103000\r
RRULE:FREQ=MONTHLY;BYDAY=1MO;COUNT=10\r
LOCATION:Hall 2\r
ORGANIZER;CN="Ann; Works council":mailto:ann@example.org\r
ATTENDEE;CN=Bob:mailto:bob@example.org\r
ATTENDEE:mailto:carl@example.org\r
STATUS:CANCELLED\r
DESCRIPTION:Bring the p\r
 lan.\\nAsk Ann.\r
BEGIN:VALARM\r
DESCRIPTION:Reminder\r
END:VALARM\r
END:VEVENT\r
BEGIN:VEVENT\r
SUMMARY:Closed\r
DTSTART;VALUE=DATE:20261224\r
DTEND;VALUE=DATE:20261227\r
END:VEVENT\r
BEGIN:VTODO\r
DUE:20260401T120000Z\r
END:VTODO\r
END:VCALENDAR\r
"""


@pytest.mark.parametrize("filename", ["team.ics", "invite"])
def test_events_and_tasks_are_told_in_words(parser: ParserProcess, filename: str) -> None:
    parsed = parser.parse(CALENDAR, filename=filename)
    assert parsed.text == (
        "Works meeting, all sites\nWhen: 2026-03-02 09:00 to 10:30 (Europe/Berlin)\n"
        "Repeats: every month on the first Monday, 10 times\nWhere: Hall 2\n"
        "Organizer: Ann; Works council <ann@example.org>\nAttendees: Bob <bob@example.org>, carl@example.org\n"
        "Status: cancelled\n\nBring the plan.\nAsk Ann.\n\n"
        "Closed\nWhen: 2026-12-24 to 2026-12-26\n\nTask\nDue: 2026-04-01 12:00 (UTC)"
    )
    assert headings_of(parsed) == [(2, "Works meeting, all sites"), (2, "Closed"), (2, "Task")]
    assert (parsed.title, parsed.mime, parsed.metadata) == ("Team", "text/calendar", {"method": "request"})


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,-1FR", "every 2 weeks on Monday, the last Friday"),
        ("FREQ=DAILY;UNTIL=20260601T000000Z", "every day, until 2026-06-01"),
        ("FREQ=MONTHLY;BYMONTHDAY=15", "every month on day 15"),
        ("FREQ=NEVER;;=", ""),
    ],
)
def test_a_repetition_is_said_in_words(rule: str, said: str) -> None:
    assert repetition(rule) == said


@pytest.mark.parametrize(("value", "said"), [("PT1H30M", "1 hour 30 minutes"), ("P2D", "2 days"), ("soon", "")])
def test_a_duration_is_said_in_words(value: str, said: str) -> None:
    assert duration(value) == said


def test_a_calendar_that_breaks_off_is_read_as_far_as_it_goes(parser: ParserProcess) -> None:
    source = b"BEGIN:VCALENDAR\nEND:VEVENT\nEND:X\nBEGIN:VEVENT\nSUMMARY:Lunch\nDTSTART:2026\nno colon"
    assert parser.parse(source, filename="a.ics").text == "Lunch"

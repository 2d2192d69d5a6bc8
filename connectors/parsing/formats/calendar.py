"""iCalendar (RFC 5545): each event or task under its name, in words a person would use."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft
from connectors.parsing.results import ParseFailed

FOLD = re.compile(r"\r?\n[ \t]")
PROPERTY = re.compile(r"([A-Za-z0-9-]+)((?:;[^:;=]+=(?:\"[^\"]*\"|[^\":;]*))*):(.*)", re.S)
PARAMETER = re.compile(r";([^:;=]+)=(\"[^\"]*\"|[^\":;]*)")
ESCAPE = re.compile(r"\\([nN,;\\])")
MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:\d+S)?)?")
UNITS = ("week", "day", "hour", "minute")
NAMED = {"VEVENT": "Event", "VTODO": "Task", "VJOURNAL": "Note"}
EVERY = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour"}
DAYS = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
ORDINALS = {"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth", "-1": "last", "-2": "last but one"}
BY_DAY = re.compile(r"([+-]?\d*)([A-Z]{2})")
MOST_ATTENDEES = 200


@dataclass(frozen=True)
class Property:
    """A line of a calendar."""

    name: str
    parameters: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        return ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], self.value).strip()


@dataclass
class Component:
    """An event or task: its properties by name."""

    kind: str
    properties: dict[str, list[Property]] = field(default_factory=dict)

    def first(self, name: str) -> Property | None:
        return next(iter(self.properties.get(name, ())), None)

    def text(self, name: str) -> str:
        found = self.first(name)
        return found.text if found is not None else ""


def read(content: bytes, draft: Draft) -> None:
    """Events, tasks and notes in the order of the file; alarms and time zones are left out."""
    source = decode(content)
    if "BEGIN:VCALENDAR" not in source.upper():
        raise ParseFailed("corrupt")
    for component in components_of(source):
        if component.kind == "VCALENDAR":
            draft.title = component.text("X-WR-CALNAME") or component.text("NAME")
            draft.note("method", component.text("METHOD").lower())
        else:
            _write(component, draft)


def components_of(source: str) -> Iterator[Component]:
    """The calendar itself, then what it holds."""
    open_now: list[Component] = []
    found: list[Component] = []
    for text in FOLD.sub("", source).splitlines():
        parts = PROPERTY.fullmatch(text)
        if parts is None:
            continue
        name, value = parts[1].upper(), parts[3]
        if name == "BEGIN":
            open_now.append(Component(value.strip().upper()))
            if open_now[-1].kind in NAMED or open_now[-1].kind == "VCALENDAR":
                found.append(open_now[-1])
        elif name == "END":
            del open_now[-1:]
        elif open_now:
            parameters = {key.upper(): said.strip('"') for key, said in PARAMETER.findall(parts[2])}
            open_now[-1].properties.setdefault(name, []).append(Property(name, parameters, value))
    return iter(found)


def _write(component: Component, draft: Draft) -> None:
    """A heading, a line for each thing that is known, and the description."""
    draft.heading(2, component.text("SUMMARY") or NAMED[component.kind])
    facts = {
        "When": period(component),
        "Due": moment(component.first("DUE")),
        "Repeats": repetition(component.text("RRULE")),
        "Where": component.text("LOCATION"),
        "Organizer": person(component.first("ORGANIZER")),
        "Attendees": ", ".join(map(person, component.properties.get("ATTENDEE", [])[:MOST_ATTENDEES])),
        "Status": component.text("STATUS").lower().replace("-", " "),
        "Categories": component.text("CATEGORIES"),
        "Link": component.text("URL"),
    }
    for name, said in facts.items():
        if said:
            draft.add(f"{name}: {' '.join(said.split())}", tight=True)
    draft.add(component.text("DESCRIPTION"))
    for comment in component.properties.get("COMMENT", ()):
        draft.add(f"Comment: {comment.text}")


def person(found: Property | None) -> str:
    """Who it is: a name and an address."""
    if found is None:
        return ""
    address = found.value.strip()
    address = address[7:] if address.lower().startswith("mailto:") else address
    name = found.parameters.get("CN", "")
    return f"{name} <{address}>" if name and name != address else address


def moment(found: Property | None) -> str:
    """`2026-03-02 09:00 (Europe/Berlin)`, or a day alone."""
    parts = MOMENT.match(found.value.strip()) if found is not None else None
    if found is None or parts is None:
        return ""
    day = "-".join(parts.groups()[:3])
    if parts[4] is None:
        return day
    zone = "UTC" if parts[6] else found.parameters.get("TZID", "")
    return f"{day} {parts[4]}:{parts[5]}" + (f" ({zone})" if zone else "")


def period(component: Component) -> str:
    """From when to when; an end on the same day, or in the same time zone, is said shortly."""
    start, end = moment(component.first("DTSTART")), moment(component.first("DTEND"))
    if not start or not end:
        return start + (f" for {length}" if start and (length := duration(component.text("DURATION"))) else "")
    if len(start) == len(end) == len("2026-03-02"):
        end = _day_before(end)  # a day as an end is the first one that is not meant
        return start if end <= start else f"{start} to {end}"
    if start[:10] == end[:10] and start[16:] == end[16:]:
        return f"{start[:16]} to {end[11:]}"
    return f"{start} to {end}"


def _day_before(day: str) -> str:
    try:
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


def duration(value: str) -> str:
    """`PT1H30M` as `1 hour 30 minutes`."""
    found = DURATION.fullmatch(value.strip())
    amounts = zip(found.groups() if found else (), UNITS, strict=False)
    return " ".join(f"{amount} {unit}{'' if amount == '1' else 's'}" for amount, unit in amounts if amount)


def repetition(rule: str) -> str:
    """`FREQ=WEEKLY;BYDAY=MO;COUNT=10` as `every week on Monday, 10 times`."""
    parts = dict(part.split("=", 1) for part in rule.upper().split(";") if "=" in part)
    unit = EVERY.get(parts.get("FREQ", ""))
    if unit is None:
        return ""
    interval = parts.get("INTERVAL", "1")
    said = f"every {unit}" if interval == "1" else f"every {interval} {unit}s"
    days = [_weekday(*found) for found in BY_DAY.findall(parts.get("BYDAY", ""))]
    said += f" on {', '.join(days)}" if any(days) else ""
    said += f" on day {parts['BYMONTHDAY']}" if "BYMONTHDAY" in parts else ""
    said += f", {parts['COUNT']} times" if "COUNT" in parts else ""
    until = MOMENT.match(parts.get("UNTIL", ""))
    return said + (f", until {'-'.join(until.groups()[:3])}" if until else "")


def _weekday(number: str, day: str) -> str:
    name = DAYS.get(day, "")
    which = ORDINALS.get(number.lstrip("+"), "")
    return f"the {which} {name}" if which else name

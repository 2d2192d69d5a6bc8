"""The demo company: the people who may sign in, and the folder source their documents come from."""

from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from accounts.models import User
from connectors.adding import add_source
from connectors.models import Source

COMPANY = Path(__file__).resolve().parent / "company"
SOURCE_KEY = "company"
SHOWCASE = "What is happening with Project Sandpiper?"
NOT_IN_PROFILE = {"password", "questions", "left"}


@dataclass(frozen=True, kw_only=True)
class DemoPerson:
    """Somebody of the demo company who has, or had, an account here. `left`: may no longer sign in."""

    email: str
    name: str
    password: str
    language: str
    country: str
    office: str
    role: str
    department: str
    answer_style: str = ""
    external: bool = False
    questions: tuple[str, ...] = ()
    is_staff: bool = False
    left: bool = False


class DemoRefused(Exception):
    """The demo company is loaded in evaluation mode only."""


PEOPLE: tuple[DemoPerson, ...] = (
    DemoPerson(
        email="henrike.sommerfeld@halmstedt.example",
        name="Henrike Sommerfeld",
        password="henrike-at-halmstedt",
        language="en",
        country="Germany",
        office="Berlin",
        role="Chief executive",
        department="Management",
        answer_style="brief",
        questions=(
            SHOWCASE,
            "How many days of annual leave do I get?",
            "What dividend did the board decide to pay for 2026?",
            "What was the revenue in the third quarter of 2026?",
            "What is the settlement amount in case EC-2026-03?",
        ),
    ),
    DemoPerson(
        email="katrin.vogelsang@halmstedt.example",
        name="Katrin Vogelsang",
        password="katrin-at-halmstedt",
        language="de",
        country="Germany",
        office="Berlin",
        role="HR manager Germany",
        department="People",
        answer_style="detailed",
        questions=(
            SHOWCASE,
            "Wie viele Tage pro Woche darf ich im Homeoffice arbeiten?",
            "What is the salary band for a senior firmware engineer in Portugal?",
            "What is the settlement amount in case EC-2026-03?",
            "What does error ERR-4411 mean?",
        ),
    ),
    DemoPerson(
        email="tiago.nogueira@halmstedt.example",
        name="Tiago Nogueira",
        password="tiago-at-halmstedt",
        language="pt",
        country="Portugal",
        office="Lisbon",
        role="Firmware engineer",
        department="Engineering",
        answer_style="detailed",
        questions=(
            SHOWCASE,
            "How many days of annual leave do I get?",
            "What is the meal allowance for a full day of travel?",
            "What does error ERR-4411 mean?",
            "What is the salary band for a senior firmware engineer in Portugal?",
        ),
    ),
    DemoPerson(
        email="leonie.brandt@halmstedt.example",
        name="Leonie Brandt",
        password="leonie-at-halmstedt",
        language="en",
        country="Germany",
        office="Berlin",
        role="Account executive",
        department="Sales",
        answer_style="brief",
        questions=(
            SHOWCASE,
            "What is the meal allowance for a full day of travel?",
            "What is the largest discount an account executive may give on the L3 logger?",
            "Which customers did Oskar Lindqvist hand over?",
            "What was the cause of incident INC-2026-0917?",
        ),
    ),
    DemoPerson(
        email="samir@haddad-messtechnik.example",
        name="Samir Haddad",
        password="samir-at-halmstedt",
        language="en",
        country="Portugal",
        office="Lisbon",
        role="Test bench technician",
        department="Contractors",
        answer_style="brief",
        external=True,
        questions=(
            SHOWCASE,
            "How many days of annual leave do I get?",
            "How often is a test bench calibrated?",
            "When are slots 1 to 24 of test bench 4 due?",
            "What was the revenue in the third quarter of 2026?",
        ),
    ),
    DemoPerson(
        email="nadja.petrov@halmstedt.example",
        name="Nadja Petrov",
        password="nadja-at-halmstedt",
        language="en",
        country="Germany",
        office="Berlin",
        role="IT administrator",
        department="IT",
        is_staff=True,
        questions=(
            "What do I do if I lose my laptop?",
            "How many days a week may I work from home?",
            SHOWCASE,
        ),
    ),
    DemoPerson(
        email="oskar.lindqvist@halmstedt.example",
        name="Oskar Lindqvist",
        password="oskar-at-halmstedt",
        language="en",
        country="Germany",
        office="Berlin",
        role="Account executive",
        department="Sales",
        left=True,
    ),
)


def people() -> list[DemoPerson]:
    """Those who may sign in: five who ask, then the administrator of the console."""
    return [person for person in PEOPLE if not person.left]


def questions_for(email: str) -> tuple[str, ...]:
    """Questions to try as this person; none for somebody who is not of the demo company."""
    return next((person.questions for person in PEOPLE if person.email == email), ())


def load_demo() -> None:
    """Makes the people and the source that are not there yet; the scheduler syncs. Raises DemoRefused."""
    if not settings.EVALUATION:
        raise DemoRefused("The demo company is loaded in evaluation mode only.")
    for person in PEOPLE:
        if not User.objects.filter(email=person.email).exists():
            create(person)
    if not Source.objects.filter(directory__key=SOURCE_KEY).exists():
        add_source(
            SOURCE_KEY,
            name="Halmstedt files",
            kind="folder",
            settings={"path": str(COMPANY), "allow_detached": "true"},
            vouches_for_emails=True,
        )


def create(person: DemoPerson) -> User:
    """The user; being staff opens the console and gives no right to read (P12)."""
    profile = {name: value for name, value in asdict(person).items() if name not in NOT_IN_PROFILE | {"email"}}
    return User.objects.create_user(person.email, person.password, is_active=not person.left, **profile)

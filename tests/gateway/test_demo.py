"""The demo company as files, as people, and as what is loaded into the database."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from time import monotonic

import pytest
import yaml
from django.contrib.auth import authenticate
from pytest_django import Settings

from accounts.models import User
from accounts.reader import Reader
from connectors.corpus.search import search
from connectors.ingest import parse_waiting
from connectors.models import Source
from connectors.records import Access, DocumentRecord, PrincipalRecord, Problem, Record, ScopeRecord
from connectors.sources.folder import Folder
from connectors.sync import run_now
from gateway.demo.load import COMPANY, PEOPLE, SHOWCASE, DemoRefused, load_demo, people, questions_for

KEPT = {".access.yaml", "people.yaml"}
LEFT_ON_PURPOSE = {"oskar.lindqvist"}
# The folders where the code name stands, and two a contractor reads and does not read.
TOLD_APART = ("leadership", "people", "channels", "sales", "contractors", "staff-news")
README = COMPANY.parent / "README.md"


def files() -> list[Path]:
    return [path for path in sorted(COMPANY.rglob("*")) if path.is_file() and path.name not in KEPT]


@cache
def records() -> tuple[Record, ...]:
    settings = {"path": str(COMPANY), "allow_detached": "true"}
    return tuple(Folder(settings, vouches_for_emails=True).records(None))


def principals() -> dict[str, PrincipalRecord]:
    return {record.id: record for record in records() if isinstance(record, PrincipalRecord)}


def names_in(access: Access) -> Iterator[str]:
    yield from (entry.id for entry in access.grants)
    yield from (name for restriction in access.restrictions for name in restriction)
    yield from access.deny


def test_there_are_enough_documents_of_every_format() -> None:
    formats = Counter(path.suffix for path in files())

    assert sum(formats.values()) >= 65
    assert set(formats) == {".md", ".pdf", ".docx", ".xlsx", ".pptx", ".html", ".eml", ".csv"}


def test_the_files_are_small() -> None:
    sizes = [path.stat().st_size for path in files()]

    assert max(sizes) < 200_000
    assert sum(sizes) < 3_000_000


def test_the_folder_connector_reads_the_company_without_a_problem() -> None:
    documents = [record for record in records() if isinstance(record, DocumentRecord)]

    assert [record.message for record in records() if isinstance(record, Problem)] == []
    assert len(documents) == len(files())


def test_every_name_in_a_list_is_known_but_the_one_who_left() -> None:
    named = {
        name
        for record in records()
        if isinstance(record, ScopeRecord | DocumentRecord)
        for name in names_in(record.access)
    }
    members = {entry.id for record in principals().values() for entry in record.members}

    assert (named | members) - set(principals()) - {"everyone"} == LEFT_ON_PURPOSE


def test_nobody_who_is_unknown_is_denied() -> None:
    denied = {name for record in records() if isinstance(record, ScopeRecord) for name in record.access.deny}

    assert denied == {"contractors"} <= set(principals())


def test_those_who_may_sign_in_are_the_people_of_the_company() -> None:
    accounts = {record.email: record for record in principals().values() if record.kind == "user"}

    for person in people():
        account = accounts[person.email]
        assert (account.name, account.external) == (person.name, person.external)
    assert {person.email for person in PEOPLE if person.left}.isdisjoint(accounts)


def test_the_five_differ_in_country_language_role_and_department() -> None:
    five = [person for person in people() if not person.is_staff]

    assert len(five) == 5
    assert {person.country for person in five} == {"Germany", "Portugal"}
    assert {"de", "en"} < {person.language for person in five}
    assert len({person.role for person in five}) == len({person.department for person in five}) == 5
    assert [person.name for person in five if person.external] == ["Samir Haddad"]


def test_every_person_has_questions_to_try_and_the_readme_lists_them() -> None:
    readme = README.read_text()

    for person in people():
        assert SHOWCASE in questions_for(person.email)
        assert person.password in readme
        assert [question for question in person.questions if question not in readme] == []


def test_a_stranger_has_no_questions_to_try() -> None:
    assert questions_for("charlie@elsewhere.example") == ()


def test_the_documents_of_a_country_say_so() -> None:
    for country in ("Germany", "Portugal"):
        folder = f"countries/{country.lower()}/"
        found = [r for r in records() if isinstance(r, DocumentRecord) and r.id.startswith(folder)]
        assert len(found) >= 13
        assert {record.metadata["country"] for record in found} == {country}


def test_every_markdown_file_begins_with_its_title() -> None:
    titles = [path.read_text().splitlines()[0] for path in files() if path.suffix == ".md"]

    assert all(re.fullmatch(r"# \S.*", title) for title in titles)
    assert len(set(titles)) == len(titles)


def test_people_yaml_holds_people_and_groups_and_nothing_else() -> None:
    assert set(yaml.safe_load((COMPANY / "people.yaml").read_text())) == {"people", "groups"}


@pytest.fixture
def evaluation(settings: Settings) -> None:
    settings.EVALUATION = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick, for tests only


@pytest.mark.django_db
@pytest.mark.usefixtures("evaluation")
def test_loading_makes_the_people_and_the_source_once() -> None:
    load_demo()
    load_demo()

    assert User.objects.filter(email__in=[person.email for person in PEOPLE]).count() == len(PEOPLE)
    source = Source.objects.get(directory__key="company")
    assert (source.kind, source.settings) == ("folder", {"path": str(COMPANY), "allow_detached": "true"})
    assert source.directory.vouches_for_emails


@pytest.mark.django_db
@pytest.mark.usefixtures("evaluation")
def test_people_sign_in_with_the_printed_password_and_the_one_who_left_does_not() -> None:
    load_demo()

    for person in PEOPLE:
        user = authenticate(None, username=person.email, password=person.password)
        assert (user is None) == person.left
    assert [user.name for user in User.objects.filter(is_staff=True)] == ["Nadja Petrov"]
    assert not User.objects.filter(is_superuser=True).exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("evaluation")
def test_a_profile_says_where_its_person_works() -> None:
    load_demo()

    samir = User.objects.get(email="samir@haddad-messtechnik.example")
    assert (samir.country, samir.office, samir.language, samir.external) == ("Portugal", "Lisbon", "en", True)


@pytest.mark.django_db
def test_the_demo_company_is_refused_outside_evaluation(settings: Settings) -> None:
    settings.EVALUATION = False

    with pytest.raises(DemoRefused):
        load_demo()

    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.usefixtures("evaluation")
def test_the_code_name_leads_each_of_the_five_somewhere_else(tmp_path: Path) -> None:
    load_demo()
    source = Source.objects.get(directory__key="company")
    source.settings |= {"path": str(part_of_the_company(tmp_path / "company"))}
    source.save()

    assert run_now(source).problems == []
    parse_waiting(source, monotonic() + 120)

    assert {person.name: folders_telling_of("Sandpiper", person.email) for person in PEOPLE} == {
        "Henrike Sommerfeld": {"leadership/board"},
        "Katrin Vogelsang": {"people"},
        "Tiago Nogueira": {"channels/sandpiper"},
        "Leonie Brandt": {"sales"},
        "Samir Haddad": set(),
        "Nadja Petrov": set(),
        "Oskar Lindqvist": set(),
    }
    assert folders_telling_of("bonus", "leonie.brandt@halmstedt.example") == {"staff-news"}
    assert folders_telling_of("bonus", "samir@haddad-messtechnik.example") == set()
    assert folders_telling_of("calibration", "samir@haddad-messtechnik.example") == {"contractors"}


def part_of_the_company(root: Path) -> Path:
    for name in TOLD_APART:
        shutil.copytree(COMPANY / name, root / name)
    for name in KEPT:
        shutil.copy(COMPANY / name, root / name)
    return root


def folders_telling_of(words: str, email: str) -> set[str]:
    reader = Reader(User.objects.get(email=email).pk)
    hits = search(reader, query=words, vector=None, mode="text", limit=50)
    return {hit.external_id.rpartition("/")[0] for hit in hits}

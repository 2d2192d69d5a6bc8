"""Signing in tells nothing about who has an account, and leads nowhere else."""

import pytest
from django.test import Client

from accounts.models import User
from gateway.portal.signing import REFUSED
from tests.cast import PASSWORD, person

pytestmark = pytest.mark.django_db


def sign_in(email: str, password: str = PASSWORD, **more: str) -> Client:
    client = Client()
    client.response = client.post("/sign-in/", {"username": email, "password": password} | more)  # type: ignore[attr-defined]
    return client


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_a_person_signs_in_by_address_in_any_case() -> None:
    person("ann")
    assert is_signed_in(sign_in("Ann@Example.org"))


@pytest.mark.parametrize("case", ["unknown", "wrong password", "inactive", "not verified"])
def test_every_refusal_is_the_same_sentence(case: str) -> None:
    person("ann", is_active=case != "inactive")
    if case == "not verified":
        User.objects.update(email_verified_at=None)
    email = "nobody@example.org" if case == "unknown" else "ann@example.org"
    client = sign_in(email, "a wrong password" if case == "wrong password" else PASSWORD)
    assert not is_signed_in(client)
    assert list(client.response.context["form"].non_field_errors()) == [REFUSED]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/questions/", "/questions/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_after_it_one_stays_on_this_host(wanted: str, reached: str) -> None:
    person("ann")
    client = sign_in("ann@example.org", next=wanted)
    assert client.response.headers["Location"] == reached  # type: ignore[attr-defined]


def test_signing_out_takes_a_form_not_a_link() -> None:
    person("ann")
    client = sign_in("ann@example.org")
    assert client.get("/sign-out/").status_code == 405
    assert is_signed_in(client)
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/"
    assert not is_signed_in(client)


def test_a_person_who_is_deactivated_is_signed_out() -> None:
    ann = person("ann")
    client = sign_in("ann@example.org")
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert client.get("/").headers["Location"].startswith("/sign-in/")

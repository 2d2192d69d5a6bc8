"""What holds for every page: no script or style of its own, one page for what is not there."""

import re

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.test import Client

from tests.cast import World
from tests.gateway.portal.browsing import document_id, signed_in

TEMPLATES = settings.BASE_DIR / "gateway" / "templates"
SCRIPTS = settings.BASE_DIR / "gateway" / "static" / "gatehouse"


INLINE = re.compile(r"""\s(?:on\w+|style)=|hx-on|<style|<script(?![^>]*\ssrc=)|javascript:|hx-vals=.?js""")
ELSEWHERE = re.compile(r"""(?:src|href)=["']?(?:https?:)?//""")
UNSAFE = re.compile(r"""url\(["']?(?:https?:|data:|//)|@import|[iI]nner[hH][tT][mM][lL]\s*=|\beval\(|new Function""")


def test_no_template_needs_more_than_the_policy_allows() -> None:
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        assert not INLINE.search(text), template
        assert not ELSEWHERE.search(text), template


def test_no_look_or_script_of_ours_reaches_elsewhere() -> None:
    for name in ("ask.js", "theme.js", "document.js", "site.css"):
        assert not UNSAFE.search((SCRIPTS / name).read_text()), name


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500", "503"])
def test_error_pages_need_neither_request_nor_database(name: str) -> None:
    page = get_template(f"{name}.html").render({})
    assert "<h1" in page
    assert "csrfmiddlewaretoken" not in page


@pytest.mark.django_db
def test_what_is_not_there_is_one_page_for_everyone() -> None:
    unknown = Client().get("/nothing/here/")
    console = Client().get("/console/")
    assert (unknown.status_code, unknown.content) == (404, console.content)
    assert unknown.headers == console.headers


def test_every_page_of_the_portal_carries_the_policy_and_is_not_kept_by_browsers(world: World) -> None:
    browser = signed_in(world.people["ann"])
    for address in ("/", "/questions/", "/me/", f"/documents/{document_id(world, 'ann', 'leave')}/", "/nowhere/"):
        answer = browser.get(address)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.status_code == 404 or "no-store" in answer.headers["Cache-Control"]


def test_the_evaluation_mode_is_said_in_the_footer(world: World) -> None:
    assert settings.EVALUATION
    page = signed_in(world.people["ann"]).get("/").content
    assert b"Evaluation mode: this installation listens on this machine only." in page

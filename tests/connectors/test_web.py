"""Sites read over real HTTP: what becomes of their pages, what hostile ones do to nobody, and who then reads."""

import functools
import gzip
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from accounts.reader import Reader
from connectors import adding, ingest, sync
from connectors.corpus.reading import list_documents
from connectors.kit.system import Answer, Asked, Clock, System
from connectors.models import Source, SyncRun
from connectors.records import (
    Access,
    AccessRecord,
    Checkpoint,
    Deletion,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
    State,
)
from connectors.sources.base import ConnectorError
from connectors.sources.crawling import asking, crawl, sitemaps
from connectors.sources.time_limit import TimeLimit
from connectors.sources.web import Web
from tests.cast import person
from tests.connectors import a_hostile_server as hostile
from tests.connectors.a_hostile_server import Hostile

Pages = dict[str, Answer]


def html(*links: str, head: str = "", text: str = "Words.", status: int = 200, **headers: str) -> Answer:
    body = "".join(f'<a href="{link}">there</a>' for link in links)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    page = f"<!doctype html><html><head>{head}</head><body><p>{text}</p>{body}</body></html>"
    return Answer(page.encode(), status, {"Content-Type": "text/html; charset=utf-8", **named})


def site(pages: Pages) -> Callable[[Asked], Answer]:
    """Answers with a page, or that it is the same as before where its mark was sent."""

    def answer(asked: Asked) -> Answer:
        found = pages.get(asked.target, Answer(b"Not found.", 404))
        mark = found.headers.get("ETag")
        return (
            Answer(status=304, headers={"ETag": mark}) if mark and asked.headers.get("if-none-match") == mark else found
        )

    return answer


@pytest.fixture
def pages() -> Pages:
    return {
        "/": html("a", "/b#part", "https://elsewhere.example/"),
        "/a": html("/"),
        "/b": html("/c?x=1"),
        "/c?x=1": html(),
    }


@pytest.fixture
def system(pages: Pages) -> Iterator[System]:
    with System(site(pages)).running() as running:
        yield running


class Quick(Web):
    a_second = 10_000.0


def web(url: str, **settings: str) -> Quick:
    values = {"start": f"{url}/", "readers": "everyone", "private_hosts": "127.0.0.1", **settings}
    return Quick({name: value for name, value in values.items() if value}, sleep=Clock().sleep)


def read(connector: Web, since: State | None = None) -> tuple[list[Record], str]:
    """What it yields, and how it failed if it did."""
    records: list[Record] = []
    try:
        for record in connector.records(since):
            records.append(record)
    except ConnectorError as error:
        return records, str(error)
    return records, ""


def paths(records: list[Record], url: str) -> list[str]:
    return [record.id.removeprefix(url) for record in records if isinstance(record, DocumentRecord)]


def problems(records: list[Record]) -> list[str]:
    return [record.message for record in records if isinstance(record, Problem)]


def last(records: list[Record]) -> Checkpoint:
    assert isinstance(records[-1], Checkpoint)
    return records[-1]


# --- what is read ---------------------------------------------------------------------------------------------------


def test_links_are_followed_within_the_site_and_every_page_is_a_document(system: System) -> None:
    records, failure = read(web(system.url))

    assert failure == ""
    assert paths(records, system.url) == ["/", "/a", "/b", "/c?x=1"]
    assert records[0] == ScopeRecord(
        id="site", name=f"{system.url}/", access=Access(inherits=False, grants=(Entry(id="everyone"),))
    )
    page = next(record for record in records if isinstance(record, DocumentRecord))
    assert (page.scope, page.url, page.mime) == ("site", f"{system.url}/", "text/html")
    assert isinstance(page.content, bytes)
    assert last(records).complete
    assert {asked.headers["user-agent"] for asked in system.asked} == {"Gatehouse"}


def test_it_goes_as_deep_and_as_far_as_it_is_told(system: System, pages: Pages) -> None:
    assert paths(read(web(system.url, depth="1"))[0], system.url) == ["/", "/a", "/b"]

    records, _ = read(web(system.url, pages="2"))
    assert paths(records, system.url) == ["/", "/a"]
    assert "the limit is 2 pages" in problems(records)[0]
    assert not last(records).complete

    pages["/docs/x"] = html("/docs/y", "/docs-not", "/a", "/docs/no/z", "/docs/p.PDF", "/docs/film.mp4")
    pages["/docs/y"] = html()
    records, _ = read(web(system.url, start=f"{system.url}/docs/x", exclude="/docs/no/, *.PDF$"))
    assert paths(records, system.url) == ["/docs/x", "/docs/y"]
    assert not any(path.endswith((".mp4", ".PDF", "-not")) for path in system.paths())


def test_parameters_that_say_nothing_make_no_pages_of_their_own(system: System, pages: Pages) -> None:
    pages["/"] = html("/a?utm_source=x", "/a?sid=7", "/a")

    records, _ = read(web(system.url, ignored_parameters="utm_*, sid"))
    assert paths(records, system.url) == ["/", "/a"]


def test_what_is_no_page_is_read_if_parsers_know_it(system: System, pages: Pages) -> None:
    pages |= {
        "/": html("/paper", "/notes", "/picture", "/unknown.pdf", "/unknown"),
        "/paper": Answer(b"%PDF-1.7", headers={"Content-Type": "application/pdf"}),
        "/notes": Answer(b"Words.", headers={"Content-Type": "text/plain"}),
        "/picture": Answer(b"\x89PNG", headers={"Content-Type": "image/png"}),
        "/unknown.pdf": Answer(b"%PDF-1.7", headers={"Content-Type": "application/octet-stream"}),
        "/unknown": Answer(b"\0\1", headers={"Content-Type": "application/octet-stream"}),
    }
    records, _ = read(web(system.url))

    assert paths(records, system.url) == ["/", "/paper", "/notes", "/unknown.pdf"]
    assert any("/picture holds what is not read" in told or "each holds" in told for told in problems(records))
    assert last(records).complete


def test_pages_that_wish_not_to_be_found_or_followed_are_not(system: System, pages: Pages) -> None:
    pages |= {
        "/": html("/hidden", "/end", "/header"),
        "/hidden": html("/a", head='<meta name="robots" content="noindex">'),
        "/end": html("/b", head='<meta name="gatehouse" content="nofollow">'),
        "/header": html("/c?x=1", X_Robots_Tag="none"),
    }
    records, _ = read(web(system.url))

    assert paths(records, system.url) == ["/", "/end", "/a"]
    assert last(records).complete


def test_a_page_stands_under_the_name_it_gives_itself_on_this_site(system: System, pages: Pages) -> None:
    def called(name: str) -> str:
        return f'<link rel="canonical" href="{name}">'

    pages |= {
        "/": html("/a?view=print", "/lost", "/far", "/one", "/first"),
        "/a?view=print": html(head=called("/a")),
        "/lost": html(head=called("/nowhere")),
        "/far": html(head=called("https://elsewhere.example/far")),
        "/one": html(head=called("/two")),
        "/two": html(head=called("/one")),
        "/first": html(head=called("/second")),
        "/second": html(head=called("/b")),
    }
    records, _ = read(web(system.url))

    assert sorted(paths(records, system.url)) == ["/", "/a", "/b", "/c?x=1", "/far", "/lost", "/one"]
    assert last(records).complete


def test_redirects_lead_within_the_site_alone(system: System, pages: Pages) -> None:
    pages |= {
        "/": html("/moved", "/away", "/round"),
        "/moved": Answer(status=301, headers={"Location": "a"}),
        "/away": Answer(status=302, headers={"Location": "https://elsewhere.example/"}),
        "/round": Answer(status=302, headers={"Location": "/round2"}),
        "/round2": Answer(status=302, headers={"Location": "/round"}),
    }
    records, _ = read(web(system.url))

    assert paths(records, system.url) == ["/", "/a"]
    assert last(records).complete
    assert system.paths().count("/round") == 1


# --- runs after the first -------------------------------------------------------------------------------------------


def marked(pages: Pages) -> None:
    for path, page in pages.items():
        pages[path] = Answer(page.body, page.status, {**page.headers, "ETag": f'"{len(page.body)}-{path}"'})


def later(state: State, **changed: object) -> State:
    """The state as it is when a whole reading is due again."""
    return {**state, "read_at": "2026-01-01T00:00:00+00:00", **changed}


def test_a_page_that_did_not_change_is_not_sent_again_and_its_links_are_known(system: System, pages: Pages) -> None:
    marked(pages)
    first, _ = read(web(system.url))
    asked = len(system.asked)

    again, _ = read(web(system.url), later(last(first).state))

    assert paths(again, system.url) == paths(first, system.url)
    assert last(again).complete
    assert [each.headers.get("if-none-match") for each in system.asked[asked:]].count(None) == 1  # robots.txt
    versions = [record.version for record in first if isinstance(record, DocumentRecord)]
    unread = [record for record in again if isinstance(record, DocumentRecord)]
    assert [record.version for record in unread] == versions
    assert callable(unread[1].content)
    assert unread[1].content() == pages["/a"].body


def test_a_page_nothing_leads_to_any_more_is_not_named(system: System, pages: Pages) -> None:
    marked(pages)
    first, _ = read(web(system.url))
    pages["/b"] = html()

    records, _ = read(web(system.url), later(last(first).state))

    assert paths(records, system.url) == ["/", "/a", "/b"]
    assert last(records).complete


def test_a_page_that_now_wishes_not_to_be_found_is_deleted(system: System, pages: Pages) -> None:
    first, _ = read(web(system.url))
    pages["/a"] = html(X_Robots_Tag="noindex")

    records, _ = read(web(system.url), later(last(first).state))

    assert [record.id for record in records if isinstance(record, Deletion)] == [f"{system.url}/a"]


def test_between_whole_readings_nothing_is_asked_for_without_sitemaps(system: System) -> None:
    first, _ = read(web(system.url))
    asked = len(system.asked)

    records, failure = read(web(system.url), last(first).state)

    assert failure == ""
    assert isinstance(records[0], ScopeRecord)
    assert last(records) == Checkpoint(state=last(first).state, complete=False)
    assert len(system.asked) == asked


def test_a_memory_of_other_settings_is_none(system: System, pages: Pages) -> None:
    marked(pages)
    first, _ = read(web(system.url, depth="1"))

    records, _ = read(web(system.url), last(first).state)

    assert paths(records, system.url) == ["/", "/a", "/b", "/c?x=1"]
    assert not any("if-none-match" in asked.headers for asked in system.asked)


def test_an_odd_state_is_a_beginning(system: System) -> None:
    first, _ = read(web(system.url))
    for changed in (
        {"read_at": 5},
        {"read_at": "2026-01-01"},
        {"read_at": "3000-01-01T00:00:00+00:00"},
        {"seen": ["x"]},
    ):
        assert last(read(web(system.url), {**last(first).state, **changed})[0]).complete


# --- what is not there, and what fails ------------------------------------------------------------------------------


def test_a_page_that_is_gone_is_not_named_and_the_reading_is_complete(system: System, pages: Pages) -> None:
    pages["/a"], pages["/b"] = Answer(status=404), Answer(status=410)
    records, _ = read(web(system.url))

    assert paths(records, system.url) == ["/"]
    assert last(records).complete


@pytest.mark.parametrize("bad", [Answer(status=500), html(text="x" * 5_000)], ids=["fault", "cut"])
def test_a_page_that_fails_lets_nothing_count_as_gone(system: System, pages: Pages, bad: Answer) -> None:
    pages["/a"] = Answer(bad.body, bad.status, bad.headers, breaks=True)
    records, failure = read(web(system.url))

    assert failure == ""
    assert paths(records, system.url) == ["/", "/b", "/c?x=1"]
    assert "/a was not read" in problems(records)[0]
    assert "nothing that is known of it counts as gone" in problems(records)[1]
    assert not last(records).complete


@pytest.mark.parametrize("status", [401, 403, 451])
def test_a_page_that_may_not_be_read_any_more_is_read_by_nobody(system: System, pages: Pages, status: int) -> None:
    pages["/a"] = Answer(status=status)
    records, _ = read(web(system.url))

    closed = [(each.kind, each.id) for each in records if isinstance(each, Problem)]
    assert closed == [("document", f"{system.url}/a")]
    assert last(records).complete


def test_many_pages_that_may_not_be_read_are_told_together(system: System, pages: Pages) -> None:
    pages["/"] = html(*(f"/closed/{number}" for number in range(50)))
    pages |= {f"/closed/{number}": Answer(status=403) for number in range(50)}
    records, _ = read(web(system.url))

    named = {each.id for each in records if isinstance(each, Problem) and each.kind} | {
        each.id for each in records if isinstance(each, AccessRecord) and each.access.problem
    }
    assert len(named) == 50
    assert len(problems(records)) < 25
    assert not last(records).complete


def test_a_site_that_is_down_fails_the_run_and_readers_are_told_before(system: System) -> None:
    system.answer = lambda asked: Answer(status=404) if asked.path == "/robots.txt" else Answer(status=503)
    records, failure = read(web(system.url))

    assert "Nothing of the site could be read" in failure
    assert isinstance(records[0], ScopeRecord)
    assert isinstance(records[1], Checkpoint)


def test_ten_failures_one_after_the_other_end_the_run(system: System, pages: Pages) -> None:
    pages["/"] = html(*(f"/bad/{number}" for number in range(50)))
    inner = site(pages)
    system.answer = lambda asked: Answer(status=500) if asked.path.startswith("/bad/") else inner(asked)

    assert "10 addresses one after the other" in read(web(system.url))[1]


def test_a_site_that_asks_to_be_left_alone_is(system: System, pages: Pages) -> None:
    pages["/a"] = Answer(status=429, headers={"Retry-After": "3600"})

    assert "asks to be left alone for 3600 seconds" in read(web(system.url))[1]


def test_a_start_address_that_is_not_there_is_told(system: System, pages: Pages) -> None:
    pages["/other/"] = Answer(status=302, headers={"Location": "https://elsewhere.example/"})
    records, _ = read(web(system.url, start=f"{system.url}/, {system.url}/none, {system.url}/other/"))

    told = " ".join(problems(records))
    assert "/none is a start address and is not there (404)" in told
    assert "/other/ is a start address and leads out of what is read" in told
    assert not last(records).complete


# --- robots.txt -----------------------------------------------------------------------------------------------------


def test_what_robots_txt_keeps_from_us_is_not_asked_for(system: System, pages: Pages) -> None:
    pages["/robots.txt"] = Answer(b"User-agent: gatehouse\nDisallow: /b\n")
    records, _ = read(web(system.url))

    assert paths(records, system.url) == ["/", "/a"]
    assert last(records).complete
    assert system.paths()[0] == "/robots.txt"
    assert "/b" not in system.paths()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_robots_txt_that_is_not_there_forbids_nothing(system: System, pages: Pages, status: int) -> None:
    pages["/robots.txt"] = Answer(status=status)

    assert last(read(web(system.url))[0]).complete


def test_robots_txt_is_followed_where_it_leads(system: System, pages: Pages) -> None:
    pages["/robots.txt"] = Answer(status=301, headers={"Location": "/rules"})
    pages["/rules"] = Answer(b"User-agent: *\nDisallow: /b")

    assert paths(read(web(system.url))[0], system.url) == ["/", "/a"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(status=429),
        Answer(status=302, headers={"Location": "/robots.txt"}),
        Answer(status=302, headers={"Location": "http://169.254.169.254/latest"}),
        Answer(b"User-agent: *\nCrawl-delay: 86400"),
        Answer(b"User-agent: *\n" + b"Disallow: /x\n" * 20_000),
        Answer(b"#" * 6_000_000),
    ],
    ids=["fault", "too-many", "circle", "inside", "a-day-between", "too-many-rules", "too-large"],
)
def test_without_robots_txt_nothing_is_read(system: System, pages: Pages, answer: Answer) -> None:
    pages["/robots.txt"] = answer
    records, failure = read(web(system.url))

    assert "Nothing of the site could be read" in failure
    assert set(system.paths()) == {"/robots.txt"}
    assert not any(isinstance(record, DocumentRecord) for record in records)


def test_the_pace_robots_txt_asks_for_is_kept(system: System, pages: Pages) -> None:
    pages["/robots.txt"] = Answer(b"User-agent: *\nCrawl-delay: 0.2")
    began = time.monotonic()
    read(web(system.url))

    assert time.monotonic() - began >= 0.6


# --- sitemaps -------------------------------------------------------------------------------------------------------


def urlset(url: str, *entries: tuple[str, str]) -> bytes:
    named = "".join(f"<url><loc>{url}{path}</loc><lastmod>{at}</lastmod></url>" for path, at in entries)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{named}</urlset>'.encode()


def index(*addresses: str) -> bytes:
    named = "".join(f"<sitemap><loc>{address}</loc></sitemap>" for address in addresses)
    return f"<sitemapindex>{named}</sitemapindex>".encode()


def test_pages_of_sitemaps_are_read_and_their_links_are_not_followed(system: System, pages: Pages) -> None:
    pages |= {
        "/index.xml": Answer(index(f"{system.url}/one.xml.gz", "https://elsewhere.example/two.xml")),
        "/one.xml.gz": Answer(gzip.compress(urlset(system.url, ("/b", "2026-05-01"), ("/a", ""), ("/none", "")))),
    }
    records, _ = read(web(system.url, start="", sitemaps=f"{system.url}/index.xml"))

    assert paths(records, system.url) == ["/b", "/a"]
    page = next(record for record in records if isinstance(record, DocumentRecord))
    assert page.modified_at is not None
    assert page.modified_at.isoformat() == "2026-05-01T00:00:00+00:00"
    assert problems(records) == ["https://elsewhere.example/two.xml is a sitemap of another host, which is not read"]
    assert last(records).complete


def test_the_sitemaps_robots_txt_names_are_read_if_that_is_set(system: System, pages: Pages) -> None:
    pages["/robots.txt"] = Answer(f"Sitemap: {system.url}/map.xml".encode())
    pages["/map.xml"] = Answer(urlset(system.url, ("/alone", "")))
    pages["/alone"] = html()

    assert "/alone" in paths(read(web(system.url, sitemaps="robots"))[0], system.url)
    assert "/alone" not in paths(read(web(system.url))[0], system.url)


def test_between_whole_readings_sitemaps_tell_what_is_new(system: System, pages: Pages) -> None:
    settings = {"start": "", "sitemaps": f"{system.url}/map.xml"}
    listed = [("/a", "2026-05-01"), ("/b", "2026-05-01"), ("/none", "2026-05-01")]
    pages["/map.xml"] = Answer(urlset(system.url, *listed))
    first, _ = read(web(system.url, **settings))
    asked = len(system.asked)

    pages["/map.xml"] = Answer(urlset(system.url, ("/a", "2026-06-01"), *listed[1:], ("/c?x=1", "")))
    second, _ = read(web(system.url, **settings), last(first).state)

    assert paths(second, system.url) == ["/a", "/c?x=1"]
    assert system.paths()[asked:] == ["/map.xml", "/robots.txt", "/a", "/c"]
    assert not last(second).complete
    third, _ = read(web(system.url, **settings), last(second).state)
    assert paths(third, system.url) == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "b">]><urlset><url><loc>&a;</loc></url></urlset>', "declares a document type"),
        (gzip.compress(b"<urlset>" + b" " * 60_000_000), "unpacks to more than 50 MB"),
        (b"<html>", "is no sitemap"),
        (Answer(status=500), "is a sitemap that was not read"),
        (Answer(status=404), "is a sitemap that was not read"),
        (Answer(status=302, headers={"Location": "http://10.0.0.1/"}), "is not an address that this source may reach"),
    ],
    ids=["entities", "bomb", "no-sitemap", "fault", "missing", "inside"],
)
def test_a_sitemap_that_cannot_be_read_lets_nothing_count_as_gone(
    system: System, pages: Pages, content: bytes | Answer, says: str
) -> None:
    pages["/map.xml"] = content if isinstance(content, Answer) else Answer(content)
    records, _ = read(web(system.url, sitemaps=f"{system.url}/map.xml"))

    assert says in problems(records)[0]
    assert "/a" in paths(records, system.url)
    assert not last(records).complete


def test_a_site_that_suddenly_holds_nothing_is_rather_broken(system: System, pages: Pages) -> None:
    pages["/map.xml"] = Answer(b"<urlset/>")
    records, failure = read(web(system.url, start="", sitemaps=f"{system.url}/map.xml"))

    assert "hold no page that is read" in problems(records)[0]
    assert "Nothing of the site could be read" in failure


def test_a_page_that_leads_to_more_than_is_followed_is_told(system: System, pages: Pages) -> None:
    pages["/"] = html("/a", *(f"https://elsewhere.example/{number}" for number in range(6_000)), "/b")
    records, _ = read(web(system.url))

    assert paths(records, system.url) == ["/", "/a"]
    assert "leads to more than is followed from one page" in problems(records)[0]
    assert not last(records).complete


def test_sitemaps_in_sitemaps_without_end_are_read_so_far(system: System, pages: Pages) -> None:
    inner = site(pages)

    def answer(asked: Asked) -> Answer:
        if asked.path.startswith("/map"):
            return Answer(index(f"{system.url}{asked.path}1", f"{system.url}{asked.path}2", f"{system.url}/map"))
        return inner(asked)

    system.answer = answer
    records, _ = read(web(system.url, sitemaps=f"{system.url}/map"))

    assert any("below too many others" in told for told in problems(records))
    assert len(system.asked) < 40


def test_more_addresses_than_a_sitemap_may_name_are_told(
    system: System, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "MOST_ENTRIES", 3)
    pages["/map.xml"] = Answer(urlset(system.url, *((f"/none/{number}", "") for number in range(9))))
    records, _ = read(web(system.url, sitemaps=f"{system.url}/map.xml"))

    assert "names more than 3 addresses" in problems(records)[0]
    assert not last(records).complete


def test_an_index_names_no_more_sitemaps_than_are_read(
    system: System, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of fifty million that indexes may name, none is kept in mind that will not be read."""
    monkeypatch.setattr(crawl, "MOST_SITEMAPS", 5)
    pages["/index.xml"] = Answer(index(*(f"{system.url}/{number}.xml" for number in range(40))))
    pages |= {f"/{number}.xml": Answer(urlset(system.url, (f"/p{number}", ""))) for number in range(40)}
    pages |= {f"/p{number}": html() for number in range(40)}
    records, _ = read(web(system.url, start="", sitemaps=f"{system.url}/index.xml"))

    assert paths(records, system.url) == ["/p0", "/p1", "/p2", "/p3"]
    assert f"{system.url}/4.xml was not read: there are more than 5 sitemaps" in problems(records)
    assert not last(records).complete


@pytest.mark.parametrize("bound", ["MOST_LISTED", "MOST_KEPT"])
def test_sitemaps_name_no_more_addresses_than_are_kept_in_mind(
    system: System, pages: Pages, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(crawl, bound, {"MOST_LISTED": 3, "MOST_KEPT": 1_500}[bound])
    pages |= {f"/p{number}": html() for number in range(9)}
    for name in ("one", "two"):
        pages[f"/{name}.xml"] = Answer(urlset(system.url, *((f"/p{number}", "") for number in range(9))))
    maps = f"{system.url}/one.xml, {system.url}/two.xml"
    records, _ = read(web(system.url, start="", sitemaps=maps))

    assert any("the sitemaps name too many addresses" in told for told in problems(records))
    assert 0 < len(paths(records, system.url)) <= 3
    assert "/two.xml" not in system.paths()
    assert not last(records).complete


def test_a_site_leads_to_no_more_addresses_than_are_kept_in_mind(
    system: System, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crawl, "MOST_KEPT", 1_000)
    pages["/"] = html(*(f"/p{number}?x={number}" for number in range(50)))
    records, _ = read(web(system.url))

    assert any("leads to too many addresses" in told for told in problems(records))
    assert len(system.paths()) < 8
    assert not last(records).complete


def test_a_run_has_an_end_and_reading_sitemaps_is_part_of_it(
    system: System, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    inner = site(pages)

    def slow(asked: Asked) -> Answer:
        now[0] += 1_000.0
        return inner(asked)

    system.answer = slow
    pages["/index.xml"] = Answer(index(*(f"{system.url}/{number}.xml" for number in range(40))))
    pages |= {f"/{number}.xml": Answer(urlset(system.url, ("/a", ""))) for number in range(40)}
    monkeypatch.setattr(crawl, "TimeLimit", lambda seconds: TimeLimit(seconds, clock=lambda: now[0]))
    records, failure = read(web(system.url, sitemaps=f"{system.url}/index.xml"))

    assert len(system.paths()) < 25
    assert any("was not read any more: the limit is 6 hours" in told for told in problems(records))
    assert "Nothing of the site could be read" in failure
    assert not any(isinstance(record, Checkpoint) and record.complete for record in records)


def test_what_is_read_late_is_read_in_time_or_ends_the_run(
    system: System, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contents that are asked for once more are part of a run too."""
    now = [0.0]
    pages["/"] = html(head='<link rel="canonical" href="/none">')
    monkeypatch.setattr(crawl, "TimeLimit", lambda seconds: TimeLimit(seconds, clock=lambda: now[0]))
    records, _ = read(web(system.url))
    (page,) = [record for record in records if isinstance(record, DocumentRecord)]
    assert callable(page.content)
    assert b"Words." in page.content()

    now[0] = 7 * 3600.0
    with pytest.raises(ConnectorError, match="took longer than 6 hours") as ended:
        page.content()
    assert not ended.value.permanent


def test_reasons_without_end_are_told_so_far(system: System, pages: Pages) -> None:
    """What a server calls its pages is a reason of its own for each."""
    names = [f"/p{number}" for number in range(150)]
    pages["/"] = html(*names)
    for name in names:
        pages[name] = Answer(b"x", headers={"Content-Type": f"x-{name.strip('/')}/" + "y" * 5_000})
    records, _ = read(web(system.url))

    assert len(problems(records)) == crawl.MOST_REASONS + 1
    assert all(len(told) < 500 for told in problems(records))
    assert "50 addresses: each was left out, or not read, for yet another reason." in problems(records)[-1]
    assert last(records).complete


# --- traps ----------------------------------------------------------------------------------------------------------


def test_an_endless_calendar_is_left_after_a_while(system: System) -> None:
    def calendar(asked: Asked) -> Answer:
        month = int(asked.query.get("month", "0"))
        return (
            Answer(status=404) if asked.path == "/robots.txt" else html(f"/?month={month + 1}", f"/?month={month - 1}")
        )

    system.answer = calendar
    records, _ = read(web(system.url, depth="50", pages="50000"))

    assert len(paths(records, system.url)) <= 102

    wide = lambda asked: Answer(status=404) if asked.path == "/robots.txt" else html(*(f"/?d={n}" for n in range(999)))  # noqa: E731
    system.answer = wide
    records, _ = read(web(system.url))
    assert len(paths(records, system.url)) == crawl.MOST_VARIANTS + 1
    assert "more than 200 addresses differ behind the question mark alone" in problems(records)[0]
    assert not last(records).complete


def test_links_that_lead_into_themselves_are_left(system: System) -> None:
    system.answer = lambda asked: Answer(status=404) if asked.path == "/robots.txt" else html("more/here/", "again/")
    records, _ = read(web(system.url, depth="50"))

    assert len(paths(records, system.url)) < 200
    assert any("its path leads into itself" in told for told in problems(records))


# --- addresses inside -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://0:{port}/",
        "http://0x7f000001:{port}/",
        "http://2130706433:{port}/",
        "http://017700000001:{port}/",
        "http://[::1]:{port}/",
        "http://[::]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::ffff:7f00:1]:{port}/",
        "http://[64:ff9b::7f00:1]:{port}/",
        "http://[2002:7f00:1::]:{port}/",
        "http://localhost:{port}/",
        "http://localhost.:{port}/",
        "http://127。0。0。1:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "http://100.64.0.1/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://0.0.0.0:{port}/",
    ],
)
def test_no_address_inside_is_reached_however_it_is_spelt(system: System, address: str) -> None:
    """The table of security notes, S: nothing there is named as private, so nothing there is asked."""
    port = system.url.rpartition(":")[2]
    records, failure = read(web(system.url, start=address.format(port=port), private_hosts=""))

    assert failure
    assert system.asked == []
    assert not any(isinstance(record, DocumentRecord) for record in records)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://ann:secret@127.0.0.1/", "//x"]
)
def test_what_is_no_address_of_a_site_is_told(address: str) -> None:
    assert "is no address" in read(web("", start=address))[1]


@pytest.mark.parametrize(
    "inside", ["http://localhost:{port}/secret", "http://[::1]:{port}/secret", "http://127.0.0.1:{port}/secret"]
)
def test_no_redirect_and_no_link_leads_inside(system: System, pages: Pages, inside: str) -> None:
    """Not even to another port of a host that is named as private."""
    with System(lambda asked: html(text="inside")).running() as other:
        target = inside.format(port=other.url.rpartition(":")[2])
        pages |= {
            "/": html("/moved", target, head=f'<base href="{target}"><link rel="canonical" href="{target}">'),
            "/start": html("/moved", target),
            "/moved": Answer(status=302, headers={"Location": target}),
            "/robots.txt": Answer(f"Sitemap: {target}".encode()),
            "/map.xml": Answer(index(target) + b"<!-- -->"),
        }
        sitemaps_named = f"robots, {system.url}/map.xml"
        records, _ = read(web(system.url, start=f"{system.url}/start", sitemaps=sitemaps_named))

        assert other.asked == []
        assert paths(records, system.url) == ["/start"]


def test_a_name_that_turns_inside_after_it_was_checked_is_not_asked_again(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: a name server that says something public first, and loopback ever after."""
    port = int(system.url.rpartition(":")[2])
    told: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, *rest: Any, **named: Any) -> Any:
        if host != "rebinding.example":
            return real(host, *rest, **named)
        told.append("203.0.114.1" if not told else "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (told[-1], port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr("connectors.sources.client.CONNECT", 0.2)
    monkeypatch.setattr(asking, "SECONDS", 1.0)

    _, failure = read(web(system.url, start=f"http://rebinding.example:{port}/", private_hosts=""))

    assert "Nothing of the site could be read" in failure
    assert told[0] == "203.0.114.1"
    assert system.asked == []


# --- a hostile server -----------------------------------------------------------------------------------------------


@contextmanager
def against(**deeds: hostile.Doing) -> Iterator[Hostile]:
    named = {f"/{name}": deed for name, deed in deeds.items()}
    start = hostile.page("".join(f'<a href="{path}">x</a>' for path in named))
    with Hostile({"/": start, **named, "/good": hostile.page("<p>Words.</p>")}).running() as server:
        yield server


def test_ten_gigabytes_are_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crawl, "MOST_OF_A_PAGE", 5_000_000)
    with against(huge=hostile.endless_body, good=hostile.page("<p>Words.</p>")) as server:
        records, failure = read(web(server.url))

    assert failure == ""
    assert paths(records, server.url) == ["/", "/huge", "/good"]
    huge = next(record for record in records if isinstance(record, DocumentRecord) and record.id.endswith("/huge"))
    assert (huge.unreadable, huge.content) == ("too_large", None)
    assert server.sent < 50_000_000


@pytest.mark.parametrize(
    "deed",
    [
        hostile.drip,
        hostile.drip_headers,
        hostile.endless_headers,
        hostile.endless_hints,
        hostile.silence,
        hostile.no_http,
        hostile.breaks_off,
    ],
    ids=lambda deed: deed.__name__,
)
def test_whatever_a_server_does_the_next_page_is_read_soon(
    deed: hostile.Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "SECONDS", 1.0)
    began = time.monotonic()
    with against(bad=deed, good=hostile.page("<p>Words.</p>")) as server:
        records, failure = read(web(server.url))

    assert failure == ""
    assert paths(records, server.url) == ["/", "/good"]
    assert "/bad was not read" in problems(records)[0]
    assert not last(records).complete
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ("Content-Encoding: gzip\r\n", gzip.compress(b"x" * 100_000_000)),
        ("Content-Encoding: gzip, gzip\r\n", gzip.compress(gzip.compress(b"x" * 1_000_000_000))),
        ("Content-Encoding: gzip\r\n", b"no gzip"),
    ],
    ids=["bomb", "bomb-in-a-bomb", "damaged"],
)
def test_packed_pages_made_to_hurt_do_not(headers: str, body: bytes) -> None:
    bad = hostile.saying("200 OK", "Content-Type: text/html\r\n" + headers, body)
    with against(bad=bad, good=hostile.page("<p>Words.</p>")) as server:
        records, failure = read(web(server.url))

    assert failure == ""
    assert "/good" in paths(records, server.url)


def test_headers_that_lie_do_no_harm() -> None:
    odd = "Content-Type: text/html; charset=idna\r\nETag: " + "x" * 5_000 + "\r\nLast-Modified: long ago\r\n"
    odd += 'Link: <http://[::1/>; rel="canonical"\r\nX-Robots-Tag: ' + "a:," * 3_000 + "\r\n"
    with against(odd=hostile.saying("200 OK", odd, b"<a href='//[::1/'>x</a><base href='http://['>")) as server:
        records, failure = read(web(server.url))
        assert failure == ""
        assert paths(records, server.url) == ["/", "/odd"]
        assert read(web(server.url), later(last(records).state))[1] == ""


# --- settings -------------------------------------------------------------------------------------------------------


def test_readers_are_everyone_people_and_groups() -> None:
    groups = "board: ann@example.org, bob@example.org; legal: carol@example.org"
    records = list(web("https://e.example", readers="board, dan@example.org, nobody-known", groups=groups).readers())

    people = [record.id for record in records if isinstance(record, PrincipalRecord) and record.kind == "user"]
    assert people == ["ann@example.org", "bob@example.org", "carol@example.org", "dan@example.org"]
    board = next(record for record in records if isinstance(record, PrincipalRecord) and record.id == "board")
    assert board.members == (Entry(id="ann@example.org"), Entry(id="bob@example.org"))
    [scope] = [record for record in records if isinstance(record, ScopeRecord)]
    assert [entry.id for entry in scope.access.grants] == ["board", "dan@example.org"]
    assert "'nobody-known', which is no address and none of 'groups'" in problems(records)[0]
    assert "count only if the source vouches" in problems(records)[1], "each run tells, not only a check"


def test_without_readers_nobody_reads(system: System) -> None:
    records, _ = read(web(system.url, readers=""))

    assert records[0] == ScopeRecord(id="site", name=f"{system.url}/", access=Access(inherits=False))
    assert "Nobody will be able to read anything" in problems(records)[0]


def test_readers_that_cannot_be_understood_are_nobody(system: System) -> None:
    records, failure = read(web(system.url, groups="board: ann"))

    assert isinstance(records[0], ScopeRecord)
    assert records[0].access.problem == failure
    assert isinstance(records[1], Checkpoint)
    assert system.asked == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"start": ""}, "there is nothing to read"),
        ({"within": "https://other.example/"}, "'within' or 'exclude' leave it out"),
        ({"exclude": "intern"}, "begin with '/' or '*'"),
        ({"depth": "0"}, "'depth' must be a number from 1 to 50"),
        ({"pages": "many"}, "'pages' must be a number"),
        ({"hours": "9" * 30}, "'hours' must be a number"),
        ({"sitemaps": "map.xml"}, "'map.xml' in 'sitemaps' is no address"),
        ({"groups": "board"}, "in 'groups' is no"),
        ({"groups": "board: ann; x: b@x"}, "in 'groups' is no"),
        ({"groups": "a: b@x; a: c@x"}, "or is there twice"),
        ({"groups": "everyone: ann@example.org"}, "cannot be the name of a group"),
    ],
)
def test_settings_that_are_wrong_are_told(system: System, settings: dict[str, str], says: str) -> None:
    connector = web(system.url, **settings)

    assert says in read(connector)[1]
    assert says in connector.check()[0]
    assert system.asked == []


def test_a_check_tries_the_site_and_says_what_is_missing(system: System, pages: Pages) -> None:
    assert web(system.url).check() == []
    assert "'readers'" in web(system.url, readers="").check()[0]
    assert "vouches" in web(system.url, readers="ann@example.org").check()[0]
    assert "is not there (404)" in web(system.url, start=f"{system.url}/none").check()[0]
    assert "is no XML" in web(system.url, sitemaps=f"{system.url}/a").check()[0]
    assert "may reach" in web(system.url, private_hosts="").check()[0]
    pages["/a"] = Answer(status=403)
    assert "may not be read (403)" in web(system.url, start=f"{system.url}/a").check()[0]
    pages["/map.xml"] = Answer(urlset("https://elsewhere.example", ("/", "")))
    assert "name nothing that is read" in web(system.url, start="", sitemaps=f"{system.url}/map.xml").check()[0]
    pages["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /")
    assert "robots.txt keeps it from us" in web(system.url).check()[0]


# --- a real site, through the product -------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    (root / "docs").mkdir(parents=True)
    (root / "index.html").write_text(
        '<html><head><title>Our house</title></head><body><p>Welcome.</p><a href="docs/walrus.html">walrus</a>'
        '<a href="docs/notes.txt">notes</a><a href="docs/picture.png">picture</a></body></html>'
    )
    (root / "docs" / "walrus.html").write_text(
        "<html><title>The walrus</title><p>The walrus settled in May.</p></html>"
    )
    (root / "docs" / "notes.txt").write_text("The canteen opens at noon.")
    (root / "docs" / "picture.png").write_bytes(b"\x89PNG")
    return root


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    """The standard library's own server of files: it says when they changed, and nothing if they did not."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def source(db: None, url: str) -> Source:
    settings = {
        "start": f"{url}/",
        "readers": "board",
        "groups": "board: ann@example.org",
        "private_hosts": "127.0.0.1",
    }
    return adding.add_source("site", kind="web", settings=settings, vouches_for_emails=True)


def synced(source: Source) -> SyncRun:
    run = sync.run_now(source)
    ingest.parse_waiting(None, time.monotonic() + 60)
    return run


def again(source: Source) -> SyncRun:
    """A run that goes on from the last, as if the site was due to be read whole."""
    source.refresh_from_db()
    assert source.checkpoint is not None
    source.checkpoint["read_at"] = "2026-01-01T00:00:00+00:00"
    source.save(update_fields=["checkpoint"])
    return synced(source)


def titles(name: str) -> set[str]:
    from accounts.models import User

    user = User.objects.filter(email=f"{name}@example.org").first() or person(name)
    return {document.title for document in list_documents(Reader(user.pk))}


@pytest.mark.django_db
def test_who_is_set_reads_a_site_and_a_stranger_does_not(source: Source) -> None:
    run = synced(source)

    assert (run.state, run.problems) == ("succeeded", [])
    assert titles("ann") == {"Our house", "The walrus", "notes"}
    assert titles("charlie") == set()


@pytest.mark.django_db
def test_a_second_reading_changes_nothing_and_a_third_what_changed(source: Source, folder: Path) -> None:
    synced(source)
    assert set(again(source).counts) == {"unchanged", "deleted"}

    (folder / "docs" / "walrus.html").unlink()
    (folder / "docs" / "notes.txt").write_text("The canteen opens at eleven.")
    run = again(source)
    assert run.counts["deleted"] == 1
    assert titles("ann") == {"Our house", "notes"}


@pytest.mark.django_db
def test_readers_who_are_taken_off_read_nothing_after_the_next_run_even_if_the_site_is_down(
    source: Source, folder: Path
) -> None:
    synced(source)
    source.refresh_from_db()
    source.settings |= {"groups": "board: bob@example.org", "start": source.settings["start"]}
    source.save(update_fields=["settings"])
    folder.rename(folder.with_name("gone"))
    run = again(source)

    assert titles("ann") == set()
    assert titles("bob") == {"Our house", "The walrus", "notes"}
    assert "is a start address and is not there" in " ".join(run.problems)

"""Addresses in one spelling, robots.txt, sitemaps, and what a page says of its links; and each of them made to hurt."""

import gzip
import time
from collections.abc import Callable

import pytest

from connectors.sources.crawling import hypertext, robots, sitemaps
from connectors.sources.crawling import memory as memory_module
from connectors.sources.crawling.locations import Site, folder_of, leads_into_itself, location, matches, target_of
from connectors.sources.crawling.memory import MOST, Memory, Seen

# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "is_"),
    [
        ("HTTP://Example.COM", "http://example.com/"),
        ("http://example.com.:80/a#b", "http://example.com/a"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("http://example.com/a/./b/../c", "http://example.com/a/c"),
        ("http://example.com/a/%2e%2E/b", "http://example.com/b"),
        ("http://example.com/../../b/..", "http://example.com/"),
        ("http://example.com/%7Eann/%c3%a4/ä", "http://example.com/~ann/%C3%A4/%C3%A4"),
        ("http://example.com/a%2fb", "http://example.com/a%2Fb"),
        ("http://example.com/?", "http://example.com/"),
        ("http://example.com/?b=2&&a=1&utm_source=x&UTM_ID=2", "http://example.com/?b=2&a=1"),
        ("http://example.com/?utm%5Fsource=x", "http://example.com/"),
        (" http://exam\nple.com/\t", "http://example.com/"),
        ("http://müller.example/", "http://xn--mller-kva.example/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("/other", "https://base.example/other"),
        ("?page=2", "https://base.example/docs/?page=2"),
        ("//evil.example/x", "https://evil.example/x"),
    ],
)
def test_an_address_has_one_spelling(address: str, is_: str) -> None:
    assert location(address, "https://base.example/docs/", without=["utm_*"]) == is_
    assert location(is_) == is_


@pytest.mark.parametrize(
    "address",
    [
        "mailto:ann@example.org",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http://",
        "http:///path",
        "http:path",
        "http://user@example.com/",
        "http://allowed.example\\@evil.example/",
        "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/",
        "http://exa mple.com/",
        "http://example.com:99999/",
        "http://example.com:http/",
        "http://[::1/",
        "http://" + "a" * 70 + ".com:x/",
        "http://example.com/" + "a" * 1_000,
        "http://xn--a/",
        "http://\ud800/",
        "\0",
    ],
)
def test_what_is_no_address_of_a_page_is_none(address: str) -> None:
    assert location(address) is None


def test_a_site_ends_where_its_folders_end() -> None:
    site = Site(["https://example.com/docs", "https://example.com/blog/"], ["/docs/intern/", "*.pdf$"])

    assert site.has("https://example.com/docs")
    assert site.has("https://example.com/docs/a?b")
    assert site.has("https://example.com/docs?page=2")
    assert site.has("https://example.com/docs/a.pdf?as=text")
    for outside in ("docs-intern", "docs/intern/a", "docs/a.pdf", "", "blog"):
        assert not site.has(f"https://example.com/{outside}")
    for elsewhere in ("http://example.com", "https://example.com:8443", "https://example.com.evil.example"):
        assert not site.has(f"{elsewhere}/docs/")


def test_folders_and_paths_that_lead_into_themselves() -> None:
    assert folder_of("https://example.com/a/b?c=/d/") == "https://example.com/a/"
    assert target_of("https://example.com/a?b") == "/a?b"
    assert leads_into_itself("https://example.com/" + "en/news/" * 4)
    assert leads_into_itself("https://example.com/" + "/".join(map(str, range(40))))
    assert not leads_into_itself("https://example.com/2026/11/11/11")


@pytest.mark.parametrize(
    ("pattern", "target", "matching"),
    [
        ("/", "/a", True),
        ("/fish", "/fish.html", True),
        ("/fish", "/Fish", False),
        ("/fish*", "/fish/x", True),
        ("/fish/", "/fish", False),
        ("/*.php", "/a/b.php?x", True),
        ("/*.php$", "/b.php?x", False),
        ("/*.php$", "/b.php.php", True),
        ("/a*b*c$", "/a-b-c", True),
        ("/a*b*c$", "/abcb", False),
        ("/a$", "/a", True),
        ("/a$", "/ab", False),
        ("*", "/x", True),
        ("/a*a$", "/a", False),
    ],
)
def test_a_pattern_matches_as_robots_txt_has_it(pattern: str, target: str, matching: bool) -> None:
    assert matches(pattern, target) is matching


# --- robots.txt -----------------------------------------------------------------------------------------------------

RULES = b"""\xef\xbb\xbfuser-agent: other\r
disallow: /

User-Agent: GateHouse/2.0 # that is us
Crawl-delay: 2.5
Disallow: /private
Allow: /private/but-this
Disallow: /\xc3\xa4
Disallow:
sitemap: https://example.com/sitemap.xml

User-agent: *
Disallow: /everything

User-agent: gatehouse
User-agent: another
Disallow: /late
"""


def test_the_rules_of_all_groups_that_name_us_hold_and_the_longest_decides() -> None:
    said = robots.read(RULES)

    assert said.sitemaps == ("https://example.com/sitemap.xml",)
    assert said.delay == 2.5
    assert said.allows("/everything")
    assert said.allows("/private/but-this/page")
    assert not said.allows("/private/other")
    assert not said.allows("/late")
    assert not said.allows("/%C3%A4")
    assert said.allows("/robots.txt")


def test_without_a_group_for_us_the_one_for_everybody_holds() -> None:
    assert not robots.read(b"User-agent: *\nDisallow: /x").allows("/x/y")
    assert robots.read(b"User-agent: gatehouse-other\nDisallow: /").allows("/x")
    assert robots.read(b"Disallow: /\n<html>not found</html>\n\xff\xfe\0").allows("/x")
    assert robots.read(b"User-agent: *\nDisallow: /a\nAllow: /a").allows("/a")


def test_robots_txt_made_to_hurt() -> None:
    with pytest.raises(robots.TooManyRules):
        robots.read(b"user-agent: *\n" + b"disallow: /a\n" * 20_000)
    began = time.monotonic()
    rules = robots.read(b"user-agent: *\ndisallow: /" + b"*a" * 5_000 + b"$\ncrawl-delay: nan\ncrawl-delay: 1e999")
    assert rules.allows("/" + "a" * 900)
    assert rules.delay is None
    assert time.monotonic() - began < 1


# --- sitemaps -------------------------------------------------------------------------------------------------------

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
SPACE = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def urlset(*entries: str) -> bytes:
    return f"{HEAD}<urlset {SPACE}>{''.join(entries)}</urlset>".encode()


def url(address: str, modified: str = "") -> str:
    return f"<url><loc> {address} </loc><lastmod>{modified}</lastmod></url>"


def test_a_sitemap_names_pages_and_when_they_changed() -> None:
    picture = "<url><loc>https://e.x/b?c=1&amp;d=2</loc><image:image><image:loc>https://e.x/p.png</image:loc></image:image></url>"
    content = urlset(url("https://e.x/a", "2026-11-01"), picture)

    for packed in (content, gzip.compress(content), content.decode().replace("UTF-8", "UTF-16").encode("utf-16")):
        assert sitemaps.read(packed).pages == [
            sitemaps.Entry("https://e.x/a", "2026-11-01"),
            sitemaps.Entry("https://e.x/b?c=1&d=2"),
        ]
    found = sitemaps.moment("2026-11-01")
    assert found is not None
    assert found.isoformat() == "2026-11-01T00:00:00+00:00"
    assert sitemaps.moment("2026-11-01T09:30:00+01:00") is not None
    assert sitemaps.moment("yesterday") is None


def test_an_index_names_sitemaps_and_a_text_has_one_address_a_line() -> None:
    index = f"{HEAD}<sitemapindex {SPACE}><sitemap><loc>https://e.x/1.xml</loc></sitemap></sitemapindex>".encode()

    assert sitemaps.read(index).sitemaps == [sitemaps.Entry("https://e.x/1.xml")]
    assert sitemaps.read(b"\xef\xbb\xbfhttps://e.x/a\r\n\nhttps://e.x/b\n").pages[1] == sitemaps.Entry("https://e.x/b")


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<urlset><url><loc>&b;</loc></url></urlset>"""
OUTSIDE = b"""<!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>&x;</loc></url></urlset>"""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (LAUGHS, "declares a document type"),
        (OUTSIDE, "declares a document type"),
        (b'<!DOCTYPE urlset SYSTEM "http://127.0.0.1/x.dtd"><urlset/>', "declares a document type"),
        (b"<urlset>" + b"<a>" * 1_000_000, "nested too deeply"),
        (b"<urlset><url><loc>https://e.x/", "no XML, or breaks off"),
        (b"<html><body>Not found</body></html>", "is no sitemap"),
        (b"<urlset><url>&undefined;</url></urlset>", "no XML"),
        (b'<?xml version="1.0" encoding="no-such"?><urlset/>', "no XML"),
        (b"Not found", "is no sitemap"),
        (gzip.compress(b"<urlset>" + b" " * 60_000_000), "unpacks to more than 50 MB"),
        (gzip.compress(b"<urlset/>")[:-9], "broken off"),
        (b"\x1f\x8b" + b"x" * 100, "damaged"),
        (gzip.compress(gzip.compress(b"<urlset/>")), "is no sitemap"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_sitemap_made_to_hurt_is_refused_at_once(content: bytes, says: str) -> None:
    began = time.monotonic()
    with pytest.raises(sitemaps.NotRead, match=says):
        sitemaps.read(content)
    assert time.monotonic() - began < 3


def test_of_a_million_entries_as_many_are_read_as_a_sitemap_may_have() -> None:
    for content in (urlset("<url><loc>https://e.x/</loc></url>" * 1_000_000), b"https://e.x/\n" * 1_000_000):
        found = sitemaps.read(content)
        assert (len(found.pages), found.cut) == (sitemaps.MOST_ENTRIES, True)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: b"<urlset " + b"".join(b'a%d="" ' % number for number in range(1_000_000)) + b"/>", "is no sitemap"),
        (lambda: b"<urlset " + b"".join(b"a%d='>' " % number for number in range(1_000_000)) + b"/>", "is no sitemap"),
        (lambda: b"<urlset>" + b"".join(b"<a%d/>" % number for number in range(1_000_000)), "is no sitemap"),
        (lambda: "<urlset><url/></urlset>".encode("utf-16-le"), "is no sitemap"),
        (lambda: b"<urlset><!--" + b"x" * 40_000_000, "no XML, or breaks off"),
        (lambda: b'<urlset a="' + b"x" * 40_000_000, "no XML, or breaks off"),
    ],
    ids=["attributes", "odd attributes", "names", "utf-16 unmarked", "comment", "value"],
)
def test_xml_that_would_fill_the_memory_or_be_read_again_and_again_is_refused(
    made: Callable[[], bytes], says: str
) -> None:
    content = made()
    began = time.thread_time()
    with pytest.raises(sitemaps.NotRead, match=says):
        sitemaps.read(content)
    assert time.thread_time() - began < 5  # read again with each piece it would be thirty


@pytest.mark.parametrize("prefix", ["", "x:"], ids=["its own", "another"])
def test_a_long_name_space_is_not_written_out_at_every_element(prefix: str) -> None:
    """As a parser of name spaces does: a megabyte for each of a million elements."""
    space = f'xmlns{":x" if prefix else ""}="http://e.x/{"y" * 90_000}"'
    content = f"<{prefix}urlset {space}>{f'<{prefix}a/>' * 1_000_000}</{prefix}urlset>".encode()
    began = time.thread_time()

    assert sitemaps.read(content).pages == []
    assert time.thread_time() - began < 10  # written out, it would be a minute


def test_of_elements_without_end_some_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MOST_ELEMENTS", 10)

    assert sitemaps.read(urlset(url("https://e.x/a"), "<url/>" * 50)) == sitemaps.Sitemap(
        [sitemaps.Entry("https://e.x/a")], cut=True
    )


def test_an_address_without_end_is_cut() -> None:
    assert len(sitemaps.read(urlset(url("https://e.x/" + "a" * 10_000_000))).pages[0].address) <= sitemaps.LONGEST


# --- pages ----------------------------------------------------------------------------------------------------------

PAGE = b"""<!doctype html><html><head>
<base href="/docs/"><LINK REL="canonical" HREF='/docs/a?b=1&amp;c=2'>
<meta name=ROBOTS content="NoArchive, nofollow"><title><a href="in-title">x</a></title>
<script>var x = "<a href='in-script'>";</script><!-- <a href="in-comment"> --></head><body>
<a class="x" title="a > b" href="one">1</a><A HREF=two>2</A><a
 href = 'three?x=1&amp;y=2' >3</a> <a href="nofollow" rel="ugc NoFollow">4</a><a name="none">5</a>
<map><area href="four"></map><a href="one">again</a> 1 < 2 <p <a href="five"></p><frame src=six>
<style><a href="in-style"></style><textarea><a href="in-textarea"></textarea>
<a data-href="no" href="seven" href="eight">7</a>"""


def test_a_page_says_where_it_leads_and_what_it_wishes() -> None:
    found = hypertext.read(PAGE)

    assert list(found.links) == ["one", "two", "three?x=1&y=2", "four", "six", "seven"]
    assert (found.base, found.canonical) == ("/docs/", "/docs/a?b=1&c=2")
    assert found.wishes == {"noarchive", "nofollow"}


def test_a_page_in_another_encoding_says_the_same() -> None:
    assert hypertext.read(PAGE.decode().encode("utf-16")).links == hypertext.read(PAGE).links
    assert hypertext.read(PAGE.decode().encode("utf-16-le"), "utf-16LE").links == hypertext.read(PAGE).links
    assert hypertext.read(PAGE, "idna").links == hypertext.read(PAGE).links


@pytest.mark.parametrize(
    ("said", "wishes"),
    [
        ("noindex", {"noindex"}),
        ("none", {"none", "noindex", "nofollow"}),
        ("googlebot: noindex, nofollow", set()),
        ("googlebot: noindex, gatehouse: nofollow", {"nofollow"}),
        (
            "unavailable_after: 25 Jun 2030 15:00:00 PST, noindex",
            {"unavailable_after: 25 jun 2030 15:00:00 pst", "noindex"},
        ),
        ("", {""}),
    ],
)
def test_a_wish_is_for_everybody_or_for_whom_it_names(said: str, wishes: set[str]) -> None:
    assert hypertext.wishes_of(said) == wishes


@pytest.mark.parametrize(
    "content",
    [
        b"<" * 5_000_000,
        b"<a " * 2_000_000,
        b"<a href=" * 1_000_000,
        b"<a href='" * 1_000_000,
        b"<a b='\"" * 1_000_000,
        b"<a " + b"x=" * 3_000_000,
        b"<a " + b" " * 6_000_000 + b">",
        b"<!--" * 2_000_000,
        b"<script>" * 1_000_000,
        b"<title></titl" * 500_000,
        b"<a href=x>" * 900_000,
        b"".join(b"<a href=%d>" % number for number in range(500_000)),
        b"<div>" * 2_000_000,
        b"<a href='&" + b"&amp;" * 1_500_000 + b"'>",
    ],
    ids=range(14),
)
def test_a_page_made_to_hurt_takes_no_longer_than_it_is_long(content: bytes) -> None:
    began = time.thread_time()
    found = hypertext.read(content)
    assert time.thread_time() - began < 8
    assert len(found.links) <= hypertext.MOST_LINKS


# --- what is remembered ---------------------------------------------------------------------------------------------


def test_what_is_remembered_of_a_site_comes_back() -> None:
    memory = Memory(
        {
            "https://e.x/": Seen(etag='"1"', version="v", mime="text/html", links=("https://e.x/a", "https://e.x/b")),
            "https://e.x/a": Seen(
                modified="Mon, 01 Jun 2026 10:00:00 GMT", listed="2026-06-01", canonical="https://e.x/"
            ),
        }
    )

    assert Memory.of(memory.packed()) == memory
    assert memory.pages["https://e.x/"].conditions == {"If-None-Match": '"1"'}
    assert list(memory.pages["https://e.x/a"].conditions) == ["If-Modified-Since"]


def test_what_is_remembered_stays_small() -> None:
    import hashlib

    def noise(number: int) -> str:
        return hashlib.sha256(str(number).encode()).hexdigest() * 4

    memory = Memory({f"https://e.x/{number}": Seen(etag=noise(number)) for number in range(40_000)})
    packed = memory.packed()

    assert len(packed) <= MOST
    assert 0 < len(Memory.of(packed).pages) < 40_000


def test_what_is_remembered_while_a_site_is_read_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "MOST_HELD", 20_000)
    links = tuple(f"https://e.x/{number}" for number in range(50))
    memory = Memory()
    for number in range(100):
        memory.remember(f"https://e.x/p{number}", Seen(etag='"1"', links=links))

    assert 5 < len(memory.pages) < 25
    assert all(seen.links == links for seen in memory.pages.values())
    assert len({id(seen.links[0]) for seen in memory.pages.values()}) == 1  # each address once


def test_a_page_that_no_longer_fits_is_forgotten_with_its_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its mark alone it would be found to be the same next time, and lead nowhere."""
    memory = Memory({"https://e.x/": Seen(etag='"1"', links=("https://e.x/a",))})
    monkeypatch.setattr(memory_module, "MOST_HELD", 10)
    memory.remember("https://e.x/", Seen(etag='"2"', links=("https://e.x/b",)))

    assert memory.pages == {}


@pytest.mark.parametrize("packed", [None, 7, "", "no base64!", "eJw=", "e30=", "AAAA"])
def test_a_memory_that_cannot_be_read_is_none(packed: object) -> None:
    assert Memory.of(packed).pages == {}

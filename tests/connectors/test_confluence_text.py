"""Confluence's storage format as HTML: a page's own words, and nothing of other pages."""

import pytest

from connectors.parsing import parse
from connectors.sources.confluence.text import Comment, Unreadable, fragment, page

NAMES = {"5b10": "Ann Weber"}


def macro(name: str, body: str = "", **parameters: str) -> str:
    told = "".join(f'<ac:parameter ac:name="{key}">{value}</ac:parameter>' for key, value in parameters.items())
    return f'<ac:structured-macro ac:name="{name}" ac:schema-version="1">{told}{body}</ac:structured-macro>'


def rich(body: str) -> str:
    return f"<ac:rich-text-body>{body}</ac:rich-text-body>"


def plain(body: str) -> str:
    return f"<ac:plain-text-body><![CDATA[{body}]]></ac:plain-text-body>"


@pytest.mark.parametrize(
    ("storage", "html"),
    [
        (
            "<p>A <strong>b</strong>&nbsp;&eacute; &amp; &lt;c&gt;</p>",
            "<p>A <strong>b</strong>\xa0é &amp; &lt;c&gt;</p>",
        ),
        ('<h2 local-id="7">Title</h2><hr/>', "<h2>Title</h2><hr>"),
        (
            '<table class="x"><tbody><tr><th colspan="2">A</th></tr><tr><td>1</td><td>2</td></tr></tbody></table>',
            "<table><tbody><tr><th>A</th></tr><tr><td>1</td><td>2</td></tr></tbody></table>",
        ),
        ('<a href="https://example.org/a?b=1&amp;c=2">it</a>', '<a href="https://example.org/a?b=1&amp;c=2">it</a>'),
        ('<a href="javascript:alert(1)">it</a>', "it"),
        (macro("code", plain("if a < b && c: pass"), language="python"), "<pre>if a &lt; b &amp;&amp; c: pass</pre>"),
        (macro("noformat", plain("x")), "<pre>x</pre>"),
        (macro("panel", rich("<p>b</p>"), title="T"), "<p><strong>T</strong></p><div><p>b</p></div>"),
        (macro("info", rich("<p>b</p>")), "<div><p>b</p></div>"),
        (macro("expand", rich("<p>b</p>"), title="More"), "<p><strong>More</strong></p><div><p>b</p></div>"),
        (macro("excerpt", rich("b"), hidden="false"), "<div>b</div>"),
        (macro("details", rich("b")), "<div>b</div>"),
        (macro("status", title="DONE", colour="Green"), "<span>DONE</span>"),
        (macro("jira", key="ABC-1", server="x"), "<span>ABC-1</span>"),
        ('<ac:link><ri:user ri:account-id="5b10"/></ac:link>', "@Ann Weber"),
        ('<ac:link><ri:user ri:account-id="unknown"/></ac:link>', ""),
        ('<ac:link><ri:page ri:content-title="Plan B"/></ac:link>', "Plan B"),
        (
            '<ac:link><ri:page ri:content-title="Plan B"/>'
            "<ac:plain-text-link-body><![CDATA[the plan]]></ac:plain-text-link-body></ac:link>",
            "the plan",
        ),
        ("<ac:link><ac:link-body><em>x</em></ac:link-body></ac:link>", "<em>x</em>"),
        ('<ac:link><ri:attachment ri:filename="a.pdf"/></ac:link>', "a.pdf"),
        ('<ac:image ac:alt="A walrus"><ri:attachment ri:filename="w.png"/></ac:image>', " A walrus "),
        ('<ac:image><ri:url ri:value="https://evil.example/x.png"/></ac:image>', "  "),
        ('<ac:emoticon ac:name="smile" ac:emoji-fallback="🙂"/>', "🙂"),
        ('<time datetime="2026-01-31"/>', "2026-01-31"),
        (
            "<ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>complete</ac:task-status>"
            "<ac:task-body>a</ac:task-body></ac:task><ac:task><ac:task-status>incomplete</ac:task-status>"
            "<ac:task-body>b</ac:task-body></ac:task></ac:task-list>",
            "<ul><li>[x] a</li><li>[ ] b</li></ul>",
        ),
        ('a<ac:inline-comment-marker ac:ref="1">b</ac:inline-comment-marker>c', "abc"),
        ("<ac:placeholder>Write here</ac:placeholder>", ""),
        (
            '<ac:adf-extension><ac:adf-node type="panel"><ac:adf-attribute key="a">x</ac:adf-attribute>'
            "<ac:adf-content><p>b</p></ac:adf-content></ac:adf-node>"
            "<ac:adf-fallback><p>b</p></ac:adf-fallback></ac:adf-extension>",
            "<div><div><div><p>b</p></div></div></div>",
        ),
        ("<script>x()</script><style>y</style>", ""),
        ("<p>a\x0bb</p>", "<p>ab</p>"),
    ],
    ids=str,
)
def test_what_stands_on_a_page_is_kept(storage: str, html: str) -> None:
    assert fragment(storage, NAMES) == html


@pytest.mark.parametrize(
    "storage",
    [
        macro(
            "include", '<ac:parameter ac:name=""><ac:link><ri:page ri:content-title="Secret"/></ac:link></ac:parameter>'
        ),
        macro("excerpt-include", '<ac:parameter ac:name="default-parameter">Secret</ac:parameter>'),
        macro("excerpt-include", rich("Secret")),
        macro("children", all="true", page="Secret"),
        macro("contentbylabel", cql='label = "Secret"'),
        macro("html", plain("<b>Secret</b>")),
        macro("html-include", url="https://evil.example/Secret"),
        macro("excerpt", rich("Secret"), hidden="true"),
        macro("show-if", rich("Secret"), group="board"),
        macro("hide-if", rich("Secret")),
        macro("visibility-area", rich("Secret")),
        macro("SECURED-content", rich("Secret")),
        macro("password-protected", rich("Secret")),
        '<ac:macro ac:name="include"><ac:rich-text-body>Secret</ac:rich-text-body></ac:macro>',
    ],
    ids=str,
)
def test_what_comes_from_elsewhere_or_is_for_some_readers_is_left_out(storage: str) -> None:
    assert "Secret" not in fragment(f"<p>a</p>{storage}", NAMES)


@pytest.mark.parametrize(
    "storage",
    [
        "<p>open",
        "</body><body>",
        "<p>&unheard-of;</p>",
        '<!DOCTYPE x [<!ENTITY a "b">]><p>&a;</p>',
        '<!ENTITY a SYSTEM "file:///etc/passwd">&a;',
        "<p>" * 5000 + "</p>" * 5000,
        "x" * 10_000_001,
    ],
    ids=["open", "closed", "entity", "doctype", "file", "deep", "long"],
)
def test_what_is_no_storage_format_is_refused(storage: str) -> None:
    with pytest.raises(Unreadable):
        fragment(storage, NAMES)


def test_a_page_and_what_was_said_of_it_is_one_document_that_the_parser_reads() -> None:
    comments = [
        Comment("Ann", "2026-01-31", "<p>Why eight?</p>", about="at <eight>"),
        Comment("", "", "<p>Because.</p>", depth=1),
        Comment("Eve", "", "<p>broken"),
    ]
    body = "<h1>Hours</h1><table><tr><th>Day</th><th>From</th></tr><tr><td>Monday</td><td>8</td></tr></table>"
    parsed = parse(page("The <office>", body, comments, NAMES), filename="", mime="text/html")

    assert parsed.mime == "text/html"
    assert [heading.title for heading in parsed.headings] == ["Hours", "Comments"]
    assert "Monday" in parsed.text
    assert "Ann, 2026-01-31 on “at <eight>”:" in parsed.text
    assert "Somebody in reply:" in parsed.text
    assert "broken" not in parsed.text

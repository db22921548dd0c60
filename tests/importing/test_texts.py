import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values import texts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  a\u00a0b ", "a b"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\x00b\ufeff", "ab"),
        (12, "12"),
        (3.0, "3"),
        (True, "true"),
        ("دورة بايثون", "دورة بايثون"),
        ("🚀 Rockets 👩‍🚀", "🚀 Rockets 👩‍🚀"),
        ("a \t b", "a b"),
    ],
)
def test_text(value: object, text: str) -> None:
    assert texts.text(value) == text


@given(st.text())
def test_text_is_idempotent(value: str) -> None:
    assert texts.text(texts.text(value)) == texts.text(value)


@given(st.text())
def test_text_that_is_not_html_is_unchanged(value: str) -> None:
    if not {"<", "&", "]"} & set(value):
        assert texts.markdown(value) == texts.plain(value) == texts.text(value)


def test_markdown() -> None:
    html = "<h2>About</h2><p><b>SQL</b> &amp; more:</p><ul><li>one</li><li>two</li></ul><style>a</style>"
    assert texts.markdown(html) == "## About\n\n**SQL** & more:\n\n- one\n- two"
    assert texts.markdown("if a < b and c > d") == "if a < b and c > d"
    assert texts.markdown("Tom &amp; Jerry") == "Tom & Jerry"


def test_plain() -> None:
    assert texts.plain("<p>Learn <b>SQL</b></p><style>p {}</style>") == "Learn SQL"
    assert texts.plain("Q&amp;A") == "Q&A"
    assert texts.plain("PHP & MySQL") == "PHP & MySQL"


@pytest.mark.parametrize(
    "value",
    [
        "Learn <programming language> from scratch",
        "if a <b and c> d then stop",
        "The <h1> tag and <p> tag explained",
        "HTML: the <table> element",
        "List<String>",
        "email <ada@example.org>",
        "<Academic Writing II> This course",
        "1 < 2 and 3 > 2",
        "x <!-- not a comment --> y",
        "</b> alone",
        "an unknown <foo>element</foo>",
        "Use the <br> tag",
        "The <title> and </title> tags",
        "the <br> tag or <hr>",
        "The <ul>, <ol> and <li> elements",
        "std::vector<std::string> v; map<int, list<b>> m",
        "an array[i](x: int)",
        "[Note]: see below",
    ],
)
def test_what_only_looks_like_a_tag_is_text(value: str) -> None:
    assert texts.plain(value) == texts.markdown(value) == texts.line(value) == value


@pytest.mark.parametrize(
    ("value", "markdown", "plain"),
    [
        ("a &lt;script&gt; b", "a \\<script> b", "a <script> b"),
        ("<p>Use &lt;b&gt; for bold</p>", "Use \\<b> for bold", "Use <b> for bold"),
        (
            "<p>Learn <programming language></p>",
            "Learn \\<programming language>",
            "Learn <programming language>",
        ),
        ("<code>&lt;b&gt;</code> <p>z</p>", "`<b>`\n\nz", "<b> z"),
        ("5 &amp;lt; 3", "5 &lt; 3", "5 &lt; 3"),
        ("<pre>if x:\n    y()</pre>", "```\nif x:\n    y()\n```", "if x:\ny()"),
    ],
)
def test_escaped_html_stays_text(value: str, markdown: str, plain: str) -> None:
    assert texts.markdown(value) == markdown
    assert texts.plain(value) == plain


@pytest.mark.parametrize(
    ("value", "markdown"),
    [
        ("<p>Use the <br> tag</p>", "Use the \\<br> tag"),
        ("Inhalt:<br>Tag 1<br>Tag 2", "Inhalt:\nTag 1\nTag 2"),
        ("<b>x</b> element", "**x** element"),
    ],
)
def test_a_tag_that_html_speaks_about_is_text(value: str, markdown: str) -> None:
    assert texts.markdown(value) == markdown


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("[x](javascript:alert(1))", "[x\\](javascript:alert(1))"),
        ("<p>[x](javascript:alert(1))</p>", "[x\\](javascript:alert(1))"),
        ("[x]( <JaVaScript:alert(1)> 'y')", "[x\\]( <JaVaScript:alert(1)> 'y')"),
        ("[x](&#106;avascript:a)", "[x\\](javascript:a)"),
        ("[x](&amp;#106;avascript:a)", "[x\\](&#106;avascript:a)"),
        ("[x]: vbscript:a", "[x\\]: vbscript:a"),
        ("<javascript:a>", "\\<javascript:a>"),
        ('<img src="https://a/b.png" alt="a](javascript:x)">', "![a\\](javascript:x)](https://a/b.png)"),
    ],
)
def test_a_link_in_markdown_to_another_scheme_is_text(value: str, stored: str) -> None:
    assert texts.markdown(value) == stored


@pytest.mark.parametrize(
    "link", ["[x](https://a.b)", "[x](/c)", "[x](mailto:a@b.c)", "[x](#y)", "<https://a.b>"]
)
def test_a_link_in_markdown_is_kept(link: str) -> None:
    assert (
        texts.markdown(link)
        == texts.markdown(f"<p>{link.replace('<', '&lt;')}</p>").replace("\\<", "<")
        == link
    )


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVa\nScript:x()",
        "\u200bjavascript:x()",
        "data:text/html,x",
        "tel:1",
        "vbscript:x",
    ],
)
def test_a_link_to_another_scheme_is_text(address: str) -> None:
    assert texts.markdown(f'<p><a href="{address}">x</a></p>') == "x"
    assert texts.markdown(f'<p><img src="{address}" alt="x"></p>') == "x"


@pytest.mark.parametrize(
    "address", ["https://example.org/a", "http://example.org", "mailto:a@example.org", "/courses/1"]
)
def test_a_link_is_kept(address: str) -> None:
    assert texts.markdown(f'<p><a href="{address}">x</a></p>') == f"[x]({address})"


def test_a_title_has_one_line() -> None:
    assert texts.line(" Statics\r\n for\u2028all ") == "Statics for all"


@given(st.text())
def test_a_line_is_idempotent_and_has_no_line_end(value: str) -> None:
    line = texts.line(value)
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize("element", ["<b>", "<div>", "<ul><li>"])
def test_html_that_is_nested_too_deeply_is_refused(element: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        texts.markdown(element * 5_000 + "x</b></div></li>")

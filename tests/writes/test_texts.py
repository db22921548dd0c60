"""Cleaning of text: tags are removed, and everything that is not a tag stays."""

from functools import partial
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loaders.text.terms import course_keys
from resolvers.values import checks, plain_text
from resolvers.values.plain_text import clean, in_line, is_visible
from tests.support import cpu
from tests.writes.support import Doc

#: Texts with many fragments that look like HTML.
MARKUP = st.lists(
    st.sampled_from(
        ["<", ">", "</", "<!--", "-->", "<?", "<a", "<b>", "</b>", "<script ", "<https://a.b>", "/", "a", " ",
         "\n", "\x00", "&lt;", '"', "=", "\u202e"]
    )
    | st.characters(),
    max_size=40,
).map("".join)  # fmt: skip


class Tags(HTMLParser):
    """Parses a text as HTML and collects its tags, comments and declarations."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text + "<end>")
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.found.append(tag)

    def handle_comment(self, data: str) -> None:
        self.found.append(data)

    def handle_decl(self, decl: str) -> None:
        self.found.append(decl)

    def unknown_decl(self, data: str) -> None:
        self.found.append(data)

    def handle_pi(self, data: str) -> None:
        self.found.append(data)


@given(MARKUP)
@example("<<b>script>alert(1)<</b>/script>")
@example("<scr<b>ipt>")
@example("<\x00b>")
@example("<<a>b")
def test_clean_text_has_no_tags(text: str) -> None:
    assert Tags(clean(text)).found == ["end"]


@given(MARKUP)
def test_cleaning_is_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert in_line(in_line(text)) == in_line(text)


@given(st.text().map(lambda text: text.replace("<", "")))
def test_text_without_tags_keeps_all_but_control_characters(text: str) -> None:
    lines = text.replace("\r\n", "\n")
    assert clean(text) == "".join(c for c in lines if not plain_text._CONTROL.match(c)).strip()


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("<p>Hello <b class='x'>you</b></p>", "Hello you"),
        ("1 < 2 and 3 > 2 <3", "1 < 2 and 3 > 2 <3"),
        ("When n<k it is slow. Great course!", "When n< k it is slow. Great course!"),
        ("See <https://example.org/a?b=c>.", "See https://example.org/a?b=c."),
        ("<!-- a --><?php x ?></p>b", "b"),
        ("<SCRIPT>alert(1)</SCRIPT><br/><hr /><a href=b>c</a>", "alert(1)c"),
        ("Use `List<String>` when a<b and c>d.", "Use `List< String>` when a< b and c>d."),
        ("#include <stdio.h>\nMap<K, List<V>> <App />", "#include < stdio.h>\nMap< K, List< V>> < App />"),
        ("<x onclick=alert(1)><script async>", "< x onclick=alert(1)>< script async>"),
        ("<img src=x onerror=alert(1)", "< img src=x onerror=alert(1)"),
        ("one\r\ntwo\ttabs\x07", "one\ntwo\ttabs"),
        ("&lt;b&gt;", "&lt;b&gt;"),
        ("مرحبا 👩‍💻 हिन्दी", "مرحبا 👩‍💻 हिन्दी"),
        ("a\u202eb\u2066c\ufeff", "abc"),
    ],
)
def test_examples(text: str, stored: str) -> None:
    assert clean(text) == stored


@pytest.mark.parametrize("unit", ["<a", "<", "<<a>a>", "a>", "<!--", "<https://", "<a\x00"])
@pytest.mark.parametrize("nested", [False, True])
def test_hostile_text_is_scanned_a_fixed_number_of_times(
    monkeypatch: pytest.MonkeyPatch, unit: str, nested: bool
) -> None:
    """Each step is a single substitution, for any length and nesting of the text."""
    passes: list[int] = []

    class Counted:
        def __init__(self, pattern: object) -> None:
            self._sub = pattern.sub  # type: ignore[attr-defined] # it is a compiled pattern

        def sub(self, replacement: str, text: str) -> str:
            passes.append(len(text))
            return str(self._sub(replacement, text))

    for name in ("_CONTROL", "_AUTOLINK", "_TAG", "_BEGIN"):
        monkeypatch.setattr(plain_text, name, Counted(getattr(plain_text, name)))
    text = "<" * 50_000 + "a>" * 50_000 if nested else unit * 50_000
    assert "<a" not in clean(text)
    assert len(passes) == 4
    assert sum(passes) <= 4 * len(text)


@pytest.mark.parametrize(
    ("text", "visible"), [("a", True), ("👍", True), ("?", True), ("\u200b \u200d\u00ad", False)]
)
def test_visible_text(text: str, visible: bool) -> None:
    assert is_visible(text) is visible


@pytest.mark.parametrize("unit", ["\u0315\u0300", "\u0f73", "\ufdfa", " ", "<b ", "&", "\u200b"])
def test_processing_time_is_linear_in_length(unit: str) -> None:
    """The processing of a description: ten times the text takes ten times as long; quadratic would be 100."""

    def written(count: int) -> None:
        text = ("a" + unit * count)[:80_000]
        stored = checks.or_none(checks.text(80_000))(text) or ""
        description: Doc = {
            "title": "T",
            "codes": [],
            "tags": [],
            "summary": None,
            "description": stored,
        }
        course_keys(description)

    short, long = (cpu(partial(written, n)) for n in (2_000, 20_000))
    assert long < 25 * short + 0.005

"""Cleaning of text: control characters are removed, and everything else stays as it was typed."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.text.terms import course_keys
from resolvers.values import checks, plain_text
from resolvers.values.plain_text import clean, in_line, is_visible
from tests.support import cpu
from tests.writes.support import Doc


@given(st.text())
def test_cleaning_is_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert in_line(in_line(text)) == in_line(text)


@given(st.text() | st.text(alphabet='<>/&;!?-="ab\n\r\x00\u202e'))
def test_text_keeps_all_but_control_characters(text: str) -> None:
    lines = text.replace("\r\n", "\n")
    assert clean(text) == "".join(c for c in lines if not plain_text._CONTROL.match(c)).strip()


@pytest.mark.parametrize(
    "text",
    [
        "HTML: the <table> element",
        "Use `<div>` for blocks",
        "List<String>",
        "<p>Hello <b class='x'>you</b></p>",
        "<script>alert(1)</script>",
        "When n<k it is slow. 1 < 2 and 3 > 2 <3",
        "See <https://example.org/a?b=c>.",
        "&lt;b&gt; &amp; <!-- a -->",
        "مرحبا 👩‍💻 हिन्दी",
        "\ufa19 e\u0301",  # a variant of 神, and a decomposed letter
    ],
)
def test_text_is_kept_as_it_was_typed(text: str) -> None:
    assert clean(text) == in_line(text) == text


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (" one\r\ntwo\ttabs\x07 ", "one\ntwo\ttabs"),
        ("a\u202eb\u2066c\ufeff", "abc"),
        ("<\x00b>", "<b>"),
    ],
)
def test_control_characters_are_removed(text: str, stored: str) -> None:
    assert clean(text) == stored


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

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values import text_values


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
    assert text_values.text(value) == text


@given(st.text())
def test_text_is_idempotent(value: str) -> None:
    assert text_values.text(text_values.text(value)) == text_values.text(value)


@given(st.text())
def test_text_that_is_not_html_is_unchanged(value: str) -> None:
    if "<" not in value and "&" not in value:
        assert text_values.markdown(value) == text_values.plain(value) == text_values.text(value)


def test_markdown() -> None:
    html = "<h2>About</h2><p><b>SQL</b> &amp; more:</p><ul><li>one</li><li>two</li></ul><style>a</style>"
    assert text_values.markdown(html) == "## About\n\n**SQL** & more:\n\n- one\n- two"
    assert text_values.markdown("if a < b and c > d") == "if a < b and c > d"
    assert text_values.markdown("Tom &amp; Jerry") == "Tom & Jerry"


def test_plain() -> None:
    assert text_values.plain("<p>Learn <b>SQL</b></p><style>p {}</style>") == "Learn SQL"
    assert text_values.plain("Q&amp;A") == "Q&A"
    assert text_values.plain("PHP & MySQL") == "PHP & MySQL"


@pytest.mark.parametrize(
    "value",
    [
        "a|b|c",
        "a; b; c",
        "a, b,c",
        '["a", "b", "c"]',
        "['a', 'b', 'c']",
        ["a", "b", "c", "a", "", None],
        "a\nb\nc",
    ],
)
def test_list(value: object) -> None:
    assert text_values.items(value) == ["a", "b", "c"]


def test_a_list_joined_by_hyphens_needs_its_separator() -> None:
    assert text_values.items("drama-comedy-essay", separator="-") == ["drama", "comedy", "essay"]
    assert text_values.items("peer-to-peer") == ["peer-to-peer"]
    with pytest.raises(ValueError, match="brackets"):
        text_values.items("[a, 'b]")


@pytest.mark.parametrize(
    ("value", "modes"),
    [
        ("Online and Offline", ["ONLINE", "ONSITE"]),
        ("Online & Class Room", ["ONLINE", "ONSITE"]),
        ("offline", ["ONSITE"]),
        ("Blended", ["ONLINE", "ONSITE"]),
        ("hybrid", ["ONLINE", "ONSITE"]),
        ("on-line", ["ONLINE"]),
        ("In-person", ["ONSITE"]),
        ("classroom", ["ONSITE"]),
        (["ONLINE"], ["ONLINE"]),
        ("Self paced", ["ONLINE"]),
        ("ONSITE", ["ONSITE"]),
    ],
)
def test_modes(value: object, modes: list[str]) -> None:
    assert text_values.modes(value) == modes


def test_not_a_delivery_mode() -> None:
    with pytest.raises(ValueError, match="does not name a delivery mode"):
        text_values.modes("whatever")


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("Beginner", "BEGINNER"),
        ("Introductory", "BEGINNER"),
        ("intermediate level", "INTERMEDIATE"),
        ("Advanced", "ADVANCED"),
        ("All Levels", "ALL_LEVELS"),
        ("Mixed", "ALL_LEVELS"),
        ("ALL_LEVELS", "ALL_LEVELS"),
        ("Beginner to Advanced", "ALL_LEVELS"),
    ],
)
def test_level(value: str, level: str) -> None:
    assert text_values.level(value) == level


@pytest.mark.parametrize(
    ("value", "tag"), [("English", "en"), ("pt_br", "pt-BR"), ("zh-hans-cn", "zh-Hans-CN"), ("EN", "en")]
)
def test_language(value: str, tag: str) -> None:
    assert text_values.language(value) == tag


def test_country() -> None:
    assert [text_values.country(c) for c in ("in", "UK", "NA")] == ["IN", "GB", "NA"]
    with pytest.raises(ValueError, match="two-letter"):
        text_values.country("India")


def test_boolean() -> None:
    assert [text_values.boolean(v) for v in (True, "yes", 1, "False", "0")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(ValueError, match="neither"):
        text_values.boolean("perhaps")

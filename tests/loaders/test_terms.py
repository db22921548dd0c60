"""Words, stems and sort keys."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.text import search, terms
from loaders.text.terms import course_keys, sort_key, stem, student_keys, words
from tests.support import cpu


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Node.JS & Next-JS", ["node", "js", "next", "js"]),
        ("C++, C# and F#", ["c++", "c#", "and", "f#"]),
        ("Café Ökonomie", ["cafe", "okonomie"]),
        ("مقدمة في البرمجة", ["مقدمة", "في", "البرمجة"]),
        ("डेटा स्ट्रक्चर्स", ["डेटा", "सटरकचरस"]),
        ("🙂 _x_ ", ["x"]),
        ("", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@given(st.text(max_size=200))
def test_folding_words_again_does_not_change_them(text: str) -> None:
    for word in words(text):
        assert words(word) == [word]
        assert 0 < len(word) <= 64


def test_the_weight_of_a_term_is_the_sum_over_its_fields() -> None:
    course = {
        "title": "Databases", "codes": ["DB-1"], "tags": ["sql"], "summary": None,
        "description": "Learn databases with SQL.",
    }  # fmt: skip
    weights = {term["t"]: term["w"] for term in course_keys(course)["search"]}
    assert weights["databases"] == weights["databas"] == 11
    assert weights["sql"] == 7
    assert weights["db"] == 10
    assert weights["learn"] == 1


def test_a_long_description_does_not_displace_the_title() -> None:
    description = " ".join(f"word{n}" for n in range(2000))
    course = {"title": "Title", "codes": [], "tags": [], "summary": "", "description": description}
    search = course_keys(course)["search"]
    assert len(search) == 400
    assert search[0]["w"] == 10


def test_sort_keys_put_similar_titles_together() -> None:
    titles = ["élan", "Zebra", "«Apfel»", "apple"]
    assert sorted(titles, key=sort_key) == ["«Apfel»", "apple", "élan", "Zebra"]
    assert student_keys({"name": "  Zoë  Lee "})["sortName"] == "zoe lee"


@pytest.mark.parametrize("run", ["\u0315\u0300", "\u0f73", "\u0344", "\ufdfa", "e\u0301", "学"])
def test_splitting_into_words_takes_linear_time(run: str) -> None:
    """Ten times the text may take ten times as long, not a hundred times, as with Python's NFKD."""
    short, long = (cpu(partial(words, "a" + run * n)) for n in (4_000, 40_000))
    assert long < 25 * short + 0.005


def test_the_caches_for_texts_are_bounded() -> None:
    """Uses every Unicode character as a word, and thousands of queries."""
    for code in [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]:
        words(chr(code))
    search.query_words.cache_clear()
    for code in range(0x3000, 0x4000):
        search.query_words(f"{chr(code)} word{code} " + "x" * 150)
    assert len(terms._FOLDING) <= 8_192
    assert search.query_words.cache_info().currsize <= 64
    for n in range(terms._kept_stem.cache_info().maxsize or 0):
        stem(f"{n}s")
    stem("y" * 21)
    assert terms._kept_stem.cache_info().currsize == terms._kept_stem.cache_info().maxsize == 20_000

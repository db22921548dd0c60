"""Words, stems and sort keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.terms import course_keys, sort_key, student_keys, words


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
def test_words_survive_being_folded_again(text: str) -> None:
    for word in words(text):
        assert words(word) == [word]
        assert 0 < len(word) <= 64


def test_a_term_weighs_the_fields_it_stands_in() -> None:
    course = {
        "title": "Databases", "codes": ["DB-1"], "tags": ["sql"], "summary": None,
        "description": "Learn databases with SQL.",
    }  # fmt: skip
    weights = {term["t"]: term["w"] for term in course_keys(course)["search"]}
    assert weights["databases"] == weights["databas"] == 11
    assert weights["sql"] == 7
    assert weights["db"] == 10
    assert weights["learn"] == 1


def test_a_long_description_keeps_the_title() -> None:
    description = " ".join(f"word{n}" for n in range(2000))
    course = {"title": "Title", "codes": [], "tags": [], "summary": "", "description": description}
    search = course_keys(course)["search"]
    assert len(search) == 400
    assert search[0]["w"] == 10


def test_sort_keys_put_alike_titles_together() -> None:
    titles = ["élan", "Zebra", "«Apfel»", "apple"]
    assert sorted(titles, key=sort_key) == ["«Apfel»", "apple", "élan", "Zebra"]
    assert student_keys({"name": "  Zoë  Lee "})["sortName"] == "zoe lee"

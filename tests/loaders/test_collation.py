"""Sort keys: the order of letters within each script, and their length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.text.collation import sort_key

#: Words in the order of the Unicode Collation Algorithm.
ORDERS = [
    "10 2 Ada Æther Apfel Łódź Lotus Öl Ørsted Oslo Straße Strasz Þór Zebra",
    "bz ɓa ca eb əl nz ŋa o",  # letters of African languages and Azerbaijani
    "абрикос ангел ґанок гора еж ель єва ира інше йога кіт щука ъ ы э яблоко",  # noqa: RUF001  # Cyrillic is meant
    "αβγό άλλο ζωή ήλιος θάλασσα λόγος όμικρον ωμέγα",
    "あい アウ かき ガク データ テスト は ハス バス パス",
    "آب باب پدر تاب جان چای زن ژاله کار گل لب یک",
    "अमर कमल किताब कुल खगोल गणित हिन्दी",
    "กา เกม ขา เขา ตา โต ไทย มา แมว",
    "Zebra ωμέγα яблоко אבא آب अमर กา あい 中文 学习",  # the scripts
    "가나 나라 한국",
]


@pytest.mark.parametrize("order", ORDERS)
def test_words_are_in_the_order_of_their_letters(order: str) -> None:
    words = order.split()
    assert sorted(sorted(words), key=_in_mongodb) == words


def _in_mongodb(title: str) -> bytes:
    return sort_key(title).encode()  # MongoDB compares the bytes of strings


def test_case_accents_and_leading_punctuation_do_not_count() -> None:
    assert sort_key("«Élan» vital!") == sort_key("elan VITAL") == "elan vital"
    assert sort_key("Łódź") == sort_key("LODZ")
    assert sort_key("Ёлка").partition("\x01")[0] == sort_key("елка").partition("\x01")[0]


def test_a_letter_after_an_ascii_letter_sorts_after_all_that_begins_with_it() -> None:
    assert sort_key("n学") < sort_key("ŋ") < sort_key("ŋa") < sort_key("o")


@given(st.text(max_size=400))
def test_keys_are_bounded_and_can_be_stored(text: str) -> None:
    key = sort_key(text)
    assert len(key) <= 200
    assert key.encode().decode() == key

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.columns import Column
from app.importing.values.lists import decide_separator, items
from app.importing.values.texts import line


def read(cells: list[object]) -> list[list[str]]:
    decision = decide_separator(Column("", cells), {})
    return [items(cell, **decision.options) for cell in cells]


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
        "a、b、c",
        "a\uff0cb\uff0cc",
        "a\uff1b b\uff1b c",
    ],
)
def test_list(value: object) -> None:
    assert read([value]) == [["a", "b", "c"]]


def test_the_separator_is_the_column_s() -> None:
    assert read(["a, b", "c; d"]) == [["a, b"], ["c", "d"]]
    assert read(["a; b", "c|d; e"]) == [["a; b"], ["c", "d; e"]]


def test_objects_are_read_by_their_names() -> None:
    assert read([[{"id": 1, "name": "Ada"}, {"title": "Ben"}, {"id": 3}]]) == [["Ada", "Ben"]]


def test_hyphens_separate_if_most_cells_are_joined_by_them() -> None:
    assert read(["drama-comedy-essay"]) == [["drama", "comedy", "essay"]]
    assert read(["peer-to-peer", "a", "b"]) == [["peer-to-peer"], ["a"], ["b"]]
    assert items("drama-comedy-essay", separator="-") == ["drama", "comedy", "essay"]


def test_a_list_in_brackets_must_be_one() -> None:
    with pytest.raises(ValueError, match="brackets"):
        items("[a, 'b]")


NAMES = st.lists(
    st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8), min_size=1, unique=True
)


@given(st.lists(NAMES, min_size=1), st.sampled_from(["|", ";", "\n", ",", ", ", " | "]))
def test_a_column_with_one_separator_is_read_as_it_means(rows: list[list[str]], separator: str) -> None:
    cells: list[object] = [separator.join(names) for names in rows]
    assert read(cells) == [[line(name) for name in names] for names in rows]

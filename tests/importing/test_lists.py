import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.columns import Column
from app.importing.values.lists import decide_people, decide_separator, items
from app.importing.values.texts import line


def read(cells: list[object], *, people: bool = False) -> list[list[str]]:
    decision = (decide_people if people else decide_separator)(Column("", cells), {})
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


@pytest.mark.parametrize(
    ("cells", "people"),
    [
        (["Moe, Ada", "Roe, B"], [["Moe, Ada"], ["Roe, B"]]),
        (["Moe, Ada", "Cher"], [["Moe, Ada"], ["Cher"]]),
        (["Moe, Ada", "Moe, Ada; Roe, Ben"], [["Moe, Ada"], ["Moe, Ada", "Roe, Ben"]]),
        (["Ada Moe, Ben Roe", "Cy Doe"], [["Ada Moe", "Ben Roe"], ["Cy Doe"]]),
        (["Ada Moe, PhD", "Ben Roe"], [["Ada Moe, PhD"], ["Ben Roe"]]),
        (["van der Berg, Jan", "Moe, Ada"], [["van der Berg, Jan"], ["Moe, Ada"]]),
        (["Ada Moe, Ben Roe, Cy Doe"], [["Ada Moe", "Ben Roe", "Cy Doe"]]),
        (["Ada Moe|Ben Roe"], [["Ada Moe", "Ben Roe"]]),
    ],
)
def test_a_surname_and_a_given_name_are_one_person(cells: list[object], people: list[list[str]]) -> None:
    assert read(cells, people=True) == people


def test_the_order_of_names_is_told() -> None:
    decision = decide_people(Column("", ["Moe, Ada"]), {})
    assert decision.assumed == {"separator": "a cell is one person, “Last, First”"}
    assert items("Moe, Ada", separator=",") == ["Moe", "Ada"]


NAMES = st.lists(
    st.text(st.characters(categories=("L", "N")), min_size=1, max_size=8), min_size=1, unique=True
)


@given(st.lists(NAMES, min_size=1), st.sampled_from(["|", ";", "\n", ",", ", ", " | "]))
def test_a_column_with_one_separator_is_read_as_it_means(rows: list[list[str]], separator: str) -> None:
    cells: list[object] = [separator.join(names) for names in rows]
    assert read(cells) == [[line(name) for name in names] for names in rows]

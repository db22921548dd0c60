"""Names of people: who is one person, and in which order the parts of a name stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.importing.values.columns import Column
from app.importing.values.person_names import decide_people, people


def read(cells: list[object]) -> list[list[str]]:
    decision = decide_people(Column("", cells), {})
    return [people(cell, **decision.options) for cell in cells]


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["Moe, Ada", "Roe, B"], [["Moe, Ada"], ["Roe, B"]]),
        (["Moe,Ada", "Moe , Ada"], [["Moe, Ada"], ["Moe, Ada"]]),
        (["Moe, Ada", "Cher"], [["Moe, Ada"], ["Cher"]]),
        (["Moe, Ada", "Moe, Ada; Roe, Ben"], [["Moe, Ada"], ["Moe, Ada", "Roe, Ben"]]),
        (["Moe, Ada", "Moe, Ada / Roe, Ben"], [["Moe, Ada"], ["Moe, Ada", "Roe, Ben"]]),
        (["Moe, Ada", "Moe, Ada and Roe, Ben"], [["Moe, Ada"], ["Moe, Ada", "Roe, Ben"]]),
        (["Moe, Ada; Roe, Ben & Doe, Cy"], [["Moe, Ada", "Roe, Ben", "Doe, Cy"]]),
        (["Moe, A.", "Moe, A., Roe, B. C."], [["Moe, A."], ["Moe, A.", "Roe, B. C."]]),
        (["Moe, Ada, Roe, Ben", "Doe, Cy"], [["Moe, Ada", "Roe, Ben"], ["Doe, Cy"]]),
        (["Kim, Min-su", "García Márquez, Gabriel José", "Roe, B"],
         [["Kim, Min-su"], ["García Márquez, Gabriel José"], ["Roe, B"]]),
        (["Ada Moe, Ben Roe", "Cy Doe"], [["Ada Moe", "Ben Roe"], ["Cy Doe"]]),
        (["Ada Moe, Ben Roe, and Cy Doe"], [["Ada Moe", "Ben Roe", "Cy Doe"]]),
        (["Ada Moe und Ben Roe"], [["Ada Moe", "Ben Roe"]]),
        (["Ada and Ben Moe"], [["Ada and Ben Moe"]]),
        (["School of Engineering and Applied Science", "Johnson & Johnson"],
         [["School of Engineering and Applied Science"], ["Johnson & Johnson"]]),
        (["José Ortega y Gasset"], [["José Ortega y Gasset"]]),
        (["Ada Moe, PhD", "Ben Roe"], [["Ada Moe, PhD"], ["Ben Roe"]]),
        (["Ada Moe, Ph.D., Ben Roe, MD"], [["Ada Moe, Ph.D.", "Ben Roe, MD"]]),
        (["van der Berg, Jan Willem", "Moe, Ada"], [["van der Berg, Jan Willem"], ["Moe, Ada"]]),
        (["Ada Moe, Ben Roe, Cy Doe"], [["Ada Moe", "Ben Roe", "Cy Doe"]]),
        (["Ada Moe|Ben Roe"], [["Ada Moe", "Ben Roe"]]),
        (["山田太郎、佐藤花子", "王伟"], [["山田太郎", "佐藤花子"], ["王伟"]]),
        (["王伟\uff0c李娜"], [["王伟", "李娜"]]),
        (['["Moe, Ada", "Roe, Ben"]', "Doe, Cy"], [["Moe, Ada", "Roe, Ben"], ["Doe, Cy"]]),
        ([["Moe, Ada", {"name": "Ben Roe"}]], [["Moe, Ada", "Ben Roe"]]),
    ],
)  # fmt: skip
def test_who_is_one_person(cells: list[object], names: list[list[str]]) -> None:
    assert read(cells) == names


@pytest.mark.parametrize(
    ("cells", "assumed"),
    [
        (["Moe, Ada"], {"separator": "a cell is one person, “Last, First”"}),
        (["Moe, Ada, Roe, Ben"], {"last_first": "each pair of words is one person, “Last, First”"}),
        (["Ada Moe and Ben Roe"], {"conjunctions": "“and” and the like separate people"}),
        (["Ada Moe"], {}),
    ],
)
def test_the_order_of_names_and_what_separates_them_is_told(
    cells: list[object], assumed: dict[str, str]
) -> None:
    assert decide_people(Column("", cells), {}).assumed == assumed


def test_options_of_a_mapping_decide() -> None:
    assert decide_people(Column("", ["Moe, Ada and Roe, Ben"]), {"separator": ","}).options == {}
    assert people("Moe, Ada", separator=",") == ["Moe", "Ada"]
    assert people("Moe, Ada, Roe", separator=",", last_first=True) == ["Moe, Ada", "Roe"]
    assert people("Ada Moe and Ben Roe") == ["Ada Moe and Ben Roe"]
    assert people("Ada Moe and Ben Roe", conjunctions=True) == ["Ada Moe", "Ben Roe"]


WORDS = st.from_regex(r"[A-Z][b-z]{3,8}", fullmatch=True)
PEOPLE = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4, unique=True)


@given(st.lists(PEOPLE, min_size=1), st.sampled_from(["; ", "|", " / ", "\n", ", "]))
def test_surnames_first_are_never_split(rows: list[list[tuple[str, str]]], separator: str) -> None:
    cells: list[object] = [separator.join(f"{last}, {first}" for last, first in row) for row in rows]
    assert read(cells) == [[f"{last}, {first}" for last, first in row] for row in rows]


@given(st.lists(PEOPLE, min_size=1), st.sampled_from(["; ", "|", " / ", "\n", ", "]))
def test_given_names_first_are_split_at_every_separator(
    rows: list[list[tuple[str, str]]], separator: str
) -> None:
    cells: list[object] = [separator.join(f"{first} {last}" for last, first in row) for row in rows]
    assert read(cells) == [[f"{first} {last}" for last, first in row] for row in rows]

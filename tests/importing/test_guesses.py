from typing import Any

import pytest

from app.importing.guesses import folded, guess
from app.importing.mapping import ImportMapping, MappingError
from app.importing.records import Recorder


def made(mapping: ImportMapping, row: dict[str, Any]) -> dict[str, Any]:
    return Recorder(mapping).record(row)


@pytest.mark.parametrize("name", ["courseId", "Course ID", "course_id", " Course-Id "])
def test_names_are_folded(name: str) -> None:
    assert folded(name) == "course id"


def test_the_institute_s_listing() -> None:
    row = {
        "category": "Back End",
        "course": "Node.JS",
        "duration": "45 days",
        "mode": "Online and Offline",
        "rating": "4.5 (68)",
    }
    mapping = guess("courses", list(row), [row])
    assert made(mapping, row) == {
        "id": "node-js",
        "title": "Node.JS",
        "category": "Back End",
        "durationDays": 45,
        "deliveryModes": ["ONLINE", "ONSITE"],
        "rating": {"average": 4.5, "count": 68},
    }


def test_an_average_with_its_count_in_another_column() -> None:
    row = {
        "course_id": "7",
        "course_title": "A",
        "rating": "4.7",
        "num_reviews": "124,980",
        "Difficulty": "Mixed",
    }
    mapping = guess("courses", list(row), [row])
    found = made(mapping, row)
    assert found["rating"] == {"average": 4.7, "count": 124_980}
    assert found["level"] == "ALL_LEVELS"


def test_an_average_without_a_count_can_t_be_weighed_and_is_left_out() -> None:
    row = {"id": "7", "title": "A", "rating": "4.7"}
    assert "rating" not in guess("courses", list(row), [row]).fields


def test_a_list_joined_by_hyphens() -> None:
    rows = [{"id": n, "title": "A", "skills": "drama-comedy-essay"} for n in range(3)]
    assert made(guess("courses", list(rows[0]), rows), rows[0])["tags"] == ["drama", "comedy", "essay"]
    rows = [{"id": n, "title": "A", "skills": "['peer-to-peer', 'b']"} for n in range(3)]
    assert made(guess("courses", list(rows[0]), rows), rows[0])["tags"] == ["peer-to-peer", "b"]


def test_the_order_of_day_and_month_is_read_from_all_dates() -> None:
    rows = [{"id": 1, "created": "03/04/2020"}, {"id": 2, "created": "25/12/2020"}]
    assert made(guess("students", ["id", "created"], rows), rows[0])["joinedAt"].month == 4
    assert "joinedAt" not in guess("students", ["id", "created"], rows[:1]).fields


def test_a_column_that_holds_something_else_is_left_out() -> None:
    rows = [{"id": n, "title": "A", "duration": "as long as it takes"} for n in range(5)]
    assert "durationDays" not in guess("courses", list(rows[0]), rows).fields


def test_a_bad_value_in_an_optional_column_is_null() -> None:
    rows: list[dict[str, Any]] = [{"id": n, "title": "A", "duration": "5 days"} for n in range(9)]
    mapping = guess("courses", list(rows[0]), rows)
    recorder = Recorder(mapping)
    assert recorder.record({"id": 1, "title": "A", "duration": "soon"})["durationDays"] is None
    assert recorder.turned.invalid == {"durationDays: is not a duration": 1}


def test_enrolments_without_an_id_are_known_by_course_and_student() -> None:
    row = {"course": "A", "user_id": "7"}
    assert made(guess("enrollments", list(row), [row]), row) == {"id": "A-7", "course": "A", "student": "7"}


def test_what_can_t_be_guessed_is_told() -> None:
    with pytest.raises(MappingError, match=r"no column looks like “course”.*--map.*columns are: id, text"):
        guess("reviews", ["id", "text"], [{"id": 1, "text": "a"}])

from typing import Any

import pytest

from app.importing.column_inference import folded, infer_mapping
from app.importing.importable_fields import Importable
from app.importing.mapping import ImportMapping, MappingError
from app.importing.records import Recorder, RowError


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
    mapping = infer_mapping("courses", list(row), [row])
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
    mapping = infer_mapping("courses", list(row), [row])
    found = made(mapping, row)
    assert found["rating"] == {"average": 4.7, "count": 124_980}
    assert found["level"] == "ALL_LEVELS"


def test_an_average_without_a_count_can_t_be_weighed_and_is_left_out() -> None:
    row = {"id": "7", "title": "A", "rating": "4.7"}
    assert "rating" not in infer_mapping("courses", list(row), [row]).fields


def test_a_list_joined_by_hyphens() -> None:
    rows = [{"id": n, "title": "A", "skills": "drama-comedy-essay"} for n in range(3)]
    assert made(infer_mapping("courses", list(rows[0]), rows), rows[0])["tags"] == [
        "drama",
        "comedy",
        "essay",
    ]
    rows = [{"id": n, "title": "A", "skills": "['peer-to-peer', 'b']"} for n in range(3)]
    assert made(infer_mapping("courses", list(rows[0]), rows), rows[0])["tags"] == ["peer-to-peer", "b"]


def test_the_order_of_day_and_month_is_read_from_all_dates() -> None:
    rows = [{"id": 1, "created": "03/04/2020"}, {"id": 2, "created": "25/12/2020"}]
    assert made(infer_mapping("students", ["id", "created"], rows), rows[0])["joinedAt"].month == 4
    assert "joinedAt" not in infer_mapping("students", ["id", "created"], rows[:1]).fields


def test_a_column_that_holds_something_else_is_left_out() -> None:
    rows = [{"id": n, "title": "A", "duration": "as long as it takes"} for n in range(5)]
    assert "durationDays" not in infer_mapping("courses", list(rows[0]), rows).fields


def test_a_bad_value_in_an_optional_column_is_null() -> None:
    rows: list[dict[str, Any]] = [{"id": n, "title": "A", "duration": "5 days"} for n in range(9)]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    recorder = Recorder(mapping)
    assert recorder.record({"id": 1, "title": "A", "duration": "soon"})["durationDays"] is None
    assert recorder.null_counts.invalid == {"durationDays: is not a duration": 1}


def test_enrolments_without_an_id_are_known_by_course_and_student() -> None:
    row = {"course": "A", "user_id": "7"}
    assert made(infer_mapping("enrollments", list(row), [row]), row) == {
        "id": "A-7",
        "course": "A",
        "student": "7",
    }


def test_a_column_of_the_field_s_own_name_is_used_though_some_values_are_odd() -> None:
    rows: list[dict[str, Any]] = [
        {"id": n, "course": "A", "Rating": r} for n, r in enumerate(("4.5", "7", "", "5"))
    ]
    mapping = infer_mapping("reviews", list(rows[0]), rows)
    assert made(mapping, rows[2])["rating"] is None
    assert made(mapping, rows[3])["rating"] == 5
    for row in rows[:2]:
        with pytest.raises(RowError, match="rating: “"):
            made(mapping, row)


def test_enrolments_of_odd_status_are_rejected_and_odd_progress_is_null() -> None:
    rows: list[dict[str, Any]] = [
        {"Course": "A", "Student": n, "Status": s, "Progress": p}
        for n, (s, p) in enumerate(
            (("active", "0.5"), ("dropped", "1"), ("finished", "1"), ("active", "1.5"))
        )
    ]
    mapping = infer_mapping("enrollments", list(rows[0]), rows)
    recorder = Recorder(mapping)
    assert recorder.record(rows[0])["progress"] == 0.5
    assert recorder.record(rows[3])["progress"] is None
    assert recorder.null_counts.examples == {"progress: is not from 0 to 1, nor a percentage": ["“1.5”"]}
    for row in rows[1:3]:
        with pytest.raises(RowError, match="status: “"):
            recorder.record(row)


def test_a_date_that_is_none_costs_no_column() -> None:
    rows = [{"id": n, "Joined on": d} for n, d in enumerate(("25/12/2020", "03/04/2020", "soon"))]
    assert "joinedAt" not in infer_mapping("students", ["id", "Joined on"], rows).fields
    rows = [{"id": row["id"], "Joined": row["Joined on"]} for row in rows]
    mapping = infer_mapping("students", ["id", "Joined"], rows)
    assert made(mapping, rows[1])["joinedAt"].month == 4
    assert made(mapping, rows[2])["joinedAt"] is None


def test_why_a_column_is_left_out() -> None:
    rows = [{"id": n, "title": "A", "fee": f} for n, f in enumerate(("18,500", "₹200"))]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    assert "price" not in mapping.fields
    assert mapping.left_out["fee"].startswith("looks like price; “18,500” names no currency")


@pytest.mark.parametrize(
    ("codes", "ids"),
    [
        (("PY 101", "PY 102"), ["PY 101", "PY 102"]),
        (("PY 101", ""), ["a-0", "a-1"]),
        (("PY 101", "PY 101"), ["a-0", "a-1"]),
        (("PY 101, PY 102", "PY 103"), ["a-0", "a-1"]),
    ],
)
def test_a_course_without_an_id_is_known_by_its_code_else_by_its_title(
    codes: tuple[str, str], ids: list[str]
) -> None:
    rows = [{"Title": f"A {n}", "Course Code": code} for n, code in enumerate(codes)]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    assert [made(mapping, row)["id"] for row in rows] == ids
    assert "codes" in mapping.fields


@pytest.mark.parametrize(
    ("collection", "column", "value", "field"),
    [
        ("courses", "Trainer", "Ada", "instructors"),
        ("courses", "Trainers", "Ada; Grace", "instructors"),
        ("students", "Joined", "2020-01-02", "joinedAt"),
        ("students", "Joined on", "2020-01-02", "joinedAt"),
        ("students", "Registered on", "2020-01-02", "joinedAt"),
        ("enrollments", "Enrolled on", "2020-01-02", "enrolledAt"),
        ("enrollments", "Enrolled", "2020-01-02", "enrolledAt"),
        ("enrollments", "Completed on", "2020-01-02", "completedAt"),
    ],
)
def test_other_headers(collection: Importable, column: str, value: str, field: str) -> None:
    row = {"id": "1", "title": "A", "course": "A", "student": "B", column: value}
    assert infer_mapping(collection, list(row), [row]).fields[field].selection.columns == (column,)


def test_what_can_t_be_guessed_is_told() -> None:
    with pytest.raises(MappingError, match=r"no column looks like “course”.*--map.*columns are: id, text"):
        infer_mapping("reviews", ["id", "text"], [{"id": 1, "text": "a"}])

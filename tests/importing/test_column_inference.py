import pytest

from app.importing.files import Cells
from app.importing.header import folded
from app.importing.importable_fields import Fields, Importable
from app.importing.mapping import ImportMapping, MappingError, Recorder, RowError, infer_mapping


def record(mapping: ImportMapping, row: Cells) -> Fields:
    return Recorder(mapping).record(row)


@pytest.mark.parametrize("name", ["courseId", "Course ID", "course_id", " Course-Id "])
def test_column_names_are_folded(name: str) -> None:
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
    assert record(mapping, row) == {
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
    found = record(mapping, row)
    assert found["rating"] == {"average": 4.7, "count": 124_980}
    assert found["level"] == "ALL_LEVELS"


def test_a_column_whose_values_come_late_in_the_sample() -> None:
    empty: list[Cells] = [
        {"id": str(n), "course": "c", "text": "Good.", "rating": None} for n in range(1_000)
    ]
    rated: list[Cells] = [{"id": f"r{n}", "course": "c", "text": "Good.", "rating": "4"} for n in range(10)]
    mapping = infer_mapping("reviews", list(rated[0]), empty + rated)
    assert record(mapping, rated[0])["rating"] == 4


def test_an_average_without_a_count() -> None:
    row = {"id": "7", "title": "A", "rating": "4.7"}
    mapping = infer_mapping("courses", list(row), [row])
    assert record(mapping, row)["rating"] == {"average": 4.7, "count": None}
    assert mapping.fields["rating"].assumed == {"scale": "ratings up to 5"}


def test_an_average_whose_count_is_missing_in_some_rows() -> None:
    rows = [{"id": n, "title": "A", "rating": "4.7", "ratings": count} for n, count in enumerate((10, "", 0))]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    assert [record(mapping, row)["rating"] for row in rows] == [
        {"average": 4.7, "count": 10}, {"average": 4.7, "count": None}, None,
    ]  # fmt: skip


def test_an_average_is_not_read_without_the_counts_that_contradict_it() -> None:
    rows = [{"id": n, "title": "A", "avg_rating": n % 2 * 4.5, "num_reviews": "9"} for n in range(6)]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    assert "rating" not in mapping.fields
    assert "“0.0” is not an average rating" in mapping.left_out["avg_rating"].text


def test_texts_of_reviews_are_no_counts() -> None:
    row = {"id": "7", "title": "A", "rating": "4.7", "reviews": "Fine course"}
    found = record(infer_mapping("courses", list(row), [row]), row)
    assert found["rating"] == {"average": 4.7, "count": None}


def test_counts_of_ratings_are_no_averages() -> None:
    rows = [{"id": n, "title": "A", "ratings": n * 7} for n in range(1, 9)]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    assert "rating" not in mapping.fields
    assert "has no clear scale" in mapping.left_out["ratings"].text


@pytest.mark.parametrize(
    ("header", "cell", "field", "value"),
    [
        ("Credit Hours", "3.0", "credits", 3.0), ("ECTS", "7,5", "credits", 7.5),
        ("学分", "4学分", "credits", 4.0),
        ("University", "Rivermouth", "institution", "Rivermouth"),
        ("Hochschule", "TU Wien", "institution", "TU Wien"), ("offered_by", "Acme", "institution", "Acme"),
        ("course_url", "http://a.example/c", "url", "http://a.example/c"),
        ("Link", "https://a.example/c?a=1&amp;b=2", "url", "https://a.example/c?a=1&b=2"),
        ("image_480x270", "https://a.example/i.jpg", "imageUrl", "https://a.example/i.jpg"),
        ("courseImage", "https://a.example/i.jpg", "imageUrl", "https://a.example/i.jpg"),
        ("Prereqs", "CS 101; MATH 2", "prerequisites", ["CS 101", "MATH 2"]),
        ("Voraussetzungen", "M1", "prerequisites", ["M1"]),
    ],
)  # fmt: skip
def test_columns_about_a_course(header: str, cell: str, field: str, value: object) -> None:
    row = {"id": "7", "title": "A", header: cell}
    assert record(infer_mapping("courses", list(row), [row]), row)[field] == value


def test_credits_in_a_column_of_durations_are_no_durations() -> None:
    rows = [
        {"id": n, "title": "A", "duration": cell} for n, cell in enumerate(("3 credits", "4 ECTS", "5", "6"))
    ]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    assert not {"durationDays", "credits"} & mapping.fields.keys()
    assert "duration" in mapping.left_out


def test_a_list_joined_by_hyphens() -> None:
    rows = [{"id": n, "title": "A", "skills": "drama-comedy-essay"} for n in range(3)]
    assert record(infer_mapping("courses", list(rows[0]), rows), rows[0])["tags"] == [
        "drama",
        "comedy",
        "essay",
    ]
    rows = [{"id": n, "title": "A", "skills": "['peer-to-peer', 'b']"} for n in range(3)]
    assert record(infer_mapping("courses", list(rows[0]), rows), rows[0])["tags"] == ["peer-to-peer", "b"]


def test_the_order_of_day_and_month_is_inferred_from_all_dates() -> None:
    rows = [{"id": 1, "created": "03/04/2020"}, {"id": 2, "created": "25/12/2020"}]
    assert record(infer_mapping("students", ["id", "created"], rows), rows[0])["joinedAt"].month == 4
    assert "joinedAt" not in infer_mapping("students", ["id", "created"], rows[:1]).fields


def test_a_column_with_unsuitable_values_is_left_out() -> None:
    rows = [{"id": n, "title": "A", "duration": "as long as it takes"} for n in range(5)]
    assert "durationDays" not in infer_mapping("courses", list(rows[0]), rows).fields


def test_an_unreadable_value_of_an_optional_field_becomes_null() -> None:
    rows: list[Cells] = [{"id": n, "title": "A", "duration": "5 days"} for n in range(9)]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    recorder = Recorder(mapping)
    assert recorder.record({"id": 1, "title": "A", "duration": "soon"})["durationDays"] is None
    assert recorder.null_counts.invalid == {"durationDays: is not a duration": 1}


def test_an_enrolment_without_an_id_is_identified_by_course_and_student() -> None:
    row = {"course": "A", "user_id": "7"}
    assert record(infer_mapping("enrollments", list(row), [row]), row) == {
        "id": "A-7",
        "course": "A",
        "student": "7",
    }


def test_a_column_with_the_field_s_own_name_is_used_despite_unreadable_values() -> None:
    rows: list[Cells] = [
        {"id": n, "course": "A", "Rating": r} for n, r in enumerate(("A", "7", "", "5", "4", "3", "2", "5"))
    ]
    mapping = infer_mapping("reviews", list(rows[0]), rows)
    assert record(mapping, rows[2])["rating"] is None
    assert record(mapping, rows[3])["rating"] == 5
    with pytest.raises(RowError, match="rating: “A” is not a rating"):
        record(mapping, rows[0])


def test_an_unreadable_status_rejects_an_enrolment_and_an_unreadable_progress_is_null() -> None:
    rows: list[Cells] = [
        {"Course": "A", "Student": n, "Status": s, "Progress": p}
        for n, (s, p) in enumerate(
            (("active", "0.5"), ("dropped", "1"), ("finished", "1"), ("active", "1.5"))
        )
    ]
    mapping = infer_mapping("enrollments", list(rows[0]), rows)
    recorder = Recorder(mapping)
    assert recorder.record(rows[0])["progress"] == 0.5
    assert recorder.record(rows[3])["progress"] is None
    reason = "is neither between 0 and 1 nor between 0% and 100% (set scale = 100 to have 85 read as 85%)"
    assert recorder.null_counts.examples == {f"progress: {reason}": ["“1.5”"]}
    for row in rows[1:3]:
        with pytest.raises(RowError, match="status: “"):
            recorder.record(row)


def test_an_unreadable_date_does_not_exclude_a_column_with_the_field_s_own_name() -> None:
    rows = [{"id": n, "Joined on": d} for n, d in enumerate(("25/12/2020", "03/04/2020", "soon"))]
    assert "joinedAt" not in infer_mapping("students", ["id", "Joined on"], rows).fields
    rows = [{"id": row["id"], "Joined": row["Joined on"]} for row in rows]
    mapping = infer_mapping("students", ["id", "Joined"], rows)
    assert record(mapping, rows[1])["joinedAt"].month == 4
    assert record(mapping, rows[2])["joinedAt"] is None


def test_the_reason_for_leaving_out_a_column_is_kept() -> None:
    rows = [{"id": n, "title": "A", "fee": f} for n, f in enumerate(("18,500", "200"))]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    assert "price" not in mapping.fields
    assert mapping.left_out["fee"].text.startswith("looks like price, but “18,500” has no known currency")


@pytest.mark.parametrize(
    ("codes", "ids"),
    [
        (("PY 101", "PY 102"), ["PY 101", "PY 102"]),
        (("PY 101", ""), ["a-0", "a-1"]),
        (("PY 101", "PY 101"), ["a-0", "a-1"]),
        (("PY 101, PY 102", "PY 103"), ["a-0", "a-1"]),
    ],
)
def test_a_course_without_an_id_is_identified_by_its_code_else_by_its_title(
    codes: tuple[str, str], ids: list[str]
) -> None:
    rows = [{"Title": f"A {n}", "Course Code": code} for n, code in enumerate(codes)]
    mapping = infer_mapping("courses", list(rows[0]), rows)
    assert [record(mapping, row)["id"] for row in rows] == ids
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
def test_synonymous_headers(collection: Importable, column: str, value: str, field: str) -> None:
    row = {"id": "1", "title": "A", "course": "A", "student": "B", column: value}
    assert infer_mapping(collection, list(row), [row]).fields[field].selection.columns == (column,)


def test_a_required_field_without_a_column_is_an_error() -> None:
    with pytest.raises(MappingError, match=r"no column looks like “course”.*columns are: id, text") as raised:
        infer_mapping("reviews", ["id", "text"], [{"id": 1, "text": "a"}])
    assert "--print-map" in raised.value.advice[0]
    assert raised.value.advice[1:] == ['  course = "text"']

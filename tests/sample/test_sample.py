"""The sample data is deterministic and consistent, and loading it is idempotent."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise

import bson
import pytest
from bson import ObjectId

from app.sample import loading
from app.sample.generator import Sample, generate
from app.sample.identity import TODAY
from app.sample.loading import load_sample
from loaders import recounting
from loaders.model.documents import ANONYMOUS_STUDENT, COUNTED_ENROLLMENTS, SEATED_ENROLLMENTS
from loaders.model.ratings import wilson
from loaders.mongo import Document
from loaders.mongo.database import Database
from loaders.text.terms import course_keys, name_keys
from loaders.transfer import SampleDocument, insert_sample
from tests import factories

COLLECTIONS = ("categories", "instructors", "courses", "courseRuns", "students", "enrollments", "reviews")
NOW = datetime(2027, 2, 3, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def sample() -> Sample:
    return generate(NOW)


def by_id(documents: Iterable[SampleDocument]) -> dict[ObjectId | None, SampleDocument]:
    return {document["_id"]: document for document in documents}


def fingerprint(generated: Sample) -> str:
    return sha256(
        b"".join(
            bson.encode(document) for documents in generated.collections().values() for document in documents
        )
    ).hexdigest()


# -- contents -----------------------------------------------------------------------------------------------


def test_document_counts(sample: Sample) -> None:
    counts = {name: len(documents) for name, documents in sample.collections().items()}
    assert counts == {
        "categories": 10,
        "instructors": 34,
        "courses": 120,
        "courseRuns": len(sample.runs),
        "students": 3_000,
        "enrollments": 9_000,
        "reviews": 6_000,
    }
    assert len(sample.runs) > 300


def test_the_institute_s_courses_match_its_price_list(sample: Sample) -> None:
    listed = {
        "MongoDB": (45, 4.7, 55),
        "Next JS": (60, 4.2, 85),
        "Node.JS": (45, 4.5, 68),
        "PHP & MySQL": (60, 4.5, 28),
        "Laravel": (None, 4.2, 150),
    }
    courses = {course["title"]: course for course in sample.courses}
    for title, (days, average, count) in listed.items():
        course = courses[title]
        assert (course["durationDays"], course["categorySlug"]) == (days, "back-end")
        assert course["deliveryModes"] == ["ONLINE", "ONSITE"]
        assert course["importedRating"] == {"average": average, "count": count}
        assert (course["ratingAverage"], course["ratingCount"]) == (average, count)
        assert not any(review["courseId"] == course["_id"] for review in sample.reviews)


@pytest.mark.parametrize(
    ("collection", "field"),
    [
        (collection, field)
        for collection, fields in {
            "instructors": "headline bio avatarUrl",
            "courses": "summary description level durationDays price seatsUntil credits institution url"
            " imageUrl",
            "courseRuns": "title endsAt location seats",
            "students": "avatarUrl country bio email joinedAt",
            "enrollments": "runId completedAt cancelledAt",
            "reviews": "studentId title difficulty workloadHours term reply",
        }.items()
        for field in fields.split()
    ],
)
def test_nullable_fields_have_values_and_nulls(sample: Sample, collection: str, field: str) -> None:
    values = [document[field] for document in sample.collections()[collection]]
    assert any(value is not None for value in values)
    never_null = {"summary", "description", "level"}
    assert (None in values) is (field not in never_null)


def test_every_value_of_every_enum_occurs(sample: Sample) -> None:
    assert {c["level"] for c in sample.courses} == {"BEGINNER", "INTERMEDIATE", "ADVANCED", "ALL_LEVELS"}
    assert {c["status"] for c in sample.courses} == {"DRAFT", "PUBLISHED", "ARCHIVED"}
    assert {tuple(c["deliveryModes"]) for c in sample.courses} == {
        ("ONLINE",),
        ("ONSITE",),
        ("ONLINE", "ONSITE"),
    }
    statuses = {"WAITLISTED", "ACTIVE", "COMPLETED", "CANCELLED", "EXPIRED"}
    assert {e["status"] for e in sample.enrollments} == statuses
    assert {r["status"] for r in sample.reviews} == {"PUBLISHED", "PENDING", "REJECTED"}
    of = {c["_id"]: c["status"] for c in sample.courses}
    assert {of[r["courseId"]] for r in sample.reviews} == {"DRAFT", "PUBLISHED", "ARCHIVED"}
    assert {r["rating"] for r in sample.reviews} == {1, 2, 3, 4, 5}
    assert {r["difficulty"] for r in sample.reviews} >= {1, 2, 3, 4, 5}


def test_the_catalogue_is_varied(sample: Sample) -> None:
    courses = sample.courses
    assert Counter(c["categorySlug"] for c in courses) == dict.fromkeys(
        (category["slug"] for category in sample.categories), 12
    )
    assert {c["language"] for c in courses} == {"en", "es", "de", "fr", "hi", "ar"}
    prices = [c["price"] for c in courses if c["price"]]
    assert {price["currency"] for price in prices} == {"INR", "EUR", "USD"}
    assert any(price["amountMinor"] == 0 for price in prices)
    assert any(len(c["codes"]) > 1 for c in courses)
    assert any(c["status"] == "PUBLISHED" and c["ratingCount"] == 0 for c in courses)
    assert all(c["instructorIds"] and len(c["tags"]) > 1 for c in courses)
    for field in ("title", "slug", "summary", "description"):
        assert len({dict(c)[field] for c in courses}) == len(courses)


def test_documents_are_marked_as_sample_data_and_refer_to_no_host(sample: Sample) -> None:
    for documents in sample.collections().values():
        assert {document["externalId"]["source"] for document in documents} == {"sample"}
        assert len({document["externalId"]["id"] for document in documents}) == len(documents)
    assert all(re.fullmatch(r"[a-z0-9.]+@example\.org", s["email"]) for s in sample.students if s["email"])
    assert all(s["avatarUrl"].startswith("data:") for s in sample.students if s["avatarUrl"])
    urls = [category.get("imageUrl") or "" for category in sample.categories]
    urls += [i.get("avatarUrl") or "" for i in sample.instructors if i.get("bio")]
    urls += [url for course in sample.courses for url in (course.get("url"), course.get("imageUrl")) if url]
    assert all(re.match(r"https://[a-z]+\.example/", url) for url in urls)


def test_no_prerequisite_leads_back_to_its_course(sample: Sample) -> None:
    """Each needs only courses of a lower height than its own."""
    required = {course["_id"]: course.get("prerequisiteIds", []) for course in sample.courses}
    heights: dict[ObjectId, int] = {}
    for _ in range(5):
        heights |= {
            own: max((heights[one] + 1 for one in ids), default=0)
            for own, ids in required.items()
            if heights.keys() >= set(ids)
        }
    assert heights.keys() == required.keys()
    assert max(heights.values()) == 3


def test_some_averages_have_no_count_and_count_for_nothing(sample: Sample) -> None:
    found = [c for c in sample.courses if c["importedRating"] and c["importedRating"]["count"] is None]
    assert len(found) == 2
    assert all(c["ratingCount"] == sum(c["ratingStars"]) for c in found)


# -- determinism --------------------------------------------------------------------------------------------


def test_the_result_is_the_same_at_any_time_of_day(sample: Sample) -> None:
    assert generate(NOW.replace(hour=1, minute=59)) == sample


def test_the_result_is_the_same_in_every_process() -> None:
    code = "from tests.sample.test_sample import *; print(fingerprint(generate(NOW)))"
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_only_upcoming_runs_depend_on_the_day(sample: Sample) -> None:
    later = generate(NOW + timedelta(days=100))
    moved = {r["_id"] for r, s in zip(sample.runs, later.runs, strict=True) if r["startsAt"] != s["startsAt"]}
    assert moved == {r["_id"] for r in sample.runs if r["startsAt"] > TODAY}
    assert any(r["startsAt"] > NOW + timedelta(days=100) for r in later.runs)
    assert (later.students, later.enrollments, later.reviews) == (
        sample.students,
        sample.enrollments,
        sample.reviews,
    )


# -- consistency --------------------------------------------------------------------------------------------


def test_every_reference_resolves(sample: Sample) -> None:
    courses, runs, students = by_id(sample.courses), by_id(sample.runs), by_id(sample.students)
    instructors = by_id(sample.instructors)
    slugs = {category["slug"] for category in sample.categories}
    assert all(
        c["categorySlug"] in slugs and instructors.keys() >= {*c["instructorIds"]} for c in sample.courses
    )
    assert all(own["courseId"] in courses for own in (*sample.runs, *sample.reviews))
    for e in sample.enrollments:
        assert e["studentId"] in students
        assert e["courseId"] in courses
        assert e["runId"] is None or runs[e["runId"]]["courseId"] == e["courseId"]
    for r in sample.reviews:
        assert r["studentId"] is None or r["studentId"] in students
        author = r["reply"] and r["reply"]["instructorId"]
        assert author is None or author in courses[r["courseId"]]["instructorIds"]
    for documents in sample.collections().values():
        assert len(by_id(documents)) == len(documents)


def test_a_student_enrols_in_a_course_and_reviews_it_at_most_once(sample: Sample) -> None:
    enrolled = [(e["studentId"], e["courseId"]) for e in sample.enrollments]
    reviewed = [(r["studentId"], r["courseId"]) for r in sample.reviews if r["studentId"]]
    assert len(set(enrolled)) == len(enrolled)
    assert len(set(reviewed)) == len(reviewed)


def test_statuses_of_enrolments_are_consistent_with_their_dates(sample: Sample) -> None:
    for e in sample.enrollments:
        assert e["enrolledAt"]
        assert e["enrolledAt"] <= TODAY
        assert (e["completedAt"] is not None) is (e["status"] == "COMPLETED") is (e["progress"] == 1.0)
        assert (e["cancelledAt"] is not None) is (e["status"] == "CANCELLED")
        assert all(e["enrolledAt"] < end <= TODAY for end in (e["completedAt"], e["cancelledAt"]) if end)
        assert 0 <= e["progress"] <= 1
        assert e["progress"] == 0 or e["status"] != "WAITLISTED"


def test_no_run_has_more_students_than_seats(sample: Sample) -> None:
    runs = by_id(sample.runs)
    assert all(run["seats"] is None or run["seatsTaken"] <= run["seats"] for run in sample.runs)
    waited_for = {e["runId"] for e in sample.enrollments if e["status"] == "WAITLISTED"}
    assert len(waited_for) > 10
    assert all(runs[run]["seatsTaken"] == runs[run]["seats"] for run in waited_for)
    seated = Counter(e["runId"] for e in sample.enrollments if e["status"] in SEATED_ENROLLMENTS)
    assert all(run["seatsTaken"] == seated[run["_id"]] for run in sample.runs)
    assert all((run["location"] is None) is (run["deliveryMode"] == "ONLINE") for run in sample.runs)
    assert {run["seats"] is None for run in sample.runs if run["deliveryMode"] == "ONLINE"} == {True, False}
    upcoming = [run for run in sample.runs if run["startsAt"] > NOW]
    assert sum(run["seats"] == run["seatsTaken"] for run in upcoming) > 5


def test_nobody_does_anything_before_joining(sample: Sample) -> None:
    joined = {s["_id"]: s["joinedAt"] for s in sample.students if s["joinedAt"]}
    enrolled = [(e["studentId"], e["enrolledAt"]) for e in sample.enrollments]
    wrote = [(r["studentId"], r["createdAt"]) for r in sample.reviews if r["studentId"]]
    acts = [(student, when) for student, when in (*enrolled, *wrote) if when]
    assert all(joined.get(student, when) <= when for student, when in acts)
    assert sum(s["name"] == ANONYMOUS_STUDENT for s in sample.students) > 20


def test_derived_fields_are_correct(sample: Sample) -> None:
    for course in sample.courses:
        assert course.items() >= course_keys(course).items()
    for student in sample.students:
        assert student.items() >= name_keys(student).items()
    for instructor in sample.instructors:
        assert instructor.items() >= name_keys(instructor).items()
    for review in sample.reviews:
        assert review["helpfulCount"] == review["importedHelpfulCount"]
        assert review["helpfulScore"] == wilson(review["helpfulCount"], review["unhelpfulCount"])


# -- reviews ------------------------------------------------------------------------------------------------


def test_reviews_by_enrolled_students_are_verified(sample: Sample) -> None:
    since = {
        (e["studentId"], e["courseId"]): e["enrolledAt"]
        for e in sample.enrollments
        if e["status"] in COUNTED_ENROLLMENTS
    }
    for r in sample.reviews:
        enrolled = since.get((r["studentId"], r["courseId"])) if r["studentId"] else None
        assert r["verified"] is (enrolled is not None)
        assert r["createdAt"]
        assert r["updatedAt"]
        assert enrolled is None or r["createdAt"] > enrolled
        assert r["createdAt"] <= r["updatedAt"] <= TODAY
        assert r["reply"] is None or r["createdAt"] <= r["reply"]["createdAt"] <= TODAY


def test_some_reviews_of_a_course_share_their_date_and_most_do_not(sample: Sample) -> None:
    moments = Counter((r["courseId"], r["createdAt"]) for r in sample.reviews)
    assert 50 < sum(n > 1 for n in moments.values()) < 500


def test_review_texts_are_distinct_and_of_varied_length(sample: Sample) -> None:
    bodies = [r["body"] for r in sample.reviews]
    assert len(set(bodies)) >= 0.97 * len(bodies)
    lengths = sorted(map(len, bodies))
    assert lengths[300] < 60
    assert lengths[-300] > 500
    assert sum("\n\n" in body for body in bodies) > 300


def test_every_slot_of_a_sentence_is_filled(sample: Sample) -> None:
    texts = [
        t for r in sample.reviews for t in (r["body"], r["title"], r["reply"] and r["reply"]["body"]) if t
    ]
    texts += [c["description"] or "" for c in sample.courses] + [
        s["bio"] for s in sample.students if s["bio"]
    ]
    for text in texts:
        assert not re.search(r"[{}_]|  |\bNone\b|^\s|\s$|\s[,.]", text.replace("\n", "¶"), re.MULTILINE), text


def test_courses_differ_in_their_ratings(sample: Sample) -> None:
    averages = [c["ratingAverage"] for c in sample.courses if c["ratingCount"] > 10]
    stars = Counter(r["rating"] for r in sample.reviews)
    assert max(averages) - min(averages) > 1  # type: ignore[type-var, operator]
    assert stars[5] > stars[4] > stars[3] > stars[2] > stars[1]
    popular = sorted((c["studentCount"] for c in sample.courses), reverse=True)
    assert sum(popular[:24]) > 0.4 * sum(popular)


def test_reviews_are_numbered_in_the_order_of_their_dates(sample: Sample) -> None:
    assert all(a["createdAt"] <= b["createdAt"] for a, b in pairwise(sample.reviews))  # type: ignore[operator]


# -- in a database ------------------------------------------------------------------------------------------


async def contents(database: Database) -> dict[str, list[Document]]:
    return {name: await database[name].find().sort("_id", 1).to_list(None) for name in COLLECTIONS}


async def test_the_loaded_documents_are_the_generated_ones(database: Database, sample: Sample) -> None:
    assert await load_sample(database, NOW)
    assert await contents(database) == {
        name: [*generated] for name, generated in sample.collections().items()
    }
    assert [difference async for difference in recounting.recount(database, fix=False)] == []


async def test_loading_again_changes_nothing(database: Database) -> None:
    await load_sample(database, NOW)
    await database["reviews"].delete_one({"externalId.id": "7"})
    before = await contents(database)
    assert not await load_sample(database, NOW + timedelta(days=3))
    assert await contents(database) == before


async def test_an_interrupted_load_is_completed(
    database: Database, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = {name: [*generated] for name, generated in sample.collections().items()}
    partly = {**documents, "students": documents["students"][:1234], "enrollments": [], "reviews": []}

    async def stop(*_: object) -> None:
        await insert(database, {name: generated for name, generated in partly.items() if generated})
        raise KeyboardInterrupt

    insert = insert_sample
    monkeypatch.setattr(loading, "insert_sample", stop)
    with pytest.raises(KeyboardInterrupt):
        await load_sample(database, NOW)
    monkeypatch.undo()
    assert await load_sample(database, NOW + timedelta(days=3))
    assert await contents(database) == documents
    assert not await load_sample(database, NOW)


async def test_a_database_with_its_own_courses_is_left_alone(database: Database) -> None:
    await database["courses"].insert_one({"slug": "mine"})
    assert not await load_sample(database, NOW)
    assert await database["courses"].count_documents({}) == 1


async def test_documents_of_another_layout_are_replaced(database: Database, sample: Sample) -> None:
    await load_sample(database, NOW)
    await database["sampleData"].update_one({}, {"$unset": {"layout": 1}})
    await database["courses"].update_many({}, {"$rename": {"ratingAverage": "rating.average"}})
    await database["courses"].insert_one(factories.course(slug="mine"))
    assert await load_sample(database, NOW)
    assert await database["courses"].find_one_and_delete({"slug": "mine"}) is not None
    assert await contents(database) == {
        name: [*generated] for name, generated in sample.collections().items()
    }
    assert not await load_sample(database, NOW)


async def test_replaced_documents_count_later_votes_and_reviews(database: Database, sample: Sample) -> None:
    await load_sample(database, NOW)
    student = sample.students[0]
    reviewed = next(r for r in sample.reviews if r["status"] == "PUBLISHED")
    course = next(c for c in sample.courses if c["_id"] == reviewed["courseId"])
    await database["votes"].insert_one({"_id": {"reviewId": reviewed["_id"], "studentId": student["_id"]}})
    own = factories.review(course, student, rating=1)
    del own["externalId"]
    await database["reviews"].insert_one(own)
    await database["sampleData"].update_one({}, {"$set": {"layout": 0}})
    assert await load_sample(database, NOW)
    assert [difference async for difference in recounting.recount(database, fix=False)] == []
    stored = await database["reviews"].find_one({"_id": reviewed["_id"]})
    assert stored is not None
    assert stored["helpfulCount"] == reviewed["helpfulCount"] + 1

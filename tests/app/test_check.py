"""`lectern check`, in processes of its own."""

import subprocess
from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeAlias

import pytest
from bson import ObjectId

from app.settings import Settings
from loaders.collections import COLLECTIONS
from loaders.model import shape_of
from loaders.mongo.database import Database
from loaders.problems import Misfit, misfits
from tests import factories
from tests.command import LECTERN, lectern
from tests.factories import T0, store

Check: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

NOWHERE = ObjectId()


@pytest.fixture
def check(settings: Settings) -> Check:
    environment = {
        "LECTERN_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "LECTERN_MONGODB_DATABASE": settings.mongodb_database,
        "LECTERN_MONGODB_DRIVER": settings.mongodb_driver,
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = lectern("check", *arguments, **environment)
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stdout
        return done

    return run


@pytest.fixture
async def world(database: Database) -> dict[str, Any]:
    """A document of each kind, all of which fit."""
    category, instructor = factories.category("web"), factories.instructor()
    course = factories.course(
        categorySlug="web", instructorIds=[instructor["_id"]], codes=["C"], tags=["t"], level="BEGINNER",
        deliveryModes=["ONLINE"], price={"amountMinor": 1, "currency": "EUR"}, durationDays=3,
    )  # fmt: skip
    student = factories.student(email="ada@example.org", country="IN")
    run = factories.course_run(course, seats=3)
    reply = {"instructorId": instructor["_id"], "body": "B", "createdAt": T0}
    documents = {
        "categories": category, "instructors": instructor, "courses": course, "courseRuns": run,
        "students": student, "enrollments": factories.enrollment(course, student, runId=run["_id"]),
        "reviews": factories.review(course, student, reply=reply, difficulty=1, workloadHours=1.5),
    }  # fmt: skip
    documents["wishlists"] = {"_id": student["_id"], "courses": [{"courseId": course["_id"], "addedAt": T0}]}
    documents["votes"] = {"_id": {"reviewId": documents["reviews"]["_id"], "studentId": student["_id"]}}
    await store(database, **{name: [deepcopy(document)] for name, document in documents.items()})
    return documents


async def found(database: Database) -> list[Misfit]:
    return [misfit async for misfit in misfits(database)]


async def test_documents_that_fit_are_no_problem(world: dict[str, Any], check: Check) -> None:
    done = check()
    assert (done.returncode, done.stdout) == (0, "All 9 documents fit the data model.\n")


async def test_sample_data_fits(sample: Settings) -> None:
    from app.database import connect

    async with connect(sample) as database:
        assert await found(database) == []


@pytest.mark.parametrize(
    "collection", ["categories", "instructors", "courses", "courseRuns", "students", "enrollments", "reviews"]
)
async def test_each_missing_field_is_listed(
    world: dict[str, Any], database: Database, collection: str
) -> None:
    document = COLLECTIONS[collection].document
    assert document
    sound = await database[collection].find_one({"_id": world[collection]["_id"]})
    assert sound
    for name, shape in (shape_of(document).members or {}).items():
        if name == "_id" or shape.optional:
            continue
        await database[collection].update_one({"_id": sound["_id"]}, {"$unset": {name: ""}})
        listed = [(m.collection, m.id, m.path, m.reason) for m in await found(database)]
        assert (collection, sound["_id"], name, "is missing") in listed
        await database[collection].replace_one({"_id": sound["_id"]}, sound)


@pytest.mark.parametrize(
    ("collection", "field", "value", "path", "reason"),
    [
        ("courses", "status", "published", "status", "is not one of ARCHIVED, DRAFT, PUBLISHED"),
        ("courses", "title", None, "title", "is null"),
        ("courses", "title", 5, "title", "is not text"),
        ("courses", "tags", "a,b", "tags", "is not a list"),
        ("courses", "tags", ["a", 5], "tags[]", "is not text"),
        ("courses", "codes", [f"C{n}" for n in range(21)], "codes", "has more than 20 values"),
        ("courses", "createdAt", "2026-01-01", "createdAt", "is not a time"),
        ("courses", "durationDays", -1, "durationDays", "is below 0"),
        ("courses", "durationDays", 2.5, "durationDays", "is not a 32-bit whole number"),
        ("courses", "price.currency", "SQL", "price.currency", "is not a valid ISO 4217 code"),
        ("courses", "price.amountMinor", 2**40, "price.amountMinor", "is not a 32-bit whole number"),
        ("courses", "price", 5, "price", "is not an object"),
        ("courses", "ratingStars", [0, 0], "ratingStars", "does not have 5 values"),
        ("courses", "categorySlug", "gone", "categorySlug", "does not match any of the categories"),
        ("courses", "instructorIds", [NOWHERE], "instructorIds[]", "does not match any of the instructors"),
        ("courses", "sortTitle", "zzz", "sortTitle", "differs from the value computed from the other fields"),
        (
            "courses",
            "searchTerms",
            [],
            "searchTerms",
            "differs from the value computed from the other fields",
        ),
        ("categories", "imageUrl", "http://a.example/", "imageUrl", "is not an https URL"),
        ("categories", "position", "first", "position", "is not a whole number"),
        ("instructors", "avatarUrl", "javascript:x", "avatarUrl", "is not a URL with http:// or https://"),
        ("courseRuns", "title", 7, "title", "is not text"),
        ("courses", "url", "javascript:x", "url", "is not a URL with http:// or https://"),
        ("courses", "imageUrl", "http://a.example/i.png", "imageUrl", "is not an https URL"),
        ("courses", "credits", -1.0, "credits", "is below 0"),
        (
            "courses",
            "importedRating",
            {"average": 0.0, "count": None},
            "importedRating.average",
            "is not from 1 to 5",
        ),
        ("courses", "prerequisiteIds", [NOWHERE], "prerequisiteIds[]", "does not match any of the courses"),
        ("courseRuns", "courseId", NOWHERE, "courseId", "does not match any of the courses"),
        ("courseRuns", "seats", -1, "seats", "is below 0"),
        ("students", "country", "UK", "country", "is not a valid ISO 3166-1 code"),
        ("students", "country", "XX", "country", "is not a valid ISO 3166-1 code"),
        ("enrollments", "progress", 50.0, "progress", "is not from 0 to 1"),
        ("enrollments", "runId", NOWHERE, "runId", "does not match any of the courseRuns"),
        ("enrollments", "studentId", "ada", "studentId", "is not an ObjectId"),
        ("reviews", "rating", 4.5, "rating", "is not a 32-bit whole number"),
        ("reviews", "rating", 7, "rating", "is not from 1 to 5"),
        ("reviews", "studentId", NOWHERE, "studentId", "does not match any of the students"),
        (
            "reviews",
            "reply.instructorId",
            NOWHERE,
            "reply.instructorId",
            "does not match any of the instructors",
        ),
        ("reviews", "reply.createdAt", "now", "reply.createdAt", "is not a time"),
        (
            "reviews",
            "helpfulScore",
            0.5,
            "helpfulScore",
            "differs from the value computed from the other fields",
        ),
        (
            "wishlists",
            "courses.0.courseId",
            NOWHERE,
            "courses[].courseId",
            "does not match any of the courses",
        ),
    ],
)
async def test_each_kind_of_problem_is_listed_once(
    world: dict[str, Any], database: Database, collection: str, field: str, value: Any, path: str, reason: str
) -> None:
    own = world[collection]["_id"]
    await database[collection].update_one({"_id": own}, {"$set": {field: value}})
    listed = [tuple(misfit)[:4] for misfit in await found(database)]
    assert listed == [(collection, own, path, reason)]


async def test_prerequisites_that_lead_back_are_listed(database: Database, check: Check) -> None:
    made = [factories.course() for _ in range(5)]
    for n, course in enumerate(made):
        course["prerequisiteIds"] = [made[(n + 1) % 3]["_id"]]
    itself = factories.course()
    itself["prerequisiteIds"] = [itself["_id"]]
    await store(database, courses=[*made, itself])
    listed = {(m.id, m.path, m.reason) for m in await found(database)}
    reason = ("prerequisiteIds[]", "requires the course itself, directly or through others")
    assert listed == {(course["_id"], *reason) for course in (*made[:3], itself)}
    assert "Break the cycle: remove one of its courses" in check().stdout


@pytest.mark.parametrize("value", [4.0, 4], ids=["double", "integer"])
async def test_a_whole_double_is_no_problem(world: dict[str, Any], database: Database, value: float) -> None:
    await database["reviews"].update_many({}, {"$set": {"rating": value, "workloadHours": 2}})
    assert await found(database) == []


async def test_a_document_with_another_id_does_not_hide_the_rest(
    world: dict[str, Any], database: Database
) -> None:
    await database["courses"].insert_one({**factories.course(), "_id": "text"})
    await database["courses"].update_one({"_id": world["courses"]["_id"]}, {"$set": {"title": 1}})
    assert {(misfit.id, misfit.path) for misfit in await found(database)} == {
        ("text", "_id"), (world["courses"]["_id"], "title"),
    }  # fmt: skip


async def test_students_with_one_address(world: dict[str, Any], database: Database) -> None:
    other = factories.student(email="ADA@example.org")
    await database["students"].insert_many([other, factories.student(), factories.student(email="b@c.de")])
    assert {(m.id, m.path, m.reason) for m in await found(database)} == {
        (own["_id"], "email", "is also the e-mail address of another student")
        for own in (world["students"], other)
    }


async def test_the_report_says_what_to_do(world: dict[str, Any], database: Database, check: Check) -> None:
    damaged = [factories.course() for _ in range(7)]
    for course in damaged:
        del course["tags"], course["ratingCount"], course["createdAt"]
    await database["courses"].insert_many(damaged)
    await database["courses"].update_one({"_id": damaged[0]["_id"]}, {"$set": {"status": "live"}})
    done = check()
    assert done.returncode == 1
    first = ", ".join(str(course["_id"]) for course in damaged[:5])
    assert done.stdout.splitlines() == [
        "courses: createdAt is missing (7)", f"  {first} and 2 more",
        "  Set a time. Until then, readers get the time in the _id.",
        "courses: ratingCount is missing (7)", f"  {first} and 2 more",
        f"  `{LECTERN} recount --fix` computes it.",
        "courses: status is not one of ARCHIVED, DRAFT, PUBLISHED (1)", f"  {damaged[0]['_id']}",
        '  Correct the value. Until then, readers get "DRAFT".',
        "courses: tags is missing (7)", f"  {first} and 2 more",
        "  Readers get []. To store it, run in mongosh:"
        " db.courses.updateMany({tags: {$exists: false}}, {$set: {tags: []}})",
        "", "22 problems in 16 documents: 22 in courses.",
    ]  # fmt: skip


async def test_all_prints_every_problem(world: dict[str, Any], database: Database, check: Check) -> None:
    damaged = [factories.course(durationDays=-1) for _ in range(7)]
    await database["courses"].insert_many(damaged)
    printed = [" ".join(line.split()) for line in check("--all").stdout.splitlines()]
    assert printed[:7] == [f"courses {course['_id']} durationDays is below 0" for course in damaged]
    assert printed[7] == "courses: durationDays is below 0 (7)"


async def test_an_id_reaches_the_terminal_escaped(database: Database, check: Check) -> None:
    await database["courses"].insert_one({**factories.course(), "_id": "\x1b[31mred"})
    assert "'\\x1b[31mred'" in check().stdout


async def test_a_damaged_external_id_has_its_own_advice(database: Database, check: Check) -> None:
    await database["categories"].insert_one({"slug": "a", "name": "A", "externalId": 5})
    report = check().stdout
    assert "externalId is not an object" in report
    assert "Set a time" not in report

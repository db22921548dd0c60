"""Documents as `lectern import` stores them."""

import pytest
from bson import ObjectId

from loaders.model.documents import CourseDoc, EnrollmentDoc, ReviewDoc, StudentDoc
from loaders.model.ratings import wilson
from loaders.mongo import Document, Value
from loaders.mongo.database import Database
from loaders.transfer.imports import Importer, Incoming
from loaders.transfer.seen_keys import Seen
from loaders.transfer.touched import Touched
from tests import factories

VOTES = {"importedHelpfulCount": 5, "unhelpfulCount": 2}


def course(number: int, **fields: Value) -> Incoming:
    return Incoming(number, ("s", f"c{number}"), {"title": f"Course {number}", **fields})


async def kinds(importer: Importer, *batch: Incoming) -> list[str]:
    """Imports a batch; returns the kind of each row's outcome."""
    return [outcome.kind for outcome in await importer.upsert(batch)]


@pytest.mark.parametrize(
    ("collection", "fields", "shape"),
    [
        ("courses", {"title": "A"}, CourseDoc),
        ("students", {}, StudentDoc),
        ("reviews", {"courseId": ObjectId(), **VOTES}, ReviewDoc),
        ("enrollments", {"courseId": ObjectId(), "studentId": ObjectId()}, EnrollmentDoc),
    ],
)
async def test_a_new_document_has_every_key(
    database: Database, collection: str, fields: Document, shape: type
) -> None:
    assert await kinds(
        Importer(database, collection, Touched(database)), Incoming(1, ("s", "1"), fields)
    ) == ["created"]
    document = await database[collection].find_one()
    assert document is not None
    unset = {
        "revision",
        "oldSlugs",
        "credits",
        "institution",
        "url",
        "imageUrl",
        "prerequisiteIds",
        "mergedInto",
        "erasedAt",
        "keepsReviews",
        "flagCount",
        "flagRound",
        "moderationReason",
    }
    assert document.keys() == shape.__annotations__.keys() - unset


async def test_only_supplied_fields_are_compared_and_written(database: Database) -> None:
    assert await kinds(
        Importer(database, "courses", Touched(database)), course(1, summary="old", level="ADVANCED")
    ) == ["created"]
    assert await kinds(Importer(database, "courses", Touched(database)), course(1)) == ["unchanged"]
    assert await kinds(Importer(database, "courses", Touched(database)), course(1, summary="new")) == [
        "updated"
    ]
    document = await database["courses"].find_one()
    assert document is not None
    assert (document["summary"], document["level"]) == ("new", "ADVANCED")
    weights = dict(zip(document["searchTerms"], document["searchWeights"], strict=True))
    assert weights["new"] == 3
    assert await kinds(Importer(database, "courses", Touched(database)), course(1, summary=None)) == [
        "updated"
    ]


async def test_null_in_a_field_that_can_t_be_null_keeps_the_value_or_sets_the_default(
    database: Database,
) -> None:
    await kinds(Importer(database, "courses", Touched(database)), course(1, tags=["a"], status="DRAFT"))
    assert await kinds(
        Importer(database, "courses", Touched(database)), course(1, tags=None, status=None)
    ) == ["updated"]
    document = await database["courses"].find_one()
    assert document is not None
    assert (document["tags"], document["status"]) == ([], "DRAFT")


async def test_an_imported_rating_is_combined_with_the_existing_reviews(database: Database) -> None:
    imported = {"average": 4.0, "count": 10}
    await kinds(Importer(database, "courses", Touched(database)), course(1, importedRating=imported))
    await database["courses"].update_one({}, {"$set": {"ratingStars": [0, 0, 0, 0, 10]}})
    update = course(1, importedRating={"average": 3.0, "count": 10})
    assert await kinds(Importer(database, "courses", Touched(database)), update) == ["updated"]
    document = await database["courses"].find_one()
    assert document is not None
    assert (document["ratingAverage"], document["ratingCount"]) == (4.0, 20)


async def helpful(database: Database, **fields: Value) -> tuple[str, int, float]:
    """Imports a review; returns its outcome, helpful count and score."""
    (kind,) = await kinds(Importer(database, "reviews", Touched(database)), Incoming(1, ("s", "1"), fields))
    stored = await database["reviews"].find_one()
    assert stored is not None
    return kind, stored["helpfulCount"], stored["helpfulScore"]


async def test_votes_are_kept_when_an_imported_count_changes(database: Database) -> None:
    assert await helpful(database, **VOTES) == ("created", 5, wilson(5, 2))
    await database["reviews"].update_one({}, {"$inc": {"helpfulCount": 3}})
    assert await helpful(database, **VOTES) == ("unchanged", 8, wilson(5, 2))
    assert await helpful(database, importedHelpfulCount=7) == ("updated", 10, wilson(10, 2))
    assert await helpful(database, unhelpfulCount=0) == ("updated", 10, wilson(10, 0))
    assert await helpful(database, importedHelpfulCount=None) == ("updated", 3, wilson(3, 0))


async def test_an_imported_count_is_added_to_a_review_that_has_only_votes(database: Database) -> None:
    assert await helpful(database) == ("created", 0, 0.0)
    await database["reviews"].update_one({}, {"$inc": {"helpfulCount": 2}})
    assert await helpful(database, importedHelpfulCount=3) == ("updated", 5, wilson(5, 0))


async def test_slugs_are_unique_and_stay(database: Database) -> None:
    importer = Importer(database, "courses", Touched(database))
    same = [Incoming(n, ("s", f"id {n}"), {"title": "C++"}) for n in (1, 2)]
    await importer.upsert(same)
    await importer.upsert(
        [Incoming(3, ("s", "id 3"), {"title": "C++"}), Incoming(4, ("s", "🚀"), {"title": "🚀"})]
    )
    found = {d["externalId"]["id"]: d["slug"] async for d in database["courses"].find()}
    assert found == {"id 1": "cpp", "id 2": "cpp-id-2", "id 3": "cpp-id-3", "🚀": "course"}
    other = [Incoming(n, (source, "id 1"), {"title": "C++"}) for n, source in enumerate(("t", "u"), 5)]
    await Importer(database, "courses", Touched(database)).upsert(other)
    assert await database["courses"].distinct("slug", {"externalId.source": {"$ne": "s"}}) == [
        "cpp-id-1",
        "cpp-id-1-2",
    ]
    again = Importer(database, "courses", Touched(database))
    assert await kinds(again, *[Incoming(1, ("s", "id 1"), {"title": "D"})]) == ["updated"]
    assert {d["slug"] async for d in database["courses"].find({"title": "D"})} == {"cpp"}


async def test_a_new_course_does_not_take_a_former_slug(database: Database) -> None:
    await database["courses"].insert_one(factories.course(slug="now", oldSlugs=["go", "rust"]))
    new = [Incoming(n, ("s", f"{n}"), {"title": title}) for n, title in enumerate(("Go", "Rust", "Now"))]
    await Importer(database, "courses", Touched(database)).upsert(new)
    found = {d["title"]: d["slug"] async for d in database["courses"].find({"externalId.source": "s"})}
    assert found == {"Go": "go-0", "Rust": "rust-1", "Now": "now-2"}


async def test_former_slugs_that_lead_elsewhere_are_not_imported(
    database: Database, mongo_commands: list[str]
) -> None:
    await database["courses"].insert_one(factories.course(slug="a", oldSlugs=["b"]))
    old = [["a", "b", "c", "d"], ["d", "e", "first"]]
    new = [
        Incoming(n, ("s", slug), {"title": slug}, {"slug": slug, "oldSlugs": slugs})
        for n, (slug, slugs) in enumerate(zip(("first", "second"), old, strict=True))
    ]
    mongo_commands.clear()
    await Importer(database, "courses", Touched(database)).upsert(new)
    assert mongo_commands == ["find courses"] * 3 + ["insert courses"]
    found = {d["slug"]: d["oldSlugs"] async for d in database["courses"].find({"externalId.source": "s"})}
    assert found == {"first": ["c", "d"], "second": ["e"]}


async def test_a_repeated_key_is_a_duplicate_or_rejected(database: Database) -> None:
    importer = Importer(database, "courses", Touched(database))
    outcomes = await importer.upsert([course(1), course(1), course(1, title="Other")])
    assert [o.kind for o in outcomes] == ["created", "duplicate", "rejected"]
    assert outcomes[2].reason == "row 1 has the same id “c1” but different values"
    outcomes = await importer.upsert([course(1), course(1, title="Other")])
    assert [o.kind for o in outcomes] == ["duplicate", "rejected"]
    again = Importer(database, "courses", Touched(database))
    assert await kinds(again, course(1), course(1), course(1, title="Other")) == [
        "unchanged",
        "duplicate",
        "rejected",
    ]


async def test_without_writing_nothing_is_written(database: Database) -> None:
    await kinds(Importer(database, "courses", Touched(database)), course(1))
    importer = Importer(database, "courses", Touched(database), write=False)
    assert await kinds(importer, course(1, title="New"), course(2)) == ["updated", "created"]
    assert [d["title"] async for d in database["courses"].find()] == ["Course 1"]


async def test_a_row_that_mongodb_refuses_is_reported_and_affects_no_other(database: Database) -> None:
    await kinds(Importer(database, "students", Touched(database)), Incoming(1, ("s", "1"), {}))
    taken = await database["students"].find_one()
    assert taken is not None
    batch = [
        Incoming(1, ("s", "2"), {}),
        Incoming(2, ("s", "3"), {}, {"_id": taken["_id"]}),
        Incoming(3, ("s", "4"), {}),
    ]
    outcomes = await Importer(database, "students", Touched(database)).upsert(batch)
    assert [o.kind for o in outcomes] == ["created", "rejected", "created"]
    assert "MongoDB refused it" in outcomes[1].reason


@pytest.mark.parametrize(
    ("fields", "status", "progress"),
    [
        ({}, "ACTIVE", 0.0),
        ({"status": "COMPLETED"}, "COMPLETED", 1.0),
        ({"cancelledAt": True}, "CANCELLED", 0.0),
    ],
)
async def test_the_status_of_a_new_enrolment(
    database: Database, fields: Document, status: str, progress: float
) -> None:
    ids = {"courseId": ObjectId(), "studentId": ObjectId()}
    await kinds(
        Importer(database, "enrollments", Touched(database)), Incoming(1, ("s", "1"), {**ids, **fields})
    )
    document = await database["enrollments"].find_one()
    assert document is not None
    assert (document["status"], document["progress"]) == (status, progress)


def test_keys_are_remembered_with_their_rows() -> None:
    seen = Seen()
    for number in range(1, 20_000):
        seen.add(("s", str(number)), number)
        seen.add(("s", str(number)), 7)
    assert [seen.row(("s", str(n))) for n in (1, 4_097, 19_999)] == [1, 4_097, 19_999]
    assert seen.row(("s", "0")) is None

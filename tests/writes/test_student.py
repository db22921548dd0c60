"""Profiles and wishlists of students."""

from asyncio import gather

import pytest

from loaders.mongo.database import Database
from resolvers.context import Viewer
from tests import factories
from tests.writes.support import (
    SOON,
    STAFF,
    Gateway,
    Value,
    as_instructor,
    as_student,
    course_id,
    current,
    stored,
)


async def test_a_profile_is_changed_and_found_by_its_new_name(gateway: Gateway, database: Database) -> None:
    student = factories.student("Bob", bio="Old", country="DE")
    await stored(database, students=[student])
    payload = await gateway.done(
        as_student(student), "updateProfile", name=" Alice\u202e <B.>\n", bio=None,
        avatarUrl="https://a.example/a.png",
    )  # fmt: skip
    changed = payload["student"]
    assert (changed["name"], changed["bio"], changed["country"]) == ("Alice <B.>", None, "DE")
    assert changed["avatarUrl"] == "https://a.example/a.png"
    found = await gateway.ask('{ students(filter: { search: "alice" }) { nodes { name } } }', viewer=STAFF)
    assert found["students"]["nodes"] == [{"name": "Alice <B.>"}]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", None), ("name", "\u200b\u200b"), ("name", "x" * 201), ("country", "Germany"),
        ("country", "de"), ("bio", "x" * 2_001), ("avatarUrl", "javascript:alert(1)"),
        ("avatarUrl", "https://a.example/ b"), ("avatarUrl", "https://" + "a" * 500),
    ],
)  # fmt: skip
async def test_an_invalid_value_is_reported_with_its_path(
    gateway: Gateway, database: Database, field: str, value: Value
) -> None:
    student = factories.student()
    await stored(database, students=[student])
    assert await gateway.codes(as_student(student), "updateProfile", **{field: value}) == [("INVALID", field)]
    assert await current(database, "students", student) == student


async def test_only_students_have_profiles_and_wishlists(gateway: Gateway, database: Database) -> None:
    course = factories.course()
    await stored(database, courses=[course])
    target = {"courseId": course_id(course)}
    gone = as_student(factories.student())
    assert await gateway.codes(gone, "updateProfile", name="A") == [("FORBIDDEN",)]
    for viewer, code in (
        (STAFF, "FORBIDDEN"), (as_instructor(factories.instructor()), "FORBIDDEN"),
        (Viewer(frozenset({"STUDENT"}), subject="nobody"), "FORBIDDEN"), (Viewer(), "UNAUTHENTICATED"),
    ):  # fmt: skip
        assert await gateway.codes(viewer, "updateProfile", name="A") == [(code,)]
        assert await gateway.codes(viewer, "addToWishlist", **target) == [(code,)]
        assert await gateway.codes(viewer, "removeFromWishlist", **target) == [(code,)]
    assert await database["wishlists"].count_documents({}) == 0


async def test_wishes_are_added_once_and_removed(gateway: Gateway, database: Database) -> None:
    courses, student = [factories.course() for _ in range(3)], factories.student()
    await stored(database, courses=courses, students=[student])
    one, two, three = (course_id(course) for course in courses)
    viewer = as_student(student)
    for wished in (one, two, one):
        payload = await gateway.done(viewer, "addToWishlist", courseId=wished)
        assert payload["course"]["id"] == wished
    assert payload["viewer"]["wishlist"]["nodes"] == [{"id": two}, {"id": one}]
    for _ in range(2):
        payload = await gateway.done(viewer, "removeFromWishlist", courseId=two)
        assert payload["viewer"]["wishlist"]["nodes"] == [{"id": one}]
    await gather(
        *(gateway.done(viewer, "addToWishlist", courseId=wished) for wished in (one, two, three) * 4)
    )
    wishlist = await database["wishlists"].find_one({"_id": student["_id"]})
    assert wishlist is not None
    assert len(wishlist["courses"]) == 3


async def test_a_hidden_wish_is_removed_without_revealing_the_course(
    gateway: Gateway, database: Database
) -> None:
    archived, draft, student = (
        factories.course(status="ARCHIVED"),
        factories.course(status="DRAFT"),
        factories.student(),
    )
    wishlist = {"_id": student["_id"], "courses": [{"courseId": archived["_id"], "addedAt": SOON}]}
    await stored(database, courses=[archived, draft], students=[student], wishlists=[wishlist])
    viewer = as_student(student)
    payload = await gateway.done(viewer, "removeFromWishlist", courseId=course_id(archived))
    assert payload["course"] is None
    assert (await current(database, "wishlists", wishlist))["courses"] == []
    for name in ("addToWishlist", "removeFromWishlist"):
        for hidden in (archived, draft, factories.course()):
            assert await gateway.codes(viewer, name, courseId=course_id(hidden)) == [
                ("NOT_FOUND", "courseId")
            ]


async def test_a_full_wishlist_refuses_more(gateway: Gateway, database: Database) -> None:
    course, student = factories.course(), factories.student()
    wishes = [{"courseId": factories.course()["_id"], "addedAt": SOON} for _ in range(199)]
    there = factories.course()
    wishes.append({"courseId": there["_id"], "addedAt": SOON})
    await stored(
        database, courses=[course, there], students=[student],
        wishlists=[{"_id": student["_id"], "courses": wishes}],
    )  # fmt: skip
    viewer = as_student(student)
    assert await gateway.codes(viewer, "addToWishlist", courseId=course_id(course)) == [
        ("CONFLICT", "courseId")
    ]
    await gateway.done(viewer, "addToWishlist", courseId=course_id(there))
    await gateway.done(viewer, "removeFromWishlist", courseId=course_id(there))
    await gateway.done(viewer, "addToWishlist", courseId=course_id(course))

"""A call of every write, each on its own documents and with as much to do as possible."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from bson import ObjectId

from loaders.mongo.bson_types import now
from loaders.mongo.database import Database
from resolvers.context import Viewer
from resolvers.relay import ids
from resolvers.schema import schema
from tests import factories
from tests.writes.support import (
    DAY,
    SOON,
    Doc,
    Value,
    course_id,
    enrollment_id,
    review_id,
    review_of,
    run_id,
    run_of,
    stored,
)


class Scene(NamedTuple):
    """A call of a mutation: its viewer and its input."""

    viewer: Viewer
    input: Mapping[str, Value]


async def scenes(database: Database) -> Mapping[str, Scene]:
    """Stores the documents and returns the call of each write by name. All viewers have a session."""
    teacher, learner = factories.instructor("Ada"), factories.student("Bob")
    session = ObjectId()
    staff = Viewer(frozenset({"STAFF"}), subject="staff", session_id=session)
    ada = Viewer(frozenset({"INSTRUCTOR"}), None, teacher["_id"], "ada", session)
    bob = Viewer(frozenset({"STUDENT"}), learner["_id"], None, "bob", session)
    web = factories.category("web")
    names = (
        "update", "publish", "archive", "run", "seats", "enroll", "cancel", "progress", "wish", "wished",
        "review", "change", "delete", "vote", "reply", "moderate",
    )  # fmt: skip
    course = {name: _course(name, teacher) for name in names}
    course["publish"]["status"] = "ARCHIVED"
    others = [factories.student() for _ in range(4)]
    run = {
        "seats": run_of(course["seats"], seats=1),
        "enroll": run_of(course["enroll"], seats=1),
        "cancel": run_of(course["cancel"], seats=1),
        "progress": run_of(course["progress"], seats=2),
    }
    places = {
        "cancel": _place(course["cancel"], run["cancel"], learner),
        "progress": _place(course["progress"], run["progress"], learner),
        "review": factories.enrollment(course["review"], learner),
    }
    waiting = [
        _place(course["seats"], run["seats"], others[0]),
        _place(course["seats"], run["seats"], others[1], status="WAITLISTED"),
        _place(course["cancel"], run["cancel"], others[0], status="WAITLISTED"),
    ]
    reviews = {
        name: review_of(course[name], learner, rating=5)
        for name in ("publish", "archive", "change", "delete")
    }
    reviews |= {name: review_of(course[name], others[2]) for name in ("vote", "reply", "moderate")}
    await stored(
        database, instructors=[teacher], categories=[web], courses=list(course.values()),
        students=[learner, *others], courseRuns=[*run.values(), run_of(course["archive"])],
        enrollments=[*places.values(), *waiting], reviews=list(reviews.values()),
        wishlists=[{"_id": learner["_id"], "courses": [_wish(course["wished"])]}],
        sessions=[{"_id": session, "endedAt": None, "expiresAt": now() + timedelta(days=1)}],
    )  # fmt: skip
    described = {
        "title": "C++ & C", "slug": "a-slug", "summary": "S", "description": "D",
        "categoryId": ids.encode_id("Category", web), "instructorIds": [ids.encode_id("Instructor", teacher)],
        "price": {"amountMinor": 100, "currency": "EUR"}, "level": "BEGINNER", "deliveryModes": ["ONSITE"],
        "durationDays": 2, "language": "en", "codes": ["C"], "tags": ["t"],
    }  # fmt: skip
    held = {"startsAt": SOON.isoformat(), "deliveryMode": "ONLINE", "seats": 5, "location": "Here"}
    said = {"rating": 3, "body": "B", "title": "T", "difficulty": 2, "workloadHours": 1.5, "term": "2026-1"}
    inputs: dict[str, tuple[Viewer, Doc]] = {
        "updateProfile": (
            bob,
            {"name": "Bob B.", "bio": "I", "country": "DE", "avatarUrl": "https://a.example"},
        ),
        "createCourse": (ada, described),
        "updateCourse": (ada, {"courseId": course_id(course["update"]), **described}),
        "publishCourse": (ada, {"courseId": course_id(course["publish"])}),
        "archiveCourse": (ada, {"courseId": course_id(course["archive"])}),
        "createCourseRun": (ada, {"courseId": course_id(course["run"]), **held}),
        "updateCourseRun": (ada, {"runId": run_id(run["seats"]), **held}),
        "enroll": (bob, {"courseId": course_id(course["enroll"]), "runId": run_id(run["enroll"])}),
        "cancelEnrollment": (bob, {"enrollmentId": enrollment_id(places["cancel"])}),
        "updateProgress": (bob, {"enrollmentId": enrollment_id(places["progress"]), "progress": 1}),
        "addToWishlist": (bob, {"courseId": course_id(course["wish"])}),
        "removeFromWishlist": (bob, {"courseId": course_id(course["wished"])}),
        "createReview": (bob, {"courseId": course_id(course["review"]), **said}),
        "updateReview": (bob, {"reviewId": review_id(reviews["change"]), **said}),
        "deleteReview": (bob, {"reviewId": review_id(reviews["delete"])}),
        "markReviewHelpful": (bob, {"reviewId": review_id(reviews["vote"])}),
        "replyToReview": (ada, {"reviewId": review_id(reviews["reply"]), "body": "Thanks"}),
        "moderateReview": (staff, {"reviewId": review_id(reviews["moderate"]), "status": "REJECTED"}),
    }
    return {
        name: Scene(viewer, {**values, "idempotencyKey": f"key of {name}"})
        for name, (viewer, values) in inputs.items()
    }


#: The mutations of sessions, which aren't declared as writes (`resolvers.writing.write`).
_SESSIONS = {"signUp", "signIn", "refreshSession", "signOut", "changePassword", "resetPassword"}
NAMES = [name for name in schema.mutation_type.fields if name not in _SESSIONS]  # type: ignore[union-attr]


def _course(name: str, teacher: Doc) -> Doc:
    return factories.course(
        name,
        summary="About it.",
        categorySlug="web",
        deliveryModes=["ONLINE"],
        instructorIds=[teacher["_id"]],
    )


def _place(course: Doc, run: Doc, by: Doc, **fields: Value) -> Doc:
    return factories.enrollment(course, by, runId=run["_id"], **fields)


def _wish(course: Doc) -> Doc:
    return {"courseId": course["_id"], "addedAt": SOON - 90 * DAY}

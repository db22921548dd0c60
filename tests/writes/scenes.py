"""A call of every write, each on its own documents and with as much to do as possible."""

from collections.abc import Mapping
from typing import NamedTuple

from bson import ObjectId

from loaders.accounts import digest_of
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
    account_id,
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
    eve, eves_profile, other_session = ObjectId(), factories.student("Eve"), ObjectId()
    eva = Viewer(frozenset({"STUDENT"}), eves_profile["_id"], None, str(eve), session)
    web = factories.category("web")
    category = {name: factories.category(name, oldSlugs=[f"old-{name}"]) for name in ("a", "b", "c", "d")}
    names = (
        "update", "publish", "archive", "run", "seats", "enroll", "cancel", "progress", "wish", "wished",
        "review", "change", "delete", "vote", "reply", "moderate", "drop", "place", "move",
        "erase", "requires",
    )  # fmt: skip
    course = {name: _course(name, teacher) for name in names}
    course["publish"]["status"] = "ARCHIVED"
    course["update"]["categorySlug"] = None
    course["erase"]["status"] = "DRAFT"
    course["requires"]["prerequisiteIds"] = [course["erase"]["_id"]]
    others = [factories.student() for _ in range(4)]
    run = {
        "seats": run_of(course["seats"], seats=1),
        "enroll": run_of(course["enroll"], seats=1),
        "cancel": run_of(course["cancel"], seats=1),
        "progress": run_of(course["progress"], seats=2),
        "drop": run_of(course["drop"], seats=1),
        "place": run_of(course["place"], seats=1),
        "move": run_of(course["move"], seats=1),
        "moved": run_of(course["move"], seats=1),
    }
    places = {
        "cancel": _place(course["cancel"], run["cancel"], learner),
        "progress": _place(course["progress"], run["progress"], learner),
        "review": factories.enrollment(course["review"], learner),
        "move": _place(course["move"], run["move"], learner),
    }
    waiting = [
        _place(course["seats"], run["seats"], others[0]),
        _place(course["seats"], run["seats"], others[1], status="WAITLISTED"),
        _place(course["cancel"], run["cancel"], others[0], status="WAITLISTED"),
        _place(course["move"], run["move"], others[0], status="WAITLISTED"),
        _place(course["drop"], run["drop"], others[0]),
        _place(course["drop"], run["drop"], others[1], status="WAITLISTED"),
    ]
    reviews = {
        name: review_of(course[name], learner, rating=5)
        for name in ("publish", "archive", "change", "delete")
    }
    reviews |= {name: review_of(course[name], others[2]) for name in ("vote", "reply", "moderate")}
    empty_runs = [run_of(course[name]) for name in ("archive", "erase")]
    former, namesake = factories.instructor("Former"), factories.instructor("Tess")
    accounts = {
        "change": factories.account("Tess", roles=["STAFF"]),
        "staff": factories.account("Root", roles=["STAFF"]),
        "namesake": factories.account("Other Tess", instructorId=namesake["_id"]),
        "link": factories.account("Linda", roles=["INSTRUCTOR"], instructorId=former["_id"]),
    }
    await stored(
        database, instructors=[teacher, former, namesake], categories=[web, *category.values()],
        courses=[*course.values(), *(factories.course(categorySlug=slug) for slug in ("a", "b"))],
        students=[learner, eves_profile, *others], courseRuns=[*run.values(), *empty_runs],
        enrollments=[*places.values(), *waiting], reviews=list(reviews.values()),
        wishlists=[{"_id": learner["_id"], "courses": [_wish(course["wished"])]}],
        sessions=[
            {"_id": key, "accountId": eve, "endedAt": None, "expiresAt": now() + DAY}
            for key in (session, other_session)
        ],
        accounts=[
            *accounts.values(),
            factories.account("Bob", studentId=learner["_id"]),
            factories.account("Eve", _id=eve, studentId=eves_profile["_id"], roles=["STUDENT"]),
        ],
        accountTokens=[
            {
                "_id": digest_of("a link"), "purpose": "CHANGE_EMAIL", "accountId": eve, "isMailed": True,
                "email": "eva@example.org", "createdAt": now(), "expiresAt": now() + DAY, "usedAt": None,
            }
        ],
    )  # fmt: skip
    described = {
        "title": "C++ & C", "slug": "a-slug", "summary": "S", "description": "D",
        "categoryId": ids.encode_id("Category", web), "instructorIds": [ids.encode_id("Instructor", teacher)],
        "price": {"amountMinor": 100, "currency": "EUR"}, "level": "BEGINNER", "deliveryModes": ["ONSITE"],
        "durationDays": 2, "language": "en", "codes": ["C"], "tags": ["t"],
    }  # fmt: skip
    held = {"startsAt": SOON.isoformat(), "deliveryMode": "ONLINE", "seats": 5, "location": "Here"}
    said = {"rating": 3, "body": "B", "title": "T", "difficulty": 2, "workloadHours": 1.5, "term": "2026-1"}
    category_id = {name: ids.encode_id("Category", one) for name, one in category.items()}
    shown = {
        "slug": "another", "description": "D", "imageUrl": "https://a.example/i.png", "position": 3,
    }  # fmt: skip
    profile = {"slug": "a-teacher", "headline": "H", "bio": "B", "avatarUrl": "https://a.example/a.png"}
    inputs: dict[str, tuple[Viewer, Doc]] = {
        "updateProfile": (
            bob,
            {"name": "Bob B.", "bio": "I", "country": "DE", "avatarUrl": "https://a.example"},
        ),
        "endSession": (eva, {"sessionId": str(other_session)}),
        "verifyEmail": (eva, {"token": "a link"}),
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
        "enrollStudent": (
            staff,
            {
                "studentId": ids.encode_id("Student", learner),
                "courseId": course_id(course["place"]),
                "runId": run_id(run["place"]),
            },
        ),
        "moveEnrollment": (
            staff,
            {"enrollmentId": enrollment_id(places["move"]), "runId": run_id(run["moved"])},
        ),
        "cancelCourseRun": (staff, {"runId": run_id(run["drop"])}),
        "moderateReview": (
            staff,
            {"reviewId": review_id(reviews["moderate"]), "status": "REJECTED", "reason": "Rude."},
        ),
        "flagReview": (bob, {"reviewId": review_id(reviews["vote"])}),
        "createCategory": (staff, {"name": "Another", **shown}),
        "updateCategory": (staff, {"categoryId": category_id["a"], "name": "Another", **shown}),
        "mergeCategories": (
            staff,
            {"fromCategoryId": category_id["b"], "intoCategoryId": category_id["c"]},
        ),
        "createInstructor": (staff, {"name": "Grace H.", **profile}),
        "updateInstructor": (
            ada,
            {"instructorId": ids.encode_id("Instructor", teacher), "name": "Ada L.", **profile},
        ),
        "deleteCourse": (staff, {"courseId": course_id(course["erase"])}),
        "deleteCategory": (staff, {"categoryId": category_id["d"]}),
        "updateAccount": (
            staff,
            {
                "accountId": account_id(accounts["change"]),
                "roles": ["STUDENT", "INSTRUCTOR"],
                "status": "DEACTIVATED",
            },
        ),
        "eraseStudent": (staff, {"studentId": ids.encode_id("Student", others[3])}),
        "linkAccount": (
            staff,
            {
                "accountId": account_id(accounts["link"]),
                "person": {"instructorId": ids.encode_id("Instructor", teacher)},
            },
        ),
    }
    return {
        name: Scene(viewer, {**values, "idempotencyKey": f"key of {name}"})
        for name, (viewer, values) in inputs.items()
    }


#: The mutations of sessions, which aren't declared as writes (`resolvers.writing.write`).
_SESSIONS = {
    "signUp", "signIn", "refreshSession", "signOut", "changePassword", "resetPassword",
    "requestPasswordReset", "resendVerification", "changeEmail", "deleteAccount",
}  # fmt: skip
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

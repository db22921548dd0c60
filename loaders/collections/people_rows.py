"""The collections of people: their accounts, and what they do and write."""

from datetime import datetime

from bson import ObjectId

from loaders.collections.stored_collection import EVERYONE, KEEP, NOBODY, Index, SeenBy, StoredCollection
from loaders.model import (
    ANONYMOUS_STUDENT,
    LIVE_ENROLLMENTS,
    AccountDoc,
    AccountTokenDoc,
    EnrollmentDoc,
    ErasureDoc,
    FlagDoc,
    ReviewDoc,
    SessionDoc,
    StudentDoc,
    VoteDoc,
    WishlistDoc,
    new_enrollment,
    new_review,
    new_student,
    wilson,
)
from loaders.mongo import Document, Fields
from loaders.text import name_keys

#: Matches every `_id`, but not null. A partial index with `$type` wouldn't be used to find one `_id`.
_REFERENCE = {"$gt": ObjectId(bytes(12))}


#: The indexes for lists of all reviews, one for each sort field.
_REVIEW_ORDERS = [
    Index([("status", 1), (field, -1), ("_id", 1)], f"lists of all reviews by {order}")
    for field, order in {"createdAt": "age", "helpfulScore": "votes", "rating": "rating"}.items()
]


def _helpful_score(review: Fields) -> Document:
    return {"helpfulScore": wilson(review["helpfulCount"], review["unhelpfulCount"])}


def _account_keys(account: Fields) -> Fields:
    """Returns an account's sort key and search terms. An account without a name is listed by its address."""
    return name_keys({"name": account.get("name") or account["email"]})


PEOPLE = (
    StoredCollection(
        name="students",
        noun="student",
        seen_by=EVERYONE,
        document=StudentDoc,
        missing={"name": ANONYMOUS_STUDENT},
        type_name="Student",
        id_code=b"stu",
        derived_from=frozenset(("name",)),
        derive=name_keys,
        derived=frozenset(("searchTerms", "sortName")),
        aggregates=frozenset(("newestReviewIds", "revision")),
        importable=True,
        new=new_student,
        not_null={"name": ANONYMOUS_STUDENT},
        own_indexes=[
            Index([("sortName", 1), ("_id", -1)], "lists of students by name"),
            Index([("searchTerms", 1)], "searches for students"),
            Index([("country", 1)], "lists of students of a country"),
            Index([("email", 1)], "the student with an address"),
            Index([("mergedInto", 1)], "unfinished merges", where={"mergedInto": {"$exists": True}}),
        ],
        former_indexes=["search.t_1", "sortName_1__id_1"],
    ),
    StoredCollection(
        name="enrollments",
        noun="enrolment",
        seen_by=SeenBy(nobody=True, rule="Enrollment", owner="studentId"),
        document=EnrollmentDoc,
        missing={"status": "CANCELLED"},
        type_name="Enrollment",
        id_code=b"enr",
        importable=True,
        new=new_enrollment,
        not_null={"status": KEEP, "progress": KEEP},
        own_indexes=[
            Index([("courseId", 1), ("enrolledAt", -1), ("_id", 1)], "a course's enrolments"),
            Index([("studentId", 1), ("enrolledAt", -1), ("_id", 1)], "a student's enrolments"),
            Index([("status", 1), ("studentId", 1)], "the platform's number of enrolled students"),
            Index([("runId", 1), ("status", 1), ("enrolledAt", 1), ("_id", 1)], "a run's waitlist"),
            Index([("runId", 1), ("enrolledAt", -1), ("_id", 1)], "a run's enrolments"),
            # "Live" means active or on a waitlist. Imported enrolments are exempt.
            Index(
                [("studentId", 1), ("courseId", 1)],
                "one live enrolment per student and course",
                unique=True,
                where={"externalId": {"$eq": None}, "status": {"$in": list(LIVE_ENROLLMENTS)}},
            ),
        ],
    ),
    StoredCollection(
        name="reviews",
        noun="review",
        seen_by=SeenBy(published=True, with_course=True, rule="Review.unpublished"),
        document=ReviewDoc,
        missing={"status": "PENDING", "flagCount": 0, "flagRound": 0},
        type_name="Review",
        id_code=b"rev",
        reads=frozenset(("createdAt",)),  # needed to build cursors for reviews that are fetched by `_id`
        derived_from=frozenset(("helpfulCount", "unhelpfulCount")),
        derive=_helpful_score,
        derived=frozenset(("helpfulScore",)),
        aggregates=frozenset(("helpfulCount", "flagCount")),
        audited=frozenset(("helpfulCount", "flagCount")),
        importable=True,
        new=new_review,
        not_null={
            "body": "", "verified": KEEP, "importedHelpfulCount": 0, "unhelpfulCount": 0, "status": KEEP,
        },
        own_indexes=[
            Index([("courseId", 1), ("createdAt", -1), ("_id", 1)], "a course's reviews by age"),
            Index([("courseId", 1), ("helpfulScore", -1), ("_id", 1)], "a course's reviews by votes"),
            Index([("courseId", 1), ("rating", -1), ("_id", 1)], "a course's reviews by rating"),
            Index([("studentId", 1), ("createdAt", -1), ("_id", 1)], "a student's reviews"),
            *_REVIEW_ORDERS,
            Index(
                [("createdAt", -1), ("_id", 1)],
                "lists of flagged reviews",
                where={"flagCount": {"$gt": 0}},
            ),
            Index(  # imported reviews are exempt
                [("studentId", 1), ("courseId", 1)],
                "one review per student and course",
                unique=True,
                where={"externalId": {"$eq": None}, "studentId": {"$type": "objectId"}},
            ),
        ],
    ),
    StoredCollection(
        name="votes",
        noun="vote",
        seen_by=NOBODY,
        document=VoteDoc,
        own_indexes=[
            Index([("_id.reviewId", 1)], "a review's votes"),
            Index([("_id.studentId", 1)], "a student's votes"),
        ],
    ),
    StoredCollection(
        name="flags",
        noun="flag",
        seen_by=NOBODY,
        document=FlagDoc,
        own_indexes=[
            Index([("_id.reviewId", 1)], "a review's flags"),
            Index([("_id.subject", 1), ("at", -1)], "the latest flags of a person"),
            Index([("studentId", 1)], "a student's flags"),
        ],
    ),
    StoredCollection(name="wishlists", noun="wishlist", seen_by=NOBODY, document=WishlistDoc),
    StoredCollection(
        name="accounts",
        noun="account",
        seen_by=SeenBy(nobody=True, rule="Query.accounts"),
        document=AccountDoc,
        type_name="Account",
        id_code=b"acc",
        derived_from=frozenset(("name", "email")),
        derive=_account_keys,
        derived=frozenset(("searchTerms", "sortName")),
        aggregates=frozenset(("revision",)),
        secret=frozenset(("passwordHash", "reset", "signUpKey")),
        own_indexes=[
            Index([("email", 1)], "signing in", unique=True),
            Index(
                [("reset.digest", 1)], "password resets", where={"reset.digest": {"$exists": True}}
            ),
            Index([("sortName", 1), ("_id", -1)], "lists of accounts by name"),
            Index([("roles", 1), ("sortName", 1), ("_id", -1)], "lists of accounts with a role"),
            Index([("searchTerms", 1)], "searches for accounts"),
            Index(
                [("studentId", 1)],
                "one account per student",
                unique=True,
                where={"studentId": _REFERENCE},
            ),
            Index(
                [("instructorId", 1)],
                "one account per instructor",
                unique=True,
                where={"instructorId": _REFERENCE},
            ),
        ],
    ),
    StoredCollection(
        name="sessions",
        noun="session",
        seen_by=NOBODY,
        document=SessionDoc,
        missing={"endedAt": datetime(1970, 1, 1)},  # whatever it is, the session has ended
        unaudited=frozenset(
            ("generation", "refreshKey", "branches", "used", "lastSeenAt", "address", "client")
        ),
        backed_up=False,  # a restore would bring sessions back that have been ended since
        own_indexes=[
            Index([("accountId", 1)], "an account's sessions"),
            Index([("expiresAt", 1)], "deletes expired sessions", seconds=0),
        ],
    ),
    StoredCollection(
        name="accountTokens",
        noun="link",
        seen_by=NOBODY,
        document=AccountTokenDoc,
        unaudited=frozenset(("email",)),
        backed_up=False,  # a restore would make links valid again that have been used since
        own_indexes=[
            Index([("accountId", 1), ("purpose", 1), ("createdAt", -1)], "an account's links"),
            Index([("expiresAt", 1)], "deletes expired links", seconds=0),
        ],
    ),
    StoredCollection(name="erasures", noun="erasure", seen_by=NOBODY, document=ErasureDoc),
)  # fmt: skip

"""A small world of documents, with a value for every field and an object for every mutation.

Ada (a student) and Grace (an instructor) own the objects under test; Bob and Alan are another student and
instructor.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeAlias

from argon2 import PasswordHasher
from bson import ObjectId

from loaders.model.ratings import summarise
from loaders.mongo.database import Database
from resolvers.context import RefreshToken
from resolvers.relay import ids
from tests import factories
from tests.factories import DAY, T0, clear, list_newest
from tests.support import TOKENS

#: A part of a decoded response, whose shape each test knows.
Json: TypeAlias = Any
#: A value of a document, an input or an argument.
Value: TypeAlias = Any

Document = dict[str, Any]  # a document, as BSON holds it

#: Documents by collection.
Dump = Mapping[str, list[Document]]

PASSWORD, RESET = "correct horse battery", "the secret of a reset link"
NOW = datetime.now(UTC).replace(microsecond=0)

_person = {"avatarUrl": "https://example.org/a.png", "country": "IN", "bio": "Curious.", "joinedAt": T0}
ada, bob, cy, dee = (
    factories.student(name, email=f"{name}@example.org", **_person) for name in ("Ada", "Bob", "Cy", "Dee")
)
_teacher = {"headline": "Teaches.", "bio": "Has taught.", "avatarUrl": "https://example.org/t.png"}
grace, alan, cyril = (factories.instructor(name, **_teacher) for name in ("Grace", "Alan", "Cyril"))
web = factories.category("web", description="D", imageUrl="https://example.org/w.png", position=1)
spare = factories.category("spare", position=2)


def _course(slug: str, **fields: Value) -> Document:
    return factories.course(slug=slug, instructorIds=[grace["_id"]], categorySlug="web", **fields)


def _enrollment(course: Document, student: Document, **fields: Value) -> Document:
    return factories.enrollment(course, student, progress=0.5, completedAt=T0, **fields)


#: `course` has a value for every field; `draft`, `blank` and `archived` are hidden, and nothing belongs to
#: `blank`; nobody is enrolled in `fresh`. Ada is enrolled in `reviewable`, which she has not reviewed. She
#: has completed and reviewed `reviewed`, and waits for a seat in another run of it. Bob is enrolled in
#: `reviewed`.
course = _course(
    "course", codes=["W1"], summary="S", description="D", level="BEGINNER", language="en",
    deliveryModes=["ONLINE"], durationDays=30, tags=["t"], price={"amountMinor": 100, "currency": "INR"},
    importedStudentCount=1, credits=5.0, institution="U", url="https://example.org/c",
    imageUrl="https://example.org/c.png",
) | summarise([1] * 5, {"average": 4.0, "count": 3})  # fmt: skip
draft = _course("draft", status="DRAFT", summary="S", deliveryModes=["ONLINE"], oldSlugs=["sketch"])
blank = _course("blank", status="DRAFT")
archived = _course("archived", status="ARCHIVED", oldSlugs=["ended"])
fresh, reviewable, reviewed = (_course(slug) for slug in ("fresh", "reviewable", "reviewed"))
course["prerequisiteIds"] = [archived["_id"], fresh["_id"]]

_when = {"startsAt": NOW + 9 * DAY, "endsAt": NOW + 10 * DAY}
_where = {"title": "Evenings", "location": "Pune", "seats": 9, "seatsTaken": 1, "waitlistCount": 1}
run, hidden_run = (factories.course_run(of, **_when, **_where) for of in (course, draft))
other_run = factories.course_run(reviewed, **_when, waitlistCount=1)

place = _enrollment(course, ada, runId=run["_id"])
other_place = _enrollment(reviewed, bob)
kept_place = _enrollment(archived, ada, status="COMPLETED")

_reply = {"instructorId": grace["_id"], "body": "Thanks.", "createdAt": T0}
review = factories.review(
    course, cy, title="T", difficulty=3, workloadHours=4.5, term="2014-3", verified=True, helpfulCount=1,
    importedHelpfulCount=0, updatedAt=T0, reply=_reply, flagCount=1,
)  # fmt: skip
pending = factories.review(course, ada, status="PENDING")
own_review = factories.review(reviewed, ada, moderationReason="R")
hidden_review = factories.review(draft, cy)
kept_review = factories.review(archived, ada)

_wish = [{"courseId": of["_id"], "addedAt": T0} for of in (course, archived)]
_actor = {"subject": "s", "roles": ["STAFF"], "studentId": ada["_id"], "instructorId": grace["_id"]}
_change = {"collection": "courses", "documentId": str(course["_id"]), "before": {"a": 1}, "after": {"a": 2}}


def account(name: str, role: str, **fields: Value) -> Document:
    own = {"roles": [role], "passwordHash": _password_hash, "emailVerifiedAt": T0}
    return factories.account(name, **{**own, **fields})


def session(account: Document) -> Document:
    return {
        "_id": ObjectId(), "accountId": account["_id"], "generation": 0, "refreshKey": None, "createdAt": T0,
        "expiresAt": NOW + 9 * DAY, "endedAt": None, "address": "::1", "client": "Browser",
    }  # fmt: skip


_password_hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
_reset = {"digest": sha256(RESET.encode()).digest(), "expiresAt": NOW + 9 * DAY}
accounts = {
    "student": account("ada", "STUDENT", studentId=ada["_id"]),
    "other student": account("bob", "STUDENT", studentId=bob["_id"]),
    "instructor": account("grace", "INSTRUCTOR", instructorId=grace["_id"]),
    "other instructor": account("alan", "INSTRUCTOR", instructorId=alan["_id"]),
    "staff": account("root", "STAFF"),
    # the first account by name: it has a value for every field
    "someone": account(
        "Aa", "STUDENT", email="cy@example.org", studentId=cy["_id"], instructorId=cyril["_id"], reset=_reset,
        signedInAt=T0, emailVerifiedAt=T0,
    ),
    "second staff": account("zed", "STAFF"),  # without whom the first couldn't be deleted
}  # fmt: skip
sessions = {name: session(of) for name, of in accounts.items()}
links = {
    name: {
        "_id": sha256(f"link of {name}".encode()).hexdigest(), "purpose": "VERIFY", "accountId": of["_id"],
        "email": of["email"], "isMailed": True, "createdAt": T0, "expiresAt": NOW + 9 * DAY, "usedAt": None,
    }
    for name, of in accounts.items()
}  # fmt: skip

_DOCUMENTS: Mapping[str, list[Document]] = {
    "categories": [web, spare],
    "instructors": [grace, alan, cyril],
    "courses": [course, draft, blank, archived, fresh, reviewable, reviewed],
    "courseRuns": [run, hidden_run, other_run],
    "students": [ada, bob, cy, dee],
    "enrollments": [
        place, kept_place, other_place, _enrollment(reviewable, ada),
        _enrollment(reviewed, ada, status="COMPLETED"),
        _enrollment(reviewed, ada, runId=other_run["_id"], status="WAITLISTED"),
    ],
    "reviews": [review, pending, own_review, hidden_review, kept_review],
    "flags": [
        {"_id": {"reviewId": review["_id"], "subject": "s"}, "studentId": bob["_id"], "at": T0, "round": 0}
    ],
    "votes": [{"_id": {"reviewId": review["_id"], "studentId": ada["_id"]}}],
    "wishlists": [{"_id": student["_id"], "courses": _wish} for student in (ada, bob)],
    "accounts": list(accounts.values()),
    "sessions": list(sessions.values()),
    "accountTokens": list(links.values()),
    "auditLog": [
        {"_id": ObjectId(), "at": T0, "action": "a", "actor": _actor, "address": "::1", "changes": [_change]}
    ],
}  # fmt: skip


async def create(database: Database) -> Dump:
    """Stores the world and returns it as it is stored."""
    await restore(database, _DOCUMENTS)
    await list_newest(database)
    return await dump(database)


async def restore(database: Database, world: Dump) -> None:
    """Restores the database to a dump."""
    await clear(database)
    for name, documents in world.items():
        await database[name].insert_many(documents)


async def dump(database: Database) -> Dump:
    """Returns everything that is stored."""
    names = sorted(await database.driver.list_collection_names())
    found = {name: await database[name].find().sort("_id", 1).to_list(None) for name in names}
    return {name: documents for name, documents in found.items() if documents}


def global_id(type_name: str, document: Document) -> str:
    return ids.encode_id(type_name, document)


def session_id(identity: str) -> str:
    """Returns the id of an identity's session; of somebody's if the identity has none."""
    return str(sessions[identity if identity in sessions else "someone"]["_id"])


def refresh_token(identity: str) -> str:
    return TOKENS.refresh(RefreshToken(sessions[identity]["_id"], 0))

"""The events and messages that must exist according to the audit log, which knows each committed write.

The audit log is written in the transaction of each write, by other code than the outbox.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from bson import ObjectId

from loaders.mongo import Database

_Json: TypeAlias = Any  # an entry of the audit log, or a part of one

#: The event of a review that gets a status.
_REVIEWS = {"PUBLISHED": "review.written", "PENDING": "review.held"}


_COUNTS = frozenset(("seatsTaken", "waitlistCount"))  # fields of a run that change with its enrolments


class Expected(NamedTuple):
    """What the committed writes must have led to.

    events: by kind and subject, such as "Course:" and an id. messages: by kind and the id of the student or
    account, without those to people who were erased: they were deleted with them. erased: the ids of these
    people. deleted: the number of accounts that were deleted, of which their owners are told.
    """

    events: Counter[tuple[str, str]]
    messages: Counter[tuple[str, ObjectId]]
    erased: frozenset[ObjectId]
    deleted: int


async def expected_deliveries(database: Database) -> Expected:
    """Reads the audit log."""
    events, messages = Counter[tuple[str, str]](), Counter[tuple[str, ObjectId]]()
    erased, deleted = set[ObjectId](), 0
    students = {str(one["_id"]): one["studentId"] async for one in database["enrollments"].find({})}
    async for entry in database["auditLog"].find({}):
        for change in entry["changes"]:
            own = change["documentId"]
            events.update(_events(entry["action"], change, own))
            is_deleted = change["collection"] == "accounts" and change["after"] is None
            if is_deleted or (change["after"] or {}).get("erasedAt"):
                erased.add(ObjectId(own))
                deleted += is_deleted
            for kind in _messages(entry["action"], change):
                messages[kind, students.get(own) or ObjectId(own)] += 1
    for key in [key for key in messages if key[1] in erased]:
        del messages[key]
    return Expected(events, messages, frozenset(erased), deleted)


def _events(action: str, change: Mapping[str, _Json], own: str) -> Iterator[tuple[str, str]]:
    before, after = change["before"], change["after"] or {}
    match change["collection"]:
        case "enrollments" if before is None:
            yield "enrollment.created", f"Enrollment:{own}"
        case "enrollments" if _moved_up(change):
            yield "enrollment.moved_up", f"Enrollment:{own}"
        case "courses" if after.get("status") == "PUBLISHED":
            yield "course.published", f"Course:{own}"
        case "courseRuns" if action == "updateCourseRun" and after.keys() - _COUNTS:
            yield "course_run.changed", f"CourseRun:{own}"
        case "courseRuns" if after.get("status") == "CANCELLED":
            yield "course_run.cancelled", f"CourseRun:{own}"
        case "reviews" if (status := after.get("status")) != (before or {}).get("status"):
            if kind := _REVIEWS.get(status or ""):
                yield kind, f"Review:{own}"


def _messages(action: str, change: Mapping[str, _Json]) -> Iterator[str]:
    after = change["after"] or {}
    match change["collection"]:
        case "accounts" if change["before"] is None:
            yield "verify_email"
        case "enrollments" if _moved_up(change):
            yield "moved_up"
        case "enrollments" if action == "cancelCourseRun" and after.get("status") == "CANCELLED":
            yield "run_cancelled"


def _moved_up(change: Mapping[str, _Json]) -> bool:
    before, after = ((change[side] or {}).get("status") for side in ("before", "after"))
    return bool((before, after) == ("WAITLISTED", "ACTIVE"))

"""Who may see and do what: the functions that ask the table of resolvers/access/rules.py.

Nothing else decides.

What a viewer may not see is absent, never an error; what they may not do is refused with a reason.
"""

from collections.abc import Sequence
from typing import Any, get_args

from bson import ObjectId

from loaders.documents import (
    AuditDoc,
    CourseDoc,
    CourseRunDoc,
    CourseStatus,
    EnrollmentDoc,
    ReviewDoc,
    ReviewStatus,
    StudentDoc,
)
from loaders.reading.ownership import NOBODY, Owners
from resolvers.access.rules import RULES, Grant
from resolvers.context import Viewer
from resolvers.errors import refusal

PUBLISHED: Sequence[Any] = ("PUBLISHED",)
ANY_COURSE: Sequence[CourseStatus] = get_args(CourseStatus)
_ANY_REVIEW: Sequence[ReviewStatus] = get_args(ReviewStatus)


def grants(viewer: Viewer, name: str) -> set[Grant]:
    """What the viewer's roles are granted, each. Who is signed in without one has what all roles have."""
    rule = RULES[name]
    if viewer.subject and rule.is_of_all_roles:
        return {"yes"}
    return {rule.public, *(getattr(rule, role.lower()) for role in viewer.roles)}


def allows(
    viewer: Viewer,
    name: str,
    *,
    student_id: ObjectId | None = None,
    instructor_ids: Sequence[ObjectId] = (),
) -> bool:
    """Whether the viewer may. student_id, instructor_ids: whose it is."""
    rule = RULES[name]
    if "yes" in grants(viewer, name):
        return True
    is_student = "STUDENT" in viewer.roles and viewer.student_id is not None
    is_instructor = "INSTRUCTOR" in viewer.roles and viewer.instructor_id is not None
    return (rule.student == "own" and is_student and viewer.student_id == student_id) or (
        rule.instructor == "own" and is_instructor and viewer.instructor_id in instructor_ids
    )


def may_own(viewer: Viewer, *names: str) -> bool:
    """Whether it depends on whose something is what the viewer may."""
    return any("own" in grants(viewer, name) for name in names)


def require_role(viewer: Viewer, name: str) -> None:
    """Raises RefusedError for a viewer none of whose roles may, whosever it is."""
    if grants(viewer, name) == {"no"}:
        raise _refusal(viewer)


def require(
    viewer: Viewer,
    name: str,
    *,
    student_id: ObjectId | None = None,
    instructor_ids: Sequence[ObjectId] = (),
) -> None:
    """Raises RefusedError for a viewer who may not."""
    if not allows(viewer, name, student_id=student_id, instructor_ids=instructor_ids):
        raise _refusal(viewer)


def _refusal(viewer: Viewer) -> Exception:
    if not viewer.subject:
        return refusal("UNAUTHENTICATED", "Sign in first.")
    return refusal("FORBIDDEN", "You may not do this.")


def as_student(viewer: Viewer, name: str) -> ObjectId | None:
    """The viewer as a student; None where they may not, or are none."""
    return viewer.student_id if allows(viewer, name, student_id=viewer.student_id) else None


def as_instructor(viewer: Viewer, name: str) -> ObjectId | None:
    """The viewer as one who teaches; None where they may not, or don't."""
    own = viewer.instructor_id
    return own if own is not None and allows(viewer, name, instructor_ids=[own]) else None


def course_statuses(viewer: Viewer) -> Sequence[CourseStatus]:
    """Of the courses of a list, whoever teaches them."""
    return ANY_COURSE if "yes" in grants(viewer, "Course.draft") else PUBLISHED


def review_statuses(viewer: Viewer) -> Sequence[ReviewStatus]:
    """Of the reviews of a list, whoever wrote them."""
    return _ANY_REVIEW if "yes" in grants(viewer, "Review.unpublished") else PUBLISHED


def sees_course(viewer: Viewer, course: CourseDoc, owners: Owners = NOBODY) -> bool:
    return course["status"] == "PUBLISHED" or _sees_draft(viewer, owners)


def sees_course_run(viewer: Viewer, run: CourseRunDoc, owners: Owners) -> bool:
    """A run is hidden with its course."""
    return owners.course_status == "PUBLISHED" or _sees_draft(viewer, owners)


def sees_review(viewer: Viewer, review: ReviewDoc, owners: Owners) -> bool:
    """A review is hidden with its course; who wrote it sees it."""
    shown = review["status"] == "PUBLISHED" and (
        owners.course_status == "PUBLISHED" or _sees_draft(viewer, owners)
    )
    return shown or allows(viewer, "Review.unpublished", student_id=owners.student_id)


def _sees_draft(viewer: Viewer, owners: Owners) -> bool:
    return allows(viewer, "Course.draft", instructor_ids=owners.instructor_ids)


def sees_enrollment(viewer: Viewer, enrollment: EnrollmentDoc, owners: Owners = NOBODY) -> bool:
    """By its ID."""
    return allows(
        viewer, "Enrollment", student_id=enrollment["studentId"], instructor_ids=owners.instructor_ids
    )


def sees_enrollments(viewer: Viewer, course: CourseDoc) -> bool:
    return allows(viewer, "Course.enrollments", instructor_ids=course["instructorIds"])


def sees_email(viewer: Viewer, student: StudentDoc) -> bool:
    return allows(viewer, "Student.email", student_id=student["_id"])


def sees_enrollments_of(viewer: Viewer, student: StudentDoc) -> bool:
    return allows(viewer, "Student.enrollments", student_id=student["_id"])


def sees_students(viewer: Viewer) -> bool:
    """The list of all; one student is found from a review."""
    return allows(viewer, "Query.students")


def sees_audit_log(viewer: Viewer) -> bool:
    return allows(viewer, "Query.auditLog")


def sees_audit_entry(viewer: Viewer, entry: AuditDoc, owners: Owners = NOBODY) -> bool:
    """By its ID: nobody's but the staff's, whoever wrote."""
    return sees_audit_log(viewer)

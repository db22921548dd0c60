"""Permission checks: the only functions that evaluate the rules in resolvers/access/rules.py.

Anything that a viewer is not allowed to see is absent from the response, and never causes an error. Anything
that they are not allowed to do is refused with a reason.
"""

from collections.abc import Sequence
from typing import Any, get_args

from bson import ObjectId

from loaders.collections import COLLECTIONS
from loaders.model import CourseDoc, CourseStatus, ReviewStatus, StudentDoc
from loaders.mongo import Fields
from loaders.reading import NO_OWNERS, Owners
from resolvers.access.rules import RULES, Grant
from resolvers.context import Viewer
from resolvers.errors import refusal

PUBLISHED: Sequence[Any] = ("PUBLISHED",)  # Any, because PUBLISHED is both a CourseStatus and a ReviewStatus
ANY_COURSE: Sequence[CourseStatus] = get_args(CourseStatus)
_ANY_REVIEW: Sequence[ReviewStatus] = get_args(ReviewStatus)


def has_rule(name: str) -> bool:
    """Returns whether the table of permissions has a rule with this name."""
    return name in RULES


def grants(viewer: Viewer, name: str) -> set[Grant]:
    """Returns what a permission grants the public and each of the viewer's roles: "yes", "own" or "no".

    A permission that all roles have is also granted to a viewer who is signed in without a role.
    """
    rule = RULES[name]
    if viewer.subject and rule.is_granted_to_all_roles:
        return {"yes"}
    return {rule.public, *(getattr(rule, role.lower()) for role in viewer.roles)}


def allows(
    viewer: Viewer,
    name: str,
    *,
    student_id: ObjectId | None = None,
    instructor_ids: Sequence[ObjectId] = (),
) -> bool:
    """Returns whether the viewer has the permission `name`.

    student_id, instructor_ids: the student and the instructors who own the object in question.
    """
    rule = RULES[name]
    if "yes" in grants(viewer, name):
        return True
    is_student = "STUDENT" in viewer.roles and viewer.student_id is not None
    is_instructor = "INSTRUCTOR" in viewer.roles and viewer.instructor_id is not None
    return (rule.student == "own" and is_student and viewer.student_id == student_id) or (
        rule.instructor == "own" and is_instructor and viewer.instructor_id in instructor_ids
    )


def may_own(viewer: Viewer, *names: str) -> bool:
    """Returns whether the viewer has one of these permissions through a grant for their own objects only."""
    return any("own" in grants(viewer, name) for name in names)


def require_role(viewer: Viewer, name: str) -> None:
    """Raises RefusedError unless the viewer has the permission `name`, at least for their own objects."""
    if grants(viewer, name) == {"no"}:
        raise _refusal(viewer)


def require(
    viewer: Viewer,
    name: str,
    *,
    student_id: ObjectId | None = None,
    instructor_ids: Sequence[ObjectId] = (),
) -> None:
    """Raises RefusedError if the viewer lacks the permission `name`. Takes the same arguments as `allows`."""
    if not allows(viewer, name, student_id=student_id, instructor_ids=instructor_ids):
        raise _refusal(viewer)


def _refusal(viewer: Viewer) -> Exception:
    if not viewer.subject:
        return refusal("UNAUTHENTICATED", "Sign in first.")
    return refusal("FORBIDDEN", "You are not allowed to do this.")


def as_student(viewer: Viewer, name: str) -> ObjectId | None:
    """Returns the viewer's student ID, or None if they have no student ID or lack the permission `name`."""
    return viewer.student_id if allows(viewer, name, student_id=viewer.student_id) else None


def as_instructor(viewer: Viewer, name: str) -> ObjectId | None:
    """Returns the viewer's instructor ID if they have one and the permission `name`, otherwise None."""
    instructor_id = viewer.instructor_id
    if instructor_id is None or not allows(viewer, name, instructor_ids=[instructor_id]):
        return None
    return instructor_id


def course_statuses(viewer: Viewer) -> Sequence[CourseStatus]:
    """Returns the course statuses that the viewer may see in lists, regardless of who teaches the course."""
    return ANY_COURSE if "yes" in grants(viewer, "Course.draft") else PUBLISHED


def review_statuses(viewer: Viewer) -> Sequence[ReviewStatus]:
    """Returns the review statuses that the viewer may see in lists, regardless of who wrote the review."""
    return _ANY_REVIEW if "yes" in grants(viewer, "Review.unpublished") else PUBLISHED


def sees(viewer: Viewer, collection: str, document: Fields, owners: Owners = NO_OWNERS) -> bool:
    """Returns whether the viewer may see a document, according to its collection's `seen_by`.

    `seen_by` is declared in loaders/collections.

    owners: what is known about the document's owners and the status of its course.
    """
    row = COLLECTIONS[collection]
    seen_by = row.seen_by
    is_public = not seen_by.nobody and (not seen_by.published or document["status"] == "PUBLISHED")
    if is_public and (not seen_by.with_course or _sees_its_course(viewer, owners)):
        return True
    student_id = document[seen_by.owner] if seen_by.owner else owners.student_id
    return seen_by.rule is not None and allows(
        viewer, seen_by.rule, student_id=student_id, instructor_ids=owners.instructor_ids
    )


def rules_of(collection: str) -> list[str]:
    """Returns the names of the rules that can make non-public documents of a collection visible."""
    seen_by = COLLECTIONS[collection].seen_by
    draft = COLLECTIONS["courses"].seen_by.rule if seen_by.with_course else None
    return [rule for rule in (draft, seen_by.rule) if rule is not None]


def _sees_its_course(viewer: Viewer, owners: Owners) -> bool:
    """Returns whether the viewer may see the document's course.

    A course whose status is unknown counts as unpublished.
    """
    return sees(viewer, "courses", {"status": owners.course_status}, owners)


def sees_enrollments(viewer: Viewer, course: CourseDoc) -> bool:
    return allows(viewer, "Course.enrollments", instructor_ids=course["instructorIds"])


def sees_email(viewer: Viewer, student: StudentDoc) -> bool:
    return allows(viewer, "Student.email", student_id=student["_id"])


def sees_enrollments_of(viewer: Viewer, student: StudentDoc) -> bool:
    return allows(viewer, "Student.enrollments", student_id=student["_id"])


def moderates(viewer: Viewer) -> bool:
    """Returns whether the viewer may look for flagged reviews and search the texts of reviews."""
    return allows(viewer, "moderateReview")


def sees_students(viewer: Viewer) -> bool:
    """Returns whether the viewer may list all students. A single student is visible to everyone."""
    return allows(viewer, "Query.students")


def sees_accounts(viewer: Viewer) -> bool:
    return allows(viewer, "Query.accounts")


def sees_audit_log(viewer: Viewer) -> bool:
    return allows(viewer, "Query.auditLog")

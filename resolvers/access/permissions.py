"""Who may see and do what: the functions that ask the table of resolvers/access/rules.py.

Nothing else decides.

What a viewer may not see is absent, never an error; what they may not do is refused with a reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from bson import ObjectId

from loaders.collections import COLLECTIONS
from loaders.model import CourseDoc, CourseStatus, ReviewStatus, StudentDoc
from loaders.reading import NOBODY, Owners
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


def sees(viewer: Viewer, collection: str, document: Mapping[str, Any], owners: Owners = NOBODY) -> bool:
    """Whether the viewer sees a document of a collection, by its row in loaders/collections.py. owners: whose
    it is, and the status of its course, as far as these are known.
    """
    row = COLLECTIONS[collection]
    seen_by = row.seen_by
    is_shown = not seen_by.nobody and (not seen_by.published or document["status"] == "PUBLISHED")
    if is_shown and (not seen_by.with_course or _sees_its_course(viewer, owners)):
        return True
    student_id = document["studentId"] if "studentId" in row.reads else owners.student_id
    return seen_by.rule is not None and allows(
        viewer, seen_by.rule, student_id=student_id, instructor_ids=owners.instructor_ids
    )


def rules_of(collection: str) -> list[str]:
    """The rules by which the viewer may see more of a collection than everyone."""
    seen_by = COLLECTIONS[collection].seen_by
    draft = COLLECTIONS["courses"].seen_by.rule if seen_by.with_course else None
    return [rule for rule in (draft, seen_by.rule) if rule is not None]


def _sees_its_course(viewer: Viewer, owners: Owners) -> bool:
    if owners.course_status is None:
        return False
    return sees(viewer, "courses", {"status": owners.course_status}, owners)


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

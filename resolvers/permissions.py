"""Who sees what. Each rule is one function; what a viewer may not see is absent, never an error."""

from collections.abc import Sequence
from typing import Any, get_args

from loaders.documents import (
    CourseDoc,
    CourseRunDoc,
    CourseStatus,
    EnrollmentDoc,
    ReviewDoc,
    ReviewStatus,
    StudentDoc,
)
from resolvers.context import Viewer

_PUBLISHED: Sequence[Any] = ("PUBLISHED",)


def is_staff(viewer: Viewer) -> bool:
    return "STAFF" in viewer.roles


def course_statuses(viewer: Viewer) -> Sequence[CourseStatus]:
    """Drafts and archived courses are for staff: the public has no use for what it can't take."""
    return get_args(CourseStatus) if is_staff(viewer) else _PUBLISHED


def review_statuses(viewer: Viewer) -> Sequence[ReviewStatus]:
    """A review that waits for moderation, or was rejected, is for staff."""
    return get_args(ReviewStatus) if is_staff(viewer) else _PUBLISHED


def sees_course(viewer: Viewer, course: CourseDoc) -> bool:
    return course["status"] in course_statuses(viewer)


def sees_course_run(viewer: Viewer, run: CourseRunDoc) -> bool:
    """A run is hidden with its course."""
    return run["courseStatus"] in course_statuses(viewer)


def sees_review(viewer: Viewer, review: ReviewDoc) -> bool:
    """A review is hidden with its course."""
    hidden_course = review["courseStatus"] not in course_statuses(viewer)
    return review["status"] in review_statuses(viewer) and not hidden_course


def sees_students(viewer: Viewer) -> bool:
    """The list of all students is for staff; one student is found from a review."""
    return is_staff(viewer)


def sees_private(viewer: Viewer, student: StudentDoc) -> bool:
    """E-mail and enrolments are the student's own and for staff."""
    return is_staff(viewer) or (viewer.student_id is not None and viewer.student_id == student["_id"])


def sees_enrollments(viewer: Viewer, course: CourseDoc) -> bool:
    """Who is enrolled in a course is for its instructors and for staff."""
    return is_staff(viewer) or (
        viewer.instructor_id is not None and viewer.instructor_id in course["instructorIds"]
    )


def sees_enrollment(viewer: Viewer, enrollment: EnrollmentDoc) -> bool:
    """One enrolment by its ID is the student's own and for staff."""
    own = viewer.student_id is not None and viewer.student_id == enrollment["studentId"]
    return is_staff(viewer) or own

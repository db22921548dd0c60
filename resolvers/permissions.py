"""Who may see and do what: one table, and the functions that ask it.

A field that is not in the table is for everyone. What a viewer may not see is absent, never an error; what
they may not do is refused with a reason.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from bson import ObjectId

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
from resolvers.errors import refusal

#: own: where it is theirs. Of a student what they wrote and took; of an instructor what they teach.
Grant: TypeAlias = Literal["no", "own", "yes"]


class Rule(NamedTuple):
    """What is granted to each role. A viewer with several has the most that one of them has."""

    what: str
    public: Grant
    student: Grant
    instructor: Grant
    staff: Grant


_STAFF_ONLY: tuple[Grant, ...] = ("no", "no", "no", "yes")
_STUDENTS: tuple[Grant, ...] = ("no", "yes", "no", "no")
_OWN_STUDENT: tuple[Grant, ...] = ("no", "own", "no", "yes")
_OWN_COURSE: tuple[Grant, ...] = ("no", "no", "own", "yes")
_SIGNED_IN: tuple[Grant, ...] = ("no", "yes", "yes", "yes")
_EVERYONE: tuple[Grant, ...] = ("yes", "yes", "yes", "yes")

RULES: Mapping[str, Rule] = {
    "Course.draft": Rule("courses that are drafts or archived, and their runs and reviews", *_OWN_COURSE),
    "Course.enrollments": Rule("who is enrolled in a course", *_OWN_COURSE),
    "Review.unpublished": Rule("reviews that are pending or rejected", *_OWN_STUDENT),
    "Student.email": Rule("a student's e-mail address", *_OWN_STUDENT),
    "Student.enrollments": Rule("a student's enrolments", *_OWN_STUDENT),
    "Enrollment": Rule("an enrolment by its ID", *_OWN_STUDENT),
    "Query.students": Rule("the list of all students", *_STAFF_ONLY),
    "Query.auditLog": Rule("the audit log", *_STAFF_ONLY),
    "Query.viewer": Rule("what is the viewer's own: wishlist, reviews, enrolments", *_SIGNED_IN),
    "signUp": Rule("become a student", *_EVERYONE),
    "signIn": Rule("begin a session", *_EVERYONE),
    "refreshSession": Rule("go on with a session", *_EVERYONE),
    "signOut": Rule("end a session", *_EVERYONE),
    "resetPassword": Rule("set a password with a reset link", *_EVERYONE),
    "changePassword": Rule("set another password", *_SIGNED_IN),
    "updateProfile": Rule("change what is said of oneself", *_STUDENTS),
    "createCourse": Rule("make a course", "no", "no", "yes", "yes"),
    "updateCourse": Rule("change a course", *_OWN_COURSE),
    "publishCourse": Rule("put a course into the catalogue", *_OWN_COURSE),
    "archiveCourse": Rule("take a course out of the catalogue", *_OWN_COURSE),
    "createCourseRun": Rule("make a run of a course", *_OWN_COURSE),
    "updateCourseRun": Rule("change a run", *_OWN_COURSE),
    "enroll": Rule("take a place in a course", *_STUDENTS),
    "cancelEnrollment": Rule("give a place up", *_OWN_STUDENT),
    "updateProgress": Rule("say how far a student has come", "no", "own", "own", "yes"),
    "addToWishlist": Rule("remember a course", *_STUDENTS),
    "removeFromWishlist": Rule("no longer remember a course", *_STUDENTS),
    "createReview": Rule("write a review", *_STUDENTS),
    "updateReview": Rule("change a review", "no", "own", "no", "no"),
    "deleteReview": Rule("take a review back", *_OWN_STUDENT),
    "markReviewHelpful": Rule("say that a review helped", *_STUDENTS),
    "replyToReview": Rule("answer a review", *_OWN_COURSE),
    "moderateReview": Rule("decide what becomes of a review", *_STAFF_ONLY),
}

_PUBLISHED: Sequence[Any] = ("PUBLISHED",)


def grants(viewer: Viewer, name: str) -> set[Grant]:
    """What the viewer's roles are granted, each."""
    rule = RULES[name]
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
    teaches = "INSTRUCTOR" in viewer.roles and viewer.instructor_id in instructor_ids
    return (rule.student == "own" and is_student and viewer.student_id == student_id) or (
        rule.instructor == "own" and teaches
    )


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


def course_statuses(viewer: Viewer, *, own: bool = False) -> Sequence[CourseStatus]:
    """Of the courses of a list; own: of the courses that the viewer teaches."""
    granted = grants(viewer, "Course.draft")
    return get_args(CourseStatus) if "yes" in granted or (own and "own" in granted) else _PUBLISHED


def review_statuses(viewer: Viewer) -> Sequence[ReviewStatus]:
    """Of the reviews of a list."""
    return get_args(ReviewStatus) if "yes" in grants(viewer, "Review.unpublished") else _PUBLISHED


def sees_course(viewer: Viewer, course: CourseDoc) -> bool:
    """A viewer who teaches needs the course with its `instructorIds`."""
    return course["status"] == "PUBLISHED" or allows(
        viewer, "Course.draft", instructor_ids=course.get("instructorIds", ())
    )


def sees_course_run(viewer: Viewer, run: CourseRunDoc, course: CourseDoc | None = None) -> bool:
    """A run is hidden with its course."""
    own = course["instructorIds"] if course else ()
    return run["courseStatus"] == "PUBLISHED" or allows(viewer, "Course.draft", instructor_ids=own)


def sees_review(viewer: Viewer, review: ReviewDoc) -> bool:
    """A review is hidden with its course; who wrote it sees it."""
    own = review.get("studentId")
    if own is not None and own == viewer.student_id:
        return True
    shown = review["status"] == "PUBLISHED" or allows(viewer, "Review.unpublished", student_id=own)
    return shown and (review["courseStatus"] == "PUBLISHED" or allows(viewer, "Course.draft"))


def sees_students(viewer: Viewer) -> bool:
    """One student is found from a review."""
    return allows(viewer, "Query.students")


def sees_audit_log(viewer: Viewer) -> bool:
    return allows(viewer, "Query.auditLog")


def sees_private(viewer: Viewer, student: StudentDoc) -> bool:
    """E-mail and enrolments."""
    return allows(viewer, "Student.email", student_id=student["_id"])


def sees_enrollments(viewer: Viewer, course: CourseDoc) -> bool:
    return allows(viewer, "Course.enrollments", instructor_ids=course["instructorIds"])


def sees_enrollment(viewer: Viewer, enrollment: EnrollmentDoc) -> bool:
    """By its ID."""
    return allows(viewer, "Enrollment", student_id=enrollment["studentId"])

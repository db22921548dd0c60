"""The table of permissions that each role is granted. Only resolvers/access/permissions.py evaluates it.

`python -m resolvers.access.rules > docs/permissions.md` generates the documentation of the table.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

#: Whether a role is granted a permission. "own" means only for objects that belong to the viewer.
Grant: TypeAlias = Literal["no", "own", "yes"]


class Rule(NamedTuple):
    """A permission, and whether each role is granted it. A viewer with several roles has the broadest grant.

    action: describes the permission, completing the sentence "the viewer may …".
    """

    action: str
    public: Grant
    student: Grant
    instructor: Grant
    staff: Grant

    @property
    def is_granted_to_all_roles(self) -> bool:
        return self.student == self.instructor == self.staff == "yes"


class Group(NamedTuple):
    """A group of rules that are documented in the same table.

    own: describes which objects the grant "own" covers, for a student and for an instructor.
    rules: the rules, keyed by the name of a field, a mutation, or a kind of document.
    """

    title: str
    own: Mapping[str, str]
    rules: Mapping[str, Rule]


_STAFF: tuple[Grant, ...] = ("no", "no", "no", "yes")
_STUDENTS: tuple[Grant, ...] = ("no", "yes", "no", "no")
_INSTRUCTORS: tuple[Grant, ...] = ("no", "no", "yes", "no")
_OWN: tuple[Grant, ...] = ("no", "own", "no", "no")
_OWN_OR_STAFF: tuple[Grant, ...] = ("no", "own", "no", "yes")
_TAUGHT: tuple[Grant, ...] = ("no", "no", "own", "yes")
_OWN_OR_TAUGHT: tuple[Grant, ...] = ("no", "own", "own", "yes")
_SIGNED_IN: tuple[Grant, ...] = ("no", "yes", "yes", "yes")
_EVERYONE: tuple[Grant, ...] = ("yes", "yes", "yes", "yes")

GROUPS = (
    Group(
        "Courses",
        {"instructor": "courses they teach"},
        {
            "Course.draft": Rule("see drafts and archived courses, with their runs and reviews", *_TAUGHT),
            "Course.enrollments": Rule("see who is enrolled in a course", *_TAUGHT),
            "createCourse": Rule("create a course", "no", "no", "yes", "yes"),
            "updateCourse": Rule("change a course", *_TAUGHT),
            "publishCourse": Rule("publish a course in the catalogue", *_TAUGHT),
            "archiveCourse": Rule("remove a course from the catalogue", *_TAUGHT),
            "createCourseRun": Rule("create a run of a course", *_TAUGHT),
            "updateCourseRun": Rule("change a run", *_TAUGHT),
        },
    ),
    Group(
        "Enrolments",
        {"student": "their own", "instructor": "in courses they teach"},
        {
            "Enrollment": Rule("see an enrolment by its ID", *_OWN_OR_TAUGHT),
            "Student.enrollments": Rule("see the enrolments of a student", *_OWN_OR_STAFF),
            "Course.viewerEnrollment": Rule("see one's own enrolment in a course", *_OWN),
            "enroll": Rule("enrol in a course", *_STUDENTS),
            "cancelEnrollment": Rule("cancel an enrolment", *_OWN_OR_STAFF),
            "updateProgress": Rule("set the progress of a student", *_OWN_OR_TAUGHT),
        },
    ),
    Group(
        "Reviews",
        {"student": "their own", "instructor": "of courses they teach"},
        {
            "Review.unpublished": Rule("see reviews that are pending or rejected", *_OWN_OR_STAFF),
            "Course.viewerReview": Rule("see one's own review of a course", *_OWN),
            "Course.viewerCanReview": Rule("see whether one can review a course", *_OWN),
            "Review.viewerFoundHelpful": Rule("see whether one marked a review as helpful", *_OWN),
            "createReview": Rule("write a review", *_STUDENTS),
            "updateReview": Rule("change a review", *_OWN),
            "deleteReview": Rule("delete a review", *_OWN_OR_STAFF),
            "markReviewHelpful": Rule("mark a review as helpful", *_STUDENTS),
            "replyToReview": Rule("reply to a review", *_TAUGHT),
            "moderateReview": Rule("set the moderation status of a review", *_STAFF),
        },
    ),
    Group(
        "People",
        {"student": "their own"},
        {
            "Query.viewer": Rule("see oneself as the viewer", *_SIGNED_IN),
            "Viewer.roles": Rule("see one's own roles", *_SIGNED_IN),
            "Viewer.student": Rule("see oneself as a student", *_STUDENTS),
            "Viewer.instructor": Rule("see oneself as an instructor", *_INSTRUCTORS),
            "Viewer.wishlist": Rule("see one's own wishlist", *_STUDENTS),
            "Student.email": Rule("see a student's e-mail address", *_OWN_OR_STAFF),
            "Query.students": Rule("list all students", *_STAFF),
            "updateProfile": Rule("change one's own profile", *_STUDENTS),
            "addToWishlist": Rule("add a course to one's own wishlist", *_STUDENTS),
            "removeFromWishlist": Rule("remove a course from one's own wishlist", *_STUDENTS),
        },
    ),
    Group(
        "Sessions",
        {},
        {
            "signUp": Rule("create an account as a student", *_EVERYONE),
            "signIn": Rule("start a session", *_EVERYONE),
            "refreshSession": Rule("get new tokens for a session", *_EVERYONE),
            "signOut": Rule("end a session", *_EVERYONE),
            "resetPassword": Rule("set a new password with a reset link", *_EVERYONE),
            "changePassword": Rule("change one's own password", *_SIGNED_IN),
        },
    ),
    Group("The audit log", {}, {"Query.auditLog": Rule("read the audit log: every `AuditEntry`", *_STAFF)}),
)

RULES: Mapping[str, Rule] = {name: rule for group in GROUPS for name, rule in group.rules.items()}

_PREFACE = """\
# Permissions

This page is generated from [resolvers/access/rules.py](../resolvers/access/rules.py), the table that the
gateway enforces, by `.venv/bin/python -m resolvers.access.rules > docs/permissions.md`. The tests in
`tests/permissions` check every cell.

Fields that are not in the tables are open to everyone. A viewer with several roles has the permissions of all
of those roles. A viewer who is signed in but has no role has the permissions that all roles share. If an
access token is expired, forged or issued for another audience, the request is refused with status 401 before
the operation runs, even if the operation selects only fields that are open to everyone.

- Anything that a viewer is not allowed to see is absent from the response: null, false or an empty list.
  There is never an error that would reveal that it exists. Counts, facets and pages cover only what the
  viewer is allowed to see.
- A mutation that the viewer is not allowed to perform is refused in the payload's `errors`, and changes
  nothing. The code is `UNAUTHENTICATED` without a token, `FORBIDDEN` with a token, and `NOT_FOUND` for an
  object that the viewer is not allowed to see.
- If a course is hidden, so are its runs and reviews. Students can still see their own enrolments and reviews,
  and the courses that these belong to, even if a course is archived.
- Instructors can see their drafts and archived courses by ID, by slug, and in the `courses` field of an
  instructor. The catalogue (`courses`, `category.courses`) and the reviews of a student show drafts and
  archived courses only to staff.
"""


def document() -> str:
    """Returns the text of docs/permissions.md."""
    return "\n".join([_PREFACE, *(line for group in GROUPS for line in _section(group))])


def _section(group: Group) -> Iterator[str]:
    yield f"## {group.title}\n"
    yield "| field or mutation | to … | anonymous | student | instructor | staff |"
    yield "|---|---|---|---|---|---|"
    for name, rule in group.rules.items():
        student, instructor = (_cell(getattr(rule, role), role, group) for role in ("student", "instructor"))
        yield f"| `{name}` | {rule.action} | {rule.public} | {student} | {instructor} | {rule.staff} |"
    yield ""


def _cell(grant: Grant, role: str, group: Group) -> str:
    return group.own[role] if grant == "own" else grant


if __name__ == "__main__":
    print(document(), end="")

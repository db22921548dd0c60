"""The table of permissions: what is granted to each role. Only resolvers/access/permissions.py asks it.

`python -m resolvers.access.rules > docs/permissions.md` writes it for people.
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias

#: own: where it is theirs.
Grant: TypeAlias = Literal["no", "own", "yes"]


class Rule(NamedTuple):
    """What is granted to each role. A viewer with several has the most that one of them has."""

    what: str
    public: Grant
    student: Grant
    instructor: Grant
    staff: Grant

    @property
    def is_of_all_roles(self) -> bool:
        return self.student == self.instructor == self.staff == "yes"


class Group(NamedTuple):
    """own: what that is for a student and for an instructor, in words.
    rules: by the name of a field, a mutation, or a kind of document.
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
            "createCourse": Rule("make a course", "no", "no", "yes", "yes"),
            "updateCourse": Rule("change a course", *_TAUGHT),
            "publishCourse": Rule("put a course into the catalogue", *_TAUGHT),
            "archiveCourse": Rule("take a course out of the catalogue", *_TAUGHT),
            "createCourseRun": Rule("make a run of a course", *_TAUGHT),
            "updateCourseRun": Rule("change a run", *_TAUGHT),
        },
    ),
    Group(
        "Taking part",
        {"student": "their own", "instructor": "in courses they teach"},
        {
            "Enrollment": Rule("see an enrolment, by its ID", *_OWN_OR_TAUGHT),
            "Student.enrollments": Rule("see what a student is enrolled in", *_OWN_OR_STAFF),
            "Course.viewerEnrollment": Rule("see one's place in a course", *_OWN),
            "enroll": Rule("take a place in a course", *_STUDENTS),
            "cancelEnrollment": Rule("give a place up", *_OWN_OR_STAFF),
            "updateProgress": Rule("say how far a student has come", *_OWN_OR_TAUGHT),
        },
    ),
    Group(
        "Reviews",
        {"student": "their own", "instructor": "of courses they teach"},
        {
            "Review.unpublished": Rule("see reviews that are pending or rejected", *_OWN_OR_STAFF),
            "Course.viewerReview": Rule("see what one says of a course", *_OWN),
            "Course.viewerCanReview": Rule("see whether one can review a course", *_OWN),
            "Review.viewerFoundHelpful": Rule("see whether one found a review helpful", *_OWN),
            "createReview": Rule("write a review", *_STUDENTS),
            "updateReview": Rule("change a review", *_OWN),
            "deleteReview": Rule("take a review back", *_OWN_OR_STAFF),
            "markReviewHelpful": Rule("say that a review helped", *_STUDENTS),
            "replyToReview": Rule("answer a review", *_TAUGHT),
            "moderateReview": Rule("decide what becomes of a review", *_STAFF),
        },
    ),
    Group(
        "People",
        {"student": "their own"},
        {
            "Query.viewer": Rule("see who one is", *_SIGNED_IN),
            "Viewer.roles": Rule("see what one may be", *_SIGNED_IN),
            "Viewer.student": Rule("see oneself as a student", *_STUDENTS),
            "Viewer.instructor": Rule("see oneself as one who teaches", *_INSTRUCTORS),
            "Viewer.wishlist": Rule("see one's wishlist", *_STUDENTS),
            "Student.email": Rule("see a student's e-mail address", *_OWN_OR_STAFF),
            "Query.students": Rule("list all students", *_STAFF),
            "updateProfile": Rule("change what is said of oneself", *_STUDENTS),
            "addToWishlist": Rule("remember a course", *_STUDENTS),
            "removeFromWishlist": Rule("no longer remember a course", *_STUDENTS),
        },
    ),
    Group(
        "Sessions",
        {},
        {
            "signUp": Rule("become a student", *_EVERYONE),
            "signIn": Rule("begin a session", *_EVERYONE),
            "refreshSession": Rule("go on with a session", *_EVERYONE),
            "signOut": Rule("end a session", *_EVERYONE),
            "resetPassword": Rule("set a password with a reset link", *_EVERYONE),
            "changePassword": Rule("set another password", *_SIGNED_IN),
        },
    ),
    Group("The audit log", {}, {"Query.auditLog": Rule("read who wrote what: every `AuditEntry`", *_STAFF)}),
)

RULES: Mapping[str, Rule] = {name: rule for group in GROUPS for name, rule in group.rules.items()}

_PREFACE = """\
# Permissions

Generated from the table that is enforced, [resolvers/access/rules.py](../resolvers/access/rules.py), by
`python -m resolvers.access.rules > docs/permissions.md`. The tests in `tests/permissions` walk every cell.

A field that is not in the tables is for everyone. Who has several roles may do what one of them may; who is
signed in without a role has what all roles have. A token that is expired, forged or meant for someone else is
refused with 401 before anything is looked at, also where everyone may.

- What a viewer may not see is absent: null, false or an empty list, never an error that tells that it exists.
  Counts, facets and pages are of what the viewer sees.
- What a viewer may not do is refused in the payload's `errors`, and nothing is changed: `UNAUTHENTICATED`
  without a token, `FORBIDDEN` with one, and `NOT_FOUND` where it is about something that they don't see.
- A run or a review is hidden with its course. Students keep what is their own: an enrolment and a review of
  theirs are shown to them with their course, also when it is archived.
- Instructors see their drafts and archived courses by ID and slug, and in the `courses` of an instructor. The
  catalogue (`courses`, `category.courses`) and the reviews of a student have none of them but for staff.
"""


def document() -> str:
    """docs/permissions.md."""
    return "\n".join([_PREFACE, *(line for group in GROUPS for line in _section(group))])


def _section(group: Group) -> Iterator[str]:
    yield f"## {group.title}\n"
    yield "| field or mutation | to … | anonymous | student | instructor | staff |"
    yield "|---|---|---|---|---|---|"
    for name, rule in group.rules.items():
        student, instructor = (_cell(getattr(rule, role), role, group) for role in ("student", "instructor"))
        yield f"| `{name}` | {rule.what} | {rule.public} | {student} | {instructor} | {rule.staff} |"
    yield ""


def _cell(grant: Grant, role: str, group: Group) -> str:
    return group.own[role] if grant == "own" else grant


if __name__ == "__main__":
    print(document(), end="")

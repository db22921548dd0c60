"""The table of permissions that each role is granted. Only resolvers/access/permissions.py evaluates it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

#: Whether a role is granted a permission. "own" means only for objects that belong to the viewer.
Grant: TypeAlias = Literal["no", "own", "yes"]


class Rule(NamedTuple):
    """A permission, with a grant for each role. If a viewer has several roles, the broadest grant applies.

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
            "CourseRun.enrollments": Rule("see who is enrolled in a run", *_TAUGHT),
            "createCourse": Rule("create a course", "no", "no", "yes", "yes"),
            "updateCourse": Rule("change a course", *_TAUGHT),
            "publishCourse": Rule("publish a course in the catalogue", *_TAUGHT),
            "archiveCourse": Rule("remove a course from the catalogue", *_TAUGHT),
            "createCourseRun": Rule("create a run of a course", *_TAUGHT),
            "updateCourseRun": Rule("change a run", *_TAUGHT),
            "cancelCourseRun": Rule("cancel a run", *_STAFF),
            "deleteCourse": Rule("delete a draft that nobody has enrolled in or reviewed", *_STAFF),
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
            "enrollStudent": Rule("enrol a student in a course", *_STAFF),
            "moveEnrollment": Rule("move an enrolment to another run", *_STAFF),
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
            "Review.flagCount": Rule("see how often a review was flagged", *_STAFF),
            "Review.moderationReason": Rule("see the reason for a review's status", *_OWN_OR_STAFF),
            "createReview": Rule("write a review", *_STUDENTS),
            "updateReview": Rule("change a review", *_OWN),
            "deleteReview": Rule("delete a review", *_OWN_OR_STAFF),
            "markReviewHelpful": Rule("mark a review as helpful", *_STUDENTS),
            "replyToReview": Rule("reply to a review", *_TAUGHT),
            "flagReview": Rule("ask moderators to look at a review", *_SIGNED_IN),
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
            "Course.viewerHasWishlisted": Rule("see whether a course is on one's own wishlist", *_STUDENTS),
            "addToWishlist": Rule("add a course to one's own wishlist", *_STUDENTS),
            "removeFromWishlist": Rule("remove a course from one's own wishlist", *_STUDENTS),
        },
    ),
    Group(
        "Accounts",
        {},
        {
            "Query.accounts": Rule("list all accounts, and see an account by its ID", *_STAFF),
            "updateAccount": Rule("change the roles and the status of an account", *_STAFF),
            "eraseStudent": Rule("erase a student with their account", *_STAFF),
            "deleteAccount": Rule("delete one's own account", *_SIGNED_IN),
            "linkAccount": Rule("link an account to a student or instructor", *_STAFF),
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
            "requestPasswordReset": Rule("have a reset link mailed to an account's owner", *_EVERYONE),
            "resendVerification": Rule("have the address of an account verified by a new link", *_EVERYONE),
            "verifyEmail": Rule("verify or change one's own address with a link", *_SIGNED_IN),
            "changeEmail": Rule("have a link mailed to one's own new address", *_SIGNED_IN),
            "Viewer.sessions": Rule("see one's own sessions", *_SIGNED_IN),
            "endSession": Rule("end one of one's own sessions", *_SIGNED_IN),
        },
    ),
    Group(
        "Categories and instructors",
        {"instructor": "their own profile"},
        {
            "createCategory": Rule("create a category", *_STAFF),
            "updateCategory": Rule("change a category", *_STAFF),
            "mergeCategories": Rule("merge a category into another", *_STAFF),
            "deleteCategory": Rule("delete a category without courses", *_STAFF),
            "createInstructor": Rule("create an instructor", *_STAFF),
            "updateInstructor": Rule("change the profile of an instructor", *_TAUGHT),
        },
    ),
    Group("The audit log", {}, {"Query.auditLog": Rule("read the audit log: every `AuditEntry`", *_STAFF)}),
)

RULES: Mapping[str, Rule] = {name: rule for group in GROUPS for name, rule in group.rules.items()}

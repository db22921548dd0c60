"""A valid input for every mutation."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from resolvers.schema import schema
from tests.factories import DAY
from tests.permissions import world
from tests.permissions.world import NOW, PASSWORD, RESET, Value, global_id, refresh_token, session_id

_COURSE, _FRESH = global_id("Course", world.course), global_id("Course", world.fresh)
_RUN = global_id("CourseRun", world.run)
_PLACE = global_id("Enrollment", world.place)
_CATEGORY, _SPARE = global_id("Category", world.web), global_id("Category", world.spare)
_REVIEW, _OWN_REVIEW = global_id("Review", world.review), global_id("Review", world.own_review)
_ACCOUNT = global_id("Account", world.accounts["someone"])
_NEW_PASSWORD = "another horse battery"


class Action(NamedTuple):
    """A mutation under test.

    input: returns the input for an identity. hidden: whether only those with the permission see its object.
    """

    input: Callable[[str], Mapping[str, Value]]
    hidden: bool = False


def _always(*, hidden: bool = False, **values: Value) -> Action:
    return Action(lambda _: values, hidden)


def _to_review(identity: str) -> Mapping[str, Value]:
    """Returns a review of a course that the identity takes and has not reviewed, if there is one."""
    course = world.reviewed if identity == "other student" else world.reviewable
    return {"courseId": global_id("Course", course), "rating": 4, "body": "Good."}


ACTIONS: Mapping[str, Action] = {
    "signUp": _always(name="Eve", email="eve@example.org", password=PASSWORD),
    "signIn": _always(email="cy@example.org", password=PASSWORD),
    "refreshSession": _always(refreshToken=refresh_token("someone")),
    "signOut": _always(refreshToken=refresh_token("someone")),
    "resetPassword": _always(token=RESET, newPassword=_NEW_PASSWORD),
    "changePassword": _always(currentPassword=PASSWORD, newPassword=_NEW_PASSWORD),
    "requestPasswordReset": _always(email="cy@example.org"),
    "resendVerification": _always(email="cy@example.org"),
    "verifyEmail": Action(lambda identity: {"token": f"link of {identity}"}),
    "changeEmail": _always(newEmail="new@example.org", password=PASSWORD),
    "endSession": Action(lambda identity: {"sessionId": session_id(identity)}),
    "updateProfile": _always(bio="Another."),
    "createCourse": _always(title="New"),
    "updateCourse": _always(courseId=_COURSE, summary="Another."),
    "publishCourse": _always(courseId=global_id("Course", world.draft), hidden=True),
    "archiveCourse": _always(courseId=_COURSE),
    "createCourseRun": _always(
        courseId=_COURSE, startsAt=(NOW + 20 * DAY).isoformat(), deliveryMode="ONLINE"
    ),
    "updateCourseRun": _always(runId=_RUN, location="Delhi"),
    "cancelCourseRun": _always(runId=_RUN),
    "enroll": _always(courseId=_FRESH),
    "cancelEnrollment": _always(enrollmentId=_PLACE, hidden=True),
    "updateProgress": _always(enrollmentId=_PLACE, progress=0.75, hidden=True),
    "enrollStudent": _always(studentId=global_id("Student", world.bob), courseId=_FRESH),
    "moveEnrollment": _always(
        enrollmentId=global_id("Enrollment", world.other_place), runId=global_id("CourseRun", world.other_run)
    ),
    "addToWishlist": _always(courseId=_FRESH),
    "removeFromWishlist": _always(courseId=_COURSE),
    "createReview": Action(_to_review),
    "updateReview": _always(reviewId=_OWN_REVIEW, body="Another."),
    "deleteReview": _always(reviewId=_OWN_REVIEW),
    "markReviewHelpful": _always(reviewId=_REVIEW),
    "replyToReview": _always(reviewId=_REVIEW, body="Thank you."),
    "flagReview": _always(reviewId=_REVIEW),
    "moderateReview": _always(reviewId=_REVIEW, status="REJECTED"),
    "deleteCourse": _always(courseId=global_id("Course", world.blank)),
    "createCategory": _always(name="New"),
    "updateCategory": _always(categoryId=_CATEGORY, slug="design"),
    "mergeCategories": _always(fromCategoryId=_CATEGORY, intoCategoryId=_SPARE),
    "deleteCategory": _always(categoryId=_SPARE),
    "createInstructor": _always(name="New"),
    "updateInstructor": _always(instructorId=global_id("Instructor", world.grace), headline="New."),
    "updateAccount": _always(accountId=_ACCOUNT, roles=["STUDENT", "STAFF"], status="DEACTIVATED"),
    "eraseStudent": _always(studentId=global_id("Student", world.dee)),
    "deleteAccount": _always(password=PASSWORD),
    "linkAccount": _always(
        accountId=global_id("Account", world.accounts["staff"]),
        person={"studentId": global_id("Student", world.dee)},
    ),
}


def text(name: str) -> str:
    """Returns the operation, which selects every field of the payload."""
    mutation = schema.mutation_type
    assert mutation is not None
    payload = get_named_type(mutation.fields[name].type)
    assert isinstance(payload, GraphQLObjectType)
    selection = " ".join(
        key if is_leaf_type(get_named_type(field.type)) else f"{key} {{ __typename }}"
        for key, field in payload.fields.items()
        if key != "errors"
    )
    input_type = mutation.fields[name].args["input"].type
    return f"mutation ($input: {input_type}) {{ {name}(input: $input) {{ errors {{ code }} {selection} }} }}"

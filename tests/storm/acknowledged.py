"""The state that the database must have according to all acknowledged writes.

Every write was acknowledged, and nobody else writes a client's own data: so the last acknowledged write
determines each value.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bson import ObjectId

from loaders.model import LIVE_ENROLLMENTS
from resolvers.relay import ids
from tests.storm.log import Ack, Json


@dataclass(slots=True)
class Place:
    """An enrolment.

    joined, left: if it was waitlisted at all, it certainly was between these times. left is None if it was
    not cancelled.
    """

    student: ObjectId
    course: ObjectId
    run: ObjectId | None
    status: str
    joined: float
    progress: float = 0
    left: float | None = None

    def may_be(self) -> set[str]:
        """The possible statuses: a waitlisted student may have moved up."""
        return {self.status, "ACTIVE"} if self.status == "WAITLISTED" else {self.status}


@dataclass(slots=True)
class Expected:
    """The expected state, keyed by ids."""

    places: dict[ObjectId, Place] = field(default_factory=dict)
    reviews: dict[ObjectId, dict[str, Json]] = field(default_factory=dict)
    #: pairs of student and course: refused only at a second try, so the first may have succeeded later
    unsure: set[tuple[ObjectId, ObjectId]] = field(default_factory=set)
    #: pairs of review and student: refused at a second try because the student had been erased meanwhile
    unsure_votes: set[tuple[ObjectId, ObjectId]] = field(default_factory=set)
    #: by review, whoever wrote it: the instructor's reply, and the moderator's status
    replies: dict[ObjectId, str] = field(default_factory=dict)
    statuses: dict[ObjectId, str] = field(default_factory=dict)
    reasons: dict[ObjectId, str] = field(default_factory=dict)
    deleted: set[ObjectId] = field(default_factory=set)
    corrected: set[ObjectId] = field(default_factory=set)  # by their authors
    #: pairs of review and student
    votes: set[tuple[ObjectId, ObjectId]] = field(default_factory=set)
    #: pairs of review and subject
    flags: set[tuple[ObjectId, str]] = field(default_factory=set)
    #: by student
    wishes: dict[ObjectId, list[ObjectId]] = field(default_factory=dict)
    bios: dict[ObjectId, str | None] = field(default_factory=dict)
    #: by run
    seats: dict[ObjectId, int] = field(default_factory=dict)
    #: the students who signed up, by email address; those who have an account
    signed_up: dict[str, ObjectId] = field(default_factory=dict)
    newcomers: dict[str, ObjectId] = field(default_factory=dict)
    #: the number of refreshes of a session, by subject
    refreshed: Counter[str] = field(default_factory=Counter)
    #: the accounts whose address was verified: their ids in hexadecimal
    verified: set[str] = field(default_factory=set)
    #: by email address: the student who has claimed the imported one
    claimed: dict[str, ObjectId] = field(default_factory=dict)
    #: the subjects of each student's writes
    subjects: defaultdict[ObjectId, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: students; those of them who deleted their account, so that what their reviews say stays
    erased: set[ObjectId] = field(default_factory=set)
    anonymous: set[ObjectId] = field(default_factory=set)
    #: by course: its status, and its category
    courses: dict[ObjectId, str] = field(default_factory=dict)
    categorised: dict[ObjectId, ObjectId] = field(default_factory=dict)
    categories: set[ObjectId] = field(default_factory=set)
    #: runs
    cancelled: set[ObjectId] = field(default_factory=set)


def expected_state(acks: Iterable[Ack]) -> Expected:
    """The expected state after some writes, in the order of their acknowledgement."""
    state = Expected()
    for ack in acks:
        if ack.student:
            state.subjects[key(ack.student)].add(ack.subject)
        if is_unsure(ack) and ack.action == "enroll":
            state.unsure.add((key(ack.student), key(ack.input["courseId"])))
        if is_unsure(ack) and ack.action == "markReviewHelpful":
            state.unsure_votes.add((key(ack.input["reviewId"]), key(ack.student)))
        if ack.code:
            continue
        _APPLY[ack.action](state, ack)
    for place in state.places.values():
        if place.run in state.cancelled:
            place.status = "CANCELLED"
    return state


def is_unsure(ack: Ack) -> bool:
    """Returns whether a write may have been done although it was refused.

    Refusals are not recorded under an idempotency key, so the first try can still be under way. If the person
    has been erased, so has the key of a first try that was done.
    """
    is_gone = ack.action in _LATE and ack.code in _GONE
    return ack.code is not None and ack.tries > 1 and (ack.action == "enroll" or is_gone)


def erased_marks(state: Expected, people: Mapping[str, str]) -> set[str]:
    """Returns the marks that must be nowhere. people: see Log."""
    own = {key(student): mark for student, mark in people.items()}
    return {own[student] for student in state.erased}


def key(global_id: str | None) -> ObjectId:
    """The ObjectId of a global ID."""
    decoded = ids.decode_id(global_id or "")
    assert decoded, global_id
    return decoded.id


def _sign_up(state: Expected, ack: Ack) -> None:
    student = key(ack.payload["viewer"]["student"]["id"])
    state.newcomers[ack.input["email"]] = state.signed_up[ack.input["email"]] = student


def _refresh(state: Expected, ack: Ack) -> None:
    state.refreshed[ack.subject] += 1


def _enroll(state: Expected, ack: Ack) -> None:
    place, run = ack.payload["enrollment"], ack.input["runId"]
    state.places[key(place["id"])] = Place(
        key(ack.student), key(ack.input["courseId"]), key(run) if run else None, place["status"], ack.at
    )


def _cancel(state: Expected, ack: Ack) -> None:
    place = state.places[key(ack.input["enrollmentId"])]
    place.status, place.left = "CANCELLED", ack.began


def _progress(state: Expected, ack: Ack) -> None:
    place = state.places[key(ack.input["enrollmentId"])]
    place.progress = ack.input["progress"]
    place.status = "COMPLETED" if place.progress == 1 else "ACTIVE"


def _write_review(state: Expected, ack: Ack) -> None:
    review = state.reviews.setdefault(key(ack.payload["review"]["id"]), {})
    review |= {"rating": ack.input["rating"], "body": ack.input["body"]}
    if ack.action == "updateReview":
        state.corrected.add(key(ack.payload["review"]["id"]))
    else:
        review |= {"studentId": key(ack.student), "courseId": key(ack.input["courseId"])}


def _delete_review(state: Expected, ack: Ack) -> None:
    state.deleted.add(key(ack.input["reviewId"]))


def _vote(state: Expected, ack: Ack) -> None:
    vote = key(ack.input["reviewId"]), key(ack.student)
    (state.votes.add if ack.input["helpful"] else state.votes.discard)(vote)


def _wish(state: Expected, ack: Ack) -> None:
    if key(ack.student) in state.erased:
        return
    wishes, course = state.wishes.setdefault(key(ack.student), []), key(ack.input["courseId"])
    if ack.action == "removeFromWishlist":
        wishes[:] = [wish for wish in wishes if wish != course]
    elif course not in wishes:
        wishes.append(course)


def _profile(state: Expected, ack: Ack) -> None:
    student = key(ack.student)
    state.bios[student] = None if student in state.erased else ack.input["bio"]


def _reply(state: Expected, ack: Ack) -> None:
    state.replies[key(ack.input["reviewId"])] = ack.input["body"]


def _moderate(state: Expected, ack: Ack) -> None:
    state.statuses[key(ack.input["reviewId"])] = ack.input["status"]
    state.reasons[key(ack.input["reviewId"])] = ack.input["reason"]


def _flag(state: Expected, ack: Ack) -> None:
    if key(ack.student) not in state.erased:
        state.flags.add((key(ack.input["reviewId"]), ack.subject))


def _delete_account(state: Expected, ack: Ack) -> None:
    state.anonymous.add(key(ack.student))
    _erase(state, ack, key(ack.student))


def _erase_student(state: Expected, ack: Ack) -> None:
    student = key(ack.input["studentId"])
    _erase(state, ack, student)
    for review in state.reviews.values():
        if review["studentId"] == student:
            review["body"] = ""


def _erase(state: Expected, ack: Ack, student: ObjectId) -> None:
    state.erased.add(student)
    state.bios[student], state.wishes[student] = None, []
    state.newcomers = {email: own for email, own in state.newcomers.items() if own != student}
    subjects = state.subjects[student]
    state.flags = {flag for flag in state.flags if flag[1] not in subjects}
    for place in state.places.values():
        if place.student == student and place.run and place.status in LIVE_ENROLLMENTS:
            place.status, place.left = "CANCELLED", ack.began


def _verify(state: Expected, ack: Ack) -> None:
    state.verified.add(ack.subject)
    student = key(ack.student)
    email = next(email for email, own in state.newcomers.items() if own == student)
    state.claimed[email] = student


def _set_status(state: Expected, ack: Ack) -> None:
    state.courses[key(ack.input["courseId"])] = ack.payload["course"]["status"]


def _categorise(state: Expected, ack: Ack) -> None:
    state.categorised[key(ack.input["courseId"])] = key(ack.input["categoryId"])


def _create_category(state: Expected, ack: Ack) -> None:
    state.categories.add(key(ack.payload["category"]["id"]))


def _merge(state: Expected, ack: Ack) -> None:
    goes, stays = key(ack.input["fromCategoryId"]), key(ack.input["intoCategoryId"])
    state.categories.remove(goes)
    for course in [course for course, category in state.categorised.items() if category == goes]:
        state.categorised[course] = stays


def _cancel_run(state: Expected, ack: Ack) -> None:
    state.cancelled.add(key(ack.input["runId"]))


def _nothing(state: Expected, ack: Ack) -> None: ...


def _set_seats(state: Expected, ack: Ack) -> None:
    if "seats" in ack.input:
        state.seats[key(ack.input["runId"])] = ack.input["seats"]


#: Refusals of somebody who was erased.
_GONE = frozenset(("UNAUTHENTICATED", "CONFLICT"))
#: Writes that are under way when people are erased.
_LATE = frozenset(("updateProfile", "addToWishlist", "markReviewHelpful", "flagReview"))

_APPLY: Mapping[str, Callable[[Expected, Ack], None]] = {
    "signUp": _sign_up,
    "refreshSession": _refresh,
    "enroll": _enroll,
    "cancelEnrollment": _cancel,
    "updateProgress": _progress,
    "createReview": _write_review,
    "updateReview": _write_review,
    "deleteReview": _delete_review,
    "markReviewHelpful": _vote,
    "addToWishlist": _wish,
    "removeFromWishlist": _wish,
    "updateProfile": _profile,
    "replyToReview": _reply,
    "moderateReview": _moderate,
    "updateCourseRun": _set_seats,
    "verifyEmail": _verify,
    "publishCourse": _set_status,
    "archiveCourse": _set_status,
    "updateCourse": _categorise,
    "createCategory": _create_category,
    "mergeCategories": _merge,
    "cancelCourseRun": _cancel_run,
    "createCourseRun": _nothing,
    "requestPasswordReset": _nothing,
    "flagReview": _flag,
    "deleteAccount": _delete_account,
    "eraseStudent": _erase_student,
}

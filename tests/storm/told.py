"""What the acknowledged writes say, all together, that the database must hold.

Every write was acknowledged, and what is a client's own nobody else writes: the last one told how it is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bson import ObjectId

from resolvers.relay import ids
from tests.storm.log import Ack


@dataclass(slots=True)
class Place:
    """An enrolment. joined, left: between these times it waited for sure, if it waited at all; left is None
    where it was not given up.
    """

    student: ObjectId
    course: ObjectId
    run: ObjectId | None
    status: str
    joined: float
    progress: float = 0
    left: float | None = None

    def may_be(self) -> set[str]:
        """Who waits may have moved up."""
        return {self.status, "ACTIVE"} if self.status == "WAITLISTED" else {self.status}


@dataclass(slots=True)
class Told:
    #: by their ids
    places: dict[ObjectId, Place] = field(default_factory=dict)
    reviews: dict[ObjectId, dict[str, Any]] = field(default_factory=dict)
    #: of reviews, of whoever wrote them: what instructors and moderators said
    replies: dict[ObjectId, str] = field(default_factory=dict)
    statuses: dict[ObjectId, str] = field(default_factory=dict)
    deleted: set[ObjectId] = field(default_factory=set)
    #: (review, student)
    votes: set[tuple[ObjectId, ObjectId]] = field(default_factory=set)
    #: of students
    wishes: dict[ObjectId, list[ObjectId]] = field(default_factory=dict)
    bios: dict[ObjectId, str] = field(default_factory=dict)
    #: of runs
    seats: dict[ObjectId, int] = field(default_factory=dict)
    #: e-mail addresses of those who signed up, and their students
    newcomers: dict[str, ObjectId] = field(default_factory=dict)
    #: of subjects, how often they refreshed their session
    refreshed: Counter[str] = field(default_factory=Counter)


def told(acks: Iterable[Ack]) -> Told:
    """By writes that were not refused, in the order in which they were acknowledged."""
    all_of_it = Told()
    for ack in acks:
        _TELLS[ack.action](all_of_it, ack)
    return all_of_it


def key(global_id: str | None) -> ObjectId:
    """The ObjectId of a global ID."""
    decoded = ids.decode_id(global_id or "")
    assert decoded, global_id
    return decoded.id


def _sign_up(it: Told, ack: Ack) -> None:
    it.newcomers[ack.input["email"]] = key(ack.payload["viewer"]["student"]["id"])


def _refresh(it: Told, ack: Ack) -> None:
    it.refreshed[ack.subject] += 1


def _enroll(it: Told, ack: Ack) -> None:
    place, run = ack.payload["enrollment"], ack.input["runId"]
    it.places[key(place["id"])] = Place(
        key(ack.student), key(ack.input["courseId"]), key(run) if run else None, place["status"], ack.at
    )


def _cancel(it: Told, ack: Ack) -> None:
    place = it.places[key(ack.input["enrollmentId"])]
    place.status, place.left = "CANCELLED", ack.began


def _progress(it: Told, ack: Ack) -> None:
    place = it.places[key(ack.input["enrollmentId"])]
    place.progress = ack.input["progress"]
    place.status = "COMPLETED" if place.progress == 1 else "ACTIVE"


def _write_review(it: Told, ack: Ack) -> None:
    review = it.reviews.setdefault(key(ack.payload["review"]["id"]), {})
    review |= {"rating": ack.input["rating"], "body": ack.input["body"]}
    if ack.action == "createReview":
        review |= {"studentId": key(ack.student), "courseId": key(ack.input["courseId"])}


def _delete_review(it: Told, ack: Ack) -> None:
    it.deleted.add(key(ack.input["reviewId"]))


def _vote(it: Told, ack: Ack) -> None:
    vote = key(ack.input["reviewId"]), key(ack.student)
    (it.votes.add if ack.input["helpful"] else it.votes.discard)(vote)


def _wish(it: Told, ack: Ack) -> None:
    wishes, course = it.wishes.setdefault(key(ack.student), []), key(ack.input["courseId"])
    if ack.action == "removeFromWishlist":
        wishes[:] = [wish for wish in wishes if wish != course]
    elif course not in wishes:
        wishes.append(course)


def _profile(it: Told, ack: Ack) -> None:
    it.bios[key(ack.student)] = ack.input["bio"]


def _reply(it: Told, ack: Ack) -> None:
    it.replies[key(ack.input["reviewId"])] = ack.input["body"]


def _moderate(it: Told, ack: Ack) -> None:
    it.statuses[key(ack.input["reviewId"])] = ack.input["status"]


def _set_seats(it: Told, ack: Ack) -> None:
    it.seats[key(ack.input["runId"])] = ack.input["seats"]


_TELLS: Mapping[str, Any] = {
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
}
